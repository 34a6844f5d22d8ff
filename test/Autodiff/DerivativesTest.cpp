//===- DerivativesTest.cpp - Derivatives of the functions of a file ------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For every function of an .mlir file: checks forward against finite
// differences and reverse against forward mode by all its floating-point
// arguments, then does the same with the function's own VJP and JVP, so that
// second derivatives are checked, too. Gradients inside of the functions are
// expanded first, and held against those that the interpreter takes. Stacked
// arguments get `--steps` steps.
//
//===----------------------------------------------------------------------===//

// RUN: loco-test-derivatives --count=150 --loop-depth=0 --ops=8 | FileCheck %s
// RUN: loco-test-derivatives --count=150 --loop-depth=1 --ops=8 --first=1000 | FileCheck %s
// RUN: loco-test-derivatives --count=100 --loop-depth=2 --first=2000 --steps=3 | FileCheck %s
// RUN: loco-test-derivatives --count=50 --loop-depth=1 --first=3000 --steps=1 | FileCheck %s
// CHECK: all derivatives agree

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Driver/GradientCheck.h"
#include "dialects/Loco/IR/LocoOps.h"
#include "test/Unit/RandomPrograms.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"

#include <cstdio>
#include <random>

using namespace mlir;
using namespace loco;

static llvm::cl::opt<std::string> inputFile(llvm::cl::Positional);
static llvm::cl::opt<int64_t> numSteps("steps", llvm::cl::init(5));
static llvm::cl::opt<uint64_t> firstSeed("first", llvm::cl::init(1));
static llvm::cl::opt<uint64_t> numPrograms("count", llvm::cl::init(0));
static llvm::cl::opt<unsigned> numOps("ops", llvm::cl::init(12));
static llvm::cl::opt<unsigned> loopDepth("loop-depth", llvm::cl::init(2));
static llvm::cl::opt<bool> verbose("verbose");

/// An argument for `type`: normal numbers, the number of steps, or a key.
static RuntimeValue draw(Type type, std::mt19937_64 &random) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) {
    if (isa<IndexType>(type))
      return numSteps.getValue();
    return RandomKey{1, 2, 3};
  }
  std::normal_distribution<double> normal;
  Array array;
  int64_t count = 1;
  for (int64_t extent : tensor.getShape()) {
    array.shape.push_back(ShapedType::isDynamic(extent) ? numSteps.getValue()
                                                        : extent);
    count *= array.shape.back();
  }
  for (int64_t i = 0; i < count; ++i)
    array.values.push_back(isDifferentiable(type) ? normal(random)
                                                  : double(i % 3));
  return array;
}

/// The largest difference of two lists of results.
static double distance(ArrayRef<RuntimeValue> a, ArrayRef<RuntimeValue> b) {
  double largest = 0;
  for (auto [x, y] : llvm::zip_equal(a, b))
    if (auto *array = std::get_if<Array>(&x))
      for (auto [p, q] :
           llvm::zip_equal(array->values, std::get<Array>(y).values))
        largest = std::max(largest, p == q ? 0.0 : std::fabs(p - q));
  return largest;
}

/// Checks that planning changes no bit of what `vjp` computes; segments make
/// sums of other sums.
static bool checkPlan(func::FuncOp vjp, ArrayRef<RuntimeValue> arguments) {
  auto module = vjp->getParentOfType<ModuleOp>();
  std::string name = vjp.getSymName().str();
  auto before = Interpreter(module).call(name, arguments);
  for (auto [policy, tolerance] :
       {std::pair("loco-plan-residuals{policy=recompute}", 0.0),
        std::pair("loco-plan-residuals{policy=store}", 0.0),
        std::pair("loco-segment-loops,loco-plan-residuals", 1e-11)}) {
    OwningOpRef<ModuleOp> copy = module.clone();
    PassManager passes(module.getContext());
    if (failed(parsePassPipeline(
            ("func.func(" + Twine(policy) + ",canonicalize,cse)").str(),
            passes)) ||
        failed(passes.run(*copy)))
      return false;
    auto after = Interpreter(*copy).call(name, arguments);
    if (failed(before) || failed(after) ||
        !(distance(*before, *after) <= tolerance)) {
      std::printf("%s planned to %s: WRONG\n", name.c_str(),
                  policy);
      return false;
    }
  }
  return true;
}

