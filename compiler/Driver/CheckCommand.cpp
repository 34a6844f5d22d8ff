//===- CheckCommand.cpp - lococ check ------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"

#include <fmt/format.h>

using namespace loco;

/// `1 model`, `2 models`.
static std::string count(size_t number, const char *what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

int loco::checkProgram(const CheckOptions &options) {
  std::unique_ptr<Compilation> compilation = compileProgram(options.program);
  if (!compilation)
    return 1;
  const sema::Module &module = *compilation->getModule();
  auto declared = llvm::count_if(
      module.models, [](const auto &model) { return model->variantOf.empty(); });
  printText(fmt::format("{}: {}, {}, no errors\n", options.program.file,
                        count(declared, "model"),
                        count(module.runs.size(), "run block")));
  return 0;
}
