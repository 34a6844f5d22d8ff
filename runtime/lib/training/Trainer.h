//===- Trainer.h - The loop of training -------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All state of one training run. Training.cpp holds the loop, EarlyStopping.cpp
// what validations decide, Resume.cpp what goes to and comes from the disk.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_TRAINING_TRAINER_H
#define LOCO_RUNTIME_TRAINING_TRAINER_H

#include "loco/BatchLoader.h"
#include "loco/Checkpoint.h"
#include "loco/Matching.h"
#include "loco/Metrics.h"
#include "loco/Training.h"
#include "loco/Windows.h"
#include "runtime/lib/training/Health.h"
#include "runtime/lib/training/Interrupt.h"

#include <chrono>

namespace loco {

class Trainer {
public:
  Trainer(Program &program, DataSource &data, const TrainingPlan &plan,
          const TrainingSession &session);

  Expected<TrainingSummary> run();

private:
  using Clock = std::chrono::steady_clock;

  // Training.cpp
  Status prepare();
  Status startData();
  Status runUpdates();
  Status runOneUpdate();
  Status nextBatch();
  Status makeResident();
  Status runProgram(double rateFactor, double &norm);
  Status takeUpdate();
  Status bringBack();
  Error keepReached(const Error &why);
  Status checkReply() const;
  Status writeMetrics(double rateFactor, double norm);
  bool isStopped() const;
  bool stopRequested() const;
  double seconds() const;
  std::string progressDetail() const;
  void report(const std::string &text);
  Error stopped(int64_t at, const std::string &why) const;

  // EarlyStopping.cpp
  Status validateIfDue();
  void keepBest(double loss);
  Status finishBest();

  // Resume.cpp
  Status begin();
  Status resume();
  Status checkSameRun(const CheckpointInfo &info);
  void setDamagedAside(int64_t newestGood);
  Status checkpointIfDue();
  Status saveStart();
  Status saveCheckpoint();

  Program &program;
  DataSource &data;
  const TrainingPlan &plan;
  const TrainingSession &session;
  ThreadPool &pool;

  std::optional<Optimizer> optimizer;
  TensorMap parameters;
  /// Makes the updates where the model runs; null if they are made here.
  std::unique_ptr<ResidentUpdates> resident;
  /// It was asked whether there is one.
  bool isResidentKnown = false;
  /// The update after which `parameters` and the optimiser's state are as they
  /// stand here.
  int64_t updateHere = 0;
  FieldMatch match;
  std::unique_ptr<BatchLoader> loader;
  std::optional<MetricsWriter> metrics;
  std::optional<Progress> progress;
  std::optional<Interrupt> interrupt;
  DeadParameters dead;
  /// What training begins with is not on the disk yet.
  bool isStartUnsaved = false;
  Batch batch;
  Request request;
  Reply reply;

  /// Updates done, those of earlier sessions, and those wanted.
  int64_t update = 0, resumedFrom = 0, totalUpdates = 0;
  /// 0 for data that never ends.
  int64_t updatesPerEpoch = 0;
  DataCursor cursor;
  Windows windows;
  /// The sequences whose windows are run, and where they were read.
  Batch sequences;
  DataCursor sequencesBegin;
  /// Time of earlier sessions.
  double secondsBefore = 0;
  Clock::time_point startTime = Clock::now();
  double rate = 0;

  int64_t savedUpdate = 0;
  Clock::time_point savedTime = Clock::now();
  /// Over the updates since the last checkpoint.
  double lossSum = 0;
  int64_t lossCount = 0;
  /// The terms of the last batch's loss.
  std::map<std::string, double> terms;
  std::optional<double> newValidationLoss;
  std::optional<CheckpointInfo::Validation> validation;
  /// Of the best validation; empty where the run does not end early.
  TensorMap best;
};

} // namespace loco

#endif // LOCO_RUNTIME_TRAINING_TRAINER_H
