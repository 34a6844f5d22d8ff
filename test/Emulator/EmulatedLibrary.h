//===- EmulatedLibrary.h - Libraries for the emulated device ----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a stand-in for a library of NVIDIA's needs of the emulated driver, which
// the process has opened before it.
//
//===----------------------------------------------------------------------===//

#ifndef TEST_EMULATOR_EMULATEDLIBRARY_H
#define TEST_EMULATOR_EMULATEDLIBRARY_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <functional>

namespace loco::emulation {

/// What the emulated driver offers to a library.
struct DriverServices {
  /// Gives work to a stream, which does it when it comes to it.
  int (*give)(void *stream, const std::function<int()> &work) = nullptr;
  /// True if the bytes are of one allocation.
  int (*isInside)(uint64_t address, size_t bytes) = nullptr;
};

inline const DriverServices &getDriver() {
  static DriverServices driver = [] {
    DriverServices found;
    const char *name = std::getenv("LOCO_CUDA_DRIVER");
    void *library = name ? dlopen(name, RTLD_NOW | RTLD_NOLOAD) : nullptr;
    if (library) {
      found.give = reinterpret_cast<decltype(found.give)>(
          dlsym(library, "locoEmulatedGive"));
      found.isInside = reinterpret_cast<decltype(found.isInside)>(
          dlsym(library, "locoEmulatedIsInside"));
    }
    return found;
  }();
  return driver;
}

} // namespace loco::emulation

/// Says that the library knows the emulated device only.
extern "C" {
inline char locoEmulatedLibrary __attribute__((used)) = 1;
}

#endif // TEST_EMULATOR_EMULATEDLIBRARY_H
