//===- EmitFunction.cpp - Functions, blocks and time loops ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToKernels/Emitter.h"
#include "runtime/include/loco-c/kernel.h"

using namespace mlir;
using namespace loco;

/// Numbers of the eight-byte fields of LocoBlock.
enum BlockField : int64_t {
  samplesField,
  stepsField,
  argumentsField,
  argumentStridesField,
  resultsField,
  resultStridesField,
  arenaField,
  servicesField,
  segmentField = 11,
};

//===----------------------------------------------------------------------===//
// Prologue
//===----------------------------------------------------------------------===//

/// Address of a constant that is read from memory.
Value Emitter::globalFor(unsigned number) {
  const Place &place = schedule.places[number];
  std::string name = ("loco.constant." + Twine(number)).str();
  {
    OpBuilder::InsertionGuard guard(b);
    auto module = block.getParentRegion()->getParentOfType<ModuleOp>();
    b.setInsertionPointToStart(module.getBody());
    auto value = cast<DenseElementsAttr>(place.constant);
    if (place.element.isInteger(1))
      value = value.mapValues(b.getI8Type(),
                              [](const APInt &bit) { return bit.zext(8); });
    value = value.reshape(
        RankedTensorType::get({place.layout.size}, value.getElementType()));
    Type type =
        LLVM::LLVMArrayType::get(value.getElementType(), place.layout.size);
    LLVM::GlobalOp::create(b, loc, type, true, LLVM::Linkage::Internal, name,
                           value, LOCO_ARENA_ALIGNMENT);
  }
  return LLVM::AddressOfOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext()), name);
}

/// How the steps are divided, see locoSegmentLength.
void Emitter::emitSegments() {
  using arith::CmpIPredicate;
  Value asked = LLVM::LoadOp::create(
      b, loc, b.getI64Type(), address(block, b.getI64Type(), {}, segmentField));
  Value most = arith::MaxSIOp::create(b, loc, steps, constant(1));
  Value fits = both(
      arith::CmpIOp::create(b, loc, CmpIPredicate::sgt, asked, constant(0)),
      arith::CmpIOp::create(b, loc, CmpIPredicate::slt, asked, most));
  segmentLength = select(fits, asked, most);
  Value up = plus(plus(steps, segmentLength), -1);
  numSegments = arith::DivUIOp::create(b, loc, up, segmentLength);
}

/// Reads the block and finds the address of every place.
void Emitter::emitPrologue(Value argument) {
  block = argument;
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto field = [&](int64_t number, Type type) -> Value {
    return LLVM::LoadOp::create(b, loc, type,
                                address(block, b.getI64Type(), {}, number));
  };
  samples = field(samplesField, b.getI64Type());
  steps = field(stepsField, b.getI64Type());
  if (!schedule.segmentExtents.empty())
    emitSegments();
  Value arguments = field(argumentsField, pointer),
        results = field(resultsField, pointer);
  Value argumentStrides = field(argumentStridesField, pointer);
  Value resultStrides = field(resultStridesField, pointer);
  Value arena = field(arenaField, pointer);
  services = field(servicesField, pointer);
  emitTeamPrologue();

  auto entry = [&](Value table, Type type, unsigned index) -> Value {
    return LLVM::LoadOp::create(b, loc, type,
                                address(table, b.getI64Type(), {}, index));
  };
  for (auto [number, place] : llvm::enumerate(schedule.places)) {
    Value base, stride;
    switch (place.kind) {
    case Place::Kind::Argument:
      base = entry(arguments, pointer, place.index);
      stride = entry(argumentStrides, b.getI64Type(), place.index);
      break;
    case Place::Kind::Result:
      base = entry(results, pointer, place.index);
      stride = entry(resultStrides, b.getI64Type(), place.index);
      break;
    case Place::Kind::Global:
      base = globalFor(number);
      break;
    case Place::Kind::Arena: {
      base = arena;
      const BlockSize &size = place.offset;
      Value bytes = constant(size.constant);
      bytes = plus(bytes,
                   size.perSample ? times(samples, size.perSample) : Value());
      bytes = plus(bytes, size.perStep ? times(steps, size.perStep) : Value());
      if (size.perSampleStep)
        bytes = plus(bytes, times(times(samples, steps), size.perSampleStep));
      auto add = [&](Value count, int64_t each, int64_t eachSample) {
        if (each)
          bytes = plus(bytes, times(count, each));
        if (eachSample)
          bytes = plus(bytes, times(times(samples, count), eachSample));
      };
      add(numSegments, size.perSegment, size.perSampleSegment);
      add(segmentLength, size.perSegmentStep, size.perSampleSegmentStep);
      // Every place begins at a whole vector.
      bytes = plus(bytes, LOCO_ARENA_ALIGNMENT - 1);
      bytes =
          arith::AndIOp::create(b, loc, bytes, constant(-LOCO_ARENA_ALIGNMENT));
      arena = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), arena,
                                  ValueRange(bytes));
      if (place.stepMajor)
        stride = constant(place.layout.size * bytesOf(place.element));
      else if (place.perSample)
        stride = size.perSampleStep ? times(steps, size.perSampleStep)
                 : size.perSampleSegment
                     ? times(numSegments, size.perSampleSegment)
                 : size.perSampleSegmentStep
                     ? times(segmentLength, size.perSampleSegmentStep)
                     : constant(size.perSample);
      if (stride && place.beyond && !isKnownLength(place.length))
        stride = plus(stride, size.perSample);
      break;
    }
    case Place::Kind::Pointer:
      if (place.partOf >= 0)
        stride = strides[place.partOf];
      else if (place.perSample)
        stride = constant(place.layout.size * bytesOf(place.element));
      break;
    }
    bases.push_back(base);
    strides.push_back(stride);
  }
}

