//===- BuiltinSource.cpp - What the sources of loco share -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"

#include <cstdio>
#include <new>

using namespace loco;
using namespace loco::data;

static size_t bytesOfType(int32_t type) {
  return type == LOCO_DATA_F64 ? 8 : 4;
}

size_t loco::data::bytesOfSample(const LocoDataField &field, int64_t steps) {
  size_t bytes = bytesOfType(field.type);
  for (int32_t axis = 0; axis < field.rank; ++axis)
    bytes *= static_cast<size_t>(field.shape[axis]);
  return field.perStep == LOCO_DATA_PER_STEP
             ? bytes * static_cast<size_t>(steps)
             : bytes;
}

static int32_t codeOf(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return LOCO_DATA_F32;
  case ElementType::F64:
    return LOCO_DATA_F64;
  case ElementType::I32:
    return LOCO_DATA_I32;
  }
  return -1;
}

void BuiltinSource::declare(std::vector<DataField> newFields, int64_t steps,
                            int64_t samples) {
  fields = std::move(newFields);
  numSamples = samples;
  for (const DataField &field : fields) {
    describedFields.push_back({field.name.c_str(), codeOf(field.type),
                               static_cast<int32_t>(field.perStep),
                               field.shape.data(),
                               static_cast<int32_t>(field.shape.size()),
                               static_cast<int32_t>(field.classes)});
    sampleBytes.push_back(bytesOfSample(describedFields.back(), steps));
  }
  described = {describedFields.data(),
               static_cast<int32_t>(describedFields.size()), steps};
}

Status BuiltinSource::readRange(uint64_t first, int64_t count,
                                void *const *buffers) {
  std::vector<void *> current(buffers, buffers + fields.size());
  for (int64_t i = 0; i < count; ++i) {
    if (Status failed =
            readSample(first + static_cast<uint64_t>(i), current.data()))
      return failed;
    for (size_t field = 0; field < current.size(); ++field)
      if (current[field])
        current[field] =
            static_cast<char *>(current[field]) + sampleBytes[field];
  }
  return {};
}

/// Copies a message into the caller's memory, cut if it must be.
static int report(const std::string &text, char *message, size_t size) {
  std::snprintf(message, size, "%s", text.c_str());
  return 1;
}

/// Runs what may fail; nothing is thrown through C.
template <typename Body>
static int guarded(char *message, size_t size, Body body) {
  try {
    if (Status failed = body())
      return report(failed.message(), message, size);
    return 0;
  } catch (const std::bad_alloc &) {
    return report("out of memory", message, size);
  }
}

static int openBuiltin(void *context, const LocoDataOption *call, uint64_t seed,
                       void **source, char *message, size_t messageBytes) {
  return guarded(message, messageBytes, [&]() -> Status {
    Expected<std::unique_ptr<BuiltinSource>> made =
        (*static_cast<const Maker *>(context))(*call, seed);
    if (!made)
      return made.error();
    *source = builtinHandle(std::move(*made));
    return {};
  });
}

static void describeBuiltin(void *source, LocoDataDescription *description) {
  *description = static_cast<BuiltinSource *>(source)->description();
}

static int64_t lengthOfBuiltin(void *source) {
  return static_cast<BuiltinSource *>(source)->length();
}

static int readBuiltin(void *source, uint64_t first, int64_t count,
                       void *const *buffers, char *message,
                       size_t messageBytes) {
  return guarded(message, messageBytes, [&] {
    return static_cast<BuiltinSource *>(source)->readRange(first, count,
                                                           buffers);
  });
}

static void closeBuiltin(void *source) {
  delete static_cast<BuiltinSource *>(source);
}

LocoDataInterface loco::data::builtinInterface(const char *name,
                                               const Maker *maker) {
  return {LOCO_DATA_VERSION,
          name,
          const_cast<Maker *>(maker),
          openBuiltin,
          describeBuiltin,
          lengthOfBuiltin,
          readBuiltin,
          closeBuiltin};
}

const LocoDataInterface &loco::data::builtinFunctions() {
  static const LocoDataInterface functions = builtinInterface("", nullptr);
  return functions;
}

void *loco::data::builtinHandle(std::unique_ptr<BuiltinSource> source) {
  return source.release();
}

LocoRandomKey loco::data::keyOfGenerator(const LocoDataOption &call,
                                         OptionReader &options, uint64_t seed) {
  std::string stream = std::string("data/") + call.text;
  std::string split = options.choice("split", {"train", "validation", "test"});
  if (split != "train")
    stream += "/" + split;
  return {seed, locoRandomStream(stream.c_str()), 0};
}
