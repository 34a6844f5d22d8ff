//===- KernelTest.cpp - Compiled functions against interpreted ones -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-test-kernels file.mlir [--samples=n] [--steps=n] [--pool=threads]
//                     [--function=name] [--emit=planned|loops|llvm|asm|explain]
//                     [--bench] [--vector=bytes] [--block=n] [--segment=n]
//                     [--many-samples]
//                     [--cuda [--grid=n] [--break=barrier|halo|block]
//                     [--arch=sm_90]
//                      [--together=blocks of a sample] [--beside=samples of a
//                      block] [--tile=samples that advance together]
//                      [--products=f32|tf32|bf16|tf32x3|bf16x3]]
//   loco-test-kernels --random=n [--derivatives] [--plan=store|recompute|
//                     checkpoint] [--segment=n] [--f32] [--cuda]
//
// Runs each function of the file on made-up arguments, compiled and
// interpreted, and compares every result: the 2-norm of the difference over
// that of the interpreter's value stays below 1e-5 in f32 and 1e-12 in f64.
// Says what differs and returns 1. A second run of the same batch allocates
// nothing and gives the same bits.
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/JIT/CompiledKernel.h"
#include "compiler/Pipelines/Pipelines.h"
#include "compiler/Reference/Interpreter.h"
#include "dialects/Loco/IR/LocoOps.h"
#include "test/Conversion/BreakKernels.h"
#include "test/Emulator/Emulator.h"
#include "test/Unit/RandomPrograms.h"

#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CommandLine.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <new>

using namespace mlir;
using namespace loco;
namespace cl = llvm::cl;

static cl::opt<std::string> input(cl::Positional);
static cl::opt<int> randomCount("random", cl::init(0));
static cl::opt<int> firstSeed("first-seed", cl::init(0));
static cl::opt<bool> narrow("f32"), derivatives("derivatives");
static cl::opt<int> samples("samples", cl::init(3));
static cl::opt<int> steps("steps", cl::init(5));
static cl::opt<int> threads("pool", cl::init(2));
static cl::opt<int> block("block", cl::init(0));
static cl::opt<int> segment("segment", cl::init(0));
static cl::opt<std::string> plan("plan");
static cl::opt<int> vectorBytes("vector", cl::init(0));
static cl::opt<bool> manySamples("many-samples");
static cl::opt<std::string> only("function");
static cl::opt<std::string> emit("emit");
static cl::opt<bool> bench("bench");

/// Calls of `operator new`, for what must not allocate.
static std::atomic<int64_t> allocations{0};