FailureOr<func::FuncOp> Emitter::emitKernel(StringRef name) {
  func::FuncOp source = schedule.function;
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  loc = source.getLoc();
  auto function =
      func::FuncOp::create(b, loc, name, b.getFunctionType({pointer}, {}));
  Block *entry = function.addEntryBlock();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(entry);
  lanes = 1;
  emitPrologue(entry->getArgument(0));
  for (BlockArgument argument : source.getArguments())
    if (argument.getType().isIndex())
      scalars[argument] = steps;
  sample = constant(0);
  emitScalarOps(source.getBody().front());
  for (int place : schedule.blockSums)
    clear({place, Value()});
  emitPhases(schedule.top);
  emitGroups(schedule.exit);
  // What went around the caches is seen by others after this.
  if (llvm::any_of(schedule.places,
                   [](const Place &place) { return place.staging >= 0; }))
    LLVM::FenceOp::create(b, loc, LLVM::AtomicOrdering::seq_cst, StringRef());
  func::ReturnOp::create(b, loc);
  return function;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// Steps and truth values of rank 0: the same op on i64 instead of index.
void Emitter::emitScalarOp(Operation &op) {
  auto convert = [&](Type type) -> Type {
    return type.isIndex() ? Type(b.getI64Type()) : type;
  };
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto value = cast<IntegerAttr>(constant.getValue());
    scalars[op.getResult(0)] = arith::ConstantIntOp::create(
        b, loc, convert(constant.getType()), value.getValue().getSExtValue());
    return;
  }
  if (auto segment = dyn_cast<SegmentOp>(op)) {
    scalars[segment.getLength()] = segmentLength;
    scalars[segment.getCount()] = numSegments;
    return;
  }
  if (auto length = dyn_cast<LengthOp>(op)) {
    scalars[length.getSteps()] =
        extentOf(schedule.shapeOf(length.getOperand()).front());
    return;
  }
  Values operands;
  for (Value operand : op.getOperands())
    operands.push_back(scalars.lookup(operand));
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    Type to = convert(op.getResult(0).getType());
    unsigned from = operands[0].getType().getIntOrFloatBitWidth(),
             width = to.getIntOrFloatBitWidth();
    Value result = operands[0];
    if (width < from)
      result = arith::TruncIOp::create(b, loc, to, result);
    else if (width > from && isa<arith::IndexCastOp>(op))
      result = arith::ExtSIOp::create(b, loc, to, result);
    else if (width > from)
      result = arith::ExtUIOp::create(b, loc, to, result);
    scalars[op.getResult(0)] = result;
    return;
  }
  OperationState state(loc, op.getName(), operands, {}, op.getAttrs());
  for (Type type : op.getResultTypes())
    state.addTypes(convert(type));
  Operation *made = b.create(state);
  for (auto [from, to] : llvm::zip(op.getResults(), made->getResults()))
    scalars[from] = to;
}

void Emitter::emitScalarOps(Block &source) {
  lanes = 1;
  for (Operation &op : source.without_terminator())
    if (op.getNumResults() && isScalarOp(&op)) {
      emitScalarOp(op);
      if (schedule.segmentExtents.contains(op.getResult(0)))
        segmentExtent = scalars.lookup(op.getResult(0));
    }
}

/// Finds the steps of the segment at hand in the places that they lie in.
void Emitter::bindViews(Block &source) {
  for (Operation &op : source.without_terminator()) {
    auto view = schedule.views.find(&op);
    if (view == schedule.views.end())
      continue;
    const Place &whole = schedule.places[view->second.whole];
    Value offset = times(scalars.lookup(view->second.first),
                         whole.layout.size * bytesOf(whole.element));
    Value base = bases[view->second.whole];
    bases[view->second.place] =
        LLVM::GEPOp::create(b, loc, base.getType(), b.getI8Type(), base,
                            ValueRange(offset));
  }
}

void Emitter::emitGroups(const BlockPlan &plan) {
  for (const Group &group : plan.groups)
    emitGroup(group);
}

void Emitter::forEachSample(llvm::function_ref<void()> body) {
  Value outside = sample;
  meet();
  loop(constant(0), samples, schedule.abreast, {}, [&](Value index, Carried) {
    enterSamples(index);
    body();
    meet();
  });
  sample = outside;
}

