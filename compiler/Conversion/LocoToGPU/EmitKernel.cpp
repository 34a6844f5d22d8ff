//===- EmitKernel.cpp - Kernels: one block of threads for each sample
//---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/GPUEmitter.h"

#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace loco;

static int64_t bytesOf(Type element) {
  return (element.getIntOrFloatBitWidth() + 7) / 8;
}

/// Address of a constant that is read from memory.
Value GPUEmitter::constantPlace(unsigned number) {
  const GPUPlace &place = schedule.places[number];
  std::string name = ("loco_constant_" + Twine(number)).str();
  Type pointer = LLVM::LLVMPointerType::get(b.getContext(), 1);
  auto module = team.getParentRegion()->getParentOfType<gpu::GPUModuleOp>();
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    auto value = cast<DenseElementsAttr>(place.constant);
    if (place.element.isInteger(1))
      value = value.mapValues(b.getI8Type(),
                              [](const APInt &bit) { return bit.zext(8); });
    value = value.reshape(
        RankedTensorType::get({place.sites()}, value.getElementType()));
    Type type = LLVM::LLVMArrayType::get(value.getElementType(), place.sites());
    LLVM::GlobalOp::create(b, loc, type, true, LLVM::Linkage::Internal, name,
                           value, /*alignment=*/16, /*addrSpace=*/1);
  }
  return LLVM::AddressOfOp::create(b, loc, pointer, name);
}

/// Addresses of all places for the sample at hand.
void GPUEmitter::bindSample() {
  auto move = [&](Value pointer, Value bytes) -> Value {
    return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(),
                               pointer, ValueRange(bytes));
  };
  auto bytesOfPlace = [&](const GPUPlace &place) {
    int64_t bytes = place.sites() / place.tile * bytesOf(place.element);
    if (!place.stacked)
      return wide(bytes);
    return isOpen(place.length) ? times(steps, bytes)
                                : wide(bytes * place.length);
  };
  pointers.resize(schedule.places.size());
  for (auto [number, place] : llvm::enumerate(schedule.places)) {
    Value &pointer = pointers[number];
    switch (place.kind) {
    case GPUPlace::Kind::Argument: {
      pointer = arguments[place.index];
      auto function = schedule.function;
      auto role =
          function.getArgAttrOfType<StringAttr>(place.index, "loco.role");
      if (role && (role == "param" || role == "frozen")) {
        pointer = move(pointer, noOffset ? toWide(noOffset) : freshZero);
        break;
      }
      pointer = move(
          pointer, arith::MulIOp::create(b, loc, sample, bytesOfPlace(place)));
      break;
    }
    case GPUPlace::Kind::Result:
    case GPUPlace::Kind::Partial:
      pointer = move(results[place.index],
                     arith::MulIOp::create(
                         b, loc,
                         place.kind == GPUPlace::Kind::Partial ? team : sample,
                         bytesOfPlace(place)));
      break;
    case GPUPlace::Kind::Constant:
      pointer = constantPlace(number);
      break;
    case GPUPlace::Kind::Shared:
      pointer = move(shared, wide(place.offset));
      break;
    case GPUPlace::Kind::Scratch: {
      Value offset = wide(place.offset);
      for (auto [number, bytes] :
           {std::pair(steps, place.offsetPerStep),
            std::pair(numSegments, place.offsetPerSegment),
            std::pair(segmentLength, place.offsetPerSegmentStep)})
        if (bytes)
          offset = plus(offset, times(number, bytes));
      pointer = move(scratch, offset);
      break;
    }
    case GPUPlace::Kind::Half:
      break;
    }
  }
}

/// From the number of a thread in its block, where its team is and what number
/// it has there.
void GPUEmitter::setThread(Value number) {
  thread = threadInBlock = number;
  if (schedule.sharedBytes)
    shared = LLVM::AddressOfOp::create(
        b, loc, LLVM::LLVMPointerType::get(b.getContext(), 3),
        sharedMemoryName);
  if (schedule.samplesPerBlock > 1) {
    group = divided(number, schedule.threads);
    thread = threadInBlock = remainder(number, schedule.threads);
    if (shared)
      shared =
          LLVM::GEPOp::create(b, loc, shared.getType(), b.getI8Type(), shared,
                              ValueRange(times(group, schedule.sharedBytes)));
  }
  if (schedule.blocksPerSample > 1) {
    Value rank = arith::IndexCastOp::create(
        b, loc, b.getI32Type(),
        gpu::BlockIdOp::create(b, loc, gpu::Dimension::x));
    rank = remainder(rank, schedule.blocksPerSample);
    thread = plus(times(rank, schedule.threadsInBlock()), number);
  }
  nameLane();
}

