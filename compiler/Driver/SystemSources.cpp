//===- SystemSources.cpp - A program's systems as data sources -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/SystemSources.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <numeric>

using namespace loco;
using System = SystemSources::System;

/// Trajectories that one sample may need before one is as required.
static constexpr uint64_t maxAttempts = 1000;

/// The result that is 1 where a trajectory is not as required.
static constexpr const char *violation = "require";

namespace {
/// A system, opened with options.
class SystemSource {
public:
  static Expected<std::unique_ptr<SystemSource>>
  open(System &system, const LocoDataOption &call, uint64_t seed);

  const LocoDataDescription &getDescription() const { return described; }
  Status read(uint64_t first, int64_t count, void *const *buffers);

private:
  SystemSource(System &system, uint64_t seed) : system(system), seed(seed) {}

  Status takeOptions(const LocoDataOption &call);
  Status describeFields();
  Status run(const std::vector<uint64_t> &samples, uint64_t attempt);
  void keep(int64_t from, int64_t to, void *const *buffers) const;
  bool isViolated(int64_t sample) const;
  int64_t getSamplesAtOnce() const;

  System &system;
  uint64_t seed;
  Program *program = nullptr;
  TensorMap parameters;
  int64_t frames = 60;
  /// Sets the samples of the splits apart.
  uint64_t firstSample = 0;
  bool hasRequirement = false;
  std::vector<ResultSpec> outputs;
  std::vector<LocoDataField> fields;
  LocoDataDescription described{};
  /// Kept between reads: its memory is used again.
  Reply reply;
};
} // namespace

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

Status SystemSource::takeOptions(const LocoDataOption &call) {
  for (int64_t i = 0; i < call.numArguments; ++i) {
    const LocoDataOption &option = call.arguments[i];
    llvm::StringRef name = option.name;
    if (name == "frames") {
      bool isCount = option.kind == LOCO_DATA_NUMBER && option.number >= 1 &&
                     option.number == std::floor(option.number) &&
                     option.number <= 1e9;
      if (!isCount || option.drawn)
        return Error{fmt::format("`frames` of `{}` is a whole number, 1 or "
                                 "more",
                                 system.name)};
      frames = static_cast<int64_t>(option.number);
    } else if (name == "split") {
      llvm::StringRef split = option.kind == LOCO_DATA_TEXT ? option.text : "";
      // Numbers of samples that no other split comes to.
      if (split == "test")
        firstSample = uint64_t(1) << 63;
      else if (split == "validation")
        firstSample = uint64_t(1) << 62;
      else if (split != "train")
        return Error{fmt::format("`split` of `{}` is \"train\", \"validation\" "
                                 "or \"test\"",
                                 system.name)};
    } else {
      return Error{fmt::format("`{}` has no option `{}`; it has `frames` and "
                               "`split`",
                               system.name, option.name)};
    }
  }
  return {};
}

/// Images are pixels, in f32 as those of all sources; all else stays f64.
static int32_t getFieldType(const ResultSpec &output) {
  return output.shape.size() >= 2 ? LOCO_DATA_F32 : LOCO_DATA_F64;
}

Status SystemSource::describeFields() {
  bool hasSteps = false;
  for (const ResultSpec &result : program->results()) {
    hasRequirement |= result.name == violation;
    if (result.role == ResultRole::Output)
      outputs.push_back(result);
  }
  for (const ResultSpec &output : outputs) {
    hasSteps |= output.perStep;
    fields.push_back(
        {output.name.c_str(), getFieldType(output),
         output.perStep ? LOCO_DATA_PER_STEP : LOCO_DATA_PER_SAMPLE,
         output.shape.data(), static_cast<int32_t>(output.shape.size()), 0});
  }
  described = {fields.data(), static_cast<int32_t>(fields.size()),
               hasSteps ? frames : 0};
  return {};
}