void *operator new(size_t bytes) {
  ++allocations;
  if (void *memory = std::malloc(bytes ? bytes : 1))
    return memory;
  std::abort();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
static cl::opt<bool> cuda("cuda");
static cl::opt<int> blocks("grid", cl::init(2));
static cl::opt<std::string> mistake("break"), arch("arch", cl::init("sm_90"));
static cl::opt<int> together("together", cl::init(0)),
    beside("beside", cl::init(0)), tile("tile", cl::init(0));
static cl::opt<std::string> products("products", cl::init("f32"));

/// Numbers in [-1, 1) that depend on their place alone.
static double madeUp(uint64_t i, uint64_t seed) {
  uint64_t x = (i + 1) * 0x9E3779B97F4A7C15 + seed * 0xBF58476D1CE4E5B9;
  x ^= x >> 31;
  x *= 0x94D049BB133111EB;
  x ^= x >> 29;
  return double(x >> 11) * 0x1p-52 - 1;
}

namespace {
/// Memory of one argument or result for all samples.
struct Buffer {
  KernelOperand operand;
  int64_t each;
  std::vector<char> bytes;
  /// What was set, before rounding to the operand's type.
  std::vector<double> drawn;

  Buffer(const KernelOperand &operand)
      : operand(operand), each(operand.elements(steps)) {
    int64_t copies = operand.kind == KernelOperand::Kind::Sample ? samples : 1;
    bytes.assign(each * copies * sizeOf(operand.type), 0);
    drawn.assign(each * copies, 0);
  }
  double get(int64_t i) const {
    const void *at = bytes.data() + i * sizeOf(operand.type);
    switch (operand.type) {
    case ElementType::F32:
      return *static_cast<const float *>(at);
    case ElementType::F64:
      return *static_cast<const double *>(at);
    default:
      return *static_cast<const int32_t *>(at);
    }
  }
  void set(int64_t i, double value) {
    drawn[i] = value;
    void *at = bytes.data() + i * sizeOf(operand.type);
    switch (operand.type) {
    case ElementType::F32:
      *static_cast<float *>(at) = value;
      break;
    case ElementType::F64:
      *static_cast<double *>(at) = value;
      break;
    default:
      *static_cast<int32_t *>(at) = value;
      break;
    }
  }
  Array array(int64_t sample, bool rounded = true) const {
    Array result;
    if (operand.perStep)
      result.shape.push_back(steps);
    result.shape.append(operand.shape.begin(), operand.shape.end());
    int64_t first =
        operand.kind == KernelOperand::Kind::Sample ? sample * each : 0;
    for (int64_t i = 0; i < each; ++i)
      result.values.push_back(rounded ? get(first + i) : drawn[first + i]);
    return result;
  }
};
} // namespace

static constexpr uint64_t seed = 7, update = 3, firstSample = 100;

/// What the interpreter makes of the arguments, as they are stored or as they
/// were before they were rounded: all samples of each result one after the
/// other, or their sum.
static std::optional<std::vector<std::vector<double>>>
interpret(ModuleOp module, func::FuncOp function,
          const std::vector<Buffer> &arguments,
          const std::vector<Buffer> &results, bool rounded) {
  Interpreter interpreter(module);
  std::vector<std::vector<double>> all(results.size());
  for (int s = 0; s < samples; ++s) {
    SmallVector<RuntimeValue> values;
    for (auto [buffer, type] :
         llvm::zip(arguments, function.getArgumentTypes())) {
      if (isa<RankedTensorType>(type))
        values.push_back(buffer.array(s, rounded));
      else if (type.isIndex())
        values.push_back(int64_t(steps));
      else
        values.push_back(RandomKey{seed, update, firstSample + s});
    }
    auto expected = interpreter.call(function.getName(), values);
    if (failed(expected))
      return std::nullopt;
    for (auto [i, value] : llvm::enumerate(*expected)) {
      const std::vector<double> &one = std::get<Array>(value).values;
      if (results[i].operand.kind != KernelOperand::Kind::Sum) {
        all[i].insert(all[i].end(), one.begin(), one.end());
        continue;
      }
      all[i].resize(one.size(), 0);
      for (size_t k = 0; k < one.size(); ++k)
        all[i][k] += one[k];
    }
  }
  return all;
}

static double norm(const std::vector<double> &values) {
  double sum = 0;
  for (double value : values)
    sum += value * value;
  return std::sqrt(sum);
}

/// The 2-norm of the difference over that of the reference, or over `least` if
/// that is more.
static double relativeError(const std::vector<double> &got,
                            const std::vector<double> &want, double least) {
  std::vector<double> difference;
  for (size_t k = 0; k < want.size(); ++k)
    difference.push_back(got[k] - want[k]);
  return norm(difference) / std::max({norm(want), least, 1e-150});
}

/// Runs the kernels of a GPU in both orders of their threads, which must give
/// the same bits.
static Status emulate(EmulatedKernels &kernels, const KernelBatch &batch,
                      std::vector<Buffer> &results) {
  EmulationOptions options;
  options.teams = blocks;
  options.segment = segment;
  if (Status failed = kernels.run(batch, options))
    return failed;
  std::vector<std::vector<char>> first;
  for (Buffer &buffer : results)
    first.push_back(buffer.bytes);
  options.isReversed = true;
  if (Status failed = kernels.run(batch, options))
    return failed;
  for (auto [i, buffer] : llvm::enumerate(results))
    if (buffer.bytes != first[i])
      return Error{"result " + std::to_string(i) +
                   " depends on the order in which threads run"};
  return {};
}

/// Compares, returns true if all is well.
static bool check(ModuleOp module, func::FuncOp function, const Kernel &kernel,
                  EmulatedKernels *emulated, int *agreeing) {
  std::vector<Buffer> arguments, results;
  for (auto [i, operand] : llvm::enumerate(kernel.arguments)) {
    Buffer &buffer = arguments.emplace_back(operand);
    auto classes = function.getArgAttrOfType<IntegerAttr>(i, "loco.classes");
    for (size_t k = 0; k < buffer.bytes.size() / sizeOf(operand.type); ++k) {
      double value = madeUp(k, i);
      if (operand.type == ElementType::I32)
        value = std::floor((value + 1) / 2 * (classes ? classes.getInt() : 3));
      buffer.set(k, value);
    }
  }
  KernelBatch batch;
  batch.samples = samples;
  batch.steps = steps;
  batch.seed = seed;
  batch.update = update;
  std::vector<uint64_t> index;
  for (int s = 0; s < samples; ++s)
    index.push_back(firstSample + s);
  batch.sampleIndex = index.data();
  for (Buffer &buffer : arguments)
    batch.arguments.push_back(buffer.operand.kind == KernelOperand::Kind::None
                                  ? nullptr
                                  : buffer.bytes.data());
  for (const KernelOperand &operand : kernel.results)
    results.emplace_back(operand);
  for (Buffer &buffer : results)
    batch.results.push_back(buffer.bytes.data());

  if (emulated) {
    if (Status failed = emulate(*emulated, batch, results)) {
      llvm::outs() << function.getName() << ": " << failed.message() << "\n";
      return false;
    }
  }
  ThreadPool pool(threads);
  Kernel adjusted = kernel;
  if (block)
    adjusted.preferredBlock = block;
  adjusted.segment = segment;
  KernelExecutor executor(adjusted, pool);
  if (Status failed = emulated ? Status() : executor.run(batch)) {
    llvm::errs() << failed.message() << "\n";
    return false;
  }
  std::vector<Buffer> first(results);
  int64_t before = allocations;
  Status again = emulated ? Status() : executor.run(batch);
  if (again || allocations != before) {
    llvm::errs() << function.getName() << ": " << allocations - before
                 << " allocations in a second run of the same batch\n";
    return false;
  }
  for (size_t i = 0; i < results.size(); ++i)
    if (results[i].bytes != first[i].bytes) {
      llvm::errs() << function.getName() << ": result " << i
                   << " has other bits in a second run\n";
      return false;
    }
  if (bench) {
    double best = 1e9;
    for (int i = 0; i < 7; ++i) {
      auto start = std::chrono::steady_clock::now();
      (void)executor.run(batch);
      std::chrono::duration<double> time =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, time.count());
    }
    llvm::outs() << function.getName() << ": "
                 << llvm::format("%.3f", best * 1e3) << " ms, blocks of "
                 << executor.blockSize() << ", scratch "
                 << executor.scratchBytes() / 1024 << " KiB\n";
    return true;
  }

  auto exact = interpret(module, function, arguments, results, true);
  auto unrounded = interpret(module, function, arguments, results, false);
  if (!exact || !unrounded)
    return false;
  // A gradient in which large terms cancel is measured against the largest one.
  double largest = 0;
  for (const std::vector<double> &result : *exact)
    largest = std::max(largest, norm(result));
  bool good = true;
  for (size_t i = 0; i < results.size(); ++i) {
    double least = derivatives ? 0.1 * largest : 0;
    std::vector<double> got;
    for (size_t k = 0; k < (*exact)[i].size(); ++k)
      got.push_back(results[i].get(k));
    // Rounding the arguments moves the exact result by this much: no f32
    // program can be held to less (docs/Numerics.md).
    double moves = relativeError((*unrounded)[i], (*exact)[i], least);
    bool isDouble = results[i].operand.type == ElementType::F64;
    double bound = std::max(isDouble ? 1e-12 : 1e-5, 8 * moves);
    double error = relativeError(got, (*exact)[i], least);
    if (error <= bound)
      continue;
    llvm::outs() << function.getName() << ": result " << i << " differs by "
                 << llvm::format("%.2e, %.2e are allowed", error, bound)
                 << "\n";
    good = false;
  }
  if (good && agreeing)
    ++*agreeing;
  else if (good)
    llvm::outs() << function.getName() << ": " << results.size()
                 << " results agree\n";
  return good;
}

