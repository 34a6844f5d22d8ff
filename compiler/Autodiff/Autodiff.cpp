//===- Autodiff.cpp - Derivatives of functions of the loco dialect -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Autodiff.h"

#include "compiler/Autodiff/Forward.h"
#include "compiler/Autodiff/Reverse.h"
#include "compiler/Autodiff/Rules.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_CREATEVJP
#define GEN_PASS_DEF_CREATEJVP
#include "compiler/Autodiff/Passes.h.inc"
} // namespace loco

/// Inserts a copy of `primal` named `name` after it.
static func::FuncOp cloneAs(func::FuncOp primal, StringRef name) {
  OpBuilder builder(primal->getContext());
  builder.setInsertionPointAfter(primal);
  auto clone = cast<func::FuncOp>(builder.clone(*primal));
  clone.setSymName(name);
  // Pairs of loops from an earlier derivative are no pairs any more.
  removeResidualMarks(clone);
  return clone;
}

static LogicalResult checkArguments(func::FuncOp primal,
                                    ArrayRef<unsigned> wrt) {
  if (primal.isExternal() || !primal.getBody().hasOneBlock())
    return primal.emitError("cannot be differentiated: it has no single block");
  for (unsigned index : wrt)
    if (index >= primal.getNumArguments() ||
        !isDifferentiable(primal.getArgumentTypes()[index]))
      return primal.emitError("has no differentiable argument ") << index;
  return success();
}

/// Adds an argument for each of `types` at the positions `chosen` that is
/// differentiable, after the existing ones.
static SmallVector<Value> addSeeds(func::FuncOp function, TypeRange types,
                                   ArrayRef<unsigned> chosen) {
  SmallVector<Value> seeds;
  for (auto [index, type] : llvm::enumerate(types))
    seeds.push_back(
        llvm::is_contained(chosen, index) && isDifferentiable(type)
            ? function.getBody().addArgument(type, function.getLoc())
            : Value());
  return seeds;
}

/// The attributes of a result that is the derivative by the argument `index`.
static DictionaryAttr getGradientAttributes(func::FuncOp function,
                                            unsigned index) {
  Builder builder(function->getContext());
  NamedAttrList attributes;
  for (StringRef copied : {"loco.name", "loco.per_step"})
    if (Attribute value = function.getArgAttr(index, copied))
      attributes.set(copied, value);
  attributes.set("loco.role", builder.getStringAttr("gradient"));
  auto role = function.getArgAttrOfType<StringAttr>(index, "loco.role");
  if (role && (role.getValue() == "param" || role.getValue() == "frozen"))
    attributes.set("loco.sum_samples", builder.getUnitAttr());
  return attributes.getDictionary(function->getContext());
}

/// Brings the function's type in line with its block and return.
static void updateType(func::FuncOp function,
                       ArrayRef<DictionaryAttr> newResultAttributes) {
  Operation *ret = function.getBody().front().getTerminator();
  SmallVector<DictionaryAttr> argumentAttributes, resultAttributes;
  function.getAllArgAttrs(argumentAttributes);
  function.getAllResultAttrs(resultAttributes);
  auto none = DictionaryAttr::get(function->getContext());
  argumentAttributes.resize(function.getBody().getNumArguments(), none);
  llvm::append_range(resultAttributes, newResultAttributes);
  resultAttributes.resize(ret->getNumOperands(), none);
  function.setType(FunctionType::get(function->getContext(),
                                     function.getBody().getArgumentTypes(),
                                     ret->getOperandTypes()));
  function.setAllArgAttrs(argumentAttributes);
  function.setAllResultAttrs(resultAttributes);
}

