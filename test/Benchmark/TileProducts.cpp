//===- TileProducts.cpp - Matrix products on AMX beside a library's -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-bench-tiles
//
// prints, for some products of workloads A and E on one thread, what the
// library and the tiles take (least of many runs, in turns) and their errors
// against f64: the table of docs/rationale/Tiles.md.
//
//===----------------------------------------------------------------------===//

#include "loco-c/kernel.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

namespace {

struct Form {
  int32_t transposeA, transposeB;
  int64_t m, n, k;
};

/// Rows of the result that are held to f64.
constexpr int64_t checkedRows = 32;

class Benchmark {
public:
  explicit Benchmark(const Form &form)
      : form(form), a(draw(form.m * form.k, 1)), b(draw(form.k * form.n, 2)),
        c(form.m * form.n) {}

  void run();

private:
  static std::vector<float> draw(int64_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    std::vector<float> numbers(count);
    for (float &number : numbers)
      number = normal(generator);
    return numbers;
  }

  void multiply(int pieces);
  double measureError() const;

  Form form;
  std::vector<float> a, b, c;
};

} // namespace

/// With the library if there are no pieces.
void Benchmark::multiply(int pieces) {
  const LocoServices &services = *locoKernelServices();
  int64_t lda = form.transposeA ? form.m : form.k,
          ldb = form.transposeB ? form.k : form.n;
  if (pieces == 0)
    services.gemmF32(form.transposeA, form.transposeB, form.m, form.n, form.k,
                     a.data(), lda, b.data(), ldb, 0, c.data(), form.n);
  else
    services.gemmTiles(pieces, form.transposeA, form.transposeB, form.m, form.n,
                       form.k, a.data(), lda, b.data(), ldb, 0, c.data(),
                       form.n);
}

/// Relative 2-norm.
double Benchmark::measureError() const {
  double difference = 0, all = 0;
  for (int64_t i = 0; i < std::min(checkedRows, form.m); ++i)
    for (int64_t j = 0; j < form.n; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < form.k; ++p)
        sum += double(form.transposeA ? a[p * form.m + i] : a[i * form.k + p]) *
               (form.transposeB ? b[j * form.k + p] : b[p * form.n + j]);
      double found = c[i * form.n + j];
      difference += (found - sum) * (found - sum);
      all += sum * sum;
    }
  return std::sqrt(difference / all);
}

void Benchmark::run() {
  // The library, then as many pieces as the accuracy falls.
  const int kinds[] = {0, 3, 2, 1};
  double least[4] = {1e9, 1e9, 1e9, 1e9}, error[4];
  double operations = 2.0 * form.m * form.n * form.k;
  int repetitions = std::clamp(static_cast<int>(1e10 / operations), 5, 500);
  for (int i = 0; i < repetitions; ++i)
    for (int kind = 0; kind < 4; ++kind) {
      auto begin = std::chrono::steady_clock::now();
      multiply(kinds[kind]);
      std::chrono::duration<double> taken =
          std::chrono::steady_clock::now() - begin;
      least[kind] = std::min(least[kind], taken.count());
      if (i == 0)
        error[kind] = measureError();
    }
  std::printf("| %ld x %ld x %ld%s%s |", long(form.m), long(form.n),
              long(form.k), form.transposeA ? ", left transposed" : "",
              form.transposeB ? ", right transposed" : "");
  for (int kind = 0; kind < 4; ++kind)
    std::printf(" %.0f, %.1e |", operations / least[kind] * 1e-9, error[kind]);
  std::printf("\n");
}

int main() {
  if (!locoKernelHasTiles()) {
    std::fprintf(stderr, "error: this processor has no AMX\n");
    return 1;
  }
  for (const Form &form :
       {Form{0, 0, 2304, 1296, 784}, Form{0, 1, 1152, 784, 1296},
        Form{1, 0, 784, 1296, 2304}, Form{1, 0, 5184, 784, 1152},
        Form{1, 0, 256, 256, 1024}, Form{0, 0, 64, 256, 512}})
    Benchmark(form).run();
}
