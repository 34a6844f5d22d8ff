//===- ArraysSource.cpp - Arrays of the user's own ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"

using namespace loco;
using namespace loco::data;

namespace {

/// Arrays by field name; the first axis counts samples.
class ArraysSource : public BuiltinSource {
public:
  ArraysSource(files::ArrayStreams given, int64_t samples)
      : arrays(std::move(given)) {
    std::vector<DataField> fields;
    for (const auto &[name, array] : arrays) {
      Shape shape(array->shape().begin() + 1, array->shape().end());
      fields.push_back({name, array->type(), shape,
                        shape.empty() ? DataField::Steps::PerSample
                                      : DataField::Steps::Either});
    }
    declare(std::move(fields), 0, samples);
  }

  Status readSample(uint64_t index, void *const *buffers) override {
    for (const auto &[name, array] : arrays)
      if (void *buffer = *buffers++)
        if (Status failed = array->read(index, 1, buffer))
          return failed;
    return {};
  }

  int64_t heldBytes() const override {
    int64_t bytes = 0;
    for (const auto &[name, array] : arrays)
      bytes += array->heldBytes();
    return bytes;
  }

private:
  files::ArrayStreams arrays;
};

} // namespace

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeArrays(files::ArrayStreams arrays, const std::string &place) {
  if (arrays.empty())
    return Error{place + " hold no arrays"};
  const auto &[firstName, first] = *arrays.begin();
  for (const auto &[name, array] : arrays) {
    if (array->shape().empty())
      return Error{"`" + name + "` in " + place +
                   " is a scalar, expected an array whose first axis counts "
                   "samples"};
    if (array->shape().front() != first->shape().front())
      return Error{"`" + name + "` in " + place + " has " +
                   std::to_string(array->shape().front()) + " samples, but `" +
                   firstName + "` has " +
                   std::to_string(first->shape().front())};
  }
  int64_t samples = first->shape().front();
  return std::unique_ptr<BuiltinSource>(
      std::make_unique<ArraysSource>(std::move(arrays), samples));
}

Expected<std::unique_ptr<BuiltinSource>>
loco::data::makeArrays(const LocoDataOption &call, uint64_t) {
  OptionReader options(call, {"file"});
  std::string path = options.requiredText("file");
  if (Status failed = options.finish())
    return failed.error();
  Expected<files::ArrayStreams> arrays = std::string_view(call.text) == "npz"
                                             ? files::openNpz(path)
                                             : files::openArrays(path);
  if (!arrays)
    return arrays.error();
  return makeArrays(std::move(*arrays), "`" + path + "`");
}
