//===- Device.h - The GPU of this process -----------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_DEVICE_H
#define LOCO_RUNTIME_CUDA_DEVICE_H

#include "Driver.h"
#include "loco/Cuda.h"

#include <mutex>
#include <vector>

namespace loco::cuda {

/// Places in device memory begin at multiples of this.
inline constexpr int64_t alignment = 256;

inline int64_t aligned(int64_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// Bytes between host and device: where they are there, and here.
struct Transfer {
  uint64_t address = 0;
  void *host = nullptr;
  int64_t bytes = 0;
};

/// The first device, which all executors of the process share: its context, two
/// streams, one arena of device memory, and a small ring of host memory that
/// the device reads and writes on its own. It is never closed: the driver does
/// that when the process ends.
class Device {
public:
  /// Opened the first time. An error says what is missing.
  static Expected<Device *> open();

  const Driver &driver() const { return *api; }
  const CudaDevice &facts() const { return described; }
  void *computeStream() const { return compute; }
  void *copyStream() const { return copies; }

  /// Held while a batch runs.
  std::mutex turn;
  /// Whose data are in the arena.
  const void *lastUser = nullptr;

  /// Makes the device's context that of the calling thread.
  Status enter();

  /// Makes the arena at least so large; what was there is lost if it was
  /// less. `what` begins the message if there is no room.
  Status reserve(int64_t bytes, const std::string &what);
  /// Bytes that a larger arena could have.
  int64_t room() const;
  int64_t arenaBytes() const { return bytes; }
  uint64_t address(int64_t offset) const {
    return arena + static_cast<uint64_t>(offset);
  }
  /// Changes whenever the arena moves.
  int64_t generation() const { return moves; }

  /// Takes memory beside the arena, for what stays while batches come and go:
  /// at most freeBytes(). `what` begins the message if there is no room.
  Expected<uint64_t> keep(int64_t bytes, const std::string &what);
  int64_t freeBytes() const;
  void release(uint64_t address, int64_t bytes);
  /// Bytes of it.
  int64_t keptBytes() const { return kept; }

  /// Recorded before and behind the kernels of a batch.
  Status markBegin() { return mark(begin); }
  Status markEnd() { return mark(end); }
  /// Between the marks; what is behind the last one has been waited for.
  double kernelSeconds() const;

  /// Copies to the device on `stream`, in pieces through the ring; the arrays
  /// may change once this is back. Transfers are in the order of their places.
  Status upload(const std::vector<Transfer> &transfers, void *stream);
  /// Copies to the host what `stream` has made; waits for it.
  Status download(const std::vector<Transfer> &transfers, void *stream);

private:
  /// A piece of host memory that the device reads and writes.
  struct Slot {
    char *memory = nullptr;
    /// Recorded behind the last copy from or to it.
    void *event = nullptr;
  };

  Device() = default;
  Status start();
  Status mark(void *event);
  Expected<Slot *> nextSlot();
  Expected<uint64_t> take(int64_t bytes, const std::string &what);

  const Driver *api = nullptr;
  CudaDevice described;
  int number = 0;
  void *context = nullptr, *compute = nullptr, *copies = nullptr;
  void *begin = nullptr, *end = nullptr;
  uint64_t arena = 0;
  int64_t bytes = 0, moves = 0, kept = 0;
  std::vector<Slot> ring;
  size_t next = 0;
};

} // namespace loco::cuda

#endif // LOCO_RUNTIME_CUDA_DEVICE_H
