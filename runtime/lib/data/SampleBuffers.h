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

} // namespace loco::data

#endif // LOCO_RUNTIME_DATA_SAMPLEBUFFERS_H
