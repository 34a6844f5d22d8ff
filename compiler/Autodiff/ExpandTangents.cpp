//===- ExpandTangents.cpp - Differences between states --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Autodiff.h"

#include "dialects/Loco/IR/LocoOps.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_EXPANDTANGENTS
#include "compiler/Autodiff/Passes.h.inc"
} // namespace loco

static StringRef getText(DictionaryAttr attributes, StringRef name) {
  auto text = attributes ? attributes.getAs<StringAttr>(name) : StringAttr();
  return text ? text.getValue() : StringRef();
}

/// Leaves the results of the role `carry` alone; their names, in order.
static SmallVector<StringRef> keepCarries(func::FuncOp function) {
  SmallVector<StringRef> names;
  llvm::BitVector others(function.getNumResults());
  for (unsigned i = 0, e = function.getNumResults(); i < e; ++i) {
    DictionaryAttr attributes = function.getResultAttrDict(i);
    if (getText(attributes, "loco.role") == "carry")
      names.push_back(getText(attributes, "loco.name"));
    else
      others.set(i);
  }
  LogicalResult erased = function.eraseResults(others);
  assert(succeeded(erased));
  (void)erased;
  function.getBody().front().getTerminator()->eraseOperands(others);
  return names;
}

/// Attributes of an argument or a result `tangent/state`.
static DictionaryAttr describeTangent(Builder &builder, StringRef state,
                                      StringRef role) {
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("loco.name",
                            builder.getStringAttr("tangent/" + state)),
       builder.getNamedAttr("loco.role", builder.getStringAttr(role))});
}

static LogicalResult expand(func::FuncOp function, ArrayAttr states) {
  Builder builder(function.getContext());
  function->removeAttr("loco.tangents");
  SmallVector<StringRef> carries = keepCarries(function);
  auto isOf = [](StringRef carry, Attribute state) {
    StringRef name = carry;
    return name.consume_front("carry/") &&
           name == cast<StringAttr>(state).getValue();
  };
  SmallVector<unsigned> positions;
  for (Attribute state : states)
    for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
      if (isOf(getText(function.getArgAttrDict(i), "loco.name"), state))
        positions.push_back(i);
  if (positions.size() != states.size())
    return function.emitError("takes no `carry/` argument for one of the "
                              "states in `loco.tangents`");

  std::string name = function.getSymName().str();
  FailureOr<func::FuncOp> derivative =
      createJVP(function, positions, name + ".jvp");
  if (failed(derivative))
    return failure();
  // Tangents follow on all results; those of states remain.
  llvm::BitVector unwanted(derivative->getNumResults());
  SmallVector<DictionaryAttr> resultAttributes;
  for (unsigned i = 0, e = carries.size(); i < e; ++i)
    resultAttributes.push_back(function.getResultAttrDict(i));
  for (auto [i, carry] : llvm::enumerate(carries)) {
    const auto *state = llvm::find_if(
        states, [&](Attribute state) { return isOf(carry, state); });
    if (state == states.end())
      unwanted.set(carries.size() + i);
    else
      resultAttributes.push_back(describeTangent(
          builder, cast<StringAttr>(*state).getValue(), "carry"));
  }
  LogicalResult erased = derivative->eraseResults(unwanted);
  assert(succeeded(erased));
  (void)erased;
  derivative->getBody().front().getTerminator()->eraseOperands(unwanted);
  derivative->setAllResultAttrs(resultAttributes);
  unsigned first = function.getNumArguments();
  for (unsigned i = 0; i < first; ++i)
    derivative->setArgAttrs(i, function.getArgAttrDict(i));
  for (auto [i, state] : llvm::enumerate(states))
    derivative->setArgAttrs(
        first + i,
        describeTangent(builder, cast<StringAttr>(state).getValue(), "input"));
  function.erase();
  derivative->setSymName(name);
  return success();
}

namespace {
struct ExpandTangents : loco::impl::ExpandTangentsBase<ExpandTangents> {
  using ExpandTangentsBase::ExpandTangentsBase;
  void runOnOperation() override {
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions)
      if (auto states = function->getAttrOfType<ArrayAttr>("loco.tangents"))
        if (failed(expand(function, states)))
          return signalPassFailure();
  }
};
} // namespace
