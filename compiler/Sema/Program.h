//===- Program.h - What all models of a program share -----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_PROGRAM_H
#define COMPILER_SEMA_PROGRAM_H

#include "compiler/AST/Diagnostic.h"
#include "compiler/Sema/Scope.h"
#include "compiler/Sema/Sema.h"
#include <deque>
#include <memory>
#include <vector>

namespace loco::sema {

/// A declared name of a file, with its declaration.
struct FileName {
  std::string name;
  SourceRange range;
  const ast::Decl *decl = nullptr;
  unsigned index = 0;
  /// Replaces the declared value.
  const ast::Expr *value = nullptr;
};

/// The names of one file. Models make scopes of their own of it, because
/// what a name means is kept in the model's graph.
struct FileTable {
  const ast::File *file = nullptr;
  bool isLibrary = false;
  std::deque<FileName> names;
  /// Files whose names are visible, after its own.
  std::vector<FileTable *> used;

  FileName *find(llvm::StringRef name);
};

/// The files of a program, the standard library among them.
class Program {
public:
  Program(llvm::ArrayRef<const ast::File *> files, SourceManager &sources,
          DiagnosticEngine &diagnostics, const Overrides &overrides);

  /// The file that the program begins with.
  FileTable &getMain() { return *main; }

  /// The file that declares something.
  FileTable *findFile(const ast::Decl *decl);
  /// Counts what models inside of others expand to, all together; reports at
  /// `range`, once, and gives false where it is too much.
  bool countImported(SourceRange range);

  /// A number that stands in no text.
  const ast::Expr *makeNumber(SourceRange range, double value);

  /// Has an instance of the system that `call` names built under `name`, with
  /// the constants and arguments given.
  void requestSystem(llvm::StringRef name, const ast::CallExpr &call,
                     llvm::ArrayRef<ast::Argument> arguments);
  llvm::ArrayRef<const ast::InstanceDecl *> getRequestedSystems() const {
    return requestedSystems;
  }

  /// Finds the override of `name`, also as `model.name`; marks it as used.
  const Override *findOverride(llvm::StringRef name,
                               llvm::StringRef model = "");
  /// The value that an override gives to something declared with the value
  /// `declared` (null if it had none); reports a value of another kind.
  const ast::Expr *getOverrideValue(const Override &override,
                                    const ast::Expr *declared);
  /// The lines `setting ...` of a run block that overrides give, as in
  /// `--set train.rate='u = 1e-4'`, in their order.
  llvm::ArrayRef<const ast::SettingDecl *>
  getGivenLines(llvm::StringRef verb, llvm::StringRef setting,
                llvm::StringRef model);
  /// Reports the overrides that nothing used.
  void reportUnusedOverrides();
  /// A name that an override could have been meant for.
  void addOverridable(std::string name) {
    overridable.push_back(std::move(name));
  }

  SourceManager &sources;
  DiagnosticEngine &diagnostics;

private:
  FileTable *addFile(const ast::File *file, bool isLibrary);
  FileTable *loadLibrary(llvm::StringRef name);
  void resolveUses(FileTable &table);

  std::deque<FileTable> tables;
  FileTable *main = nullptr;
  FileTable *core = nullptr;
  llvm::ArrayRef<const ast::File *> files;
  llvm::StringMap<FileTable *> modules;
  std::vector<std::unique_ptr<ast::File>> libraryFiles;
  const Overrides &overrides;
  std::vector<bool> overrideUsed;
  /// By verb, setting and model.
  llvm::StringMap<std::vector<const ast::SettingDecl *>> givenLines;
  unsigned numImported = 0;
  std::vector<const ast::InstanceDecl *> requestedSystems;
  std::vector<std::string> overridable;
  ast::Arena arena;
};

/// The text of a file of the standard library, embedded at build time; null if
/// there is none of that name (`core`, `stimuli`).
const char *findLibraryText(llvm::StringRef name);
/// The names of all files of the standard library.
llvm::ArrayRef<llvm::StringRef> getLibraryNames();

} // namespace loco::sema

#endif // COMPILER_SEMA_PROGRAM_H
