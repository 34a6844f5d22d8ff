//===- BenchPeaks.cpp - What the processor gives at most -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loops are written as LLVM IR, so that they have the width that kernels
// have, whatever the compiler of this file was told.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/BenchPeaks.h"

#include "compiler/JIT/CompiledKernel.h"
#include "compiler/Target/CPU/CPUTarget.h"
#include "loco/Tensor.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/SourceMgr.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <unistd.h>

using namespace loco;

/// Goes over `count` groups of `unroll` vectors at `memory`; `result` holds a
/// vector before and after.
using Loop = void (*)(float *memory, int64_t count, float *result);

/// Independent chains: more than latency times ports of any core we know.
static constexpr int unroll = 12;

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

namespace {
enum class Work { FusedMultiplyAdd, Read, Write, WritePastCaches };
} // namespace

/// One loop that does `work` on vectors of `lanes` numbers.
static std::string writeLoop(Work work, int64_t lanes) {
  std::string vector = fmt::format("<{} x float>", lanes);
  bool reads = work == Work::Read, adds = work == Work::FusedMultiplyAdd;
  std::string phis, body, tail;
  for (int i = 0; i < unroll; ++i) {
    if (reads || adds)
      phis += fmt::format(
          "  %a{0} = phi {1} [ %one, %entry ], [ %b{0}, %loop ]\n", i, vector);
    if (adds) {
      body += fmt::format("  %b{0} = call {1} @llvm.fma.v{2}f32({1} %a{0}, {1} "
                          "%x, {1} %one)\n",
                          i, vector, lanes);
    } else {
      body +=
          fmt::format("  %i{0} = add i64 %first, {0}\n"
                      "  %p{0} = getelementptr {1}, ptr %memory, i64 %i{0}\n",
                      i, vector);
      int64_t alignment = 4 * lanes;
      body += reads ? fmt::format("  %v{0} = load {1}, ptr %p{0}, align {2}\n"
                                  "  %b{0} = fadd {1} %a{0}, %v{0}\n",
                                  i, vector, alignment)
                    : fmt::format("  store {1} %x, ptr %p{0}, align {2}{3}\n",
                                  i, vector, alignment,
                                  work == Work::WritePastCaches
                                      ? ", !nontemporal !0"
                                      : "");
    }
    if (reads || adds)
      tail += fmt::format("  %s{0} = fadd {1} {2}, %b{0}\n", i, vector,
                          i ? fmt::format("%s{}", i - 1) : "%x");
  }
  tail += fmt::format("  store {} {}, ptr %result, align 4\n", vector,
                      reads || adds ? fmt::format("%s{}", unroll - 1) : "%x");
  return fmt::format(R"(
declare {0} @llvm.fma.v{1}f32({0}, {0}, {0})
define void @kernel(ptr %memory, i64 %count, ptr %result) {{
entry:
  %x = load {0}, ptr %result, align 4
  %one = fadd {0} %x, %x
  br label %loop
loop:
  %n = phi i64 [ 0, %entry ], [ %next, %loop ]
{2}  %first = mul i64 %n, {3}
{4}  %next = add i64 %n, 1
  %goes = icmp slt i64 %next, %count
  br i1 %goes, label %loop, label %exit
exit:
{5}  ret void
}}
!0 = !{{i32 1}}
)",
                     vector, lanes, phis, unroll, body, tail);
}

