//===- RandomDraws.cpp - Random numbers of a model as values -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/RandomDraws.h"

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"

#include <fmt/format.h>

using namespace mlir;
using namespace loco;

namespace {
/// All ops that draw from one stream.
struct Stream {
  RandomDraw draw;
  SmallVector<RandomOp> ops;
  /// The op in the time loop that draws for the step at hand, if there is one.
  RandomOp ofStep;
  /// Position among all streams as the function goes through them.
  unsigned order = 0;
};
} // namespace

/// The time loop around `op`, null at the top of the function.
static ScanOp getLoop(RandomOp op) {
  return dyn_cast<ScanOp>(op->getParentOp());
}

static std::tuple<unsigned, unsigned> getPlace(Location location) {
  if (auto place = location->findInstanceOf<FileLineColLoc>())
    return {place.getLine(), place.getColumn()};
  return {~0u, ~0u};
}

static std::string describePlace(RandomOp op) {
  auto [line, column] = getPlace(op.getLoc());
  return line == ~0u ? std::string("the random draw")
                     : fmt::format("the random draw at {}:{}", line, column);
}

/// The number of steps that `function` is called with.
static Value getSteps(func::FuncOp function) {
  for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
    if (auto role = function.getArgAttrOfType<StringAttr>(i, "loco.role");
        role && role == "steps")
      return function.getArgument(i);
  return {};
}

/// Checks that draws of `op` have a place in an array over the samples (and the
/// steps) of a batch.
static Status checkPlace(func::FuncOp function, RandomOp op) {
  if (op->getParentOp() == function)
    return {};
  ScanOp loop = getLoop(op);
  if (!loop || loop->getParentOp() != function ||
      loop.getSteps() != getSteps(function))
    return Error{fmt::format("{} is inside of a loop over something else than "
                             "the steps of the model; it can be neither "
                             "recorded nor given",
                             describePlace(op))};
  return {};
}

/// Groups the draws by stream, in the order of the program's text.
static Expected<std::vector<Stream>> findStreams(func::FuncOp function) {
  llvm::MapVector<uint64_t, Stream> byNumber;
  Status failure;
  function.walk([&](RandomOp op) {
    if (!failure)
      failure = checkPlace(function, op);
    auto type = cast<RankedTensorType>(op.getType());
    bool isNormal = op.getDistribution() == Distribution::Normal;
    auto [entry, isNew] = byNumber.insert(
        {op.getStream(),
         Stream{RandomDraw{"", isNormal, false, type, op.getLoc()},
                {},
                {},
                static_cast<unsigned>(byNumber.size())}});
    Stream &stream = entry->second;
    stream.ops.push_back(op);
    if (getPlace(op.getLoc()) < getPlace(stream.draw.location))
      stream.draw.location = op.getLoc();
    ScanOp loop = getLoop(op);
    if (loop && op.getStep() == loop.getStep() && !stream.ofStep) {
      stream.ofStep = op;
      stream.draw.perStep = true;
    }
  });
  if (failure)
    return failure.error();

  std::vector<Stream> streams;
  for (auto &[number, stream] : byNumber)
    streams.push_back(std::move(stream));
  llvm::sort(streams, [](const Stream &a, const Stream &b) {
    return std::tuple(getPlace(a.draw.location), a.order) <
           std::tuple(getPlace(b.draw.location), b.order);
  });
  for (auto [index, stream] : llvm::enumerate(streams)) {
    stream.draw.name = fmt::format("random.{}", index);
    // Without a draw for the step at hand there is one array per sample, which
    // is right only if all draws are those of one step.
    bool isOne = llvm::all_of(stream.ops, [&](RandomOp op) {
      return op->getParentOp() == function &&
             op.getStep() == stream.ops.front().getStep();
    });
    if (!stream.ofStep && !isOne)
      return Error{fmt::format("{} is made for other steps than the one at "
                               "hand; it can be neither recorded nor given",
                               describePlace(stream.ops.front()))};
  }
  return streams;
}

Expected<std::vector<RandomDraw>> loco::listDraws(func::FuncOp function) {
  Expected<std::vector<Stream>> streams = findStreams(function);
  if (!streams)
    return streams.error();
  std::vector<RandomDraw> draws;
  for (Stream &stream : *streams)
    draws.push_back(stream.draw);
  return draws;
}

