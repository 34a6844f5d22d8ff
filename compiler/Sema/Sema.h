//===- Sema.h - From the syntax tree to checked models ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Resolves names, spaces, shapes and roles; expands layers, integrators and
// model instances; evaluates run blocks. Reports everything that is wrong with
// a program and gives nothing then.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_SEMA_H
#define COMPILER_SEMA_SEMA_H

#include "compiler/AST/AST.h"
#include "compiler/AST/Diagnostic.h"
#include "compiler/Sema/Model.h"
#include <memory>
#include <string>
#include <vector>

namespace loco::sema {

/// `--set name=value`.
struct Override {
  std::string name;
  std::string value;
};
using Overrides = std::vector<Override>;

/// Checks a program. `files[0]` is the program, the others are modules that it
/// may `use` by their names without folder and ending. The standard library is
/// always there: its files are added to `sources`.
///
/// An override replaces the value of a `const` of the file, of a `const` or
/// `param` of a model (`gamma`, or `LocoRNN.gamma` where several models have
/// one), or of an argument of a model.
///
/// Returns null if anything was reported as an error.
std::unique_ptr<Module> analyze(llvm::ArrayRef<const ast::File *> files,
                                SourceManager &sources,
                                DiagnosticEngine &diagnostics,
                                const Overrides &overrides = {});

} // namespace loco::sema

#endif // COMPILER_SEMA_SEMA_H
