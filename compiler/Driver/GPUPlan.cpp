//===- GPUPlan.cpp - A model's kernel on a GPU, to look at ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/GPUPlan.h"

#include "compiler/Driver/CommandSupport.h"
#include "compiler/Driver/KernelPlan.h"
#include "compiler/Driver/LoadedCode.h"
#include "compiler/Target/NVPTX/NVPTXTarget.h"

#include "llvm/Support/Regex.h"

#include <fmt/format.h>

using namespace loco;

//===----------------------------------------------------------------------===//
// What the assembler says
//===----------------------------------------------------------------------===//

std::optional<KernelUse> loco::readAssemblerReport(llvm::StringRef report,
                                                   llvm::StringRef kernel) {
  size_t begin =
      report.find(("Function properties for " + kernel + "\n").str());
  if (begin == llvm::StringRef::npos)
    return std::nullopt;
  llvm::Regex pattern("([0-9]+) bytes spill stores, ([0-9]+) bytes spill "
                      "loads\n[^\n]*Used ([0-9]+) registers");
  llvm::SmallVector<llvm::StringRef> found;
  KernelUse use;
  if (!pattern.match(report.substr(begin), &found) ||
      found[1].getAsInteger(10, use.spillStores) ||
      found[2].getAsInteger(10, use.spillLoads) ||
      found[3].getAsInteger(10, use.registers))
    return std::nullopt;
  return use;
}

Occupancy loco::computeOccupancy(llvm::StringRef architecture,
                                 const CudaLaunch &launch, int64_t registers) {
  // Of one multiprocessor, from the compute capabilities' tables: registers are
  // given by warps in steps of 256, in four parts; each block takes 1 KiB of
  // shared memory more than it asks for.
  constexpr int64_t threadsOf = 2048, blocksOf = 32, parts = 4,
                    registersOfPart = 16384, step = 256, warpSize = 32;
  int64_t sharedOf = architecture == "sm_80" ? 164 * 1024 : 228 * 1024;
  int64_t warps = (launch.threads + warpSize - 1) / warpSize;
  int64_t ofWarp =
      std::max<int64_t>(step, (registers * warpSize + step - 1) / step * step);
  Occupancy occupancy;
  occupancy.blocks = std::min({blocksOf, threadsOf / (warps * warpSize),
                               registersOfPart / ofWarp * parts / warps,
                               sharedOf / (launch.sharedBytes + 1024)});
  occupancy.share =
      double(occupancy.blocks * warps * warpSize) / double(threadsOf);
  return occupancy;
}

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

/// Registers, spills and occupancy, or why they are not known.
static std::vector<PlanFact> describeUse(const std::string &ptx,
                                         const CudaLaunch &launch,
                                         const NVPTXTarget &target) {
  auto cubin = assemblePTX(ptx, target);
  if (!cubin)
    return {{"registers", "not known: " + llvm::toString(cubin.takeError())}};
  std::optional<KernelUse> use =
      readAssemblerReport(cubin->report, "loco_kernel");
  if (!use)
    return {{"registers", "not known: `ptxas` does not say"}};
  Occupancy occupancy =
      computeOccupancy(target.architecture, launch, use->registers);
  std::string spills = use->spillStores + use->spillLoads == 0
                           ? "none spilled"
                           : fmt::format("{} bytes of spills stored, {} loaded",
                                         formatCount(use->spillStores),
                                         formatCount(use->spillLoads));
  return {{"registers", fmt::format("{} a thread, {}", use->registers, spills)},
          {"occupancy",
           fmt::format("{} block{} a multiprocessor at a time, {:.0f} % of its "
                       "threads",
                       occupancy.blocks, occupancy.blocks == 1 ? "" : "s",
                       100 * occupancy.share)}};
}

