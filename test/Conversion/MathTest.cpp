//===- MathTest.cpp - Errors of the elementary functions -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-test-math [every]
//
// Compiles each function for f32 and compares it with libm in f64, at every
// `every`th f32 number and around the ends of what it can represent; 1 takes
// all 2^32. The largest error in units of the last place stays below the bound
// that compiler/Conversion/LocoToKernels/ExpandMath.cpp states; infinities,
// zeros and what is no number agree exactly.
//
//===----------------------------------------------------------------------===//

#include "compiler/JIT/CompiledKernel.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Parser/Parser.h"

#include <bit>
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace loco;

namespace {
struct Function {
  const char *op;
  double (*exact)(double);
  double bound;
};
} // namespace

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
static double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

static const Function functions[] = {
    {"math.exp", [](double x) { return std::exp(x); }, 2},
    {"math.expm1", [](double x) { return std::expm1(x); }, 3},
    {"math.log", [](double x) { return std::log(x); }, 2},
    {"math.log1p", [](double x) { return std::log1p(x); }, 3},
    {"math.tanh", [](double x) { return std::tanh(x); }, 6},
    {"math.sin", [](double x) { return std::sin(x); }, 2},
    {"math.cos", [](double x) { return std::cos(x); }, 2},
    {"math.sqrt", [](double x) { return std::sqrt(x); }, 0.51},
    {"loco.sigmoid", sigmoid, 3},
    {"loco.softplus", softplus, 3},
};

/// Distance of `got` from `exact` in units of the last place of an f32 near
/// `exact`.
static double errorInUlp(float got, double exact) {
  float nearest = static_cast<float>(exact);
  if (std::isnan(exact) || std::isnan(got))
    return std::isnan(exact) && std::isnan(got) ? 0 : INFINITY;
  if (std::isinf(nearest) || std::isinf(got)) {
    // The last number before infinity may become infinity and the other way
    // round.
    return nearest == got || std::fabs(exact) > 3.4028e38 ? 0 : INFINITY;
  }
  // Kernels have no denormal numbers.
  if (std::fabs(exact) < FLT_MIN && got == 0)
    return 0;
  int exponent;
  std::frexp(exact, &exponent);
  return std::fabs(got - exact) /
         std::ldexp(1.0, std::max(exponent, -125) - 24);
}

int main(int argc, char **argv) {
  uint64_t every = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 4099;
  constexpr int64_t width = 1 << 14, rows = 64;
  MLIRContext context;
  context.loadDialect<LocoDialect, func::FuncDialect, arith::ArithDialect,
                      math::MathDialect>();
  ThreadPool &pool = ThreadPool::process();
  bool good = true;
  for (const Function &function : functions) {
    std::string type = "tensor<" + std::to_string(width) + "xf32>";
    std::string text = "func.func @f(%x: " + type + ") -> " + type +
                       " { %y = " + function.op + " %x : " + type +
                       " return %y : " + type + " }";
    auto module = parseSourceString<ModuleOp>(text, &context);
    auto compiled = compileFunction(*module, "f");
    if (!compiled) {
      llvm::outs() << llvm::toString(compiled.takeError()) << "\n";
      return 1;
    }
    KernelExecutor executor((*compiled)->kernel, pool);
    std::vector<float> x(width * rows), y(width * rows);
    std::vector<double> worst(pool.numThreads(), 0);
    std::vector<float> where(pool.numThreads(), 0);
    for (uint64_t first = 0; first < (uint64_t(1) << 32);
         first += every * x.size()) {
      for (size_t i = 0; i < x.size(); ++i)
        x[i] = std::bit_cast<float>(static_cast<uint32_t>(
            std::min<uint64_t>(first + every * i, 0xffffffff)));
      KernelBatch batch;
      batch.samples = rows;
      batch.steps = 1;
      batch.arguments = {x.data()};
      batch.results = {y.data()};
      if (Status failed = executor.run(batch)) {
        llvm::outs() << failed.message() << "\n";
        return 1;
      }
      pool.parallelRanges(x.size(), [&](IndexRange range, int thread) {
        for (int64_t i = range.begin; i < range.end; ++i) {
          float taken = std::fabs(x[i]) < FLT_MIN ? std::copysign(0.0f, x[i])
                                                  : x[i];
          double error = errorInUlp(y[i], function.exact(taken));
          if (error > worst[thread]) {
            worst[thread] = error;
            where[thread] = x[i];
          }
        }
      });
    }
    size_t at = std::max_element(worst.begin(), worst.end()) - worst.begin();
    bool within = worst[at] <= function.bound;
    good &= within;
    llvm::outs() << function.op << ": " << llvm::format("%.2f", worst[at])
                 << " ulp at " << llvm::format("%.9g", where[at])
                 << (within ? "" : ", too much") << "\n";
  }
  return good ? 0 : 1;
}