void Emitter::emitPhases(const BlockPlan &plan) {
  for (const Phase &phase : plan.phases) {
    switch (phase.kind) {
    case Phase::Kind::Uniform:
      for (unsigned i : phase.groups)
        emitGroup(plan.groups[i]);
      break;
    case Phase::Kind::Samples:
      forEachSample([&] {
        for (unsigned i : phase.groups)
          emitGroup(plan.groups[i]);
      });
      break;
    case Phase::Kind::Product:
      byOne([&] { emitProduct(plan.groups[phase.groups.front()]); });
      break;
    case Phase::Kind::LockStep:
      emitScan(cast<ScanOp>(plan.groups[phase.groups.front()].solo));
      break;
    }
  }
}

/// for t: the body; the halves of each carry change places after every step.
void Emitter::emitScan(ScanOp scan) {
  const ScanPlan &plan = *schedule.scans.find(scan)->second;
  auto eachSample = [&](llvm::function_ref<void()> body) {
    plan.lockStep ? forEachSample(body) : body();
  };
  for (const PackedMatrix &packed : plan.packed)
    byOne([&] { emitPanels(packed); });
  // A carry that lives in a stack goes on by a step, others change halves.
  auto stepBytes = [&](int place) {
    const Place &stack = schedule.places[place];
    return constant(stack.layout.size * bytesOf(stack.element));
  };
  auto moved = [&](Value address, Value bytes) -> Value {
    return LLVM::GEPOp::create(b, loc, address.getType(), b.getI8Type(),
                               address, ValueRange(bytes));
  };
  for (auto [stack, address] : llvm::zip(plan.carryStacks, plan.carryAddresses))
    if (stack >= 0) {
      Value first = bases[stack];
      if (Value stride = strides[stack])
        first = moved(first, times(sample, stride));
      bases[address[0]] = first;
    }
  for (auto [place, stack] : plan.handedOn)
    bases[place] = moved(bases[stack], stepBytes(stack));
  if (!plan.entry.groups.empty() || !plan.sums.empty() || !plan.cleared.empty())
    eachSample([&] {
      emitGroups(plan.entry);
      for (int place : llvm::concat<const int>(plan.sums, plan.cleared))
        clear({place, Value()});
    });

  Values halves;
  for (auto [i, carry] : llvm::enumerate(plan.carries)) {
    if (int stack = plan.carryStacks[i]; stack >= 0) {
      Value first = bases[plan.carryAddresses[i][0]];
      halves.append({first, moved(first, stepBytes(stack))});
    } else {
      halves.append({bases[carry[0]], bases[carry[1]]});
    }
  }
  auto bind = [&](Carried addresses) {
    for (auto [i, carry] : llvm::enumerate(plan.carryAddresses)) {
      bases[carry[0]] = addresses[2 * i];
      bases[carry[1]] = addresses[2 * i + 1];
    }
  };
  bool reverse = scan.getReverse();
  meet();
  // An index, or how many steps a loop took, which is in memory.
  auto number = [&](Value index) -> Value {
    if (!schedule.find(index))
      return scalars.lookup(index);
    startGroup(b.getI64Type(), 1);
    return LLVM::LoadOp::create(b, loc, b.getI64Type(),
                                pointerTo(schedule.find(index)));
  };
  for (auto [argument, operand] :
       llvm::zip(scan.getConstantArguments(), scan.getConstants()))
    if (!isa<RankedTensorType>(operand.getType()))
      scalars[argument] = number(operand);
  Value taken =
      number(scan.getTaken() ? Value(scan.getTaken()) : scan.getSteps());
  auto step = [&](Value index, Carried addresses) {
    Value step = index;
    if (reverse)
      step = arith::SubIOp::create(b, loc, plus(taken, -1), index);
    scalars[scan.getStep()] = step;
    bind(addresses);
    emitScalarOps(*scan.getBlock());
    bindViews(*scan.getBlock());
    plan.lockStep ? emitPhases(plan.body) : emitGroups(plan.body);
    if (!plan.chunked.empty())
      byOne([&] { emitChunks(plan, step, taken, reverse); });
    meet();
    for (auto [i, stack] : llvm::enumerate(plan.carryStacks)) {
      Value &current = addresses[2 * i], &next = addresses[2 * i + 1];
      std::swap(current, next);
      if (stack >= 0)
        next = moved(current, stepBytes(stack));
    }
  };
  if (Value count = scan.getCount()) {
    auto stepAndCondition = [&](Value index, Carried carried) -> Value {
      step(index, carried);
      startGroup(b.getI1Type(), 1);
      return LLVM::LoadOp::create(b, loc, memoryElement(b.getI1Type()),
                                  pointerTo(plan.condition));
    };
    Value ran = loopWhile(taken, halves, stepAndCondition);
    byOne([&] {
      startGroup(b.getI64Type(), 1);
      LLVM::StoreOp::create(b, loc, ran, pointerTo(schedule.find(count)));
    });
  } else {
    loop(constant(0), taken, 1, halves, step);
  }
  bind(halves);
  if (!plan.exit.groups.empty())
    eachSample([&] { emitGroups(plan.exit); });
}
