//===- DataSource.h - Samples by index --------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C++ side of loco-c/data.h, and the options of the sources that come with
// loco (runtime/lib/data/):
//
//   idx(folder, split = "train")                MNIST's files: x, label
//   rotating(source, step = 20 deg, frames = 18)        x turned step by step
//   plane_waves(image(h, w), wavelength = 24, angle ~ uniform(0 deg, 360 deg),
//               phase ~ uniform(0 deg, 360 deg), frames = 18, step = 20 deg)
//   gratings(image(h, w), orientations = 8, wavelengths = 4..28, count = 16,
//            phase = 0 deg, frames = 18)                    x, label
//   noise(image(h, w), frames = 18)             independent N(0, 1)
//   copy(length), adding(length)                the memory tasks: x, target
//   pixels(source), rows(source)                an image as a sequence
//   padded(source, steps, noise = 1)            noise behind a sequence
//   cifar10(folder, split = "train")            CIFAR-10's files: x, label
//   stored(source, count = 500)          a finite set, kept in memory
//   window(source, frames = 60)          pieces of sequences, never ending
//   arrays(file), npz(file)        a user's .npz, .npy or .safetensors file
//   hdf5(file, x = "dataset")                   a user's HDF5 file
//   plugin(library, ...)                        what a shared library gives
//
// All fields have the names x, label, target, or those of the arrays.
// Generators take `split = "test"`: samples that no training split has.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_DATASOURCE_H
#define LOCO_DATASOURCE_H

#include "loco-c/data.h"
#include "loco/Expected.h"
#include "loco/Tensor.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace loco {

/// An option of a data source, or the whole call of one: LocoDataOption with
/// memory of its own.
struct DataOption {
  enum class Kind : int32_t {
    Number = LOCO_DATA_NUMBER,
    /// In radians. Where an angle is wanted a plain number other than 0 is
    /// refused: `20` is more likely to be `20 deg` than 20 radians.
    Angle = LOCO_DATA_ANGLE,
    Text = LOCO_DATA_TEXT,
    /// `4..28`, both ends included.
    Range = LOCO_DATA_RANGE,
    Call = LOCO_DATA_CALL,
  };

  Kind kind = Kind::Number;
  std::string name;
  bool drawn = false;
  double number = 0, last = 0;
  std::string text;
  std::vector<DataOption> arguments;

  static DataOption ofNumber(double value);
  static DataOption ofDegrees(double degrees);
  static DataOption ofText(std::string text);
  static DataOption ofRange(double first, double last);
  static DataOption ofCall(std::string callee,
                           std::vector<DataOption> arguments = {});

  /// The same as a named argument: `name = value`.
  DataOption as(std::string name) const;
  /// The same as `name ~ law(...)`.
  DataOption drawnAs(std::string name) const;

  /// As it is written in a program.
  std::string toText() const;
};

/// One named part of every sample.
struct DataField {
  std::string name;
  /// F32, or I32 for classes; F64 only where the source has it.
  ElementType type = ElementType::F32;
  /// Of one step, without the time axis, if `perStep` is PerStep.
  Shape shape;
  enum class Steps : int32_t {
    PerSample = LOCO_DATA_PER_SAMPLE,
    PerStep = LOCO_DATA_PER_STEP,
    Either = LOCO_DATA_EITHER,
  } perStep = Steps::PerSample;
  /// Number of classes of a class-valued field, 0 otherwise.
  int64_t classes = 0;
};

/// An open source. Reads from several threads take turns.
class DataSource {
public:
  /// Opens `idx("folder")`, `plane_waves(...)`, whatever is registered. An
  /// unknown name or option is an error that names it and says what there is.
  static Expected<std::unique_ptr<DataSource>> open(const DataOption &call,
                                                    uint64_t seed);
  static Expected<std::unique_ptr<DataSource>> open(const LocoDataOption &call,
                                                    uint64_t seed);

  /// Arrays in memory, by field name, with a leading axis of samples that is
  /// equally long for all.
  static Expected<std::unique_ptr<DataSource>> fromArrays(TensorMap arrays);

  /// Samples `first` to `first + count - 1` of a source with an end, which must
  /// outlive the part.
  static std::unique_ptr<DataSource> part(const DataSource &whole,
                                          uint64_t first, int64_t count);

  ~DataSource();
  DataSource(const DataSource &) = delete;
  DataSource &operator=(const DataSource &) = delete;

  const std::vector<DataField> &fields() const { return fieldList; }
  /// The field of that name, or nullptr.
  const DataField *field(const std::string &name) const;
  /// Steps of every sample; 0 if no field is per step.
  int64_t steps() const { return numSteps; }
  /// Number of samples; nothing for a source that never ends.
  std::optional<int64_t> length() const { return numSamples; }

  /// Shape of one sample of a field: [steps, shape...] or [shape...].
  Shape sampleShape(const DataField &field) const;

  /// Writes `count` samples from `first` on, one buffer per field; nullptr for
  /// a field that is not wanted. A range beyond the length is an error.
  Status read(uint64_t first, int64_t count,
              const std::vector<void *> &buffers) const;

  /// Bytes of samples that the source keeps in memory once all were read. Of
  /// sources that are not loco's: 0, as nobody tells.
  int64_t heldBytes() const;

  /// Reads samples into new tensors [count, sampleShape...], all fields.
  Expected<TensorMap> read(uint64_t first, int64_t count) const;

private:
  DataSource(const LocoDataInterface &functions, void *handle);
  Status takeDescription();

  LocoDataInterface functions;
  void *handle;
  /// Held while the source reads.
  mutable std::mutex turn;
  std::string sourceName;
  std::vector<DataField> fieldList;
  int64_t numSteps = 0;
  std::optional<int64_t> numSamples;
};

/// Names of all sources, in order.
std::vector<std::string> dataSourceNames();

} // namespace loco

#endif // LOCO_DATASOURCE_H