FailureOr<func::FuncOp> loco::createVJPOfResults(func::FuncOp primal,
                                                 ArrayRef<unsigned> of,
                                                 ArrayRef<unsigned> wrt,
                                                 StringRef name) {
  if (failed(checkArguments(primal, wrt)))
    return failure();
  func::FuncOp function = cloneAs(primal, name);
  Block &block = function.getBody().front();
  Operation *ret = block.getTerminator();
  SmallVector<Value> seeds = addSeeds(function, ret->getOperandTypes(), of);

  Activity activity;
  for (unsigned index : wrt)
    activity.insert(block.getArgument(index));
  if (failed(activity.propagate(block)))
    return failure();

  ImplicitLocOpBuilder builder(function.getLoc(), ret);
  ResidualCounter residuals;
  ReverseSweep sweep(builder, activity, residuals);
  for (auto [value, seed] : llvm::zip(ret->getOperands(), seeds))
    if (seed)
      sweep.add(value, seed);
  if (failed(sweep.run(block)))
    return failure();

  SmallVector<Value> results(ret->getOperands());
  SmallVector<DictionaryAttr> attributes;
  for (unsigned index : wrt) {
    results.push_back(sweep.getOrZero(block.getArgument(index)));
    attributes.push_back(getGradientAttributes(function, index));
  }
  ret->setOperands(results);
  updateType(function, attributes);
  return function;
}

FailureOr<func::FuncOp>
loco::createVJP(func::FuncOp primal, ArrayRef<unsigned> wrt, StringRef name) {
  auto all = llvm::to_vector(llvm::seq<unsigned>(0, primal.getNumResults()));
  return createVJPOfResults(primal, all, wrt, name);
}

FailureOr<func::FuncOp>
loco::createJVP(func::FuncOp primal, ArrayRef<unsigned> wrt, StringRef name) {
  if (failed(checkArguments(primal, wrt)))
    return failure();
  func::FuncOp function = cloneAs(primal, name);
  Block &block = function.getBody().front();
  SmallVector<Value> seeds;
  for (unsigned index : wrt)
    seeds.push_back(block.addArgument(block.getArgument(index).getType(),
                                      function.getLoc()));

  ImplicitLocOpBuilder builder(function.getLoc(), &block, block.begin());
  ForwardSweep sweep(builder);
  for (auto [index, seed] : llvm::zip(wrt, seeds))
    sweep.set(block.getArgument(index), seed);
  if (failed(sweep.run(block)))
    return failure();

  Operation *ret = block.getTerminator();
  builder.setInsertionPoint(ret);
  SmallVector<Value> results(ret->getOperands());
  for (Value value : ret->getOperands())
    if (isDifferentiable(value.getType()))
      results.push_back(sweep.getOrZero(value));
  ret->setOperands(results);
  updateType(function, {});
  return function;
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

/// Differentiates the function that a pass's options name.
static LogicalResult runDerivative(ModuleOp module, StringRef function,
                                   ArrayRef<unsigned> arguments, StringRef name,
                                   decltype(createJVP) *create) {
  auto primal = module.lookupSymbol<func::FuncOp>(function);
  if (!primal)
    return module.emitError("has no function `") << function << "`";
  if (name.empty() || module.lookupSymbol(name))
    return module.emitError("needs an unused name for the derivative");
  SmallVector<unsigned> wrt(arguments);
  if (wrt.empty())
    for (auto [index, type] : llvm::enumerate(primal.getArgumentTypes()))
      if (isDifferentiable(type))
        wrt.push_back(index);
  return create(primal, wrt, name);
}

namespace {
struct CreateVJP : loco::impl::CreateVJPBase<CreateVJP> {
  using CreateVJPBase::CreateVJPBase;
  void runOnOperation() override {
    if (failed(runDerivative(
            getOperation(), function,
            SmallVector<unsigned>(arguments.begin(), arguments.end()), name,
            createVJP)))
      signalPassFailure();
  }
};

struct CreateJVP : loco::impl::CreateJVPBase<CreateJVP> {
  using CreateJVPBase::CreateJVPBase;
  void runOnOperation() override {
    if (failed(runDerivative(
            getOperation(), function,
            SmallVector<unsigned>(arguments.begin(), arguments.end()), name,
            createJVP)))
      signalPassFailure();
  }
};
} // namespace
