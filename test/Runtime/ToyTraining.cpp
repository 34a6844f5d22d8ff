//===- ToyTraining.cpp - A training run to be killed ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-test-toy-training <run folder> <updates> <checkpoint every>
//                          <milliseconds per update>
//
// Trains the nonlinear toy in the folder, going on if there is a run in it, as
// `lococ run --resume` would.
//
//===----------------------------------------------------------------------===//

// RUN: rm -rf %t && mkdir -p %t
// RUN: %python %S/Inputs/kill_and_resume.py %t

#include "loco/DataSource.h"
#include "loco/Training.h"
#include "test/Runtime/Check.h"
#include "test/Runtime/ToyProgram.h"

#include <filesystem>

using namespace loco;

int main(int argc, char **argv) {
  if (argc != 5)
    return std::cerr << "usage: loco-test-toy-training <run folder> <updates> "
                        "<checkpoint every> <milliseconds>\n",
           1;
  constexpr int64_t features = 1200;
  bool resume = std::filesystem::exists(argv[1]);
  RunFolder folder = require(RunFolder::open(
      argv[1], resume ? RunFolder::Mode::Resume : RunFolder::Mode::Create,
      {"{}", "{}", {{"toy.loco", "loco 1\n"}}}));
  auto data = require(DataSource::fromArrays(toyData(50, 2, features)));
  ToyProgram program(features, true);
  std::chrono::milliseconds pause(std::stoi(argv[4]));
  program.beforeRun = [=](uint64_t) { std::this_thread::sleep_for(pause); };

  TrainingPlan plan;
  plan.optimizer.method = OptimizerOptions::Method::Adam;
  plan.optimizer.clipNorm = 1;
  plan.schedule.kind = RateSchedule::Kind::Step;
  plan.schedule.interval = 40;
  plan.schedule.dropFactor = 0.5;
  plan.batch = 8;
  plan.updates = std::stoi(argv[2]);
  plan.checkpointUpdates = std::stoi(argv[3]);
  plan.resume = resume;
  plan.seed = 17;
  TrainingSession session;
  session.folder = &folder;
  session.handleSignals = true;
  ThreadPool pool(2);
  session.pool = &pool;
  Expected<TrainingSummary> summary = train(program, *data, plan, session);
  if (!summary) {
    std::cerr << "error: " << summary.message() << "\n";
    return 1;
  }
  return 0;
}
