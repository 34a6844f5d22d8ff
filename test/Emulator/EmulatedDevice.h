//===- EmulatedDevice.h - The device of the emulated driver -----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TEST_EMULATOR_EMULATEDDEVICE_H
#define TEST_EMULATOR_EMULATEDDEVICE_H

#include "test/Emulator/Emulator.h"

#include <deque>
#include <functional>

namespace loco::emulation {

/// Answers of the driver's functions.
enum Result {
  ok = 0,
  invalidValue = 1,
  outOfMemory = 2,
  invalidImage = 200,
  notFound = 500,
  illegalAddress = 700,
  launchFailed = 719,
  tooLargeForCooperation = 720,
  otherDriver = 803,
  captureInvalidated = 901,
};

struct LoadedModule {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::unique_ptr<EmulatedModule> kernels;
};

struct Function {
  LoadedModule *module;
  std::string name;
  unsigned arguments;
};

struct Graph;

/// Work that is done as late as it may be: when somebody waits for it.
struct Stream {
  /// In the order in which streams are made.
  int number = 0;
  std::deque<std::function<int()>> work;
  int64_t given = 0, done = 0;
  /// What is recorded instead of being given.
  Graph *recording = nullptr;

  void give(std::function<int()> piece);
  /// Does what was given up to `last`.
  int wait(int64_t last);
};

struct Event {
  Stream *stream = nullptr;
  int64_t position = 0;
};

/// The one device, and its context.
struct Device {
  std::map<uint64_t, std::unique_ptr<char[]>> memory;
  std::map<uint64_t, int64_t> bytes;
  int64_t used = 0, launches = 0;
  int streams = 0;
  /// What every call answers once a kernel went wrong, and why.
  int error = ok;
  std::string reason;
  /// Handles; they live as long as the process.
  std::vector<std::unique_ptr<Function>> functions;

  /// Marks the device as lost.
  int fail(int error, const std::string &reason);
  /// True if the bytes are of one allocation.
  bool isInside(uint64_t address, size_t bytes) const;
};

Device &getDevice();

/// The number that an environment variable sets.
int64_t getSetting(const char *name, int64_t otherwise);

/// Adds a line to the file that EMULATED_CUDA_TRACE names, if it names one: what
/// the driver was asked for.
void note(const std::string &line);

/// Blocks that are on the device at the same time, at most.
int64_t blocksAtATime();

} // namespace loco::emulation

#endif // TEST_EMULATOR_EMULATEDDEVICE_H
