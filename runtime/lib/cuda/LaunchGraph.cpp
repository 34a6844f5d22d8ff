//===- LaunchGraph.cpp - Launches that are repeated as one ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchGraph.h"

using namespace loco;
using namespace loco::cuda;

void LaunchGraph::clear() {
  if (executable)
    driver.graphExecDestroy(executable);
  if (graph)
    driver.graphDestroy(graph);
  graph = executable = nullptr;
  launches.clear();
}

bool LaunchGraph::record(void *stream, const std::vector<void *> &varying,
                         const std::function<Status()> &work) {
  clear();
  if (driver.streamBeginCapture(stream, captureThreadLocal) != 0)
    return false;
  bool isGood = !work();
  // Ends in any case: a stream that records does nothing.
  isGood &= driver.streamEndCapture(stream, &graph) == 0 && graph;
  size_t count = 0;
  isGood = isGood && driver.graphGetNodes(graph, nullptr, &count) == 0;
  std::vector<void *> nodes(count);
  isGood = isGood && driver.graphGetNodes(graph, nodes.data(), &count) == 0;
  launches.resize(varying.size());
  for (size_t i = 0; isGood && i < count; ++i) {
    int type = -1;
    KernelNode found = {};
    // Of kernels that a library started nothing may be known.
    if (driver.graphNodeGetType(nodes[i], &type) != 0 || type != nodeOfKernel ||
        driver.graphKernelNodeGetParams(nodes[i], &found) != 0)
      continue;
    for (size_t k = 0; k < varying.size(); ++k)
      if (found.function == varying[k])
        launches[k] = {nodes[i], found};
  }
  for (const Launch &launch : launches)
    isGood &= launch.node != nullptr;
  isGood = isGood && driver.graphInstantiate(&executable, graph, 0) == 0;
  if (!isGood)
    clear();
  return isGood;
}

Status LaunchGraph::replay(void *stream,
                           std::vector<std::vector<void *>> &parameters) {
  for (size_t i = 0; i < launches.size(); ++i) {
    KernelNode &launch = launches[i].parameters;
    launch.parameters = parameters[i].data();
    launch.extra = nullptr;
    if (Status failed = driver.check(driver.graphExecKernelNodeSetParams(
                                         executable, launches[i].node, &launch),
                                     "a kernel cannot be given its arguments"))
      return failed;
  }
  return driver.check(driver.graphLaunch(executable, stream),
                      "the kernels cannot be started");
}
