//===- Lengths.cpp - Inputs that say which steps count --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelBuilder.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

/// `input length : steps`, `input m : mask per step`. Both words are names like
/// any other: a lattice of the same name goes before them.
Input::Kind ModelBuilder::findInputKind(const ast::InputDecl &decl) {
  auto *name = llvm::dyn_cast<ast::NameExpr>(decl.space);
  if (!name || elaborator.modelScope->find(name->name))
    return Input::Kind::Value;
  return name->name == "steps"  ? Input::Kind::Steps
         : name->name == "mask" ? Input::Kind::Mask
                                : Input::Kind::Value;
}

void ModelBuilder::countStepsBy(const Input &input,
                                const ast::InputDecl &decl) {
  StringRef name = input.name;
  bool isMask = input.kind == Input::Kind::Mask;
  if (isMask != input.perStep) {
    elaborator
        .error("wrong-type", decl.space->getRange(),
               isMask ? "mask `" + name + "` has a value per step"
                      : "`" + name +
                            "` counts the steps of a sample, so it is one "
                            "number per sample")
        .hint(isMask ? "write `input " + name.str() + " : mask per step`"
                     : "write `input " + name.str() + " : steps`");
    return;
  }
  if (const Input *other = elaborator.sequence.getCounting()) {
    elaborator
        .error("duplicate-equation", input.range,
               "two inputs say which steps of a sample count")
        .note(other->range, "the first one is here");
    return;
  }
  elaborator.sequence.countBy(input);
}

/// A model without a time loop has no steps to count.
void ModelBuilder::checkLengths() {
  const Input *counting = elaborator.sequence.getCounting();
  if (counting && !model->hasSteps())
    elaborator.error("no-steps", counting->range,
                     "`" + StringRef(counting->name) +
                         "` counts steps, but the model has no input per step "
                         "and no state");
}
