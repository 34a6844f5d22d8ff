//===- ProgramImage.cpp - All that a run needs of a program --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One list of members per struct, for both directions. A list that does not
// compile any more lacks a new member: add it to both its lines.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/ProgramImage.h"

#include "compiler/Driver/Archive.h"

#include "llvm/Support/Path.h"

using namespace loco;

//===----------------------------------------------------------------------===//
// Members
//===----------------------------------------------------------------------===//

namespace loco {

template <typename Archive>
static void listFields(Archive &archive, FileId &file) {
  auto &[index] = file;
  archive(index);
}

template <typename Archive>
static void listFields(Archive &archive, SourceRange &range) {
  auto &[file, begin, end] = range;
  archive(file, begin, end);
}

template <typename Archive>
static void listFields(Archive &archive, sema::Space &space) {
  auto &[kind, name, sites, channels, copies, declared] = space;
  archive(kind, name, sites, channels, copies, declared);
}

template <typename Archive>
static void listFields(Archive &archive, sema::PlanValue &value) {
  auto &[kind, number, isAngle, text, written, extents, arguments, range] =
      value;
  archive(kind, number, isAngle, text, written, extents, arguments, range);
}

template <typename Archive>
static void listFields(Archive &archive, sema::PlanArgument &argument) {
  auto &[name, isDistributed, value] = argument;
  archive(name, isDistributed, value);
}

template <typename Archive>
static void listFields(Archive &archive, sema::Setting &setting) {
  auto &[name, label, value, every, range] = setting;
  archive(name, label, value, every, range);
}

template <typename Archive>
static void listFields(Archive &archive, sema::RunBlock &block) {
  auto &[verb, model, variant, tangents, settings, range] = block;
  archive(verb, model, variant, tangents, settings, range);
}

template <typename Archive>
static void listFields(Archive &archive, ValueFacts &value) {
  auto &[name, space, isAngle] = value;
  archive(name, space, isAngle);
}

template <typename Archive>
static void listFields(Archive &archive, ModelFacts &model) {
  auto &[name, isSystem, interval, values, reluParameters] = model;
  archive(name, isSystem, interval, values, reluParameters);
}

template <typename Archive>
static void listFields(Archive &archive, ArgumentSpec &argument) {
  auto &[name, role, type, shape, perStep, classes, counting, preset] =
      argument;
  archive(name, role, type, shape, perStep, classes, counting, preset);
}

template <typename Archive>
static void listFields(Archive &archive, ResultSpec &result) {
  auto &[name, role, type, shape, perStep, solver, interval] = result;
  archive(name, role, type, shape, perStep, solver, interval);
}

template <typename Archive>
static void listFields(Archive &archive, Signature &signature) {
  auto &[arguments, results, argumentPositions, resultPositions, keyPosition,
         stepsPosition, takesStepIndex] = signature;
  archive(arguments, results, argumentPositions, resultPositions, keyPosition,
          stepsPosition, takesStepIndex);
}

template <typename Archive>
static void listFields(Archive &archive, LocoArenaSize &size) {
  auto &[constant, perSample, perStep, perSampleStep, perSegment,
         perSampleSegment, perSegmentStep, perSampleSegmentStep] = size;
  archive(constant, perSample, perStep, perSampleStep, perSegment,
          perSampleSegment, perSegmentStep, perSampleSegmentStep);
}

template <typename Archive>
static void listFields(Archive &archive, KernelOperand &operand) {
  auto &[kind, type, shape, perStep, sumType] = operand;
  archive(kind, type, shape, perStep, sumType);
}

template <typename Archive>
static void listFields(Archive &archive, Kernel &kernel) {
  auto &[function, arena, arguments, results, preferredBlock, segment,
         teamMost] = kernel;
  // The address is that of one process.
  (void)function;
  archive(arena, arguments, results, preferredBlock, segment, teamMost);
}

template <typename Archive>
static void listFields(Archive &archive, KernelObject &object) {
  auto &[code, kernel, explain] = object;
  archive(code, kernel, explain);
}

template <typename Archive>
static void listFields(Archive &archive, CudaLaunch &launch) {
  auto &[threads, sharedBytes, scratchBytes, scratchBytesPerStep,
         scratchBytesPerSegment, scratchBytesPerSegmentStep, samplesPerBlock,
         blocksPerSample, samplesPerTeam, isCooperative, counterBytes] = launch;
  archive(threads, sharedBytes, scratchBytes, scratchBytesPerStep,
          scratchBytesPerSegment, scratchBytesPerSegmentStep, samplesPerBlock,
          blocksPerSample, samplesPerTeam, isCooperative, counterBytes);
}

template <typename Archive>
static void listFields(Archive &archive, CudaArray &array) {
  auto &[place, number] = array;
  archive(place, number);
}

template <typename Archive>
static void listFields(Archive &archive, CudaProduct &product) {
  auto &[type, isOuter, isTransposed, inner, outer] = product;
  archive(type, isOuter, isTransposed, inner, outer);
}

template <typename Archive>
static void listFields(Archive &archive, CudaConvolution &convolution) {
  auto &[type, kind, groups, inputs, outputs, field, output, window, strides,
         margins] = convolution;
  archive(type, kind, groups, inputs, outputs, field, output, window, strides,
          margins);
}

template <typename Archive>
static void listFields(Archive &archive, CudaPart &part) {
  auto &[kind, product, convolution, isPerStep, left, right, out, kernel, image,
         launch, arguments, results] = part;
  archive(kind, product, convolution, isPerStep, left, right, out, kernel,
          image, launch, arguments, results);
}

template <typename Archive>
static void listFields(Archive &archive, EntryCode &entry) {
  auto &[object, results, gradients, launch, parts, between] = entry;
  archive(object, results, gradients, launch, parts, between);
}

template <typename Archive>
static void listFields(Archive &archive, RecipeStep &step) {
  auto &[kind, left, right, numbers, stream, drawStep] = step;
  archive(kind, left, right, numbers, stream, drawStep);
}

template <typename Archive>
static void listFields(Archive &archive, TensorRecipe &recipe) {
  auto &[name, type, shape, steps] = recipe;
  archive(name, type, shape, steps);
}

template <typename Archive>
static void listFields(Archive &archive, ModelCode &model) {
  auto &[signature, entries, recipes, initial, initialNumbers] = model;
  archive(signature, entries, recipes, initial, initialNumbers);
}

template <typename Archive>
static void listFields(Archive &archive, FileImage &file) {
  auto &[name, text, isOwn] = file;
  archive(name, text, isOwn);
}

template <typename Archive>
static void listFields(Archive &archive, ProgramImage &image) {
  auto &[files, absentFiles, sourceHash, runs, models, code] = image;
  archive(files, absentFiles, sourceHash, runs, models, code);
}

} // namespace loco

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

