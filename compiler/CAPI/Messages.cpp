//===- Messages.cpp - Versions, messages and threads of the C API ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/CAPI/Handles.h"

using namespace loco;

/// More threads than any machine has: a slip, not a wish.
static constexpr int32_t maxThreads = 4096;

int locoGetVersion(void) { return LOCO_C_VERSION; }

const char *locoGetVersionText(void) { return LOCO_VERSION; }

const char *locoGetStatusName(LocoStatus status) {
#define LOCO_STATUS(name)                                                      \
  case name:                                                                   \
    return #name;
  switch (status) {
    LOCO_STATUS(LOCO_OK)
    LOCO_STATUS(LOCO_INVALID_ARGUMENT)
    LOCO_STATUS(LOCO_COMPILE_ERROR)
    LOCO_STATUS(LOCO_UNKNOWN_NAME)
    LOCO_STATUS(LOCO_SHAPE_MISMATCH)
    LOCO_STATUS(LOCO_TYPE_MISMATCH)
    LOCO_STATUS(LOCO_OUT_OF_RANGE)
    LOCO_STATUS(LOCO_MISSING_INPUT)
    LOCO_STATUS(LOCO_NOT_STARTED)
    LOCO_STATUS(LOCO_UNSUPPORTED)
    LOCO_STATUS(LOCO_FILE_ERROR)
    LOCO_STATUS(LOCO_OUT_OF_MEMORY)
    LOCO_STATUS(LOCO_BUSY)
    LOCO_STATUS(LOCO_EXECUTION_ERROR)
  }
#undef LOCO_STATUS
  return "unknown status";
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

LocoStatus loco::answer(LocoMessage *message, LocoStatus status,
                        const std::string &text) {
  if (!message)
    return status;
  try {
    message->text = text;
  } catch (const std::bad_alloc &) {
    message->text.clear();
  }
  return status;
}

LocoMessage *locoCreateMessage(void) { return new (std::nothrow) LocoMessage; }

void locoDestroyMessage(LocoMessage *message) { delete message; }

const char *locoGetMessageText(const LocoMessage *message) {
  return message ? message->text.c_str() : "";
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

LocoStatus locoCreateThreadPool(int32_t count, LocoThreadPool **pool,
                                LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"pool", pool}}))
      return failed;
    if (count < 0 || count > maxThreads)
      return {LOCO_OUT_OF_RANGE, "there cannot be " + std::to_string(count) +
                                     " threads in a pool"};
    *pool = new LocoThreadPool{std::make_shared<ThreadPool>(count)};
    return {};
  });
}

LocoStatus locoCreateThreadPoolFrom(const LocoThreads *threads,
                                    LocoThreadPool **pool,
                                    LocoMessage *message) {
  return protect(message, [&]() -> Outcome {
    if (Outcome failed = checkPointers({{"threads", threads}, {"pool", pool}}))
      return failed;
    if (!threads->run)
      return {LOCO_INVALID_ARGUMENT, "the threads have no function `run`"};
    if (threads->count < 1 || threads->count > maxThreads)
      return {LOCO_OUT_OF_RANGE, "there cannot be " +
                                     std::to_string(threads->count) +
                                     " threads in a pool"};
    *pool = new LocoThreadPool{std::make_shared<ThreadPool>(*threads)};
    return {};
  });
}

void locoDestroyThreadPool(LocoThreadPool *pool) { delete pool; }
