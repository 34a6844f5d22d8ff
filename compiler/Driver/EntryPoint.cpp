//===- EntryPoint.cpp - The function that answers a request --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/EntryPoint.h"

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Pipelines/Pipelines.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Pass/PassManager.h"

#include <fmt/format.h>

using namespace mlir;
using namespace loco;

std::string loco::getRequestKey(const Request &request) {
  return fmt::format("{}/{}", fmt::join(request.results, ","),
                     fmt::join(request.gradients, ","));
}

std::string loco::getEntryName(const Request &request, EntryVariant variant) {
  return fmt::format("{}/{}{}{}", getRequestKey(request),
                     getName(variant.policy).str(),
                     variant.usesLibraries ? "" : "/whole",
                     variant.manySamples ? "/many" : "");
}

StringRef loco::getName(ResidualPolicy policy) {
  switch (policy) {
  case ResidualPolicy::Store:
    return "store";
  case ResidualPolicy::Recompute:
    return "recompute";
  case ResidualPolicy::Checkpoint:
    return "checkpoint";
  }
  llvm_unreachable("all plans have names");
}

/// Positions of the function's arguments that gradients are taken by.
static SmallVector<unsigned> getGradientPositions(const Signature &signature,
                                                  ArrayRef<std::string> names) {
  SmallVector<unsigned> positions;
  for (const std::string &name : names)
    for (auto [argument, position] :
         llvm::zip_equal(signature.arguments, signature.argumentPositions))
      if (argument.name == name)
        positions.push_back(position);
  return positions;
}

/// Puts the number 1 in place of the last argument of `function`, the cotangent
/// of the loss.
static void seedWithOne(func::FuncOp function) {
  unsigned last = function.getNumArguments() - 1;
  BlockArgument seed = function.getArgument(last);
  auto type = cast<RankedTensorType>(seed.getType());
  OpBuilder builder(function.getBody());
  Attribute one = builder.getFloatAttr(type.getElementType(), 1);
  Value constant = arith::ConstantOp::create(builder, function.getLoc(),
                                             DenseElementsAttr::get(type, one));
  seed.replaceAllUsesWith(constant);
  // Cannot fail: nothing uses the argument any more.
  LogicalResult erased = function.eraseArgument(last);
  assert(succeeded(erased));
  (void)erased;
}

/// Keeps the last argument of `function`, the cotangent of the loss, as one
/// that all samples share.
static void seedWithArgument(func::FuncOp function) {
  unsigned last = function.getNumArguments() - 1;
  Builder builder(function.getContext());
  function.setArgAttr(last, "loco.role", builder.getStringAttr("frozen"));
  function.setArgAttr(last, "loco.name",
                      builder.getStringAttr("weight of a sample"));
}

FailureOr<EntryPoint> loco::makeEntryPoint(func::FuncOp function,
                                           const Signature &signature,
                                           const Request &request,
                                           ResidualPolicy policy,
                                           SampleWeight weight) {
  EntryPoint entry;
  entry.results = request.results;
  entry.gradients = request.gradients;
  std::string loss = signature.getLossName();
  if (!loss.empty() && !llvm::is_contained(entry.results, loss))
    entry.results.push_back(loss);
  std::string name =
      fmt::format("{}:{}", function.getSymName().str(), getRequestKey(request));
  entry.function = specialize(function, entry.results, name);

  PassManager passes(function.getContext(), func::FuncOp::getOperationName());
  if (!request.gradients.empty()) {
    unsigned ofLoss = llvm::find(entry.results, loss) - entry.results.begin();
    FailureOr<func::FuncOp> vjp = createVJPOfResults(
        entry.function, ofLoss,
        getGradientPositions(signature, request.gradients), name + ".vjp");
    entry.function.erase();
    if (failed(vjp))
      return failure();
    entry.function = *vjp;
    weight == SampleWeight::One ? seedWithOne(entry.function)
                                : seedWithArgument(entry.function);
    buildResidualsPipeline(passes, policy);
  }
  if (failed(passes.run(entry.function)))
    return failure();
  return entry;
}
