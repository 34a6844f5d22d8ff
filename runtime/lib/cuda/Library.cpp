//===- Library.cpp - cuBLAS, opened when it is needed ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Library.h"

#include <climits>
#include <cstdlib>
#include <dlfcn.h>

using namespace loco;
using namespace loco::cuda;

/// Where a toolkit has its libraries, if they are not on the library path.
static std::vector<std::string> toolkitFolders() {
  std::vector<std::string> folders;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char *root = std::getenv(variable); root && *root)
      folders.push_back(std::string(root) + "/lib64");
  folders.push_back("/usr/local/cuda/lib64");
  return folders;
}

Expected<void *> loco::cuda::openLibrary(const std::string &name,
                                         const char *variable,
                                         std::vector<std::string> files) {
  auto driver = openDriver();
  if (!driver)
    return driver.error();
  const char *named = std::getenv(variable);
  if (named && *named) {
    files = {named};
  } else if ((*driver)->isEmulated) {
    // NVIDIA's are large, and know their own devices only.
    return Error{"there is no " + name + " for the driver at hand"};
  } else {
    std::vector<std::string> folders = toolkitFolders();
    for (size_t i = 0, count = files.size(); i < count; ++i)
      for (const std::string &folder : folders)
        files.push_back(folder + "/" + files[i]);
  }
  void *found = nullptr;
  for (const std::string &file : files)
    if (!found)
      found = dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (!found)
    return Error{"there is no " + name + ": `" + files.front() +
                 "` cannot be opened"};
  bool isEmulated = dlsym(found, "locoEmulatedLibrary") != nullptr;
  if (isEmulated != (*driver)->isEmulated)
    return Error{"there is no " + name + " for the driver at hand"};
  return found;
}

Expected<const Library *> Library::open() {
  static Expected<Library> library = []() -> Expected<Library> {
    auto found = openLibrary("cuBLAS", "LOCO_CUBLAS",
                             {"libcublas.so.13", "libcublas.so.12"});
    if (!found)
      return found.error();
    Library made;
#define LOCO_CUBLAS(member, symbol, parameters)                                \
  made.member =                                                                \
      reinterpret_cast<decltype(made.member)>(dlsym(*found, #symbol));         \
  if (!made.member)                                                            \
    return Error{"cuBLAS is too old: it has no `" #symbol "`"};
#include "LibraryApi.def"
#undef LOCO_CUBLAS
    return made;
  }();
  if (!library)
    return library.error();
  return &*library;
}

bool loco::hasCudaLibrary(std::string &why) {
  auto library = Library::open();
  if (!library)
    why = library.message();
  return bool(library);
}

int64_t Library::workspaceBytes(const Device &device) {
  // As NVIDIA recommends.
  return int64_t(device.facts().capability < 90 ? 4 : 32) << 20;
}

static Status check(int error, const std::string &what) {
  if (error == 0)
    return {};
  return Error{what + ": cuBLAS status " + std::to_string(error)};
}

Status Library::start(Device &device) const {
  if (handle)
    return {};
  void *made = nullptr;
  if (Status failed = check(create(&made), "cuBLAS does not start"))
    return failed;
  int error = setMathMode(made, cublas::defaultMath);
  if (error == 0)
    error = setStream(made, device.computeStream());
  if (Status failed = check(error, "cuBLAS cannot be set up"))
    return failed;
  handle = made;
  return {};
}

/// Tells the library where it works. A workspace that it takes itself could
/// not be part of a graph.
Status Library::useWorkspace(const Workspace &wanted) const {
  if (workspace == wanted)
    return {};
  workspace = wanted;
  return check(
      setWorkspace(handle, wanted.address, static_cast<size_t>(wanted.bytes)),
      "cuBLAS takes no memory");
}

Status Library::multiply(Device &device, const CudaProduct &product,
                         int64_t rows, uint64_t left, uint64_t right,
                         uint64_t out, const Workspace &workspace) const {
  if (Status failed = start(device))
    return failed;
  if (Status failed = useWorkspace(workspace))
    return failed;
  if (rows > INT_MAX)
    return Error{"a product of " + std::to_string(rows) +
                 " rows is too large for cuBLAS; lower the batch"};
  // Rows of ours are columns of theirs: all matrices are theirs transposed.
  auto count = static_cast<int>(rows), inner = static_cast<int>(product.inner),
       outer = static_cast<int>(product.outer);
  auto call = [&](auto function, auto one, auto zero) {
    if (product.isOuter)
      return function(handle, cublas::asIs, cublas::transposed, outer, inner,
                      count, &one, right, outer, left, inner, &zero, out,
                      outer);
    return function(
        handle, product.isTransposed ? cublas::transposed : cublas::asIs,
        cublas::asIs, outer, count, inner, &one, right,
        product.isTransposed ? inner : outer, left, inner, &zero, out, outer);
  };
  return check(product.type == ElementType::F64 ? call(dgemm, 1.0, 0.0)
                                                : call(sgemm, 1.0f, 0.0f),
               "a product cannot be started");
}
