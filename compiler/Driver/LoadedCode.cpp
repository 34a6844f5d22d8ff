//===- LoadedCode.cpp - Code in the memory of what executes it ------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/LoadedCode.h"

#include "compiler/Target/NVPTX/NVPTXTarget.h"
#include "loco/Kernel.h"

#include <fmt/format.h>

using namespace loco;

namespace {
class ProcessorCode : public LoadedCode {
public:
  ProcessorCode(std::unique_ptr<CompiledKernel> compiled, ThreadPool &pool,
                int64_t memory, std::shared_ptr<KernelScratch> scratch)
      : compiled(std::move(compiled)),
        executor(this->compiled->kernel, pool, memory, std::move(scratch)) {}

  const Kernel &getKernel() const override { return compiled->kernel; }
  Status run(const KernelBatch &batch) override { return executor.run(batch); }

private:
  std::unique_ptr<CompiledKernel> compiled;
  KernelExecutor executor;
};

class GPUCode : public LoadedCode {
public:
  GPUCode(const EntryCode &code, std::unique_ptr<CudaExecutor> executor)
      : kernel(code.object.kernel), isDivided(!code.parts.empty()),
        executor(std::move(executor)) {}

  const Kernel &getKernel() const override { return kernel; }
  Status run(const KernelBatch &batch) override { return executor->run(batch); }
  Status update(const KernelBatch &batch, CudaUpdate &update) override {
    return executor->update(batch, update);
  }
  bool hasRoom(int64_t samples, int64_t steps, bool isSlow) const override {
    return executor->hasRoom(samples, steps, isSlow);
  }
  bool callsLibraries() const override { return isDivided; }
  void expect(const KernelBatch &next) override { executor->expect(next); }

private:
  Kernel kernel;
  bool isDivided;
  std::unique_ptr<CudaExecutor> executor;
};
} // namespace

Status LoadedCode::update(const KernelBatch &, CudaUpdate &) {
  llvm_unreachable("the processor keeps no parameters");
}

Expected<std::unique_ptr<LoadedCode>>
loco::loadOnProcessor(const KernelObject &object, ThreadPool &pool,
                      int64_t memory, std::shared_ptr<KernelScratch> scratch) {
  auto compiled = linkObject(object);
  if (!compiled)
    return Error{llvm::toString(compiled.takeError())};
  return std::unique_ptr<LoadedCode>(std::make_unique<ProcessorCode>(
      std::move(*compiled), pool, memory, std::move(scratch)));
}

Expected<GPUCompileOptions> loco::chooseGPU(Products products) {
  auto device = findCudaDevice();
  if (!device)
    return device.error();
  // The newest that the device knows: code of an older one runs, too.
  GPUCompileOptions options;
  options.architecture.clear();
  options.products = products;
  std::string why;
  options.libraries = {hasCudaLibrary(why), hasCudaConvolutions(why)};
  options.kernelsOnly = device->isEmulated;
  for (const NVPTXTarget &target : getNVPTXTargets())
    if (target.capability <= device->capability &&
        target.driverVersion <= device->driverVersion)
      options.architecture = target.architecture;
  if (options.architecture.empty())
    return Error{fmt::format(
        "{} has compute capability {}.{}, {}.{} is needed; write `--target "
        "cpu`",
        device->name, device->capability / 10, device->capability % 10,
        getNVPTXTargets().front().capability / 10,
        getNVPTXTargets().front().capability % 10)};
  return options;
}

Expected<std::unique_ptr<LoadedCode>> loco::loadOnGPU(const EntryCode &code,
                                                      int64_t memory) {
  auto executor = CudaExecutor::create({code.object.kernel, code.object.code,
                                        code.launch, code.parts, code.between},
                                       memory);
  if (!executor)
    return executor.error();
  return std::unique_ptr<LoadedCode>(
      std::make_unique<GPUCode>(code, std::move(*executor)));
}
