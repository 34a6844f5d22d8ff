//===- Report.h - What became of a function's loops, for people -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOKERNELS_REPORT_H
#define COMPILER_CONVERSION_LOCOTOKERNELS_REPORT_H

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace loco {

struct Schedule;

/// One loop nest, or one call for many rows.
struct NestFact {
  /// Loops over time around it.
  unsigned depth = 0;
  /// `model.loco:12`, where its first op is from; empty if nowhere.
  std::string place;
  /// `36 x 36`; empty for loops over time.
  std::string sites;
  /// What is computed, and how it runs.
  std::string work, schedule;
};

/// Something that costs time and could be otherwise, with a stable name.
struct KernelRemark {
  std::string name;
  /// `model.loco:12:7`.
  std::string place;
  std::string message;
};

struct KernelReport {
  /// Samples that advance in one vector, and why so many, where there are
  /// enough of them.
  int64_t abreast = 1;
  std::string abreastReason;
  std::vector<NestFact> nests;
  std::vector<KernelRemark> remarks;
};

/// Nests as the schedule has them, in the order in which they run, and remarks:
///   lost-fusion   a value is kept for a second pass over the same sites
///   serial-loop   a loop of `loops` has no vectors
///   gathered-loop a loop of `loops` reads lanes from distant places
/// `loops` is the code that was emitted for the schedule; null: not looked at.
KernelReport reportKernel(const Schedule &schedule, mlir::ModuleOp loops);

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOKERNELS_REPORT_H
