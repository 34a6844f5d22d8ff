//===- TrainingTest.cpp - The loop of training ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-test-training <empty folder>
//
//===----------------------------------------------------------------------===//

// RUN: rm -rf %t && mkdir -p %t
// RUN: loco-test-training %t

#include "loco/Training.h"
#include "loco/Checkpoint.h"
#include "loco/DataSource.h"
#include "loco/Files.h"
#include "test/Runtime/Check.h"
#include "test/Runtime/ToyProgram.h"

#include <fstream>
#include <limits>

using namespace loco;
namespace fs = std::filesystem;

static fs::path root;
static constexpr int64_t features = 5, samples = 40, steps = 3;
static constexpr double infinity = std::numeric_limits<double>::infinity();

/// One training run of a test, with everything it may want to change.
struct Setting {
  ToyProgram program{features, false};
  std::unique_ptr<DataSource> data =
      require(DataSource::fromArrays(toyData(samples, steps, features)));
  TrainingPlan plan;
  TrainingSession session;
  std::optional<RunFolder> folder;
  std::vector<std::string> reports;

  Setting() {
    plan.batch = 8;
    plan.updates = 20;
    plan.optimizer.rate = 0.1;
    plan.optimizer.momentum = 0.9;
    session.progress.quiet = true;
    session.sourceHash = "abc";
    session.locoVersion = "0.1.0";
    session.report = [this](const std::string &text) {
      reports.push_back(text);
    };
  }

  void useFolder(const std::string &name) {
    folder.reset();
    auto mode = plan.resume ? RunFolder::Mode::Resume : RunFolder::Mode::Create;
    folder.emplace(require(RunFolder::open(root / name, mode, {})));
    session.folder = &*folder;
  }

  Expected<TrainingSummary> train() {
    return loco::train(program, *data, plan, session);
  }

  bool reported(const std::string &text) const {
    return std::any_of(reports.begin(), reports.end(), [&](auto &report) {
      return report.find(text) != std::string::npos;
    });
  }
};

static int64_t countLines(const fs::path &path) {
  std::string text = require(readFile(path.string()));
  return std::count(text.begin(), text.end(), '\n');
}

//===----------------------------------------------------------------------===//
// Learning
//===----------------------------------------------------------------------===//

/// Least squares finds the weights the data was made with, in both precisions.
static void checkLearns(const std::string &precision) {
  Setting setting;
  setting.program =
      ToyProgram(features, false,
                 precision == "f64" ? ElementType::F64 : ElementType::F32);
  setting.session.precision = precision;
  setting.plan.updates = 0;
  setting.plan.epochs = 100;
  setting.plan.schedule.kind = RateSchedule::Kind::Cosine;
  setting.useFolder("learns-" + precision);
  TrainingSummary summary = require(setting.train());
  CHECK_EQUAL(summary.updates, 500);
  CHECK_EQUAL(summary.updatesPerEpoch, 5);
  // What is left is the noise of 0.01.
  CHECK_NEAR(summary.parameters.at("b").at(0), 0.5, 0.01);
  for (int64_t i = 0; i < features; ++i)
    CHECK_NEAR(summary.parameters.at("w").at(i), 1.0 / (1 + i), 0.02);
  CHECK_NEAR(summary.lastLoss, 1e-4, 2e-4);
  CHECK(!summary.interrupted);

  CHECK_EQUAL(countLines(setting.folder->metrics()), 500);
  std::string lines = require(readFile(setting.folder->metrics()));
  for (const char *part :
       {"{\"update\":1,\"epoch\":0.2,\"loss\":", "\"rate\":0.1,",
        "\"scalars\":{\"b\":", "{\"update\":500,\"epoch\":100.0,"})
    CHECK(lines.find(part) != std::string::npos);
  Checkpoint last =
      require(readCheckpoint(setting.folder->checkpoints() / "500"));
  CHECK_EQUAL(last.info.epoch, 100);
  CHECK_EQUAL(last.info.precision, precision);
  CHECK_EQUAL(bytesOf(last.parameters.at("w")),
              bytesOf(summary.parameters.at("w")));
  CHECK_EQUAL(last.parameters.at("scale").at(0), 1);
}

