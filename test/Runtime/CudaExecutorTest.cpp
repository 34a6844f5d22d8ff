//===- CudaExecutorTest.cpp - Batches on a GPU that is not there ----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// RUN: env LOCO_CUDA_DRIVER=no-such-driver.so loco-test-cuda-executor | FileCheck %s --check-prefix=NONE
// RUN: env LOCO_CUDA_DRIVER=%loco_libraries/libLocoFakeCuda.so loco-test-cuda-executor | FileCheck %s --check-prefix=RIGHT
// RUN: env LOCO_CUDA_DRIVER=%loco_libraries/libLocoFakeCuda.so FAKE_CUDA_VERSION=11020 loco-test-cuda-executor | FileCheck %s --check-prefix=OLD
// RUN: env LOCO_CUDA_DRIVER=%loco_libraries/libLocoFakeCuda.so FAKE_CUDA_DEVICES=0 loco-test-cuda-executor | FileCheck %s --check-prefix=DEVICE
// RUN: env LOCO_CUDA_DRIVER=%loco_libraries/libLocoFakeCuda.so FAKE_CUDA_BYTES=2500 loco-test-cuda-executor | FileCheck %s --check-prefix=MEMORY
// RUN: env LOCO_CUDA_DRIVER=%loco_libraries/libLocoFakeCuda.so FAKE_CUDA_BYTES=12000 loco-test-cuda-executor | FileCheck %s --check-prefix=FEW
// RUN: env LOCO_CUDA_DRIVER=%loco_libraries/libLocoFakeCuda.so FAKE_CUDA_SHARED=100 loco-test-cuda-executor | FileCheck %s --check-prefix=SHARED
//
// NONE: there is no CUDA driver: `no-such-driver.so` cannot be opened; install NVIDIA's driver or write `--target cpu`
// OLD: the CUDA driver is too old: it is of CUDA 11.2, 12.0 is needed; install a newer one or write `--target cpu`
// DEVICE: the CUDA driver finds no device; write `--target cpu`
// SHARED: the code needs 200 bytes of shared memory, a fake GPU has 100; write `--target cpu`
// MEMORY: out of device memory: 20 samples of 3 steps need {{[0-9]+}} bytes, 2500 of the 2500 of a fake GPU are free; lower the batch or the number of steps
// RIGHT: a fake GPU, compute capability 90
// RIGHT-NEXT: 7 blocks, right
// RIGHT-NEXT: again, right
// FEW: {{[1-4]}} blocks, right
//
//===----------------------------------------------------------------------===//

#include "loco/Cuda.h"

#include <cmath>
#include <cstdio>

using namespace loco;

static KernelOperand operand(KernelOperand::Kind kind, bool perStep) {
  KernelOperand result;
  result.kind = kind;
  result.perStep = perStep;
  return result;
}

int main() {
  auto device = findCudaDevice();
  if (!device) {
    std::puts(device.message().c_str());
    return 0;
  }
  CudaCode code;
  code.image = "fake";
  code.launch.threads = 64;
  code.launch.sharedBytes = 200;
  code.launch.scratchBytes = 1000;
  code.launch.scratchBytesPerStep = 100;
  code.kernel.arguments = {operand(KernelOperand::Kind::Sample, true),
                           operand(KernelOperand::Kind::None, false)};
  code.kernel.results = {operand(KernelOperand::Kind::Sample, true),
                         operand(KernelOperand::Kind::Sum, false)};
  auto executor = CudaExecutor::create(code);
  if (!executor) {
    std::puts(executor.message().c_str());
    return 0;
  }
  std::printf("%s, compute capability %d\n", device->name.c_str(),
              device->capability);

  constexpr int64_t samples = 20, steps = 3;
  std::vector<float> x(samples * steps), twice(samples * steps);
  float sum = 0, expected = 0;
  for (int64_t i = 0; i < samples * steps; ++i)
    expected += x[i] = static_cast<float>(i % 7);
  KernelBatch batch;
  batch.samples = samples;
  batch.steps = steps;
  batch.arguments = {x.data(), nullptr};
  batch.results = {twice.data(), &sum};
  for (int repeat = 0; repeat < 2; ++repeat) {
    if (Status failed = (*executor)->run(batch)) {
      std::puts(failed.message().c_str());
      return 0;
    }
    bool isRight = sum == expected;
    for (int64_t i = 0; i < samples * steps; ++i)
      isRight &= twice[i] == 2 * x[i];
    if (repeat)
      std::printf("again, %s\n", isRight ? "right" : "wrong");
    else
      std::printf("%d blocks, %s\n", static_cast<int>((*executor)->blocks()),
                  isRight ? "right" : "wrong");
  }
  return 0;
}
