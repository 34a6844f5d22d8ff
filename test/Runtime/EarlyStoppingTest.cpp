//===- EarlyStoppingTest.cpp - Validations and what they decide -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-test-early-stopping <empty folder>
//
//===----------------------------------------------------------------------===//

// RUN: rm -rf %t && mkdir -p %t
// RUN: loco-test-early-stopping %t

#include "loco/Checkpoint.h"
#include "loco/DataSource.h"
#include "loco/Files.h"
#include "loco/Training.h"
#include "test/Runtime/Check.h"
#include "test/Runtime/ToyProgram.h"

#include <limits>

using namespace loco;
namespace fs = std::filesystem;

static fs::path root;
static constexpr int64_t features = 5, samples = 40;

/// A run that is validated every 5 updates. The validation's loss has its
/// lowest value where `b`, which is learned from 0 to 0.5, passes 0.3.
struct Setting {
  ToyProgram program{features, false};
  std::unique_ptr<DataSource> data =
      require(DataSource::fromArrays(toyData(samples, 3, features)));
  TrainingPlan plan;
  TrainingSession session;
  std::optional<RunFolder> folder;
  /// What the validations said, and on which parameters.
  std::vector<double> losses;
  std::vector<TensorMap> seen;
  std::atomic<bool> stop = false;

  Setting() {
    plan.batch = 8;
    plan.updates = 200;
    plan.optimizer.rate = 0.01;
    plan.optimizer.momentum = 0.5;
    plan.validateUpdates = 5;
    plan.stopAfter = 2;
    session.progress.quiet = true;
    session.report = [](const std::string &) {};
    session.stop = &stop;
    session.validate = [this](const TensorMap &parameters) {
      double loss = std::abs(parameters.at("b").at(0) - 0.3);
      losses.push_back(loss);
      seen.push_back(parameters);
      return Expected<LossParts>({loss, {}});
    };
  }

  TrainingSummary train(const std::string &name) {
    auto mode = plan.resume ? RunFolder::Mode::Resume : RunFolder::Mode::Create;
    folder.reset();
    folder.emplace(require(RunFolder::open(root / name, mode, {})));
    session.folder = &*folder;
    return require(loco::train(program, *data, plan, session));
  }
};

static std::string describeBytes(const TensorMap &tensors) {
  std::string text;
  for (const auto &[name, tensor] : tensors)
    text += name + " " + std::string(bytesOf(tensor)) + "\n";
  return text;
}

/// The run ends two validations after the best one, with its parameters.
static void checkStops() {
  Setting setting;
  TrainingSummary summary = setting.train("stops");
  auto lowest =
      std::min_element(setting.losses.begin(), setting.losses.end()) -
      setting.losses.begin();
  CHECK(lowest > 0);
  CHECK_EQUAL(setting.losses.size(), size_t(lowest + 3));
  CHECK_EQUAL(summary.bestUpdate, 5 * (lowest + 1));
  CHECK_EQUAL(summary.updates, summary.bestUpdate + 10);
  CHECK_EQUAL(*summary.bestValidationLoss, setting.losses[lowest]);
  CHECK_EQUAL(*summary.validationLoss, setting.losses.back());
  CHECK(summary.stoppedEarly);
  CHECK(!summary.interrupted);
  std::string wanted = describeBytes(setting.seen[lowest]);
  CHECK_EQUAL(describeBytes(summary.parameters), wanted);
  fs::path path = setting.folder->path() / "best.safetensors";
  CHECK_EQUAL(describeBytes(require(readTensors(path.string()))), wanted);
  // A resumed run has ended, too.
  setting.plan.resume = true;
  size_t before = setting.losses.size();
  TrainingSummary again = setting.train("stops");
  CHECK_EQUAL(setting.losses.size(), before);
  CHECK(again.stoppedEarly);
  CHECK_EQUAL(describeBytes(again.parameters), wanted);
}

