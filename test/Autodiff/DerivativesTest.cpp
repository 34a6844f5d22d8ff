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
// second derivatives are checked, too. Stacked arguments get `--steps` steps.
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Driver/GradientCheck.h"
#include "dialects/Loco/IR/LocoOps.h"

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

static llvm::cl::opt<std::string> inputFile(llvm::cl::Positional,
                                            llvm::cl::Required);
static llvm::cl::opt<int64_t> numSteps("steps", llvm::cl::init(5));

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

/// Checks that planning changes no bit of what the VJP `function` computes.
static bool checkPlan(func::FuncOp function) {
  std::mt19937_64 random(5);
  SmallVector<RuntimeValue> arguments;
  for (Type type : function.getArgumentTypes())
    arguments.push_back(draw(type, random));
  auto module = function->getParentOfType<ModuleOp>();
  std::string name = function.getSymName().str();
  auto before = Interpreter(module).call(name, arguments);
  for (StringRef policy : {"recompute", "store"}) {
    OwningOpRef<ModuleOp> copy = module.clone();
    PassManager passes(module.getContext());
    if (failed(parsePassPipeline(("func.func(loco-plan-residuals{policy=" +
                                  policy + "},canonicalize,cse)")
                                     .str(),
                                 passes)) ||
        failed(passes.run(*copy)))
      return false;
    auto after = Interpreter(*copy).call(name, arguments);
    if (failed(before) || failed(after) || distance(*before, *after) != 0) {
      std::printf("%s planned to %s: WRONG\n", name.c_str(),
                  policy.str().c_str());
      return false;
    }
  }
  return true;
}

/// Checks `function`, and its derivatives as often as `depth` says.
static bool check(func::FuncOp function, unsigned depth) {
  if (failed(verify(function)))
    return false;
  std::mt19937_64 random(7);
  SmallVector<RuntimeValue> arguments;
  SmallVector<unsigned> wrt;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    arguments.push_back(draw(type, random));
    if (isDifferentiable(type))
      wrt.push_back(index);
  }
  FailureOr<std::vector<GradientCheck>> checks =
      checkGradients(function, wrt, arguments, 11);
  if (failed(checks))
    return false;
  bool good = true;
  for (const GradientCheck &c : *checks) {
    // Finite differences hold 9 to 10 digits; the two modes differ by rounding.
    bool wrong = c.getForwardError() > 1e-8 || c.getReverseError() > 1e-12;
    std::printf(
        "%s argument %u: difference %.12g forward %.12g reverse %.12g%s\n",
        function.getSymName().str().c_str(), c.argument, c.finiteDifference,
        c.forward, c.reverse, wrong ? " WRONG" : "");
    good &= !wrong;
  }
  if (depth == 0)
    return good;

  std::string name = function.getSymName().str();
  for (auto [suffix, create] :
       {std::pair(".vjp", &createVJP), std::pair(".jvp", &createJVP)}) {
    FailureOr<func::FuncOp> derivative = create(function, wrt, name + suffix);
    good &= succeeded(derivative) && check(*derivative, depth - 1);
    if (create == &createVJP)
      good &= succeeded(derivative) && checkPlan(*derivative);
  }
  return good;
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv);
  registerLocoAutodiffPasses();
  registerTransformsPasses();
  MLIRContext context;
  context.loadDialect<LocoDialect>();
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(inputFile, &context);
  if (!module)
    return 1;
  bool good = true;
  for (auto function :
       SmallVector<func::FuncOp>(module->getOps<func::FuncOp>()))
    good &= check(function, /*depth=*/1);
  std::puts(good ? "all derivatives agree" : "some derivatives are wrong");
  return !good;
}