/// Device memory that the threads of one sample at a time take.
static std::string describeScratch(const CudaLaunch &launch) {
  std::string text =
      fmt::format("{} + {} a step", formatCount(launch.scratchBytes),
                  formatCount(launch.scratchBytesPerStep));
  if (launch.scratchBytesPerSegment + launch.scratchBytesPerSegmentStep > 0)
    text += fmt::format(" + {} a segment + {} a step of a segment",
                        formatCount(launch.scratchBytesPerSegment),
                        formatCount(launch.scratchBytesPerSegmentStep));
  text += " bytes of device memory for each team";
  if (launch.blocksPerSample > 1)
    return text + fmt::format(", of {} blocks", launch.blocksPerSample);
  if (launch.samplesPerBlock > 1)
    return text +
           fmt::format(", {} of which share a block", launch.samplesPerBlock);
  return text + ", a block";
}

/// What one kernel takes.
static void addKernel(const std::string &ptx, const CudaLaunch &launch,
                      const NVPTXTarget &target, std::vector<PlanFact> &facts) {
  facts.push_back(
      {"block", fmt::format("{} threads; {} bytes of shared memory",
                            launch.threads, formatCount(launch.sharedBytes))});
  llvm::append_range(facts, describeUse(ptx, launch, target));
  facts.push_back({"scratch memory", describeScratch(launch)});
}

/// Who makes products of large matrices, or large convolutions, outside of
/// loops. `why` there is no library.
static std::string describeCalls(const GPUObject &object, CudaPart::Kind kind,
                                 const char *name, const std::string &why) {
  int64_t kernels = llvm::count_if(
      object.parts, [](const CudaPart &part) { return part.isKernels(); });
  int64_t count = llvm::count_if(
      object.parts, [&](const CudaPart &part) { return part.kind == kind; });
  if (!why.empty())
    return "by kernels of our own: " + why;
  if (count)
    return fmt::format("{} by {}, between {} kernels", count, name, kernels);
  return fmt::format("none outside of loops with a {} of {} elements or more",
                     kind == CudaPart::Kind::Product ? "matrix" : "kernel",
                     formatCount(libraryElements));
}

Expected<GPUPlan> loco::describeOnGPU(mlir::ModuleOp module,
                                      llvm::StringRef model,
                                      ElementType precision,
                                      Products products) {
  GPUCompileOptions options;
  options.products = products;
  std::string where = "no GPU is here", noProducts = where,
              noConvolutions = where;
  if (auto found = chooseGPU()) {
    options.architecture = found->architecture;
    options.libraries = found->libraries;
    noProducts.clear();
    noConvolutions.clear();
    hasCudaLibrary(noProducts);
    hasCudaConvolutions(noConvolutions);
    where = findCudaDevice()->name;
  } else if (findCudaDevice()) {
    where = noProducts = noConvolutions = "the GPU that is here is too old";
  }
  auto object = compileToLookAtForGPU(module, model, precision, options);
  if (!object)
    return object.error();
  GPUPlan plan;
  const NVPTXTarget &target = *findNVPTXTarget(options.architecture);
  plan.facts = {
      {"executed by",
       fmt::format("code compiled for {} ({}), in {}", options.architecture,
                   where, precision == ElementType::F64 ? "f64" : "f32")}};
  if (object->parts.empty())
    addKernel(object->ptx, object->launch, target, plan.facts);
  for (const CudaPart &part : object->parts)
    if (part.isKernels())
      addKernel(part.image, part.launch, target, plan.facts);
  plan.facts.push_back(
      {"large products",
       describeCalls(*object, CudaPart::Kind::Product, "cuBLAS", noProducts)});
  plan.facts.push_back(
      {"large convolutions", describeCalls(*object, CudaPart::Kind::Convolution,
                                           "cuDNN", noConvolutions)});
  for (llvm::StringRef line :
       llvm::split(llvm::StringRef(object->explain).rtrim(), '\n'))
    plan.schedule += "  " + line.str() + "\n";
  return plan;
}