static DictionaryAttr makeAttributes(const RandomDraw &draw, StringRef role) {
  Builder builder(draw.type.getContext());
  SmallVector<NamedAttribute> attributes = {
      builder.getNamedAttr("loco.name", builder.getStringAttr(draw.name)),
      builder.getNamedAttr("loco.role", builder.getStringAttr(role))};
  if (draw.perStep)
    attributes.push_back(
        builder.getNamedAttr("loco.per_step", builder.getUnitAttr()));
  return builder.getDictionaryAttr(attributes);
}

//===----------------------------------------------------------------------===//
// Recorded
//===----------------------------------------------------------------------===//

/// The loop, collecting `value` of its body as one more stack. Uses of the old
/// loop go over to it; the stack is returned.
static Value addStack(ScanOp loop, Value value) {
  OpBuilder builder(loop);
  SmallVector<Type> stacks(loop.getStacks().getTypes());
  stacks.push_back(getStackedType(value.getType()));
  unsigned numBefore = loop.getFinals().size() + loop.getNumStacks();
  auto wider =
      ScanOp::create(builder, loop.getLoc(), loop.getSteps(), loop.getInits(),
                     loop.getElements(), loop.getConstants(), stacks,
                     loop.getSums().getTypes(), loop.getReverse(),
                     loop.getTaken(), loop.isCounted());
  loop.getYield().getStacksMutable().append(value);
  wider.getBody().takeBody(loop.getBody());
  for (auto [index, result] : llvm::enumerate(loop.getResults()))
    result.replaceAllUsesWith(
        wider.getResult(index < numBefore ? index : index + 1));
  loop.erase();
  return wider.getResult(numBefore);
}

static void record(func::FuncOp function, Stream &stream) {
  Value value = stream.ops.front().getResult();
  if (stream.ofStep)
    value = addStack(getLoop(stream.ofStep), stream.ofStep.getResult());
  auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  ret.getOperandsMutable().append(value);
  (void)function.insertResult(function.getNumResults(), value.getType(),
                              makeAttributes(stream.draw, "probe"));
}

//===----------------------------------------------------------------------===//
// Given
//===----------------------------------------------------------------------===//

/// The position behind the last input.
static unsigned getInputEnd(func::FuncOp function) {
  unsigned end = 0;
  for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
    if (isa<RankedTensorType>(function.getArgumentTypes()[i]))
      end = i + 1;
  return end;
}

/// `value` inside of the loop's body, as one more constant.
static Value addConstant(ScanOp loop, Value value) {
  loop.getConstantsMutable().append(value);
  return loop.getBlock()->addArgument(value.getType(), value.getLoc());
}

/// The step of `values` that the loop is at, as one more element.
static Value addElement(ScanOp loop, Value values, Type type) {
  unsigned position = 1 + loop.getInits().size() + loop.getElements().size();
  loop.getElementsMutable().append(values);
  return loop.getBlock()->insertArgument(position, type, values.getLoc());
}

static void give(func::FuncOp function, Stream &stream) {
  const RandomDraw &draw = stream.draw;
  unsigned position = getInputEnd(function);
  (void)function.insertArgument(
      position, draw.perStep ? getStackedType(draw.type) : draw.type,
      makeAttributes(draw, "input"), draw.location);
  Value values = function.getArgument(position);
  for (RandomOp op : stream.ops) {
    ScanOp loop = getLoop(op);
    Value value = values;
    if (loop && op.getStep() == loop.getStep()) {
      value = addElement(loop, values, draw.type);
    } else if (draw.perStep) {
      OpBuilder builder(op);
      value =
          AtOp::create(builder, op.getLoc(), draw.type,
                       loop ? addConstant(loop, values) : values, op.getStep());
    }
    op.replaceAllUsesWith(value);
    op.erase();
  }
}

Status loco::applyDrawMode(func::FuncOp function, DrawMode mode) {
  if (mode == DrawMode::Generated)
    return {};
  Expected<std::vector<Stream>> streams = findStreams(function);
  if (!streams)
    return streams.error();
  for (Stream &stream : *streams)
    if (mode == DrawMode::Recorded)
      record(function, stream);
    else
      give(function, stream);
  return {};
}