void GPUEmitter::nameLane() {
  lane = remainder(thread, 32);
  warp = divided(thread, 32);
}

/// One of the numbers that `storeAnchor` left, which no compiler knows: neither
/// LLVM nor the assembler.
Value GPUEmitter::readAnchor(int32_t number) {
  Value anchor = pointers[schedule.anchorPlace];
  Value place = LLVM::GEPOp::create(b, loc, anchor.getType(), b.getI64Type(),
                                    anchor, ArrayRef<LLVM::GEPArg>{number});
  return LLVM::LoadOp::create(b, loc, b.getI64Type(), place, /*alignment=*/0,
                              /*isVolatile=*/true);
}

/// Starts from memory that the compiler cannot look through, so that no address
/// or site of before is kept in registers for what follows.
void GPUEmitter::startAnew() {
  Value zero = freshZero = readAnchor(0);
  setThread(plus(toNarrow(zero),
                 arith::IndexCastOp::create(
                     b, loc, b.getI32Type(),
                     gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x))));
  seed = plus(launchSeed, zero);
  update = plus(launchUpdate, zero);
  readSample();
  bindSample();
}

/// Brings back what is the same for all threads of the team.
void GPUEmitter::readSample() {
  sample = readAnchor(1);
  team = readAnchor(2);
  steps = readAnchor(3);
  scratch = LLVM::IntToPtrOp::create(b, loc, scratch.getType(), readAnchor(4));
  if (schedule.hasSegments) {
    segmentLength = readAnchor(5);
    numSegments = readAnchor(6);
  }
}

/// Teams that the launch has, i32, and the number of this one, to which `zero`
/// is added.
std::pair<Value, Value> GPUEmitter::teamsOf(Value zero) {
  auto read = [&](Value index) {
    index = arith::IndexCastOp::create(b, loc, b.getI32Type(), index);
    return divided(plus(index, zero), schedule.blocksPerSample);
  };
  Value teams = read(gpu::GridDimOp::create(b, loc, gpu::Dimension::x));
  Value number = read(gpu::BlockIdOp::create(b, loc, gpu::Dimension::x));
  if (schedule.samplesPerBlock == 1)
    return {teams, number};
  return {times(teams, schedule.samplesPerBlock),
          plus(times(number, schedule.samplesPerBlock), group)};
}

/// Starts with `first`, the team's sample or the first of its tile, i64. What
/// is the same for all samples is computed for each: it would be kept for the
/// next one during all steps of this one.
void GPUEmitter::startSample(Value first) {
  Value zero = device::HereOp::create(b, loc, b.getI32Type(), constant(0));
  setThread(
      plus(zero, arith::IndexCastOp::create(
                     b, loc, b.getI32Type(),
                     gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x))));
  freshZero = toWide(zero);
  seed = plus(launchSeed, freshZero);
  update = plus(launchUpdate, freshZero);
  steps = plus(launchSteps, freshZero);
  auto [teams, number] = teamsOf(zero);
  sample = first;
  stride = toWide(times(teams, schedule.tile));
  team = toWide(number);
  scratch = LLVM::GEPOp::create(
      b, loc, launchScratch.getType(), b.getI8Type(), launchScratch,
      ValueRange(arith::MulIOp::create(b, loc, team, launchScratchStride)));
  if (schedule.hasSegments)
    divideSteps(plus(launchSegment, freshZero));
}

/// What `startAnew` reads, for all threads.
void GPUEmitter::storeAnchor() {
  Value anchor = pointers[schedule.anchorPlace];
  when(compare(arith::CmpIPredicate::eq, threadInBlock, constant(0)), [&] {
    Value address = LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), scratch);
    Values numbers = {wide(0), sample, team, steps, address};
    if (schedule.hasSegments)
      numbers.append({segmentLength, numSegments});
    else
      numbers.append(2, wide(0));
    numbers.push_back(stride);
    for (auto [number, value] : llvm::enumerate(numbers))
      LLVM::StoreOp::create(
          b, loc, value,
          LLVM::GEPOp::create(b, loc, anchor.getType(), b.getI64Type(), anchor,
                              ArrayRef<LLVM::GEPArg>{int32_t(number)}));
  });
  barrier();
}

