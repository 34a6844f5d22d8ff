//===- BuiltinSource.h - What the sources of loco share ---------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_DATA_BUILTINSOURCE_H
#define LOCO_RUNTIME_DATA_BUILTINSOURCE_H

#include "loco-c/random.h"
#include "loco/DataSource.h"
#include "runtime/lib/data/OptionReader.h"
#include "runtime/lib/files/ArrayStream.h"

#include <memory>
#include <string>
#include <vector>

namespace loco::data {

/// A source written in C++. Its constructor or maker calls `declare`.
class BuiltinSource {
public:
  virtual ~BuiltinSource() = default;

  /// Writes one sample, one buffer per field in the order of declaration,
  /// nullptr for a field that is not wanted.
  virtual Status readSample(uint64_t index, void *const *buffers) = 0;
  /// Bytes of samples that stay in memory as long as the source is open.
  virtual int64_t heldBytes() const { return 0; }

  const LocoDataDescription &description() const { return described; }
  int64_t length() const { return numSamples; }
  Status readRange(uint64_t first, int64_t count, void *const *buffers);

protected:
  /// What the source gives; `samples` may be LOCO_DATA_INFINITE.
  void declare(std::vector<DataField> fields, int64_t steps, int64_t samples);

private:
  std::vector<DataField> fields;
  std::vector<LocoDataField> describedFields;
  std::vector<size_t> sampleBytes;
  LocoDataDescription described{};
  int64_t numSamples = 0;
};

/// Makes a source from its options.
using Maker = Expected<std::unique_ptr<BuiltinSource>> (*)(
    const LocoDataOption &call, uint64_t seed);

/// The five functions for a source that lives already, and what to use as its
/// handle.
const LocoDataInterface &builtinFunctions();
void *builtinHandle(std::unique_ptr<BuiltinSource> source);

/// The five functions for a source that `maker` makes.
LocoDataInterface builtinInterface(const char *name, const Maker *maker);

/// Bytes of one sample of a field.
size_t bytesOfSample(const LocoDataField &field, int64_t steps);

// Makers of all sources, one per name.
Expected<std::unique_ptr<BuiltinSource>> makeIdx(const LocoDataOption &,
                                                 uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeRotating(const LocoDataOption &,
                                                      uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makePlaneWaves(const LocoDataOption &,
                                                        uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeGratings(const LocoDataOption &,
                                                      uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeNoise(const LocoDataOption &,
                                                   uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeCopy(const LocoDataOption &,
                                                  uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeAdding(const LocoDataOption &,
                                                    uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeArrays(const LocoDataOption &,
                                                    uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makePixels(const LocoDataOption &,
                                                    uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeRows(const LocoDataOption &,
                                                  uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeStored(const LocoDataOption &,
                                                    uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeWindow(const LocoDataOption &,
                                                    uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeDirected(const LocoDataOption &,
                                                      uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makePadded(const LocoDataOption &,
                                                    uint64_t seed);
Expected<std::unique_ptr<BuiltinSource>> makeCifar10(const LocoDataOption &,
                                                     uint64_t seed);

/// From arrays, in memory or not; `place` names them in messages.
Expected<std::unique_ptr<BuiltinSource>> makeArrays(files::ArrayStreams arrays,
                                                    const std::string &place);

/// The key of a generator's draws, from its name and its option `split`.
LocoRandomKey keyOfGenerator(const LocoDataOption &call, OptionReader &options,
                             uint64_t seed);

} // namespace loco::data

#endif // LOCO_RUNTIME_DATA_BUILTINSOURCE_H