/// The same for a GPU, whose kernels are emulated.
static bool checkOnGPU(ModuleOp module, func::FuncOp function, int *agreeing) {
  GPUCompileOptions options;
  options.architecture = arch;
  options.blocksPerSample = together;
  options.samplesPerBlock = beside;
  options.samplesPerTeam = tile;
  options.products = findProducts(products).value_or(Products::F32);
  GPUObject object;
  auto fail = [&](llvm::Error error) {
    llvm::outs() << llvm::toString(std::move(error)) << "\n";
    return false;
  };
  if (emit == "ptx") {
    auto compiled = compileForGPU(module, function.getName(), options);
    if (!compiled)
      return fail(compiled.takeError());
    llvm::outs() << compiled->ptx;
    return true;
  }
  auto kernels = makeGPUModule(module, function.getName(), options, object);
  if (!kernels)
    return fail(kernels.takeError());
  if (!emit.empty()) {
    llvm::outs() << (emit == "planned"   ? object.planned
                     : emit == "explain" ? object.explain
                                         : object.kernels);
    return true;
  }
  breakKernels(**kernels, mistake);
  auto emulated = EmulatedKernels::create(std::move(*kernels), object);
  if (!emulated)
    return fail(emulated.takeError());
  return check(module, function, object.kernel, emulated->get(), agreeing);
}

