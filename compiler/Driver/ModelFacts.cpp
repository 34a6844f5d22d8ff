//===- ModelFacts.cpp - What a run needs to know of a model --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/ModelFacts.h"

using namespace loco;

const ValueFacts *ModelFacts::findValue(llvm::StringRef name) const {
  for (const ValueFacts &value : values)
    if (value.name == name)
      return &value;
  return nullptr;
}

static std::optional<sema::Space> copySpace(const sema::Space *space) {
  return space ? std::optional(*space) : std::nullopt;
}

ModelFacts loco::describeModel(const sema::Model &model) {
  ModelFacts facts;
  facts.name = model.name;
  facts.isSystem = model.isSystem;
  facts.interval = model.solver.interval;
  for (const sema::State &state : model.states)
    facts.values.push_back({state.name, copySpace(state.space), state.isAngle});
  for (const sema::Result &result : model.results)
    facts.values.push_back({result.name, copySpace(result.value->space)});
  for (const sema::Parameter &parameter : model.parameters)
    if (parameter.transform == sema::Transform::Relu && !parameter.isFrozen)
      facts.reluParameters.push_back(parameter.getStoredName());
  return facts;
}
