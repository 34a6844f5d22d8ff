//===- Cuda.h - Running a compiled function on a GPU ------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Code for an NVIDIA GPU, and the executor that runs a batch on it: what
// KernelExecutor is for the processor. The driver is opened when the first
// executor is made, nothing links against CUDA.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_CUDA_H
#define LOCO_CUDA_H

#include "loco/Kernel.h"

#include <memory>
#include <string>

namespace loco {

/// What a launch of `loco_kernel` needs to know besides its arguments.
struct CudaLaunch {
  /// Of a block.
  int64_t threads = 0;
  /// Of dynamic shared memory, for each block of threads.
  int64_t sharedBytes = 0;
  /// Of global memory, for each team: the threads that run a sample.
  int64_t scratchBytes = 0, scratchBytesPerStep = 0;
  /// The same of functions that go through their steps in segments, of every
  /// segment and of every step of one.
  int64_t scratchBytesPerSegment = 0, scratchBytesPerSegmentStep = 0;
  /// Teams that share a block; blocks that share a team. One of the two is 1. A
  /// grid has a multiple of the former of teams.
  int64_t samplesPerBlock = 1, blocksPerSample = 1;
  /// Samples that a team advances together.
  int64_t samplesPerTeam = 1;
  /// The blocks of all teams must run at the same time.
  bool isCooperative = false;
  /// At the start of each team's scratch memory, zero before every launch.
  int64_t counterBytes = 0;

  /// Steps of a segment where `wanted` are asked for (0: what needs the least
  /// memory), and the bytes of scratch memory of a team.
  int64_t segmentFor(int64_t steps, int64_t wanted) const;
  int64_t scratchFor(int64_t steps, int64_t wanted) const;
};

/// An array that a part of a function reads or writes: the function's own, or
/// one of those between its parts.
struct CudaArray {
  enum class Place : uint8_t { Argument, Result, Between };
  Place place = Place::Argument;
  int64_t number = 0;
};

/// A product of matrices by a library: `out[r, :] = left[r, :] W` with the rows
/// of all steps and samples, W being `right`; or the sum over all rows of
/// `left[r, :]` times `right[r, :]`.
struct CudaProduct {
  ElementType type = ElementType::F32;
  bool isOuter = false;
  /// Not outer: W is [outer, inner] in memory, not [inner, outer].
  bool isTransposed = false;
  /// Elements of a row of `left`, and of one of `out` or, if it is outer, of
  /// `right`.
  int64_t inner = 0, outer = 0;
};

/// A convolution by a library, of the rows of all steps and samples: the
/// trilinear form of `loco.conv` with zeros around the field, as many on both
/// sides of an axis. Kernels are [outputs, inputs / groups, window...], fields
/// [inputs, sites...], outputs [outputs, sites...].
struct CudaConvolution {
  enum class Kind : uint8_t {
    /// out = output; left = field, right = kernel.
    Forward,
    /// out = field; left = output, right = kernel.
    ByField,
    /// out = kernel, the sum over all rows; left = output, right = field.
    ByKernel,
  };
  ElementType type = ElementType::F32;
  Kind kind = Kind::Forward;
  int64_t groups = 1, inputs = 0, outputs = 0;
  /// One number for each axis of the lattice.
  std::vector<int64_t> field = {}, output = {}, window = {}, strides = {},
                       margins = {};

  /// Elements of the kernel, and of a row.
  int64_t kernelElements() const;
  int64_t fieldElements() const;
  int64_t outputElements() const;
};

/// A part of a function: kernels with some of its arrays, or a call of a
/// library.
struct CudaPart {
  enum class Kind : uint8_t { Kernels, Product, Convolution };
  Kind kind = Kind::Kernels;
  CudaProduct product = {};
  CudaConvolution convolution = {};
  /// Of a library's call: it has a row for each step of a sample, not one for
  /// each sample; what it reads, and what it writes.
  bool isPerStep = false;
  CudaArray left = {}, right = {}, out = {};
  /// Of kernels: as in CudaCode, and which arrays their operands are. Those
  /// without memory have none.
  Kernel kernel = {};
  std::string image = {};
  CudaLaunch launch = {};
  std::vector<CudaArray> arguments = {}, results = {};