/// How the steps are divided, as locoSegmentLength says.
void GPUEmitter::divideSteps(Value wanted) {
  Value most = arith::MaxSIOp::create(b, loc, steps, wide(1));
  Value fits = both(compare(arith::CmpIPredicate::sgt, wanted, wide(0)),
                    compare(arith::CmpIPredicate::slt, wanted, most));
  segmentLength = select(fits, wanted, most);
  Value up = toNarrow(plus(plus(steps, segmentLength), -1));
  numSegments =
      toWide(arith::DivUIOp::create(b, loc, up, toNarrow(segmentLength)));
}

void GPUEmitter::emitPrologue(gpu::GPUFuncOp function) {
  unsigned next = 0;
  auto take = [&] { return function.getArgument(next++); };
  func::FuncOp source = schedule.function;
  for (Type type : source.getArgumentTypes())
    arguments.push_back(isa<RankedTensorType>(type) ? Value(take()) : Value());
  for (unsigned i = 0; i < source.getNumResults(); ++i)
    results.push_back(take());
  samples = take();
  launchSteps = take();
  launchScratch = take();
  launchScratchStride = take();
  launchSeed = take();
  launchUpdate = take();
  sampleIndex = take();
  launchSegment = take();
}

/// Emits `body` for each sample, or tile of samples, of the team. Where there
/// is memory for it, which one that is stays there during all its steps.
void GPUEmitter::forSamples(llvm::function_ref<void()> body) {
  setThread(arith::IndexCastOp::create(
      b, loc, b.getI32Type(),
      gpu::ThreadIdOp::create(b, loc, gpu::Dimension::x)));
  Value first = toWide(times(teamsOf(Value()).second, schedule.tile));
  Type type = first.getType();
  auto loop = scf::WhileOp::create(b, loc, TypeRange(type), ValueRange(first));
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, type, loc);
  Value isThere =
      compare(arith::CmpIPredicate::slt, before->getArgument(0), samples);
  scf::ConditionOp::create(b, loc, isThere, before->getArguments());
  Block *after = b.createBlock(&loop.getAfter(), {}, type, loc);
  startSample(after->getArgument(0));
  Value here = sample, step = stride;
  body();
  if (schedule.anchorPlace >= 0) {
    here = readAnchor(1);
    step = readAnchor(GPUSchedule::anchorNumbers - 1);
  }
  scf::YieldOp::create(b, loc, plus(here, step));
}

LogicalResult GPUEmitter::emitKernel(StringRef name) {
  func::FuncOp source = schedule.function;
  loc = source.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(b.getContext(), 1);
  Type i64 = b.getI64Type();
  SmallVector<Type> types;
  for (Type type : source.getArgumentTypes())
    if (isa<RankedTensorType>(type))
      types.push_back(pointer);
  types.append(source.getNumResults(), pointer);
  types.append({i64, i64, pointer, i64, i64, i64, pointer, i64});

  if (schedule.sharedBytes)
    LLVM::GlobalOp::create(b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), 0),
                           false, LLVM::Linkage::External, sharedMemoryName,
                           Attribute(), /*alignment=*/16, /*addrSpace=*/3);
  auto function =
      gpu::GPUFuncOp::create(b, loc, name, b.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function.setKnownBlockSize(
      ArrayRef<int32_t>{static_cast<int32_t>(schedule.blockThreads()), 1, 1});
  int32_t together = schedule.blocksPerSample;
  if (together > 1)
    function->setAttr(blocksTogetherAttribute, b.getI32IntegerAttr(together));
  if (schedule.isCluster)
    function.setKnownClusterSize(ArrayRef<int32_t>{together, 1, 1});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.getBody().front());
  emitPrologue(function);
  forSamples([&] {
    // The sample before may still be reading what this one writes.
    barrier();
    bindSample();
    if (schedule.anchorPlace >= 0)
      storeAnchor();
    emitSections();
  });
  // Others may still read this block's shared memory.
  if (schedule.isCluster)
    barrier();
  gpu::ReturnOp::create(b, loc);
  // Sections have addresses of places that they do not use.
  function.walk<WalkOrder::PostOrder, mlir::ReverseIterator>([](Operation *op) {
    auto load = dyn_cast<LLVM::LoadOp>(op);
    bool isUnread = load && load.getVolatile_() && load.use_empty();
    if (isUnread || isOpTriviallyDead(op))
      op->erase();
  });
  return failure(isBroken);
}
