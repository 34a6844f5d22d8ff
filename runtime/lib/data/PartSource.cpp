//===- PartSource.cpp - Some samples of another source --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/DataSource.h"

#include <cassert>
#include <cstdio>

using namespace loco;

namespace {
/// Samples `first` to `first + count - 1` of `whole`.
struct Part {
  const DataSource &whole;
  uint64_t first;
  int64_t count;
  /// As the C interface gives them; they point into the fields of `whole`.
  std::vector<LocoDataField> fields;
};
} // namespace

static int32_t codeOf(ElementType type) {
  return type == ElementType::F32   ? LOCO_DATA_F32
         : type == ElementType::F64 ? LOCO_DATA_F64
                                    : LOCO_DATA_I32;
}

static void describePart(void *source, LocoDataDescription *description) {
  auto &part = *static_cast<Part *>(source);
  for (const DataField &field : part.whole.fields())
    part.fields.push_back({field.name.c_str(), codeOf(field.type),
                           static_cast<int32_t>(field.perStep),
                           field.shape.data(),
                           static_cast<int32_t>(field.shape.size()),
                           static_cast<int32_t>(field.classes)});
  *description = {part.fields.data(), static_cast<int32_t>(part.fields.size()),
                  part.whole.steps()};
}

static int64_t lengthOfPart(void *source) {
  return static_cast<Part *>(source)->count;
}

static int readPart(void *source, uint64_t first, int64_t count,
                    void *const *buffers, char *message, size_t messageBytes) {
  auto &part = *static_cast<Part *>(source);
  Status failed =
      part.whole.read(part.first + first, count,
                      {buffers, buffers + part.whole.fields().size()});
  if (!failed)
    return 0;
  std::snprintf(message, messageBytes, "%s", failed.message().c_str());
  return 1;
}

static void closePart(void *source) { delete static_cast<Part *>(source); }

std::unique_ptr<DataSource> DataSource::part(const DataSource &whole,
                                             uint64_t first, int64_t count) {
  assert(whole.length() && first + count <= uint64_t(*whole.length()) &&
         "a part of a source with an end");
  LocoDataInterface functions = {};
  functions.version = LOCO_DATA_VERSION;
  functions.name = "part";
  functions.describe = describePart;
  functions.length = lengthOfPart;
  functions.readRange = readPart;
  functions.close = closePart;
  std::unique_ptr<DataSource> source(
      new DataSource(functions, new Part{whole, first, count, {}}));
  // A description that was sound once is so again.
  (void)source->takeDescription();
  return source;
}
