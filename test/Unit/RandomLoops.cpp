//===- RandomLoops.cpp - Loops over time of random programs ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Unit/ProgramBuilder.h"

using namespace mlir;
using namespace loco;
using namespace loco::test;

namespace loco::test {

/// Makes one scan: picks operands, fills a body that stands alone, picks what
/// it yields, and then makes the op, whose types are only known then.
class LoopBuilder {
public:
  explicit LoopBuilder(ProgramBuilder &outer)
      : outer(outer), dice(outer.dice), length(pickLength()),
        steps(outer.getLength(length)), block(new Block),
        body(outer.program, block, outer.builder.getLoc(), outer.depth - 1,
             /*elementwiseOnly=*/false) {}

  void run();

private:
  int64_t pickLength();
  Value addArgument(Type type) {
    return block->addArgument(type, outer.builder.getLoc());
  }
  void addOperands();
  void addConstants();
  void addYields();
  void addEnd();
  ScanOp makeScan();
  void addResults(ScanOp scan);

  ProgramBuilder &outer;
  Dice &dice;
  int64_t length;
  Value steps;
  Block *block;
  ProgramBuilder body;
  SmallVector<Value> inits, elements, constants;
  SmallVector<Item> carries, stacks, sums;
  /// What the body yields for going on, or how many steps are taken.
  Value condition, taken;
};

} // namespace loco::test

/// The length of some stacked value, or a new one.
int64_t LoopBuilder::pickLength() {
  Item *stacked = outer.pick([](const Item &item) { return item.isStacked(); });
  if (stacked && dice.chance(0.7))
    return stacked->lengths.front();
  return dice.chance(0.5) ? mainLength : dice.number(1, 4);
}

void LoopBuilder::addOperands() {
  body.step = addArgument(outer.builder.getIndexType());
  body.stepLength = length;
  for (int64_t i = dice.number(0, 2); i > 0; --i)
    if (Item *item = outer.pickStatic()) {
      inits.push_back(outer.use(item).value);
      body.addItem({addArgument(item->value.getType()), maxBound, {}});
    }
  for (int64_t i = dice.number(0, 2); i > 0; --i) {
    Item *item = outer.pick([&](const Item &item) {
      return item.isStacked() && item.lengths.front() == length;
    });
    if (!item)
      break;
    Item stacked = outer.use(item);
    elements.push_back(stacked.value);
    Item element{addArgument(getStepType(stacked.value.getType())),
                 stacked.bound,
                 {},
                 0,
                 stacked.constant};
    element.lengths.assign(stacked.lengths.begin() + 1, stacked.lengths.end());
    body.addItem(element);
  }
}

void LoopBuilder::addConstants() {
  for (int64_t i = dice.number(0, 3); i > 0; --i) {
    Item *item = outer.pick([](const Item &) { return true; });
    if (!item)
      break;
    Item constant = outer.use(item);
    constants.push_back(constant.value);
    constant.value = addArgument(constant.value.getType());
    constant.uses = 0;
    body.addItem(constant);
  }
  if (outer.mainSteps) {
    constants.push_back(outer.mainSteps);
    body.mainSteps = addArgument(outer.mainSteps.getType());
  }
  if (outer.key && dice.chance(0.7)) {
    constants.push_back(outer.key);
    body.key = addArgument(outer.key.getType());
  }
}

/// Picks new carries, then stacks and sums among what is still unused; the rest
/// of it goes into a scalar.
void LoopBuilder::addYields() {
  for (Value init : inits)
    carries.push_back(body.makeField(cast<RankedTensorType>(init.getType())));
  for (SmallVector<Item> *yields : {&stacks, &sums})
    for (int64_t i = dice.number(0, 2); i > 0; --i)
      if (Item *item = body.getUnused())
        if (!item->isStacked() ||
            (item->lengths.size() == 1 &&
             (yields == &sums || outer.program.options.nestedStacks)))
          yields->push_back(body.use(item));
  Item rest{body.sumUnused(), 40 * maxBound, {}};
  (dice.chance(0.5) ? stacks : sums).push_back(rest);
}

/// Lets some loops end early: by themselves, after as many steps as an earlier
/// loop of this length, or after a constant number.
void LoopBuilder::addEnd() {
  if (!outer.program.options.earlyEnds || !dice.chance(0.35))
    return;
  auto *earlier = llvm::find_if(
      outer.counts, [&](auto &entry) { return entry.first == length; });
  if (earlier != outer.counts.end() && dice.chance(0.6))
    taken = earlier->second;
  else if (length != mainLength && outer.program.options.givenEnds &&
           dice.chance(0.3))
    taken = outer.getLength(dice.number(1, length));
  else
    condition = body.makeMask(outer.getType({})).value;
}

static SmallVector<Value> getValues(ArrayRef<Item> items) {
  SmallVector<Value> values;
  for (const Item &item : items)
    values.push_back(item.value);
  return values;
}

