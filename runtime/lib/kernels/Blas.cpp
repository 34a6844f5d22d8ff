//===- Blas.cpp - Opening a BLAS at run time ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/kernels/Blas.h"

#include <cstdlib>
#include <dlfcn.h>

namespace {

// The Fortran interface, which every BLAS has, in whatever language:
// column-major, everything by address.
template <typename T>
using FortranGemm = void (*)(const char *transA, const char *transB,
                             const int *m, const int *n, const int *k,
                             const T *alpha, const T *a, const int *lda,
                             const T *b, const int *ldb, const T *beta, T *c,
                             const int *ldc);

FortranGemm<float> sgemm;
FortranGemm<double> dgemm;

template <typename T>
FortranGemm<T> &fortranGemm();
template <>
FortranGemm<float> &fortranGemm<float>() {
  return sgemm;
}
template <>
FortranGemm<double> &fortranGemm<double>() {
  return dgemm;
}

/// Row-major c = a b is column-major c' = b' a'.
template <typename T>
void callGemm(int32_t transposeA, int32_t transposeB, int64_t m, int64_t n,
              int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb,
              T beta, T *c, int64_t ldc) {
  // Longer than an int can say: a block of rows at a time.
  constexpr int64_t most = int64_t(1) << 30;
  const T one = 1;
  for (int64_t first = 0; first < m; first += most) {
    int rows = static_cast<int>(m - first < most ? m - first : most);
    int columns = static_cast<int>(n), inner = static_cast<int>(k);
    int aPitch = static_cast<int>(lda), bPitch = static_cast<int>(ldb),
        cPitch = static_cast<int>(ldc);
    fortranGemm<T>()(transposeB ? "T" : "N", transposeA ? "T" : "N", &columns,
                     &rows, &inner, &one, b, &bPitch,
                     transposeA ? a + first : a + first * lda, &aPitch, &beta,
                     c + first * ldc, &cPitch);
  }
}

/// What a library says of itself.
std::string describe(void *library, const char *file, bool &slow) {
  if (auto config = reinterpret_cast<char *(*)()>(
          dlsym(library, "openblas_get_config"))) {
    slow = false;
    return std::string(file) + " (" + config() + ")";
  }
  if (dlsym(library, "MKL_Get_Version_String") ||
      dlsym(library, "bli_info_get_version_str")) {
    slow = false;
    return file;
  }
  slow = true;
  return std::string(file) + " (reference BLAS, slow; install `libopenblas0`)";
}

loco::Blas open() {
  const char *asked = std::getenv("LOCO_BLAS");
  const char *candidates[] = {"libopenblas.so.0", "libblis.so.4",
                              "libmkl_rt.so.2", "libblas.so.3"};
  auto attempt = [](const char *file, loco::Blas &blas) {
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library)
      return false;
    sgemm = reinterpret_cast<FortranGemm<float>>(dlsym(library, "sgemm_"));
    dgemm = reinterpret_cast<FortranGemm<double>>(dlsym(library, "dgemm_"));
    if (!sgemm || !dgemm) {
      dlclose(library);
      return false;
    }
    // One thread: ours already use every core.
    for (const char *name : {"openblas_set_num_threads", "MKL_Set_Num_Threads"})
      if (auto set = reinterpret_cast<void (*)(int)>(dlsym(library, name)))
        set(1);
    blas.name = describe(library, file, blas.slow);
    blas.gemmF32 = callGemm<float>;
    blas.gemmF64 = callGemm<double>;
    return true;
  };
  loco::Blas blas;
  std::string file = asked ? asked : "";
  if (!file.empty() && file != "own" && attempt(asked, blas))
    return blas;
  if (file.empty())
    for (const char *candidate : candidates)
      if (attempt(candidate, blas))
        return blas;
  blas.gemmF32 = loco::ownGemm<float>;
  blas.gemmF64 = loco::ownGemm<double>;
  blas.name = "loco's own matrix product, slow; install `libopenblas0`";
  blas.slow = true;
  return blas;
}

} // namespace

const loco::Blas &loco::Blas::process() {
  static const Blas blas = open();
  return blas;
}
