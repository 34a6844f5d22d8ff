//===- DataSource.cpp - Samples by index ----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/DataSource.h"

#include "runtime/lib/data/BuiltinSource.h"
#include "runtime/lib/data/OptionTree.h"

#include <set>

using namespace loco;
using namespace loco::data;

/// Room for a message of a source.
static constexpr size_t messageBytes = 2000;

DataSource::DataSource(const LocoDataInterface &functions, void *handle)
    : functions(functions), handle(handle),
      sourceName(functions.name ? functions.name : "") {}

DataSource::~DataSource() { functions.close(handle); }

int64_t DataSource::heldBytes() const {
  return functions.readRange == builtinFunctions().readRange
             ? static_cast<const BuiltinSource *>(handle)->heldBytes()
             : 0;
}

static bool isKnownType(int32_t type) {
  return type == LOCO_DATA_F32 || type == LOCO_DATA_F64 ||
         type == LOCO_DATA_I32;
}

static ElementType typeOf(int32_t code) {
  return code == LOCO_DATA_F32   ? ElementType::F32
         : code == LOCO_DATA_F64 ? ElementType::F64
                                 : ElementType::I32;
}

/// Copies the description and checks that a source of somebody else's makes
/// sense.
Status DataSource::takeDescription() {
  LocoDataDescription description{};
  functions.describe(handle, &description);
  auto nonsense = [&](const std::string &what) {
    return Error{"the data source `" + sourceName + "` describes " + what};
  };
  std::set<std::string> names;
  numSteps = description.steps;
  for (int32_t i = 0; i < description.numFields; ++i) {
    const LocoDataField &given = description.fields[i];
    DataField field;
    field.name = given.name ? given.name : "";
    if (field.name.empty() || !names.insert(field.name).second)
      return nonsense("a field without a name of its own");
    if (!isKnownType(given.type))
      return nonsense("`" + field.name + "` with an unknown type");
    if (given.perStep < LOCO_DATA_PER_SAMPLE ||
        given.perStep > LOCO_DATA_EITHER)
      return nonsense("`" + field.name + "` with an unknown kind of axis");
    field.type = typeOf(given.type);
    field.perStep = static_cast<DataField::Steps>(given.perStep);
    field.classes = given.classes;
    for (int32_t axis = 0; axis < given.rank; ++axis) {
      if (given.shape[axis] < 0)
        return nonsense("`" + field.name + "` with a negative length");
      field.shape.push_back(given.shape[axis]);
    }
    if (field.perStep == DataField::Steps::PerStep && numSteps <= 0)
      return nonsense("`" + field.name + "` per step, but no steps");
    fieldList.push_back(std::move(field));
  }
  if (fieldList.empty())
    return nonsense("no fields");
  int64_t length = functions.length(handle);
  if (length < 0 && length != LOCO_DATA_INFINITE)
    return nonsense("a negative number of samples");
  if (length >= 0)
    numSamples = length;
  return {};
}

Expected<std::unique_ptr<DataSource>>
DataSource::open(const LocoDataOption &call, uint64_t seed) {
  const LocoDataInterface *functions = nullptr;
  void *handle = nullptr;
  std::string message(messageBytes, '\0');
  if (locoDataOpen(&call, seed, &functions, &handle, message.data(),
                   message.size()) != 0)
    return Error{message.c_str()};
  std::unique_ptr<DataSource> source(new DataSource(*functions, handle));
  if (Status failed = source->takeDescription())
    return failed.error();
  return source;
}

Expected<std::unique_ptr<DataSource>> DataSource::open(const DataOption &call,
                                                       uint64_t seed) {
  return open(OptionTree(call).root(), seed);
}

Expected<std::unique_ptr<DataSource>> DataSource::fromArrays(TensorMap arrays) {
  files::ArrayStreams streams;
  for (auto &[name, array] : arrays)
    streams.emplace(name, files::streamOf(std::move(array)));
  Expected<std::unique_ptr<BuiltinSource>> made =
      makeArrays(std::move(streams), "the arrays");
  if (!made)
    return made.error();
  std::unique_ptr<DataSource> source(
      new DataSource(builtinFunctions(), builtinHandle(std::move(*made))));
  if (Status failed = source->takeDescription())
    return failed.error();
  return source;
}

const DataField *DataSource::field(const std::string &name) const {
  for (const DataField &field : fieldList)
    if (field.name == name)
      return &field;
  return nullptr;
}

Shape DataSource::sampleShape(const DataField &field) const {
  Shape shape = field.shape;
  if (field.perStep == DataField::Steps::PerStep)
    shape.insert(shape.begin(), numSteps);
  return shape;
}

Status DataSource::read(uint64_t first, int64_t count,
                        const std::vector<void *> &buffers) const {
  assert(buffers.size() == fieldList.size() && "one buffer per field");
  if (numSamples) {
    uint64_t length = static_cast<uint64_t>(*numSamples);
    if (first > length || static_cast<uint64_t>(count) > length - first)
      return Error{"samples " + std::to_string(first) + " to " +
                   std::to_string(first + static_cast<uint64_t>(count)) +
                   " of `" + sourceName + "` were asked for, it has " +
                   std::to_string(length)};
  }
  std::string message(messageBytes, '\0');
  std::lock_guard<std::mutex> lock(turn);
  if (functions.readRange(handle, first, count, buffers.data(), message.data(),
                          message.size()) != 0)
    return Error{message.c_str()};
  return {};
}

Expected<TensorMap> DataSource::read(uint64_t first, int64_t count) const {
  TensorMap result;
  std::vector<void *> buffers;
  for (const DataField &field : fieldList) {
    Shape shape = sampleShape(field);
    shape.insert(shape.begin(), count);
    Tensor &tensor = result[field.name] = Tensor(field.type, shape);
    buffers.push_back(tensor.data());
  }
  if (Status failed = read(first, count, buffers))
    return failed.error();
  return result;
}
