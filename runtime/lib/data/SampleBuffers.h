//===- SampleBuffers.h - Room for a sample of another source ----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_DATA_SAMPLEBUFFERS_H
#define LOCO_RUNTIME_DATA_SAMPLEBUFFERS_H

#include "loco/DataSource.h"

#include <vector>

namespace loco::data {

/// Buffers for one sample of all fields of a source.
class SampleBuffers {
public:
  explicit SampleBuffers(const DataSource &source) {
    for (const DataField &field : source.fields())
      tensors.emplace_back(field.type, source.sampleShape(field));
    for (Tensor &tensor : tensors)
      pointers.push_back(tensor.data());
  }
  const std::vector<void *> &getPointers() const { return pointers; }
  const Tensor &operator[](size_t field) const { return tensors[field]; }

private:
  std::vector<Tensor> tensors;
  std::vector<void *> pointers;
};

/// The fields of a source, and the steps of their sequences. Files do not say
/// what is a sequence: there it is `x`, and what has as many elements along the
/// axis behind the samples. 0 steps if there is none.
struct SequenceFields {
  std::vector<DataField> fields;
  int64_t steps = 0;

  explicit SequenceFields(const DataSource &source)
      : fields(source.fields()), steps(source.steps()) {
    auto canBe = [](const DataField &field) {
      return field.perStep == DataField::Steps::Either && !field.shape.empty();
    };
    const DataField *x = source.field("x");
    if (steps == 0 && x && canBe(*x))
      steps = x->shape.front();
    for (DataField &field : fields)
      if (canBe(field) && field.shape.front() == steps) {
        field.perStep = DataField::Steps::PerStep;
        field.shape.erase(field.shape.begin());
      } else if (field.perStep == DataField::Steps::Either) {
        field.perStep = DataField::Steps::PerSample;
      }
  }
};

} // namespace loco::data

#endif // LOCO_RUNTIME_DATA_SAMPLEBUFFERS_H
