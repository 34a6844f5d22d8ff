//===- InnerLoops.cpp - Loops of models inside of a model -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/InnerLoops.h"

using namespace mlir;
using namespace loco;
using namespace loco::irgen;

TimeLoop &InnerLoops::get(const sema::InnerLoop &loop,
                          const LoopSurroundings &around) {
  auto [known, isNew] = emitted.try_emplace(&loop);
  TimeLoop &made = known->second;
  if (!isNew)
    return made;
  made.isReverse = loop.isReverse;
  for (const sema::State &state : loop.states) {
    made.carries.push_back(&state);
    made.initials.push_back(around.outside.emit(state.initial));
  }
  made.stacks.append(loop.outputs.begin(), loop.outputs.end());
  made.emit(context, builder, around);
  return made;
}

Value InnerLoops::getFinal(const sema::Node &node,
                           const LoopSurroundings &around) {
  return get(*node.loop, around).finals[node.member];
}

Value InnerLoops::getOutput(const sema::Node &node,
                            const LoopSurroundings &around) {
  return get(*node.loop, around).stacked[node.member];
}
