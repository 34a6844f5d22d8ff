//===- EmulatedStreams.cpp - Streams, graphs and launches, emulated -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a stream is given is done when somebody waits for it, or for work of
// another stream that waits for it: copies read and write host memory at the
// latest moment that a device could. Whoever does not wait, or uses memory
// again too early, gets wrong numbers.
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/EmulatedDevice.h"

#include "runtime/lib/cuda/Driver.h"

#include <cstring>

using namespace loco;
using namespace loco::emulation;

namespace loco::emulation {
/// A piece of recorded work; of a launch with its parameters, which change.
struct Node {
  std::function<int()> work;
  cuda::KernelNode launch = {};
  std::vector<uint64_t> values;
  std::vector<void *> pointers;
};

struct Graph {
  std::vector<std::unique_ptr<Node>> nodes;
};
} // namespace loco::emulation

namespace {
struct Executable {
  /// Of the graph, whose nodes are handles.
  std::map<const Node *, std::vector<uint64_t>> launches;
  const Graph *graph;
};
} // namespace

static emulation::Device &gpuDevice = getDevice();

void Stream::give(std::function<int()> piece) {
  if (recording) {
    recording->nodes.push_back(std::make_unique<Node>());
    recording->nodes.back()->work = std::move(piece);
    return;
  }
  work.push_back(std::move(piece));
  ++given;
}

int Stream::wait(int64_t last) {
  while (done < last && !gpuDevice.error) {
    std::function<int()> piece = std::move(work.front());
    work.pop_front();
    ++done;
    if (int error = piece())
      return gpuDevice.error ? error
                             : gpuDevice.fail(error, "of a stream's work");
  }
  return gpuDevice.error;
}

static int runKernel(const Function &function, const cuda::KernelNode &launch,
                     std::vector<uint64_t> values) {
  if (gpuDevice.launches++ >= getSetting("EMULATED_CUDA_LAUNCHES", INT64_MAX))
    return gpuDevice.fail(launchFailed, "the emulated device is lost");
  Machine machine;
  for (auto [address, bytes] : gpuDevice.bytes)
    machine.addRegion("device memory", reinterpret_cast<void *>(address), bytes,
                      false, true);
  EmulatedGrid grid;
  grid.blocks = launch.gridX;
  grid.threads = launch.blockX;
  grid.sharedBytes = launch.sharedBytes;
  grid.isReversed = getSetting("EMULATED_CUDA_REVERSED", 0);
  Status failed = function.module->kernels->launch(machine, function.name,
                                                   values.data(), grid);
  return failed ? gpuDevice.fail(illegalAddress, failed.message()) : ok;
}

static std::vector<uint64_t> takeValues(const Function &function,
                                        void **parameters) {
  std::vector<uint64_t> values;
  for (unsigned i = 0; i < function.arguments; ++i)
    values.push_back(*static_cast<uint64_t *>(parameters[i]));
  return values;
}

static Function &functionOf(const cuda::KernelNode &launch) {
  return *static_cast<Function *>(launch.function);
}

static Stream &streamOf(void *stream) { return *static_cast<Stream *>(stream); }

/// Tells of what is asked for now; what is recorded is not done yet.
static void noteWork(const char *what, void *stream) {
  if (!streamOf(stream).recording)
    note(std::string(what) + " " + std::to_string(streamOf(stream).number));
}

extern "C" {
//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

int cuStreamCreate(void **stream, unsigned) {
  auto *made = new Stream();
  made->number = gpuDevice.streams++;
  *stream = made;
  return gpuDevice.error;
}

int cuStreamSynchronize(void *stream) {
  return streamOf(stream).wait(streamOf(stream).given);
}

int cuEventCreate(void **event, unsigned) {
  *event = new Event();
  return gpuDevice.error;
}

int cuEventRecord(void *event, void *stream) {
  *static_cast<Event *>(event) = {&streamOf(stream), streamOf(stream).given};
  return gpuDevice.error;
}

int cuEventSynchronize(void *event) {
  auto &[stream, position] = *static_cast<Event *>(event);
  return stream ? stream->wait(position) : gpuDevice.error;
}

int cuStreamWaitEvent(void *stream, void *event, unsigned) {
  Event awaited = *static_cast<Event *>(event);
  streamOf(stream).give([awaited]() -> int {
    return awaited.stream ? awaited.stream->wait(awaited.position) : ok;
  });
  return gpuDevice.error;
}

//===----------------------------------------------------------------------===//
// Copies and launches
//===----------------------------------------------------------------------===//

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes,
                         void *stream) {
  noteWork("bring", stream);
  streamOf(stream).give([=]() -> int {
    if (!gpuDevice.isInside(to, bytes))
      return invalidValue;
    std::memcpy(reinterpret_cast<void *>(to), from, bytes);
    return ok;
  });
  return gpuDevice.error;
}

int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) {
  noteWork("fetch", stream);
  streamOf(stream).give([=]() -> int {
    if (!gpuDevice.isInside(from, bytes))
      return invalidValue;
    std::memcpy(to, reinterpret_cast<void *>(from), bytes);
    return ok;
  });
  return gpuDevice.error;
}