/// Checks `function` at `arguments`, and its derivatives as often as `depth`
/// says.
static bool check(func::FuncOp function, SmallVector<RuntimeValue> arguments,
                  unsigned depth) {
  if (failed(verify(function)))
    return false;
  SmallVector<unsigned> wrt;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
    if (isDifferentiable(type))
      wrt.push_back(index);
  FailureOr<std::vector<GradientCheck>> checks =
      checkGradients(function, wrt, arguments, 11);
  if (failed(checks))
    return false;
  bool good = true;
  for (const GradientCheck &c : *checks) {
    // Finite differences hold 9 to 10 digits; the two modes differ by rounding.
    // What is rounding of intermediate values is compared to nothing smaller.
    bool wrong = (c.getForwardError() > 1e-8 &&
                  std::abs(c.forward - c.finiteDifference) > 1e-11) ||
                 (c.getReverseError() > 1e-12 &&
                  std::abs(c.reverse - c.forward) > 1e-15);
    if (wrong || verbose)
      std::printf(
          "%s argument %u: difference %.12g forward %.12g reverse %.12g%s\n",
          function.getSymName().str().c_str(), c.argument, c.finiteDifference,
          c.forward, c.reverse, wrong ? " WRONG" : "");
    good &= !wrong;
  }
  if (depth == 0)
    return good;

  // Seeds of the derivatives: what an argument or result holds is as good as
  // any other number, and has the right length.
  std::string name = function.getSymName().str();
  auto results =
      Interpreter(function->getParentOfType<ModuleOp>()).call(name, arguments);
  if (failed(results))
    return false;
  SmallVector<RuntimeValue> withCotangents = arguments,
                            withTangents = arguments;
  for (auto [type, result] : llvm::zip(function.getResultTypes(), *results))
    if (isDifferentiable(type))
      withCotangents.push_back(result);
  for (unsigned index : wrt)
    withTangents.push_back(arguments[index]);

  auto vjp = createVJP(function, wrt, name + ".vjp");
  auto jvp = createJVP(function, wrt, name + ".jvp");
  return succeeded(vjp) && succeeded(jvp) && checkPlan(*vjp, withCotangents) &&
         check(*vjp, withCotangents, depth - 1) &&
         check(*jvp, withTangents, depth - 1) && good;
}

/// Checks that expanding the gradients in `name` of `original` to what `module`
/// has changes no number beyond what the interpreter's finite differences are
/// off by.
static bool checkExpansion(ModuleOp original, ModuleOp module, StringRef name,
                           ArrayRef<RuntimeValue> arguments) {
  auto before = Interpreter(original).call(name, arguments);
  auto after = Interpreter(module).call(name, arguments);
  if (failed(before) || failed(after))
    return false;
  double difference = distance(*before, *after);
  bool wrong = !(difference <= 1e-7);
  if (wrong || verbose)
    std::printf("%s expanded: differs by %.3g%s\n", name.str().c_str(),
                difference, wrong ? " WRONG" : "");
  return !wrong;
}

/// Checks the functions of `module` and prints it if one is wrong.
static bool checkModule(ModuleOp module, unsigned depth) {
  OwningOpRef<ModuleOp> original = module.clone();
  PassManager passes(module.getContext());
  passes.addPass(createExpandGradients());
  if (failed(passes.run(module)))
    return false;
  bool good = true;
  for (auto function :
       SmallVector<func::FuncOp>(module.getOps<func::FuncOp>())) {
    std::mt19937_64 random(7);
    SmallVector<RuntimeValue> arguments;
    for (Type type : function.getArgumentTypes())
      arguments.push_back(draw(type, random));
    good &= checkExpansion(*original, module, function.getSymName(), arguments);
    good &= check(function, arguments, depth);
  }
  if (!good)
    original->dump();
  return good;
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv);
  registerLocoAutodiffPasses();
  registerTransformsPasses();
  MLIRContext context;
  context.loadDialect<LocoDialect>();
  bool good = true;
  if (!inputFile.empty()) {
    OwningOpRef<ModuleOp> module =
        parseSourceFile<ModuleOp>(inputFile, &context);
    good = module && checkModule(*module, /*depth=*/1);
  }
  for (uint64_t seed = firstSeed; seed < firstSeed + numPrograms; ++seed) {
    test::Options options = test::Options::smooth();
    options.numOps = numOps;
    options.depth = loopDepth;
    OwningOpRef<ModuleOp> module =
        test::makeRandomProgram(context, seed, options);
    if (!checkModule(*module, /*depth=*/1)) {
      std::printf("program %llu is wrong\n",
                  static_cast<unsigned long long>(seed));
      good = false;
    }
  }
  std::puts(good ? "all derivatives agree" : "some derivatives are wrong");
  return !good;
}
