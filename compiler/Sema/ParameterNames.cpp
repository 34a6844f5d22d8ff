//===- ParameterNames.cpp - Parameters that a run block names
//--------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ParameterNames.h"
#include "compiler/AST/Suggest.h"
#include "llvm/Support/GlobPattern.h"

using namespace loco;
using namespace loco::sema;
using llvm::StringRef;

bool sema::checkParameters(StringRef pattern, SourceRange range,
                           ModelBuilder &builder) {
  const Model &model = builder.getModel();
  Elaborator &elaborator = builder.getElaborator();
  llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(pattern);
  if (!glob) {
    elaborator.error("unknown-name", range,
                     "`" + pattern +
                         "` is no pattern: " + toString(glob.takeError()));
    return false;
  }
  auto isMeant = [&](StringRef name) {
    return glob->match(name) ||
           (name.starts_with(pattern) &&
            name.drop_front(pattern.size()).starts_with("."));
  };
  const Parameter *frozen = nullptr;
  std::vector<StringRef> names;
  for (const Parameter *parameter : model.parameterOrder) {
    bool meant =
        isMeant(parameter->name) || isMeant(parameter->getStoredName());
    if (meant && !parameter->isFrozen)
      return true;
    if (meant)
      frozen = parameter;
    if (parameter->isFrozen)
      continue;
    // What the program can write: `u.linear.weight`, `u.linear`, `u`.
    for (StringRef name = parameter->name; !name.empty();
         name = name.rsplit('.').first) {
      if (!llvm::is_contained(names, name))
        names.push_back(name);
      if (!name.contains('.'))
        break;
    }
  }
  if (frozen)
    elaborator
        .error("wrong-setting", range,
               "`" + StringRef(frozen->name) + "` is frozen, it is not learned")
        .note(frozen->range, "it is declared here");
  else
    elaborator
        .error("unknown-name", range,
               "model `" + StringRef(model.name) +
                   "` learns no parameter called `" + pattern + "`")
        .hint(didYouMean(pattern, names));
  return false;
}
