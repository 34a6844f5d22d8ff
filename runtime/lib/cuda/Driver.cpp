//===- Driver.cpp - The CUDA driver, opened when it is needed -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <iterator>

using namespace loco;
using namespace loco::cuda;

/// The first driver that knows what sm_90 and PTX 8.0 are.
static constexpr int oldestVersion = 12000;

std::string Driver::describe(int error) const {
  const char *name = nullptr, *text = nullptr;
  if (getErrorName(error, &name) != 0 || !name)
    return "CUDA error " + std::to_string(error);
  getErrorString(error, &text);
  return std::string(name) + (text ? ": " + std::string(text) : "");
}

static bool losesDevice(int error) {
  return std::find(std::begin(errorsThatLoseDevice),
                   std::end(errorsThatLoseDevice),
                   error) != std::end(errorsThatLoseDevice);
}

Status Driver::check(int error, const std::string &what) const {
  if (error == 0)
    return {};
  return Error{what + ": " + describe(error) +
               (losesDevice(error) ? "; the device is lost to this process, "
                                     "what was written before is kept"
                                   : "")};
}

static std::string versionText(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

static Expected<Driver> open() {
  const char *named = std::getenv("LOCO_CUDA_DRIVER");
  std::string file = named && *named ? named : "libcuda.so.1";
  void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return Error{"there is no CUDA driver: `" + file +
                 "` cannot be opened; install NVIDIA's driver or write "
                 "`--target cpu`"};
  Driver driver;
#define LOCO_CUDA(member, symbol, parameters)                                  \
  driver.member =                                                              \
      reinterpret_cast<decltype(driver.member)>(dlsym(library, #symbol));      \
  if (!driver.member)                                                          \
    return Error{"the CUDA driver `" + file +                                  \
                 "` is too old: it has no `" #symbol                           \
                 "`; install a newer one or write `--target cpu`"};
#include "DriverApi.def"
#undef LOCO_CUDA
  driver.isEmulated = dlsym(library, "locoEmulatedDevice") != nullptr;
  if (driver.driverGetVersion(&driver.version) == 0 &&
      driver.version < oldestVersion)
    return Error{"the CUDA driver is too old: it is of CUDA " +
                 versionText(driver.version) + ", " +
                 versionText(oldestVersion) +
                 " is needed; install a newer one or write `--target cpu`"};
  if (int error = driver.init(0)) {
    if (error == errorNoDevice)
      return Error{"the CUDA driver finds no device; write `--target cpu`"};
    return Error{"the CUDA driver does not start: " + driver.describe(error)};
  }
  int count = 0;
  if (driver.deviceGetCount(&count) != 0 || count == 0)
    return Error{"the CUDA driver finds no device; write `--target cpu`"};
  return driver;
}

Expected<const Driver *> loco::cuda::openDriver() {
  static Expected<Driver> driver = open();
  if (!driver)
    return driver.error();
  return &*driver;
}