/// The loop in memory; the kernel owns its code.
static Expected<std::unique_ptr<CompiledKernel>>
compileLoop(Work work, const CPUTarget &target) {
  std::unique_ptr<llvm::TargetMachine> machine = target.makeMachine();
  if (!machine)
    return Error{"LLVM does not know `" + target.triple + "`"};
  llvm::LLVMContext context;
  llvm::SMDiagnostic message;
  auto module = llvm::parseAssemblyString(
      writeLoop(work, target.vectorBytes / 4), message, context);
  if (!module)
    return Error{"the loop that measures the machine: " +
                 message.getMessage().str()};
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(llvm::Triple(target.triple));
  for (llvm::Function &function : *module) {
    function.addFnAttr("target-cpu", target.cpu);
    function.addFnAttr("target-features", target.features);
    function.addFnAttr("prefer-vector-width",
                       std::to_string(8 * target.vectorBytes));
  }
  KernelObject object;
  auto code = emitObjects(std::move(module), target);
  if (!code)
    return Error{llvm::toString(code.takeError())};
  object.code = std::move(*code);
  auto linked = linkObject(object);
  if (!linked)
    return Error{llvm::toString(linked.takeError())};
  return std::move(*linked);
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

static double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// The least seconds that all threads take for `work`, begun together.
static double findLeast(ThreadPool &pool, int repeats,
                        const std::function<void(int)> &work) {
  int threads = pool.numThreads();
  double least = 1e30;
  std::vector<double> begin(threads), end(threads);
  for (int i = 0; i < repeats; ++i) {
    std::atomic<int> waiting{threads};
    pool.run([&](int thread) {
      --waiting;
      while (waiting > 0) {
      }
      begin[thread] = now();
      work(thread);
      end[thread] = now();
    });
    least = std::min(least, *std::max_element(end.begin(), end.end()) -
                                *std::min_element(begin.begin(), begin.end()));
  }
  return least;
}

namespace {
class PeakMeter {
public:
  PeakMeter(ThreadPool &pool, const CPUTarget &target)
      : pool(pool), target(target) {}

  Status compile();
  double measureOperations();
  MemoryPeak measureLevel(const char *name, int64_t capacity, int64_t bytes);

private:
  Loop get(Work work) const {
    // Made by `writeLoop` with this signature.
    return reinterpret_cast<Loop>(reinterpret_cast<void *>(
        loops[static_cast<int>(work)]->kernel.function));
  }
  double measureBandwidth(Work work, std::vector<Tensor> &memory);

  ThreadPool &pool;
  const CPUTarget &target;
  std::vector<std::unique_ptr<CompiledKernel>> loops;
};
} // namespace

Status PeakMeter::compile() {
  for (Work work : {Work::FusedMultiplyAdd, Work::Read, Work::Write,
                    Work::WritePastCaches}) {
    auto loop = compileLoop(work, target);
    if (!loop)
      return loop.error();
    loops.push_back(std::move(*loop));
  }
  return {};
}

/// Room for the result of one thread, a line of its own.
static constexpr int64_t resultFloats = 64;

double PeakMeter::measureOperations() {
  constexpr int64_t rounds = 500000;
  Loop loop = get(Work::FusedMultiplyAdd);
  Tensor results(ElementType::F32, {pool.numThreads(), resultFloats});
  double seconds = findLeast(pool, 7, [&](int thread) {
    loop(nullptr, rounds, results.as<float>() + thread * resultFloats);
  });
  int64_t lanes = target.vectorBytes / 4;
  return 2.0 * rounds * unroll * lanes * pool.numThreads() / seconds;
}

double PeakMeter::measureBandwidth(Work work, std::vector<Tensor> &memory) {
  Loop loop = get(work);
  int64_t group = unroll * target.vectorBytes;
  int64_t count = static_cast<int64_t>(memory.front().bytes()) / group;
  // About as much for every size, so that a start costs nothing.
  int64_t passes = std::max<int64_t>(1, (int64_t(48) << 20) / (count * group));
  Tensor results(ElementType::F32, {pool.numThreads(), resultFloats});
  double seconds = findLeast(pool, 5, [&](int thread) {
    for (int64_t i = 0; i < passes; ++i)
      loop(memory[thread].as<float>(), count,
           results.as<float>() + thread * resultFloats);
  });
  return double(passes) * count * group * pool.numThreads() / seconds;
}

MemoryPeak PeakMeter::measureLevel(const char *name, int64_t capacity,
                                   int64_t bytes) {
  std::vector<Tensor> memory(pool.numThreads());
  // Each thread fills its own: pages that nobody wrote are all one page.
  pool.run([&](int thread) {
    memory[thread] = Tensor(ElementType::F32, {bytes / 4});
    std::fill_n(memory[thread].as<float>(), bytes / 4, 1.0f);
  });
  MemoryPeak peak = {name, capacity, measureBandwidth(Work::Read, memory),
                     measureBandwidth(Work::Write, memory)};
  // Past the caches: of use only where nothing is read again.
  if (capacity == INT64_MAX)
    peak.write =
        std::max(peak.write, measureBandwidth(Work::WritePastCaches, memory));
  return peak;
}

//===----------------------------------------------------------------------===//
// The machine
//===----------------------------------------------------------------------===//

/// Bytes of a cache as the system knows them.
static int64_t getCacheBytes(int what, int64_t otherwise) {
  long bytes = ::sysconf(what);
  return bytes > 0 ? bytes : otherwise;
}

const MemoryPeak &MachinePeaks::findLevel(double bytesOfThread) const {
  for (const MemoryPeak &level : levels)
    if (bytesOfThread <= static_cast<double>(level.capacity))
      return level;
  return levels.back();
}

Expected<MachinePeaks> loco::measurePeaks(ThreadPool &pool) {
  constexpr int64_t mebi = int64_t(1) << 20;
  CPUTarget target = CPUTarget::host();
  PeakMeter meter(pool, target);
  if (Status failed = meter.compile())
    return failed.error();
  MachinePeaks peaks;
  peaks.threads = pool.numThreads();
  peaks.vectorBytes = target.vectorBytes;
  peaks.operations = meter.measureOperations();
  int64_t l2 = getCacheBytes(_SC_LEVEL2_CACHE_SIZE, mebi);
  // A part of the last cache that other programs are likely to leave us.
  int64_t l3 = std::min(getCacheBytes(_SC_LEVEL3_CACHE_SIZE, 0) /
                            std::max(peaks.threads, 2),
                        32 * mebi);
  peaks.levels.push_back(meter.measureLevel("L2", l2, l2 / 2));
  if (l3 >= 4 * l2)
    peaks.levels.push_back(meter.measureLevel("L3", l3, l3 / 2));
  peaks.levels.push_back(meter.measureLevel("memory", INT64_MAX, 128 * mebi));
  return peaks;
}