/// Gradient descent on all samples at once, against the same in plain double
/// arithmetic.
static void checkTrajectory() {
  Setting setting;
  setting.program = ToyProgram(features, false, ElementType::F64);
  setting.session.precision = "f64";
  setting.plan.batch = samples;
  setting.plan.updates = 10;
  setting.plan.optimizer.momentum = 0;
  setting.plan.seed = 1;
  TensorMap data = toyData(samples, steps, features);
  std::vector<double> w(features);
  double b = 0;
  TensorMap first = require(setting.program.initialParameters(1));
  for (int64_t i = 0; i < features; ++i)
    w[i] = first.at("w").at(i);
  for (int update = 1; update <= 10; ++update) {
    std::vector<double> dw(features);
    double db = 0;
    for (int64_t sample = 0; sample < samples; ++sample) {
      double mean[features] = {}, y = b;
      for (int64_t i = 0; i < features; ++i) {
        for (int64_t step = 0; step < steps; ++step)
          mean[i] += data.at("x").at((sample * steps + step) * features + i) /
                     double(steps);
        y += w[i] * mean[i];
      }
      float noise;
      LocoRandomKey key = {1, locoRandomStream("n"), uint64_t(update)};
      locoRandomNormal(&key, sample, 0, 1, &noise);
      double error = y + 0.01 * noise - data.at("t").at(sample);
      db += 2 * error / samples;
      for (int64_t i = 0; i < features; ++i)
        dw[i] += 2 * error * mean[i] / samples;
    }
    b -= 0.1 * db;
    for (int64_t i = 0; i < features; ++i)
      w[i] -= 0.1 * dw[i];
  }
  TrainingSummary summary = require(setting.train());
  CHECK_NEAR(summary.parameters.at("b").at(0), b, 1e-13);
  for (int64_t i = 0; i < features; ++i)
    CHECK_NEAR(summary.parameters.at("w").at(i), w[i], 1e-13);
}

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

/// The data with one field in another shape or type.
static std::unique_ptr<DataSource> dataWith(const std::string &name,
                                            Tensor values) {
  TensorMap arrays = toyData(samples, steps, features);
  arrays[name] = std::move(values);
  return require(DataSource::fromArrays(std::move(arrays)));
}

static void checkRefusals() {
  auto refused = [](auto change, auto... texts) {
    Setting setting;
    change(setting);
    CHECK_ERROR(setting.train(), texts...);
  };
  refused([](Setting &s) { s.plan.batch = 0; }, "`batch` is 0, expected");
  refused([](Setting &s) { s.plan.batch = 41; }, "`batch` is 41",
          "only 40 samples");
  refused([](Setting &s) { s.plan.updates = 0; }, "how long to train");
  refused([](Setting &s) { s.plan.epochs = 2; }, "both `updates` and `epochs`");
  refused([](Setting &s) { s.plan.keepCheckpoints = 0; }, "`keep checkpoints`");
  refused([](Setting &s) { s.plan.optimizer.rate = -1; }, "`rate` is -1");
  refused([](Setting &s) { s.plan.resume = true; }, "cannot be resumed");
  refused([](Setting &s) { s.plan.optimizer.rules = {{"*", {}, true}}; },
          "nothing to train");
  refused(
      [](Setting &s) {
        TensorMap arrays = toyData(samples, steps, features);
        arrays.erase("t");
        s.data = require(DataSource::fromArrays(std::move(arrays)));
      },
      "has no `t`", "it has `x`");
  refused(
      [](Setting &s) {
        s.data = dataWith("x", Tensor(ElementType::F32, {samples, steps, 4}));
      },
      "input `x` is 5 per step", "`x` is 4 per step");
  refused(
      [](Setting &s) {
        s.data = dataWith("t", Tensor(ElementType::F32, {samples, 2}));
      },
      "input `t` is scalar per sample", "`t` is 2 per sample");
  refused(
      [](Setting &s) {
        static TensorMap values;
        values["w"] = Tensor(ElementType::F32, {4});
        values["b"] = Tensor(ElementType::F32, {});
        values["beta"] = Tensor(ElementType::F32, {});
        s.session.initialParameters = &values;
      },
      "missing: `scale`", "misshapen: `w` (4, expected 5)", "unused: `beta`");
}

/// Fields that no input asks for do no harm.
static void checkExtraFields() {
  Setting setting;
  setting.data = dataWith("label", Tensor(ElementType::I32, {samples}));
  CHECK(bool(setting.train()));
}

//===----------------------------------------------------------------------===//
// What is not finite, and what is dead
//===----------------------------------------------------------------------===//

