//===- HostTarget.cpp - What the machine at hand can do -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/CPU/CPUTarget.h"

#include "runtime/include/loco-c/kernel.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

#include <cstdlib>

#include <unistd.h>

using namespace loco;

namespace {
/// A level of x86-64 as its ABI defines them, and what of it kernels use.
struct Level {
  const char *name;
  std::vector<const char *> features;
  int64_t vectorBytes;
};
} // namespace

static const std::vector<Level> &getLevels() {
  static const std::vector<Level> levels = {
      {"x86-64", {"sse2"}, 16},
      {"x86-64-v3", {"avx2", "fma", "f16c", "bmi2"}, 32},
      {"x86-64-v4", {"avx512f", "avx512dq", "avx512vl", "avx512bw"}, 64}};
  return levels;
}

/// `target`, with no more instructions than the level `name` has.
static void restrictTo(CPUTarget &target, llvm::StringRef name,
                       const llvm::StringMap<bool> &features) {
  std::string known;
  for (const Level &level : getLevels()) {
    known += (known.empty() ? "`" : ", `") + std::string(level.name) + "`";
    if (level.name != name)
      continue;
    for (const char *feature : level.features)
      if (!features.lookup(feature))
        target.problem = "`LOCO_CPU` is `" + name.str() +
                         "`, but this processor has no `" + feature + "`";
    target.cpu = level.name;
    target.features.clear();
    target.vectorBytes = level.vectorBytes;
    target.hasTiles = false;
    return;
  }
  target.problem =
      "`LOCO_CPU` is `" + name.str() + "`; the levels are " + known;
}

CPUTarget CPUTarget::host() {
  CPUTarget target;
  target.triple = llvm::sys::getProcessTriple();
  target.cpu = llvm::sys::getHostCPUName().str();
  auto features = llvm::sys::getHostCPUFeatures();
  llvm::SmallVector<std::string> names;
  for (const auto &feature : features)
    names.push_back((feature.second ? "+" : "-") + feature.first().str());
  llvm::sort(names);
  target.features = llvm::join(names, ",");
  if (features.lookup("avx512f") && features.lookup("avx512dq") &&
      features.lookup("avx512vl"))
    target.vectorBytes = 64;
  else if (features.lookup("avx2"))
    target.vectorBytes = 32;
#ifdef _SC_LEVEL2_CACHE_SIZE
  if (long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); bytes > 0)
    target.cacheBytes = bytes;
#endif
  target.hasTiles = target.vectorBytes == 64 && locoKernelHasTiles();
  if (const char *level = std::getenv("LOCO_CPU"); level && *level)
    restrictTo(target, level, features);
  return target;
}

bool CPUTarget::hasManySamples(int64_t samples, int64_t threads,
                               int64_t numberBytes) const {
  int64_t lanes = vectorBytes / numberBytes;
  int64_t each = (samples + threads - 1) / std::max<int64_t>(1, threads);
  int64_t computed = threads * ((each + lanes - 1) / lanes) * lanes;
  return samples > 0 && 4 * samples >= 3 * computed;
}

/// Kernels are emitted in an order that uses a vector of sites and a weight as
/// long as they are in registers. LLVM's scheduler, from below and from above,
/// gathers the products of one sum instead, so that all vectors of a tile are in
/// use at the same time, in memory: 254 accesses for the two transposes of a 5
/// by 5 window, where from above it takes 39. There is no other way to say so.
static void scheduleFromAbove() {
  constexpr llvm::StringLiteral name = "misched-prera-direction";
  auto &options = llvm::cl::getRegisteredOptions();
  if (auto found = options.find(name);
      found != options.end() && !found->second->getNumOccurrences())
    found->second->addOccurrence(0, name, "topdown");
}

std::unique_ptr<llvm::TargetMachine> CPUTarget::makeMachine() const {
  static bool ready = [] {
    scheduleFromAbove();
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)ready;
  std::string error;
  llvm::Triple parsed(triple);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(parsed, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  // A multiplication and an addition become one only where the kernel says so.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      parsed, cpu, features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
      llvm::CodeGenOptLevel::Default, true));
}
