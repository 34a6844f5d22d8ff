//===- EntryPoint.h - The function that answers a request ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_ENTRYPOINT_H
#define COMPILER_DRIVER_ENTRYPOINT_H

#include "compiler/Driver/Signature.h"
#include "compiler/Pipelines/Pipelines.h"

namespace loco {

/// A function with the arguments of the model's (docs/ModelIR.md), whose
/// results are the values asked for, the loss, then the gradients of the loss.
struct EntryPoint {
  mlir::func::FuncOp function;
  std::vector<std::string> results, gradients;
};

/// What the loss of a sample counts in the gradients that a function gives.
enum class SampleWeight {
  /// 1: whoever wants the gradients of a mean divides them.
  One,
  /// What the function's last argument says, a number that all samples share:
  /// gradients of a mean, without a pass over them. Only of functions that give
  /// gradients.
  Argument,
};

/// Adds to the module of `function` the function that answers `request`,
/// differentiated if it asks for gradients. What has no derivative is a
/// diagnostic at its place.
mlir::FailureOr<EntryPoint>
makeEntryPoint(mlir::func::FuncOp function, const Signature &signature,
               const Request &request, ResidualPolicy policy,
               SampleWeight weight = SampleWeight::One);

/// How a request is answered, where there are several ways.
struct EntryVariant {
  /// What loops keep for the way back.
  ResidualPolicy policy = ResidualPolicy::Store;
  /// Of a GPU: libraries make what they can, where they are there.
  bool usesLibraries = true;
  /// Of the processor: batches have samples enough to fill vectors with them.
  bool manySamples = false;

  auto operator<=>(const EntryVariant &) const = default;
};

/// A name for what a request asks for: equal for equal requests.
std::string getRequestKey(const Request &request);

/// The same for code that answers it in this way.
std::string getEntryName(const Request &request, EntryVariant variant);

/// `store`, `recompute` or `checkpoint`.
llvm::StringRef getName(ResidualPolicy policy);

} // namespace loco

#endif // COMPILER_DRIVER_ENTRYPOINT_H
