//===- UpdateKernels.cpp - An optimiser's kernels for a GPU ---------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operations and their order are those of
// runtime/lib/training/UpdateLoops.h and Optimizer.cpp. {T} is the parameters'
// type, {widen} and {narrow} lead from it to f64 and back.
//
//===----------------------------------------------------------------------===//

#include "compiler/Conversion/LocoToGPU/UpdateKernels.h"

#include "mlir/Parser/Parser.h"

#include <string>

using namespace mlir;
using namespace loco;

/// Threads of a block: cuda::updateThreads.
static constexpr int32_t updateThreads = 256;

/// A thread reads every eighth element of a piece, sixteen of them before it
/// adds up any.
static const char *const normKernels = R"(
gpu.func @loco_squares(%pieces: !llvm.ptr<1>, %count: i64, %numbers: !llvm.ptr<1>, %sums: !llvm.ptr<1>) kernel {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c8 = arith.constant 8 : i64
  %c16 = arith.constant 16 : i64
  %c128 = arith.constant 128 : i64
  %c256 = arith.constant 256 : i64
  %zero = arith.constant 0.0 : f64
  %bx = gpu.block_id x
  %tx = gpu.thread_id x
  %block = arith.index_cast %bx : index to i64
  %thread = arith.index_cast %tx : index to i64
  %before = arith.muli %block, %c256 : i64
  %number = arith.addi %before, %thread : i64
  %piece = arith.divui %number, %c8 : i64
  %part = arith.remui %number, %c8 : i64
  %exists = arith.cmpi slt, %piece, %count : i64
  scf.if %exists {
    %record = arith.muli %piece, %c8 : i64
    %p = llvm.getelementptr %pieces[%record] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, i64
    %p1 = llvm.getelementptr %p[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i64
    %p4 = llvm.getelementptr %p[4] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i64
    %address = llvm.load %p1 : !llvm.ptr<1> -> i64
    %gradient = llvm.inttoptr %address : i64 to !llvm.ptr<1>
    %elements = llvm.load %p4 : !llvm.ptr<1> -> i64
    %n3 = llvm.getelementptr %numbers[3] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
    %wideLimit = llvm.load %n3 : !llvm.ptr<1> -> f64
    %limitT = {narrow} %wideLimit : f64 to {T}
    %limit = {widen} %limitT : {T} to f64
    %lowest = arith.negf %limit : f64
    %rounds = arith.divui %elements, %c128 : i64
    %whole = arith.muli %rounds, %c128 : i64
    %most:2 = scf.for %base = %c0 to %whole step %c128 iter_args(%a = %zero, %b = %zero) -> (f64, f64) : i64 {
      %inner:2 = scf.for %k = %c0 to %c16 step %c1 iter_args(%ia = %a, %ib = %b) -> (f64, f64) : i64 {
        %k8 = arith.muli %k, %c8 : i64
        %lane = arith.addi %k8, %part : i64
        %i = arith.addi %base, %lane : i64
        {square}
        scf.yield %plain, %clamped : f64, f64
      }
      scf.yield %inner#0, %inner#1 : f64, f64
    }
    %from = arith.addi %whole, %part : i64
    %all:2 = scf.for %i = %from to %elements step %c8 iter_args(%ia = %most#0, %ib = %most#1) -> (f64, f64) : i64 {
      {square}
      scf.yield %plain, %clamped : f64, f64
    }
    %s0 = llvm.getelementptr %sums[%number] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64
    llvm.store %all#0, %s0 : f64, !llvm.ptr<1>
    %parts = arith.muli %count, %c8 : i64
    %s1 = llvm.getelementptr %s0[%parts] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64
    llvm.store %all#1, %s1 : f64, !llvm.ptr<1>
  }
  gpu.return
}

gpu.func @loco_norm(%sums: !llvm.ptr<1>, %count: i64, %losses: !llvm.ptr<1>, %samples: i64, %numbers: !llvm.ptr<1>, %outcome: !llvm.ptr<1>) kernel {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %c8 = arith.constant 8 : i64
  %c256 = arith.constant 256 : i64
  %zero = arith.constant 0.0 : f64
  %one = arith.constant 1.0 : f64
  %small = arith.constant 1.0e-6 : f64
  %tx = gpu.thread_id x
  %thread = arith.index_cast %tx : index to i64
  %parts = arith.muli %count, %c8 : i64
  %clampedSums = llvm.getelementptr %sums[%parts] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64
  %flags = llvm.getelementptr %clampedSums[%parts] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64

  // The parts of a piece.
  scf.for %piece = %thread to %count step %c256 : i64 {
    %at = arith.muli %piece, %c8 : i64
    %pieceSums:2 = scf.for %k = %c0 to %c8 step %c1 iter_args(%a = %zero, %b = %zero) -> (f64, f64) : i64 {
      %place = arith.addi %at, %k : i64
      {addSums}
      scf.yield %na, %nb : f64, f64
    }
    %pa = llvm.getelementptr %sums[%at] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64
    %pb = llvm.getelementptr %clampedSums[%at] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64
    llvm.store %pieceSums#0, %pa : f64, !llvm.ptr<1>
    llvm.store %pieceSums#1, %pb : f64, !llvm.ptr<1>
  }

  // x - x is 0 of finite numbers only.
  %bad = scf.for %i = %thread to %samples step %c256 iter_args(%a = %zero) -> (f64) : i64 {
    %p = llvm.getelementptr %losses[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {T}
    %xT = llvm.load %p : !llvm.ptr<1> -> {T}
    %x = {widen} %xT : {T} to f64
    %difference = arith.subf %x, %x : f64
    %next = arith.addf %a, %difference : f64
    scf.yield %next : f64
  }
  %flag = llvm.getelementptr %flags[%thread] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64
  llvm.store %bad, %flag : f64, !llvm.ptr<1>
  gpu.barrier

  %isFirst = arith.cmpi eq, %thread, %c0 : i64
  scf.if %isFirst {
    %total:2 = scf.for %piece = %c0 to %count step %c1 iter_args(%a = %zero, %b = %zero) -> (f64, f64) : i64 {
      %place = arith.muli %piece, %c8 : i64
      {addSums}
      scf.yield %na, %nb : f64, f64
    }
    %lossFlag = scf.for %i = %c0 to %c256 step %c1 iter_args(%a = %zero) -> (f64) : i64 {
      %p = llvm.getelementptr %flags[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64
      %x = llvm.load %p : !llvm.ptr<1> -> f64
      %next = arith.addf %a, %x : f64
      scf.yield %next : f64
    }
    %norm = math.sqrt %total#0 : f64
    %clampedNorm = math.sqrt %total#1 : f64
    %n3 = llvm.getelementptr %numbers[3] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
    %clipValue = llvm.load %n3 : !llvm.ptr<1> -> f64
    %n4 = llvm.getelementptr %numbers[4] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
    %clipNorm = llvm.load %n4 : !llvm.ptr<1> -> f64
    %clamps = arith.cmpf ogt, %clipValue, %zero : f64
    %measured = arith.select %clamps, %clampedNorm, %norm : f64
    %nearly = arith.addf %measured, %small : f64
    %quotient = arith.divf %clipNorm, %nearly : f64
    %isLess = arith.cmpf olt, %quotient, %one : f64
    %limited = arith.select %isLess, %quotient, %one : f64
    %clips = arith.cmpf ogt, %clipNorm, %zero : f64
    %scale = arith.select %clips, %limited, %one : f64
    %normFlag = arith.subf %norm, %norm : f64
    %anyFlag = arith.addf %normFlag, %lossFlag : f64
    %isGood = arith.cmpf oeq, %anyFlag, %zero : f64
    %good = arith.select %isGood, %one, %zero : f64
    llvm.store %norm, %outcome : f64, !llvm.ptr<1>
    %o1 = llvm.getelementptr %outcome[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
    llvm.store %scale, %o1 : f64, !llvm.ptr<1>
    %o2 = llvm.getelementptr %outcome[2] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
    llvm.store %good, %o2 : f64, !llvm.ptr<1>
  }
  gpu.return
}
)";

/// Adds what stands at %place of both sums.
static const char *const addSums = R"(
      %pa = llvm.getelementptr %sums[%place] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64
      %pb = llvm.getelementptr %clampedSums[%place] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f64
      %xa = llvm.load %pa : !llvm.ptr<1> -> f64
      %xb = llvm.load %pb : !llvm.ptr<1> -> f64
      %na = arith.addf %a, %xa : f64
      %nb = arith.addf %b, %xb : f64
)";

/// Comparisons are this way round so that what is not a number stays.
static const char *const square = R"(
        %g = llvm.getelementptr %gradient[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {T}
        %xT = llvm.load %g : !llvm.ptr<1> -> {T}
        %x = {widen} %xT : {T} to f64
        %xx = arith.mulf %x, %x : f64
        %plain = arith.addf %ia, %xx : f64
        %above = arith.cmpf ogt, %x, %limit : f64
        %x1 = arith.select %above, %limit, %x : f64
        %below = arith.cmpf olt, %x1, %lowest : f64
        %x2 = arith.select %below, %lowest, %x1 : f64
        %yy = arith.mulf %x2, %x2 : f64
        %clamped = arith.addf %ib, %yy : f64
)";

/// {rule} makes %changed of %value and %g, with its own {state}.
static const char *const updateKernel = R"(
gpu.func @{name}(%pieces: !llvm.ptr<1>, %numbers: !llvm.ptr<1>, %outcome: !llvm.ptr<1>) kernel {
  %c8 = arith.constant 8 : i64
  %c256 = arith.constant 256 : i64
  %zero = arith.constant 0.0 : f64
  %one = arith.constant 1.0 : f64
  %bx = gpu.block_id x
  %tx = gpu.thread_id x
  %block = arith.index_cast %bx : index to i64
  %thread = arith.index_cast %tx : index to i64
  %o1 = llvm.getelementptr %outcome[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
  %o2 = llvm.getelementptr %outcome[2] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
  %scaleWide = llvm.load %o1 : !llvm.ptr<1> -> f64
  %good = llvm.load %o2 : !llvm.ptr<1> -> f64
  %isGood = arith.cmpf oeq, %good, %one : f64
  scf.if %isGood {
    %record = arith.muli %block, %c8 : i64
    %p0 = llvm.getelementptr %pieces[%record] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, i64
    %p1 = llvm.getelementptr %p0[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i64
    %p2 = llvm.getelementptr %p0[2] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i64
    %p3 = llvm.getelementptr %p0[3] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i64
    %p4 = llvm.getelementptr %p0[4] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i64
    %p5 = llvm.getelementptr %p0[5] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
    %p6 = llvm.getelementptr %p0[6] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
    %p7 = llvm.getelementptr %p0[7] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64
    %a0 = llvm.load %p0 : !llvm.ptr<1> -> i64
    %a1 = llvm.load %p1 : !llvm.ptr<1> -> i64
    %a2 = llvm.load %p2 : !llvm.ptr<1> -> i64
    %a3 = llvm.load %p3 : !llvm.ptr<1> -> i64
    %values = llvm.inttoptr %a0 : i64 to !llvm.ptr<1>
    %gradient = llvm.inttoptr %a1 : i64 to !llvm.ptr<1>
    %firsts = llvm.inttoptr %a2 : i64 to !llvm.ptr<1>
    %seconds = llvm.inttoptr %a3 : i64 to !llvm.ptr<1>
    %elements = llvm.load %p4 : !llvm.ptr<1> -> i64
    %baseRate = llvm.load %p5 : !llvm.ptr<1> -> f64
    %coupledWide = llvm.load %p6 : !llvm.ptr<1> -> f64
    %decoupled = llvm.load %p7 : !llvm.ptr<1> -> f64
    {numbers}
    %rate = arith.mulf %baseRate, %rateFactor : f64
    %lost = arith.mulf %rate, %decoupled : f64
    %keptWide = arith.subf %one, %lost : f64
    %kept = {narrow} %keptWide : f64 to {T}
    %scale = {narrow} %scaleWide : f64 to {T}
    %coupled = {narrow} %coupledWide : f64 to {T}
    %couples = arith.cmpf ogt, %coupledWide, %zero : f64
    %limit = {narrow} %clipValue : f64 to {T}
    %lowest = arith.negf %limit : {T}
    %clamps = arith.cmpf ogt, %clipValue, %zero : f64
    {prepare}
    scf.for %i = %thread to %elements step %c256 : i64 {
      %pv = llvm.getelementptr %values[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {T}
      %pg = llvm.getelementptr %gradient[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {T}
      %old = llvm.load %pv : !llvm.ptr<1> -> {T}
      %g0 = llvm.load %pg : !llvm.ptr<1> -> {T}
      %above = arith.cmpf ogt, %g0, %limit : {T}
      %g1 = arith.select %above, %limit, %g0 : {T}
      %below = arith.cmpf olt, %g1, %lowest : {T}
      %g2 = arith.select %below, %lowest, %g1 : {T}
      %g3 = arith.select %clamps, %g2, %g0 : {T}
      %g4 = arith.mulf %g3, %scale : {T}
      %pull = arith.mulf %coupled, %old : {T}
      %g5 = arith.addf %g4, %pull : {T}
      %g = arith.select %couples, %g5, %g4 : {T}
      %value = arith.mulf %old, %kept : {T}
      {rule}
      llvm.store %changed, %pv : {T}, !llvm.ptr<1>
    }
  }
  gpu.return
}
)";

/// Loads of the members of cuda::UpdateNumbers that update kernels read.
static std::string loadNumbers() {
  const std::pair<const char *, int> members[] = {
      {"rateFactor", 0}, {"stepCorrection", 1}, {"rootCorrection", 2},
      {"clipValue", 3},  {"beta1", 5},          {"beta2", 6},
      {"epsilon", 7},    {"momentum", 8},       {"nesterov", 9}};
  std::string text;
  for (auto [name, place] : members)
    text += "%n" + std::to_string(place) + " = llvm.getelementptr %numbers[" +
            std::to_string(place) +
            "] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f64\n    %" + name +
            " = llvm.load %n" + std::to_string(place) +
            " : !llvm.ptr<1> -> f64\n    ";
  return text;
}

namespace {
struct Rule {
  const char *name, *prepare, *rule;
};
} // namespace

static const Rule rules[] = {
    {"loco_descend", R"(
    %back = arith.negf %rate : f64
    %backT = {narrow} %back : f64 to {T}
)",
     R"(
      %move = arith.mulf %backT, %g : {T}
      %changed = arith.addf %value, %move : {T}
)"},
    {"loco_momentum", R"(
    %rateT = {narrow} %rate : f64 to {T}
    %backT = arith.negf %rateT : {T}
    %mu = {narrow} %momentum : f64 to {T}
    %looksAhead = arith.cmpf ogt, %nesterov, %zero : f64
)",
     R"(
      %pf = llvm.getelementptr %firsts[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {T}
      %v0 = llvm.load %pf : !llvm.ptr<1> -> {T}
      %v1 = arith.mulf %mu, %v0 : {T}
      %v = arith.addf %v1, %g : {T}
      llvm.store %v, %pf : {T}, !llvm.ptr<1>
      %move = arith.mulf %backT, %v : {T}
      %plain = arith.addf %value, %move : {T}
      %ahead0 = arith.mulf %mu, %v : {T}
      %ahead1 = arith.addf %g, %ahead0 : {T}
      %ahead2 = arith.mulf %rateT, %ahead1 : {T}
      %ahead = arith.subf %value, %ahead2 : {T}
      %changed = arith.select %looksAhead, %ahead, %plain : {T}
)"},
    {"loco_adam", R"(
    %b1 = {narrow} %beta1 : f64 to {T}
    %b2 = {narrow} %beta2 : f64 to {T}
    %rest1Wide = arith.subf %one, %beta1 : f64
    %rest2Wide = arith.subf %one, %beta2 : f64
    %rest1 = {narrow} %rest1Wide : f64 to {T}
    %rest2 = {narrow} %rest2Wide : f64 to {T}
    %eps = {narrow} %epsilon : f64 to {T}
    %stepWide = arith.divf %rate, %stepCorrection : f64
    %step = {narrow} %stepWide : f64 to {T}
    %root = {narrow} %rootCorrection : f64 to {T}
)",
     R"(
      %pf = llvm.getelementptr %firsts[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {T}
      %ps = llvm.getelementptr %seconds[%i] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {T}
      %m0 = llvm.load %pf : !llvm.ptr<1> -> {T}
      %s0 = llvm.load %ps : !llvm.ptr<1> -> {T}
      %m1 = arith.mulf %b1, %m0 : {T}
      %m2 = arith.mulf %rest1, %g : {T}
      %m = arith.addf %m1, %m2 : {T}
      %gg = arith.mulf %g, %g : {T}
      %s1 = arith.mulf %b2, %s0 : {T}
      %s2 = arith.mulf %rest2, %gg : {T}
      %s = arith.addf %s1, %s2 : {T}
      llvm.store %m, %pf : {T}, !llvm.ptr<1>
      llvm.store %s, %ps : {T}, !llvm.ptr<1>
      %d0 = math.sqrt %s : {T}
      %d1 = arith.divf %d0, %root : {T}
      %denominator = arith.addf %d1, %eps : {T}
      %up = arith.mulf %step, %m : {T}
      %move = arith.divf %up, %denominator : {T}
      %changed = arith.subf %value, %move : {T}
)"},
};

static void replaceAll(std::string &text, const std::string &from,
                       const std::string &to) {
  for (size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

OwningOpRef<ModuleOp> loco::makeUpdateKernels(MLIRContext &context,
                                              bool isF64) {
  std::string text = "module attributes {gpu.container_module} {\n"
                     "gpu.module @loco {\n";
  text += normKernels;
  replaceAll(text, "{square}", square);
  replaceAll(text, "{addSums}", addSums);
  for (const Rule &rule : rules) {
    std::string kernel = updateKernel;
    replaceAll(kernel, "{name}", rule.name);
    replaceAll(kernel, "{numbers}", loadNumbers());
    replaceAll(kernel, "{prepare}", rule.prepare);
    replaceAll(kernel, "{rule}", rule.rule);
    text += kernel;
  }
  text += "}\n}\n";
  // A number of the same type is neither widened nor narrowed.
  replaceAll(text, "{widen}", isF64 ? "arith.bitcast" : "arith.extf");
  replaceAll(text, "{narrow}", isF64 ? "arith.bitcast" : "arith.truncf");
  replaceAll(text, "{T}", isF64 ? "f64" : "f32");
  auto module = parseSourceString<ModuleOp>(text, &context);
  assert(module && "the kernels of updates are no module");
  module->walk([](gpu::GPUFuncOp kernel) {
    kernel.setKnownBlockSize(ArrayRef<int32_t>{updateThreads, 1, 1});
  });
  return module;
}