Expected<std::unique_ptr<SystemSource>>
SystemSource::open(System &system, const LocoDataOption &call, uint64_t seed) {
  std::unique_ptr<SystemSource> source(new SystemSource(system, seed));
  if (Status failed = source->takeOptions(call))
    return failed.error();
  std::lock_guard<std::mutex> lock(system.turn);
  auto program = system.getProgram(system.name);
  if (!program)
    return program.error();
  source->program = *program;
  auto parameters = (*program)->initialParameters(seed);
  if (!parameters)
    return parameters.error();
  source->parameters = std::move(*parameters);
  if (Status failed = source->describeFields())
    return failed.error();
  // What reading needs is compiled where the first samples are read, beside the
  // code of the model that learns from them.
  return source;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Runs the samples given. A further attempt draws as another update would.
Status SystemSource::run(const std::vector<uint64_t> &samples,
                         uint64_t attempt) {
  Batch batch;
  batch.samples = static_cast<int64_t>(samples.size());
  batch.steps = frames;
  batch.sampleIndex = samples;
  Request request;
  request.seed = seed;
  request.update = attempt;
  for (const ResultSpec &output : outputs)
    request.results.push_back(output.name);
  if (hasRequirement)
    request.results.push_back(violation);
  return program->run(parameters, batch, request, reply);
}

bool SystemSource::isViolated(int64_t sample) const {
  if (!hasRequirement)
    return false;
  const Tensor &violated = reply.results.at(violation);
  int64_t perSample = violated.size() / violated.shape()[0];
  for (int64_t i = 0; i < perSample; ++i)
    if (violated.at(sample * perSample + i) != 0)
      return true;
  return false;
}

/// Copies sample `from` of the reply to place `to` of the buffers.
void SystemSource::keep(int64_t from, int64_t to,
                        void *const *buffers) const {
  for (auto [output, field, buffer] :
       llvm::zip(outputs, fields, llvm::ArrayRef(buffers, outputs.size()))) {
    if (!buffer)
      continue;
    const Tensor &values = reply.results.at(output.name);
    int64_t perSample = values.size() / values.shape()[0];
    const double *begin = values.as<double>() + from * perSample;
    if (field.type == LOCO_DATA_F64)
      std::copy_n(begin, perSample,
                  static_cast<double *>(buffer) + to * perSample);
    else
      std::transform(begin, begin + perSample,
                     static_cast<float *>(buffer) + to * perSample,
                     [](double value) { return static_cast<float>(value); });
  }
}

/// Few: what a sample is made of stays in the cache, a thread that has to stop
/// soon does, and what waits here in f64 is little beside a batch.
int64_t SystemSource::getSamplesAtOnce() const {
  constexpr int64_t most = 16, mostBytes = int64_t(4) << 20;
  int64_t perSample = 1;
  for (const ResultSpec &output : outputs) {
    int64_t bytes = output.perStep ? frames * int64_t(sizeof(double))
                                   : int64_t(sizeof(double));
    for (int64_t extent : output.shape)
      bytes *= extent;
    perSample += bytes;
  }
  return std::clamp<int64_t>(mostBytes / perSample, 1, most);
}

Status SystemSource::read(uint64_t first, int64_t count, void *const *buffers) {
  std::lock_guard<std::mutex> lock(system.turn);
  int64_t samplesAtOnce = getSamplesAtOnce();
  for (int64_t begin = 0; begin < count; begin += samplesAtOnce) {
    std::vector<int64_t> open(std::min(samplesAtOnce, count - begin));
    std::iota(open.begin(), open.end(), begin);
    for (uint64_t attempt = 0; !open.empty(); ++attempt) {
      if (attempt == maxAttempts)
        return Error{fmt::format(
            "sample {} of `{}`: none of {} trajectories was as `require` asks",
            first + static_cast<uint64_t>(open.front()), system.name,
            maxAttempts)};
      std::vector<uint64_t> samples;
      for (int64_t place : open)
        samples.push_back(firstSample + first + static_cast<uint64_t>(place));
      if (Status failed = run(samples, attempt))
        return failed;
      std::vector<int64_t> again;
      for (auto [i, place] : llvm::enumerate(open)) {
        if (isViolated(static_cast<int64_t>(i)))
          again.push_back(place);
        else
          keep(static_cast<int64_t>(i), place, buffers);
      }
      open = std::move(again);
    }
  }
  return {};
}

//===----------------------------------------------------------------------===//
// The interface of the run-time
//===----------------------------------------------------------------------===//

static int report(const std::string &text, char *message, size_t size) {
  std::snprintf(message, size, "%s", text.c_str());
  return 1;
}

static int openSystem(void *context, const LocoDataOption *call, uint64_t seed,
                      void **source, char *message, size_t messageBytes) {
  auto opened =
      SystemSource::open(*static_cast<System *>(context), *call, seed);
  if (!opened)
    return report(opened.error().message, message, messageBytes);
  *source = opened->release();
  return 0;
}

static void describeSystem(void *source, LocoDataDescription *description) {
  *description = static_cast<SystemSource *>(source)->getDescription();
}

static int64_t getLength(void *) { return LOCO_DATA_INFINITE; }

static int readSystem(void *source, uint64_t first, int64_t count,
                      void *const *buffers, char *message,
                      size_t messageBytes) {
  Status failed =
      static_cast<SystemSource *>(source)->read(first, count, buffers);
  return failed ? report(failed.message(), message, messageBytes) : 0;
}

static void closeSystem(void *source) {
  delete static_cast<SystemSource *>(source);
}

Expected<std::unique_ptr<SystemSources>>
SystemSources::registerAll(const std::vector<std::string> &names,
                           GetProgram getProgram) {
  auto sources = std::make_unique<SystemSources>();
  for (const std::string &name : names) {
    auto system = std::make_unique<System>();
    system->name = name;
    system->getProgram = getProgram;
    LocoDataInterface functions = {LOCO_DATA_VERSION, system->name.c_str(),
                                   system.get(),      openSystem,
                                   describeSystem,    getLength,
                                   readSystem,        closeSystem};
    std::string message(300, '\0');
    if (locoDataRegister(&functions, message.data(), message.size()) != 0)
      return Error{message.c_str()};
    sources->systems.push_back(std::move(system));
  }
  return sources;
}

SystemSources::~SystemSources() {
  for (const auto &system : systems)
    locoDataRemove(system->name.c_str());
}