template <typename T>
static std::string writeBytes(const T &value) {
  ArchiveWriter writer;
  writer(value);
  return writer.take();
}

template <typename T>
static std::optional<T> readBytes(llvm::StringRef bytes) {
  std::optional<T> value(std::in_place);
  ArchiveReader reader(bytes);
  reader(*value);
  return reader.isWhole() ? std::move(value) : std::nullopt;
}

std::string loco::writeImage(const ProgramImage &image) {
  return writeBytes(image);
}

std::string loco::writeCode(const EntryCode &code) { return writeBytes(code); }

std::optional<ProgramImage> loco::readImage(llvm::StringRef bytes) {
  return readBytes<ProgramImage>(bytes);
}

std::optional<EntryCode> loco::readCode(llvm::StringRef bytes) {
  return readBytes<EntryCode>(bytes);
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

const ModelFacts *ProgramImage::findModel(llvm::StringRef name) const {
  for (const ModelFacts &model : models)
    if (model.name == name)
      return &model;
  return nullptr;
}

std::map<std::string, std::string> ProgramImage::getSourceTexts() const {
  std::map<std::string, std::string> texts;
  for (const FileImage &file : files)
    if (file.isOwn)
      texts[llvm::sys::path::filename(file.name).str()] = file.text;
  return texts;
}
