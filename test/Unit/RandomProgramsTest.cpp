//===- RandomProgramsTest.cpp - Random programs hold what they promise ----===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// RUN: loco-test-random-programs --count=300
// RUN: loco-test-random-programs --count=100 --smooth
// RUN: loco-test-random-programs --count=100 --nested --calls --more --f32
// RUN: loco-test-random-programs --count=5 --print --nested \
// RUN:   | loco-opt --split-input-file --verify-roundtrip -o /dev/null
//
// Many programs: each is well-typed, reads back as it was printed, is the same
// in every run, gives finite numbers in the interpreter, and the same ones
// after canonicalize and cse; together they use every op of the dialect and
// every function often. With --print the programs are printed instead.
//
//===----------------------------------------------------------------------===//

#include "test/Unit/RandomPrograms.h"
#include "compiler/Reference/Interpreter.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/CommandLine.h"

#include <cmath>

using namespace mlir;
using namespace loco;
using namespace loco::test;

static llvm::cl::opt<unsigned> count("count", llvm::cl::init(300),
                                     llvm::cl::desc("number of programs"));
static llvm::cl::opt<unsigned> firstSeed("first-seed", llvm::cl::init(0));
static llvm::cl::opt<bool> printPrograms("print");
static llvm::cl::opt<bool> nested("nested", llvm::cl::desc("nested stacks"));
static llvm::cl::opt<bool> smooth("smooth");
static llvm::cl::opt<bool> calls("calls", llvm::cl::desc("calls"));
static llvm::cl::opt<bool> more("more", llvm::cl::desc("more functions"));
static llvm::cl::opt<bool> f32("f32", llvm::cl::desc("element type f32"));
static llvm::cl::opt<bool> listUses("uses", llvm::cl::desc("print op counts"));

static std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

static bool fail(uint64_t seed, StringRef what, ModuleOp module) {
  llvm::errs() << "program of seed " << seed << " " << what << "\n";
  module.print(llvm::errs());
  return false;
}

/// Runs the program; false if it fails or gives a number that is not finite.
static bool interpret(ModuleOp module, uint64_t seed, int64_t steps,
                      SmallVector<RuntimeValue> &results) {
  auto function = module.lookupSymbol<func::FuncOp>(programName);
  Interpreter interpreter(module);
  auto found =
      interpreter.call(programName, makeRandomArguments(function, seed, steps));
  if (failed(found))
    return fail(seed, "cannot be interpreted", module);
  for (const RuntimeValue &result : *found)
    for (double value : std::get<Array>(result).values)
      if (!std::isfinite(value))
        return fail(seed, "gives a number that is not finite", module);
  results = *found;
  return true;
}

/// Runs the program, as it is and simplified; the numbers must be the same
/// bits. (Constants of f32 that are folded are rounded, so these programs may
/// differ.)
static bool interpret(ModuleOp module, uint64_t seed) {
  PassManager passes(module.getContext());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  OwningOpRef<ModuleOp> simple = module.clone();
  if (failed(passes.run(*simple)))
    return fail(seed, "cannot be simplified", module);
  for (int64_t steps : {int64_t(1), int64_t(2 + seed % 4)}) {
    SmallVector<RuntimeValue> before, after;
    if (!interpret(module, seed, steps, before) ||
        !interpret(*simple, seed, steps, after))
      return false;
    for (auto [x, y] : llvm::zip_equal(before, after))
      if (std::get<Array>(x).values != std::get<Array>(y).values && !f32)
        return fail(seed, "is changed by canonicalize and cse", module);
  }
  return true;
}

static bool check(MLIRContext &context, uint64_t seed, const Options &options,
                  llvm::StringMap<unsigned> &uses) {
  OwningOpRef<ModuleOp> module = makeRandomProgram(context, seed, options);
  if (failed(verify(*module)))
    return fail(seed, "does not verify", *module);
  std::string text = print(*module);
  OwningOpRef<ModuleOp> parsed = parseSourceString<ModuleOp>(text, &context);
  if (!parsed || print(*parsed) != text)
    return fail(seed, "does not read back as it was printed", *module);
  if (print(*makeRandomProgram(context, seed, options)) != text)
    return fail(seed, "is not a function of its seed", *module);
  module->walk([&](Operation *op) {
    StringRef name = op->getName().getStringRef();
    ++uses[name];
    if (auto scan = dyn_cast<ScanOp>(op)) {
      ++uses[scan.getReverse() ? "reverse scan" : "forward scan"];
      ++uses[scan->getParentOfType<ScanOp>() ? "nested scan" : "outer scan"];
      uses["while"] += scan.isCounted();
      uses["taking"] += scan.getTaken() != nullptr;
      uses["carry"] += scan.getInits().size();
      uses["each"] += scan.getElements().size();
      uses["with"] += scan.getConstants().size();
      uses["stack"] += scan.getStacks().size();
      uses["sum"] += scan.getSums().size();
    }
  });
  return interpret(*module, seed);
}

/// Names of all ops that the programs must use, and kinds of use of a scan.
static std::vector<std::string> getExpected(MLIRContext &context) {
  std::vector<std::string> names = {
      "forward scan",   "reverse scan", "nested scan", "carry",
      "each",           "with",         "stack",       "sum",
      "while",          "taking",       "arith.addf",  "arith.subf",
      "arith.mulf",     "arith.divf",   "arith.negf",  "arith.cmpf",
      "arith.cmpi",     "arith.select", "arith.andi",  "arith.ori",
      "arith.xori",     "arith.addi",   "arith.subi",  "arith.muli",
      "arith.constant", "math.tanh",    "math.exp",    "math.expm1",
      "math.log",       "math.log1p",   "math.sin",    "math.cos",
      "math.sqrt",      "math.rsqrt",   "math.powf",   "math.atan2"};
  if (!smooth)
    for (const char *name : {"arith.maximumf", "arith.minimumf", "math.absf",
                             "math.floor", "math.ceil"})
      names.push_back(name);
  for (RegisteredOperationName name : context.getRegisteredOperations())
    if (name.getDialectNamespace() == LocoDialect::getDialectNamespace() &&
        // Its results are what an execution likes them to be.
        name.getStringRef() != "loco.segment" &&
        !(smooth && (name.getStringRef() == "loco.first_max" ||
                     name.getStringRef() == "loco.stop_gradient")))
      names.push_back(name.getStringRef().str());
  return names;
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv);
  MLIRContext context;
  context.loadDialect<LocoDialect>();
  Options options = smooth ? Options::smooth() : Options();
  options.nestedStacks = nested;
  options.calls = calls;
  options.moreFunctions = more;
  options.f32 = f32;
  if (printPrograms) {
    for (unsigned i = 0; i < count; ++i)
      llvm::outs() << (i ? "\n// -----\n" : "")
                   << print(
                          *makeRandomProgram(context, firstSeed + i, options));
    return 0;
  }

  bool good = true;
  llvm::StringMap<unsigned> uses;
  for (unsigned i = 0; i < count; ++i)
    good &= check(context, firstSeed + i, options, uses);
  for (const std::string &name : getExpected(context)) {
    if (listUses)
      llvm::outs() << uses[name] << " " << name << "\n";
    if (uses[name] * 30 < count) {
      llvm::errs() << "`" << name << "` stands only " << uses[name]
                   << " times in " << count << " programs\n";
      good = false;
    }
  }
  return !good;
}