/// Interrupted anywhere and resumed, a run ends at the same update with the
/// same parameters.
static void checkResumes() {
  Setting whole;
  TrainingSummary wanted = whole.train("whole");
  for (int64_t at = wanted.bestUpdate - 4; at <= wanted.updates; at += 3) {
    std::string name = "at-" + std::to_string(at);
    Setting setting;
    setting.program.beforeRun = [&](uint64_t update) {
      setting.stop = int64_t(update) == at;
    };
    TrainingSummary part = setting.train(name);
    CHECK_EQUAL(part.interrupted, at < wanted.updates);
    setting.program.beforeRun = nullptr;
    setting.stop = false;
    setting.plan.resume = true;
    TrainingSummary found = setting.train(name);
    CHECK_EQUAL(found.updates, wanted.updates);
    CHECK_EQUAL(found.bestUpdate, wanted.bestUpdate);
    CHECK_EQUAL(*found.bestValidationLoss, *wanted.bestValidationLoss);
    CHECK_EQUAL(describeBytes(found.parameters),
                describeBytes(wanted.parameters));
    auto last = [](const Setting &setting, int64_t update) {
      return require(readCheckpoint(setting.folder->checkpoints() /
                                    std::to_string(update)));
    };
    CHECK_EQUAL(describeBytes(last(setting, found.updates).state),
                describeBytes(last(whole, wanted.updates).state));
  }
}

/// Without `stop`, validations only tell; and no number is never the best.
static void checkKinds() {
  Setting telling;
  telling.plan.stopAfter = 0;
  telling.plan.updates = 40;
  TrainingSummary summary = telling.train("telling");
  CHECK_EQUAL(summary.updates, 40);
  CHECK(!summary.stoppedEarly);
  CHECK_EQUAL(describeBytes(summary.parameters),
              describeBytes(telling.seen.back()));

  Setting wild;
  double values[] = {std::nan(""), std::numeric_limits<double>::infinity(), 3,
                     std::nan(""), 3};
  wild.session.validate = [&](const TensorMap &) {
    wild.losses.push_back(values[wild.losses.size()]);
    return Expected<LossParts>({wild.losses.back(), {}});
  };
  wild.plan.stopAfter = 3;
  wild.plan.updates = 25;
  TrainingSummary found = wild.train("wild");
  CHECK_EQUAL(found.updates, 25);
  CHECK_EQUAL(found.bestUpdate, 15);
  CHECK_EQUAL(*found.bestValidationLoss, 3);

  Setting lacking;
  lacking.plan.validateUpdates = 0;
  CHECK_FAILURE(lacking.plan.check(), "`stop after` counts validations");
}

/// The loss on data that is given, in one piece or in several.
static void checkMeasure() {
  Setting setting;
  TensorMap parameters = require(setting.program.initialParameters(1));
  auto part = DataSource::part(*setting.data, 30, 10);
  CHECK_EQUAL(*part->length(), 10);
  CHECK_EQUAL(describeBytes(require(part->read(2, 3))),
              describeBytes(require(setting.data->read(32, 3))));
  CHECK_ERROR(part->read(8, 3), "samples 8 to 11 of `part`");
  ValidationOptions options;
  options.samples = 7;
  double wanted = 0;
  for (int64_t i = 0; i < 7; ++i) {
    auto one = DataSource::part(*part, i, 1);
    Batch batch;
    batch.samples = 1;
    batch.steps = 3;
    batch.inputs = require(one->read(0, 1));
    batch.sampleIndex = {uint64_t(i)};
    Reply reply;
    CHECK_SUCCESS(setting.program.run(parameters, batch, Request(), reply));
    wanted += reply.loss / 7;
  }
  for (int64_t atOnce : {1, 3, 7, 100}) {
    options.batch = atOnce;
    LossParts parts =
        require(measureLoss(setting.program, *part, parameters, options));
    CHECK_NEAR(parts.loss, wanted, 1e-9);
    CHECK(parts.terms.empty());
  }
}

int main(int argc, char **argv) {
  root = argc > 1 ? argv[1] : "";
  if (root.empty() || !fs::is_empty(root))
    return std::cerr << "usage: loco-test-early-stopping <empty folder>\n", 1;
  checkStops();
  checkResumes();
  checkKinds();
  checkMeasure();
  return checksFailed();
}