static void checkNotFinite() {
  Setting setting;
  setting.plan.checkpointUpdates = 5;
  setting.program.afterRun = [](uint64_t update, Reply &reply) {
    if (update == 13)
      reply.gradients.at("w").set(2, std::nan(""));
  };
  setting.useFolder("not-finite");
  CHECK_ERROR(setting.train(), "training stopped in update 13",
              "gradient of `w` is not finite", "the last checkpoint is `",
              "checkpoints/10`", "[not-finite]");
  CHECK(bool(readCheckpoint(setting.folder->checkpoints() / "10")));
  CHECK_EQUAL(countLines(setting.folder->metrics()), 12);
  // It can be resumed once the cause is gone.
  setting.program.afterRun = nullptr;
  setting.plan.resume = true;
  setting.useFolder("not-finite");
  CHECK_EQUAL(require(setting.train()).resumedFrom, 10);
  CHECK_EQUAL(countLines(setting.folder->metrics()), 20);

  Setting lost;
  lost.program.afterRun = [](uint64_t, Reply &reply) {
    reply.loss = -infinity;
  };
  CHECK_ERROR(lost.train(), "update 1:", "the loss is -inf");

  Setting diverging;
  diverging.plan.optimizer.rate = 1e30;
  diverging.useFolder("diverging");
  CHECK_ERROR(diverging.train(), "parameter `", "not finite",
              "no checkpoint was written");

  Setting input;
  TensorMap arrays = toyData(samples, steps, features);
  arrays.at("x").set(17 * steps * features + 4, std::nan(""));
  input.data = require(DataSource::fromArrays(std::move(arrays)));
  CHECK_ERROR(input.train(), "the data's `x` is not finite in sample 17");

  // A last update that destroys the parameters leaves no checkpoint of them.
  Setting last;
  last.plan.updates = 1;
  last.program.afterRun = [](uint64_t, Reply &reply) {
    reply.gradients.at("b").set(0, 3e38);
  };
  last.plan.optimizer.rate = 1e3;
  last.useFolder("last");
  CHECK_ERROR(last.train(), "in update 1", "parameter `b` is not finite");
  CHECK(listCheckpoints(last.folder->checkpoints()).empty());
}

static void checkDeadRelu() {
  for (double gain : {-0.5, 0.5}) {
    Setting setting;
    setting.program = ToyProgram(features, true);
    setting.program.initialGain = gain;
    setting.session.reluParameters = {"gain.raw"};
    TrainingSummary summary = require(setting.train());
    CHECK_EQUAL(setting.reports.size(), gain < 0 ? 1u : 0u);
    CHECK_EQUAL(setting.reported("`gain.raw` is dead since update 1"),
                gain < 0);
  }
}

//===----------------------------------------------------------------------===//
// Hooks
//===----------------------------------------------------------------------===//

static void checkHooks() {
  Setting setting;
  std::vector<double> seen;
  setting.session.validate = [&](const TensorMap &parameters) {
    seen.push_back(parameters.at("b").at(0));
    return Expected<LossParts>({seen.size() == 2 ? 0.25 : 1.0, {}});
  };
  setting.session.scalars = [](const TensorMap &, auto &scalars) {
    scalars["shown"] = 42;
  };
  setting.plan.validateUpdates = 6;
  setting.plan.checkpointUpdates = 6;
  setting.plan.keepCheckpoints = 1;
  setting.useFolder("hooks");
  (void)require(setting.train());
  CHECK_EQUAL(seen.size(), 4u); // after 6, 12, 18 and the last
  std::string lines = require(readFile(setting.folder->metrics()));
  CHECK(lines.find("\"validation_loss\":0.25,\"scalars\":{\"b\":") !=
        std::string::npos);
  CHECK(lines.find("\"shown\":42.0") != std::string::npos);
  // The best by validation, and the newest.
  CHECK(listCheckpoints(setting.folder->checkpoints()) ==
        std::vector<int64_t>({12, 20}));

  Setting failing;
  failing.session.validate = [](const TensorMap &) {
    return Expected<LossParts>(Error{"no such file"});
  };
  CHECK_ERROR(failing.train(), "no such file");
}

/// `stop` ends a run as Ctrl-C does.
static void checkStop() {
  Setting setting;
  std::atomic<bool> stop = false;
  setting.session.stop = &stop;
  setting.program.beforeRun = [&](uint64_t update) { stop = update == 7; };
  setting.useFolder("stop");
  TrainingSummary summary = require(setting.train());
  CHECK(summary.interrupted);
  CHECK_EQUAL(summary.updates, 7);
  CHECK(setting.reported("stopped after update 7 of 20"));
  CHECK(listCheckpoints(setting.folder->checkpoints()) ==
        std::vector<int64_t>({7}));
}

//===----------------------------------------------------------------------===//
// Resuming
//===----------------------------------------------------------------------===//

/// A run of Adam that stopped after update 10 of 20.
static void makeHalf(const std::string &name) {
  Setting setting;
  setting.plan.optimizer.method = OptimizerOptions::Method::Adam;
  setting.plan.updates = 10;
  setting.plan.checkpointUpdates = 5;
  setting.useFolder(name);
  (void)require(setting.train());
}