int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes,
                    void *stream) {
  noteWork("clear", stream);
  streamOf(stream).give([=]() -> int {
    if (!gpuDevice.isInside(to, bytes))
      return invalidValue;
    std::memset(reinterpret_cast<void *>(to), value, bytes);
    return ok;
  });
  return gpuDevice.error;
}

int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY,
                   unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned sharedBytes, void *stream,
                   void **parameters, void **) {
  cuda::KernelNode launch = {function, gridX,   gridY,   gridZ,
                             blockX,   blockY,  blockZ,  sharedBytes,
                             nullptr,  nullptr, nullptr, nullptr};
  std::vector<uint64_t> values = takeValues(functionOf(launch), parameters);
  noteWork("kernel", stream);
  Graph *recording = streamOf(stream).recording;
  streamOf(stream).give(
      [=] { return runKernel(functionOf(launch), launch, values); });
  if (recording) {
    Node &node = *recording->nodes.back();
    node.launch = launch;
    node.values = values;
    for (uint64_t &value : node.values)
      node.pointers.push_back(&value);
    node.launch.parameters = node.pointers.data();
  }
  return gpuDevice.error;
}

/// All blocks run at the same time, or none. Which ones wait for each other,
/// the module knows.
int cuLaunchCooperativeKernel(void *function, unsigned gridX, unsigned gridY,
                              unsigned gridZ, unsigned blockX, unsigned blockY,
                              unsigned blockZ, unsigned sharedBytes,
                              void *stream, void **parameters) {
  if (gridX > blocksAtATime())
    return tooLargeForCooperation;
  return cuLaunchKernel(function, gridX, gridY, gridZ, blockX, blockY, blockZ,
                        sharedBytes, stream, parameters, nullptr);
}

//===----------------------------------------------------------------------===//
// What a library may do
//===----------------------------------------------------------------------===//

int locoEmulatedGive(void *stream, const std::function<int()> &work) {
  noteWork("library", stream);
  streamOf(stream).give(work);
  return gpuDevice.error;
}

int locoEmulatedIsInside(uint64_t address, size_t bytes) {
  return gpuDevice.isInside(address, bytes);
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

/// There is no clock.
int cuEventElapsedTime(float *milliseconds, void *, void *) {
  *milliseconds = 1;
  return ok;
}

int cuStreamBeginCapture_v2(void *stream, int) {
  if (getSetting("EMULATED_CUDA_NO_GRAPHS", 0))
    return captureInvalidated;
  streamOf(stream).recording = new Graph();
  return gpuDevice.error;
}

int cuStreamEndCapture(void *stream, void **graph) {
  *graph = std::exchange(streamOf(stream).recording, nullptr);
  return *graph ? gpuDevice.error : captureInvalidated;
}

int cuGraphGetNodes(void *graph, void **nodes, size_t *count) {
  auto &recorded = *static_cast<Graph *>(graph);
  for (size_t i = 0; nodes && i < *count; ++i)
    nodes[i] = recorded.nodes[i].get();
  *count = recorded.nodes.size();
  return ok;
}

int cuGraphNodeGetType(void *node, int *type) {
  // 2: a memset.
  *type = static_cast<Node *>(node)->launch.function ? cuda::nodeOfKernel : 2;
  return ok;
}

int cuGraphKernelNodeGetParams_v2(void *node, cuda::KernelNode *parameters) {
  *parameters = static_cast<Node *>(node)->launch;
  return parameters->function ? ok : invalidValue;
}

int cuGraphInstantiateWithFlags(void **executable, void *graph,
                                unsigned long long) {
  auto *made = new Executable();
  made->graph = static_cast<Graph *>(graph);
  for (const auto &node : made->graph->nodes)
    if (node->launch.function)
      made->launches[node.get()] = node->values;
  note("graph of " + std::to_string(made->graph->nodes.size()) + ", " +
       std::to_string(made->launches.size()) + " kernels");
  *executable = made;
  return gpuDevice.error;
}

int cuGraphExecKernelNodeSetParams_v2(void *executable, void *node,
                                      const cuda::KernelNode *parameters) {
  auto found = static_cast<Executable *>(executable)
                   ->launches.find(static_cast<Node *>(node));
  if (found == static_cast<Executable *>(executable)->launches.end() ||
      parameters->function != found->first->launch.function)
    return invalidValue;
  found->second = takeValues(functionOf(*parameters), parameters->parameters);
  return gpuDevice.error;
}

int cuGraphLaunch(void *executable, void *stream) {
  noteWork("replay", stream);
  auto &made = *static_cast<Executable *>(executable);
  for (const auto &node : made.graph->nodes) {
    if (!node->launch.function) {
      streamOf(stream).give(node->work);
      continue;
    }
    cuda::KernelNode launch = node->launch;
    std::vector<uint64_t> values = made.launches.at(node.get());
    streamOf(stream).give(
        [=] { return runKernel(functionOf(launch), launch, values); });
  }
  return gpuDevice.error;
}

int cuGraphExecDestroy(void *executable) {
  delete static_cast<Executable *>(executable);
  return ok;
}

int cuGraphDestroy(void *graph) {
  delete static_cast<Graph *>(graph);
  return ok;
}
}