ScanOp LoopBuilder::makeScan() {
  SmallVector<Type> stackTypes, sumTypes;
  for (const Item &item : stacks)
    stackTypes.push_back(getStackedType(item.value.getType()));
  for (const Item &item : sums)
    sumTypes.push_back(item.value.getType());
  YieldOp::create(body.builder, getValues(carries), getValues(stacks),
                  getValues(sums), condition);
  auto scan = ScanOp::create(
      outer.builder, steps, inits, elements, constants, stackTypes, sumTypes,
      !condition && dice.chance(0.4), taken, condition != nullptr);
  if (condition)
    outer.counts.push_back({length, scan.getCount()});
  for (auto [from, to] :
       llvm::zip(block->getArguments(), scan.getBlock()->getArguments()))
    from.replaceAllUsesWith(to);
  Block *target = scan.getBlock();
  target->getOperations().splice(target->end(), block->getOperations());
  delete block;
  return scan;
}

void LoopBuilder::addResults(ScanOp scan) {
  for (Value value : scan.getFinals())
    outer.addResult(value, maxBound, {});
  for (auto [value, item] : llvm::zip(scan.getStacks(), stacks)) {
    SmallVector<int64_t> lengths = {length};
    llvm::append_range(lengths, item.lengths);
    outer.addResult(value, item.bound, lengths);
  }
  for (auto [value, item] : llvm::zip(scan.getSums(), sums))
    outer.addResult(value, item.bound * maxSteps, item.lengths);
}

void LoopBuilder::run() {
  addOperands();
  addConstants();
  body.addOps(outer.program.options.numOps / 2);
  addEnd();
  addYields();
  addResults(makeScan());
}

bool ProgramBuilder::addScan() {
  if (depth == 0)
    return false;
  LoopBuilder(*this).run();
  return true;
}

//===----------------------------------------------------------------------===//
// Stacked values
//===----------------------------------------------------------------------===//

bool ProgramBuilder::addAt() {
  Item *item = pickField([](const Item &item) { return item.isStacked(); });
  if (!item)
    return false;
  Item x = use(item);
  Value value = AtOp::create(builder, getStepType(x.value.getType()), x.value,
                             getSomeStep(x.lengths.front()));
  addResult(value, x.bound, ArrayRef(x.lengths).drop_front(), x.constant);
  return true;
}

bool ProgramBuilder::addPlace() {
  Item *item = pickStatic();
  if (!item)
    return false;
  Item x = use(item);
  int64_t length = dice.chance(0.5) ? mainLength : dice.number(1, 4);
  Value value =
      PlaceOp::create(builder, getStackedType(x.value.getType()), x.value,
                      getSomeStep(length), getLength(length));
  addResult(value, x.bound, {length}, x.constant);
  return true;
}

/// Some steps of a stacked value, or a stacked value that has them: also beyond
/// its end.
bool ProgramBuilder::addWindow() {
  return addMovedSteps([&](Type type, Value value, Value first, Value steps) {
    return WindowOp::create(builder, type, value, first, steps);
  });
}

bool ProgramBuilder::addPlaceWindow() {
  return addMovedSteps([&](Type type, Value value, Value first, Value steps) {
    return PlaceWindowOp::create(builder, type, value, first, steps);
  });
}

bool ProgramBuilder::addMovedSteps(
    llvm::function_ref<Value(Type, Value, Value, Value)> create) {
  Item *item = pickField([](const Item &item) { return item.isStacked(); });
  if (!item)
    return false;
  Item x = use(item);
  int64_t length = dice.chance(0.5) ? mainLength : dice.number(1, 4);
  SmallVector<int64_t> lengths(x.lengths.begin(), x.lengths.end());
  lengths.front() = length;
  Value value = create(x.value.getType(), x.value,
                       getSomeStep(dice.number(1, 4)), getLength(length));
  addResult(value, x.bound, lengths, x.constant);
  return true;
}

/// Zeros as long as a stacked value, or of a known length.
bool ProgramBuilder::addZeros() {
  Item *item = pick([](const Item &item) { return item.isStacked(); });
  int64_t length = dice.number(1, 4);
  Value steps;
  if (item && program.allows("loco.length")) {
    length = item->lengths.front();
    steps = LengthOp::create(builder, item->value);
  } else {
    steps = getLength(length);
  }
  addResult(ZerosOp::create(builder, getStackedType(makeType(2)), steps), 0,
            {length}, true);
  return true;
}

bool ProgramBuilder::addCall() {
  if (!program.helper)
    return false;
  auto type = cast<RankedTensorType>(program.helper.getArgumentTypes().front());
  Item x = makeField(type), y = makeField(type);
  auto call = func::CallOp::create(builder, program.helper,
                                   ValueRange{x.value, y.value});
  addResult(call.getResult(0), y.bound, {});
  return true;
}
