//===- RunKernels.cpp - Kernels of the gpu dialect, executed --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Executes each kernel of a file that holds one gpu.module, in both orders of
// its threads: two blocks of 64 threads, with 256 bytes of shared memory and as
// many of global memory, which the kernel is given the address of and which
// hold the numbers 0 to 63 as f32. Says what a thread did wrong, that the two
// orders differ, or the first two numbers of global memory.
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/Emulator.h"

#include "dialects/Device/IR/DeviceOps.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace loco;

static constexpr int64_t count = 64;

using Numbers = std::array<float, count>;

/// Global memory after the kernel ran.
static Expected<Numbers> run(EmulatedModule &module, const std::string &name,
                             bool isReversed) {
  alignas(16) Numbers numbers;
  for (int64_t i = 0; i < count; ++i)
    numbers[i] = static_cast<float>(i);
  emulation::Machine machine;
  machine.addRegion("global memory", numbers.data(), sizeof(numbers),
                    /*isWatched=*/false, /*isWritten=*/true);
  auto address = reinterpret_cast<uint64_t>(numbers.data());
  EmulatedGrid grid = {2, count, sizeof(numbers), isReversed};
  if (Status failed = module.launch(machine, name, &address, grid))
    return failed.error();
  return numbers;
}

static std::string describe(EmulatedModule &module, const std::string &name) {
  auto first = run(module, name, false), second = run(module, name, true);
  if (!first)
    return first.message();
  if (!second)
    return second.message() + ", the last thread first";
  if (*first != *second)
    return name + ": the order in which threads run decides";
  return llvm::formatv("{0}: {1:f1}, {2:f1}", name, (*first)[0], (*first)[1]);
}

int main(int argc, char **argv) {
  auto text = llvm::MemoryBuffer::getFile(argc == 2 ? argv[1] : "");
  if (!text) {
    llvm::errs() << "usage: loco-test-emulator FILE\n";
    return 1;
  }
  MLIRContext context(MLIRContext::Threading::DISABLED);
  auto parsed = parseKernels((*text)->getBuffer(), context);
  if (!parsed)
    return 1;
  std::vector<std::string> names;
  parsed->walk(
      [&](gpu::GPUFuncOp kernel) { names.push_back(kernel.getName().str()); });
  auto module = EmulatedModule::create(std::move(parsed));
  if (!module) {
    llvm::errs() << llvm::toString(module.takeError()) << "\n";
    return 1;
  }
  for (const std::string &name : names)
    llvm::outs() << describe(**module, name) << "\n";
  return 0;
}