static void checkResumeRules() {
  makeHalf("half");
  auto resumed = [](Setting &setting) {
    setting.plan.resume = true;
    setting.plan.optimizer.method = OptimizerOptions::Method::Adam;
    setting.useFolder("half");
  };
  auto refused = [&](auto change, auto... texts) {
    Setting setting;
    resumed(setting);
    change(setting);
    CHECK_ERROR(setting.train(), texts...);
  };
  refused([](Setting &s) { s.session.sourceHash = "def"; }, "checkpoint 10",
          "hash abc, now def", "`--force`", "[source-changed]");
  refused([](Setting &s) { s.plan.seed = 4; }, "has seed 0, now it is 4",
          "[seed-changed]");
  refused(
      [](Setting &s) {
        s.session.precision = "f64";
        s.program = ToyProgram(features, false, ElementType::F64);
      },
      "precision f32, now it is f64", "`--init`", "[precision-changed]");
  refused(
      [](Setting &s) {
        s.plan.optimizer.method = OptimizerOptions::Method::Sgd;
      },
      "made by `adam`, now the optimizer is `sgd`", "[optimizer-changed]");
  refused([](Setting &s) { s.program = ToyProgram(features, true); },
          "checkpoint 10 cannot be resumed", "missing: `gain.raw`");
  refused([](Setting &s) { s.plan.resume = false; },
          "holds checkpoints of another run");

  // Other threads and batches are told, a changed program too if forced.
  Setting told;
  resumed(told);
  ThreadPool pool(3);
  told.session.pool = &pool;
  told.plan.batch = 4;
  told.plan.force = true;
  told.session.sourceHash = "def";
  TrainingSummary summary = require(told.train());
  CHECK_EQUAL(summary.resumedFrom, 10);
  CHECK_EQUAL(summary.updates, 20);
  CHECK(told.reported("the number of threads was "));
  CHECK(told.reported("`batch` was 8 in checkpoint 10, now it is 4"));
  CHECK(told.reported("the hash of the program was abc"));

  // Nothing left to do.
  told.folder.reset();
  Setting done;
  resumed(done);
  done.session.sourceHash = "def";
  done.plan.batch = 4;
  summary = require(done.train());
  CHECK_EQUAL(summary.updates, 20);
  CHECK(done.reported("all 20 updates are done already"));
}

/// A damaged checkpoint is told of and kept, and the one before it is used.
static void checkResumeDamaged() {
  makeHalf("damaged");
  fs::path checkpoints = root / "damaged" / "checkpoints";
  std::ofstream(checkpoints / "10" / "state.safetensors") << "?";
  Setting setting;
  setting.plan.resume = true;
  setting.plan.optimizer.method = OptimizerOptions::Method::Adam;
  setting.useFolder("damaged");
  CHECK_EQUAL(require(setting.train()).resumedFrom, 5);
  CHECK(setting.reported("checkpoint 10 cannot be used: `"));
  CHECK(setting.reported("the damaged checkpoint is now `"));
  CHECK(fs::exists(checkpoints / "10.damaged" / "params.safetensors"));

  for (int64_t update : listCheckpoints(checkpoints))
    std::ofstream(checkpoints / std::to_string(update) / "run.json") << "{";
  setting.useFolder("damaged");
  CHECK_ERROR(setting.train(), "none of the", "checkpoints in", "run.json");

  // Without any checkpoint the run begins anew.
  fs::remove_all(checkpoints);
  setting.useFolder("damaged");
  CHECK_EQUAL(require(setting.train()).resumedFrom, 0);
  CHECK(setting.reported("there is no checkpoint"));
  CHECK_EQUAL(countLines(setting.folder->metrics()), 20);
}

/// Values that were given are in a checkpoint before the first update.
static void checkInitialValues() {
  Setting setting;
  TensorMap values = require(setting.program.initialParameters(5));
  values.at("b").set(0, 7);
  setting.session.initialParameters = &values;
  setting.program.beforeRun = [&](uint64_t) {
    fs::path zero = setting.folder->checkpoints() / "0";
    CHECK_EQUAL(require(readCheckpoint(zero)).parameters.at("b").at(0), 7);
  };
  setting.useFolder("given");
  (void)require(setting.train());
}

int main(int argc, char **argv) {
  root = argc > 1 ? argv[1] : "";
  if (root.empty() || !fs::is_empty(root))
    return std::cerr << "usage: loco-test-training <empty folder>\n", 1;
  checkLearns("f32");
  checkLearns("f64");
  checkTrajectory();
  checkRefusals();
  checkExtraFields();
  checkNotFinite();
  checkDeadRelu();
  checkHooks();
  checkStop();
  checkResumeRules();
  checkResumeDamaged();
  checkInitialValues();
  return checksFailed();
}
