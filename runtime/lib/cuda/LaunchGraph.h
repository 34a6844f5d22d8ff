//===- LaunchGraph.h - Launches that are repeated as one --------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_CUDA_LAUNCHGRAPH_H
#define LOCO_RUNTIME_CUDA_LAUNCHGRAPH_H

#include "Driver.h"

#include <functional>
#include <vector>

namespace loco::cuda {

/// What a stream is given between two points, recorded once and then given to
/// it in one call: starting many small pieces of work costs more than some of
/// them take.
class LaunchGraph {
public:
  explicit LaunchGraph(const Driver &driver) : driver(driver) {}
  ~LaunchGraph() { clear(); }
  LaunchGraph(const LaunchGraph &) = delete;
  LaunchGraph &operator=(const LaunchGraph &) = delete;

  bool isRecorded() const { return executable != nullptr; }

  /// Records what `work` gives to `stream`, which is not done. The launches of
  /// `varying` are those whose parameters change. False if the driver cannot
  /// record it; nothing is recorded then.
  bool record(void *stream, const std::vector<void *> &varying,
              const std::function<Status()> &work);

  /// Gives it to `stream`, with these parameters of each launch that varies.
  Status replay(void *stream, std::vector<std::vector<void *>> &parameters);

  void clear();

private:
  const Driver &driver;
  struct Launch {
    void *node = nullptr;
    KernelNode parameters = {};
  };
  void *graph = nullptr, *executable = nullptr;
  std::vector<Launch> launches;
};

} // namespace loco::cuda

#endif // LOCO_RUNTIME_CUDA_LAUNCHGRAPH_H