/// Compiles and checks every function of `module`.
static bool checkModule(ModuleOp module, int *agreeing) {
  bool good = true;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isPrivate() || (!only.empty() && function.getName() != only))
      continue;
    if (cuda) {
      good &= checkOnGPU(module, function, agreeing);
      continue;
    }
    CPUOptions options;
    options.vectorBytes = vectorBytes;
    options.manySamples = manySamples;
    options.keepTexts = !emit.empty();
    auto compiled = compileFunction(module, function.getName(), options);
    if (!compiled) {
      llvm::outs() << llvm::toString(compiled.takeError()) << "\n";
      good = false;
      continue;
    }
    const KernelTexts &texts = (*compiled)->texts;
    if (emit == "planned")
      llvm::outs() << texts.planned;
    else if (emit == "loops")
      llvm::outs() << texts.loops;
    else if (emit == "llvm")
      llvm::outs() << texts.llvm;
    else if (emit == "asm")
      llvm::outs() << texts.assembly;
    else if (emit == "explain")
      llvm::outs() << (*compiled)->explain;
    else
      good &= check(module, function, (*compiled)->kernel, nullptr, agreeing);
  }
  return good;
}

/// Replaces the gradients inside of the functions, as the driver does.
static bool expandGradients(ModuleOp module) {
  PassManager passes(module.getContext());
  passes.addPass(createExpandGradients());
  return succeeded(passes.run(module));
}

/// Leaves the results of one size: a stack has as many steps as its loop, and
/// so must have what the derivative is given for it.
static void dropStackedResults(func::FuncOp function) {
  Operation *end = function.getBody().front().getTerminator();
  SmallVector<Value> kept;
  for (Value value : end->getOperands())
    if (cast<ShapedType>(value.getType()).hasStaticShape())
      kept.push_back(value);
  end->setOperands(kept);
  function.removeResAttrsAttr();
  function.setType(FunctionType::get(function.getContext(),
                                     function.getArgumentTypes(),
                                     end->getOperandTypes()));
}

/// Decides what a derivative keeps, as `--plan` says.
static bool planResiduals(func::FuncOp function) {
  if (plan.empty())
    return true;
  PassManager passes(function.getContext(), func::FuncOp::getOperationName());
  buildResidualsPipeline(passes, plan == "store" ? ResidualPolicy::Store
                                 : plan == "recompute"
                                     ? ResidualPolicy::Recompute
                                     : ResidualPolicy::Checkpoint);
  return succeeded(passes.run(function));
}

/// Programs drawn from the whole op set, and what differentiation makes of
/// them.
static bool checkRandom(MLIRContext &context) {
  bool good = true;
  int agreeing = 0;
  for (int seed = firstSeed; seed < firstSeed + randomCount; ++seed) {
    test::Options options =
        derivatives ? test::Options::smooth() : test::Options();
    options.f32 = narrow;
    // Which of several equal numbers is the first maximum hangs on rounding.
    options.excluded = {"loco.first_max"};
    auto module = test::makeRandomProgram(context, seed, options);
    if (!expandGradients(*module))
      return false;
    if (derivatives) {
      auto function = module->lookupSymbol<func::FuncOp>(test::programName);
      dropStackedResults(function);
      SmallVector<unsigned> arguments;
      for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
        if (isDifferentiable(type))
          arguments.push_back(i);
      FailureOr<func::FuncOp> vjp = createVJP(function, arguments, "gradient");
      if (failed(vjp) || !planResiduals(*vjp))
        return false;
      function.erase();
    }
    steps = 1 + seed % 8;
    samples = 1 + seed % 3;
    if (checkModule(*module, &agreeing))
      continue;
    llvm::outs() << "program of seed " << seed << ", " << steps << " steps\n";
    good = false;
  }
  llvm::outs() << agreeing << " programs agree\n";
  return good;
}

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv);
  DialectRegistry registry;
  registry.insert<LocoDialect, func::FuncDialect, arith::ArithDialect,
                  math::MathDialect>();
  func::registerInlinerExtension(registry);
  MLIRContext context(registry);
  if (randomCount)
    return checkRandom(context) ? 0 : 1;
  auto module = parseSourceFile<ModuleOp>(input, &context);
  if (!module || !expandGradients(*module))
    return 1;
  return checkModule(*module, nullptr) ? 0 : 1;
}
