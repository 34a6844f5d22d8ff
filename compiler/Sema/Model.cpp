//===- Model.cpp - A checked model ----------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Model.h"
#include "llvm/ADT/STLExtras.h"

using namespace loco::sema;
using llvm::StringRef;

bool Model::hasSteps() const {
  return !states.empty() || !hiddenStates.empty() ||
         llvm::any_of(inputs, [](const Input &input) { return input.perStep; });
}

int64_t Model::getNumLearned() const {
  int64_t number = 0;
  for (const Parameter &parameter : parameters)
    if (!parameter.isFrozen)
      number += parameter.getNumElements();
  return number;
}

const Result *Model::findResult(StringRef wanted) const {
  for (const Result &result : results)
    if (result.name == wanted)
      return &result;
  return nullptr;
}

const Model *Module::findModel(StringRef wanted) const {
  for (const auto &model : models)
    if (model->name == wanted)
      return model.get();
  return nullptr;
}

const PlanValue *PlanValue::find(StringRef wanted, int index) const {
  for (const PlanArgument &argument : arguments)
    if (argument.name == wanted)
      return &argument.value;
  for (const PlanArgument &argument : arguments)
    if (argument.name.empty() && index-- == 0)
      return &argument.value;
  return nullptr;
}

const Setting *RunBlock::find(StringRef wanted) const {
  const Setting *found = nullptr;
  for (const Setting &setting : settings)
    if (setting.name == wanted)
      found = &setting;
  return found;
}

double RunBlock::getNumber(StringRef wanted, double otherwise) const {
  const Setting *setting = find(wanted);
  return setting && setting->value && setting->value->isNumber()
             ? setting->value->number
             : otherwise;
}