  bool isKernels() const { return kind == Kind::Kernels; }
};

/// Kernels of one function, as compiler/Conversion/LocoToGPU/LocoToGPU.h
/// describes them: `loco_kernel`, and `loco_reduce_f32` or `loco_reduce_f64`
/// for sums over samples.
struct CudaCode {
  /// Arguments and results; no function.
  Kernel kernel;
  /// PTX text, or a cubin for the device at hand; for an emulated device the
  /// text of the kernels in the gpu dialect.
  std::string image;
  CudaLaunch launch;
  /// In their order, in place of image and launch, and the arrays that stand
  /// between them.
  std::vector<CudaPart> parts = {};
  std::vector<KernelOperand> between = {};
};

/// The device that executors use.
struct CudaDevice {
  std::string name;
  /// 90 for compute capability 9.0.
  int capability = 0;
  int multiprocessors = 0;
  int64_t memoryBytes = 0, sharedBytes = 0;
  /// Of the driver: 12040 for CUDA 12.4.
  int driverVersion = 0;
  /// A driver without a GPU that executes kernels of the gpu dialect.
  bool isEmulated = false;
};

/// What the driver says of a kernel that was loaded.
struct CudaOccupancy {
  /// Of a thread.
  int registers = 0;
  /// Of a thread, in device memory: what registers were not enough for.
  int localBytes = 0;
  /// Blocks that a multiprocessor runs at a time.
  int blocks = 0;
};

/// The first device. An error says what is missing: no driver, an old one, no
/// device.
Expected<CudaDevice> findCudaDevice();

/// True if large products of matrices can be made by cuBLAS: it is opened the
/// first time, like the driver. If not, `why` says what is missing.
bool hasCudaLibrary(std::string &why);
/// The same of large convolutions and cuDNN.
bool hasCudaConvolutions(std::string &why);

/// Parameters that stay on the device, and an update of them (CudaUpdates.h).
class CudaParameters;
struct CudaUpdate;

class CudaExecutor {
public:
  /// Loads the code into the first device. An error if there is none or if it
  /// cannot run the code. `budget`: bytes of device memory to stay within; 0:
  /// what is free.
  static Expected<std::unique_ptr<CudaExecutor>> create(const CudaCode &code,
                                                        int64_t budget = 0);
  ~CudaExecutor();
  CudaExecutor(const CudaExecutor &) = delete;
  CudaExecutor &operator=(const CudaExecutor &) = delete;

  /// Runs the batch and waits for its results. The grid has as many blocks as
  /// the batch has samples, at most as many as are on the device at a time,
  /// fewer where memory is short: the same batch on the same device with the
  /// same memory free gives the same bits. An error says how much memory is
  /// needed and how much is free. From the second batch of one size on all
  /// launches are one call (a CUDA graph), and no memory is taken.
  Status run(const KernelBatch &batch);

  /// The same, and updates parameters that stay on the device by the gradients
  /// among the results, in the same graph. Of the arguments that they stand for
  /// nothing is read.
  Status update(const KernelBatch &batch, CudaUpdate &update);

  /// Announces the batch that comes after the next one that runs. Its samples
  /// are copied while that one is worked on, so its arrays stay as they are
  /// until it has run or another was announced.
  void expect(const KernelBatch &next);

  /// Blocks of the last run's grid; bytes of device memory that all executors
  /// of the process hold together.
  int64_t blocks() const;
  int64_t deviceBytes() const;
  /// True if a batch fits with as many blocks as the device runs at a time.
  /// `isSlow`: with as few as there can be.
  bool hasRoom(int64_t samples, int64_t steps, bool isSlow = false) const;

  const CudaOccupancy &occupancy() const;

private:
  struct State;
  explicit CudaExecutor(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace loco

#endif // LOCO_CUDA_H
