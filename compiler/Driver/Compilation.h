//===- Compilation.h - A program, checked --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_COMPILATION_H
#define COMPILER_DRIVER_COMPILATION_H

#include "compiler/AST/Diagnostic.h"
#include "compiler/AST/SourceFile.h"
#include "compiler/Sema/Sema.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace loco {

struct CompilationOptions {
  /// Where modules are looked for, after the folder of the file that uses them.
  std::vector<std::string> includeFolders;
  /// `--set name=value`.
  sema::Overrides overrides;
};

/// A program with everything it uses, from text to checked models. What was
/// wrong is in `diagnostics`; then there is no module.
class Compilation {
public:
  /// Compiles the file at `path`.
  static std::unique_ptr<Compilation> ofFile(llvm::StringRef path,
                                             const CompilationOptions &options);
  /// Compiles `text`, which messages call `name`.
  static std::unique_ptr<Compilation> ofText(llvm::StringRef name,
                                             llvm::StringRef text,
                                             const CompilationOptions &options);

  /// Null after an error.
  const sema::Module *getModule() const { return module.get(); }
  const SourceManager &getSources() const { return sources; }
  const DiagnosticEngine &getDiagnostics() const { return diagnostics; }

  /// All messages as people read them.
  std::string renderDiagnostics(bool color) const;

  /// Text of the program and of its own modules, by file name without folders.
  std::map<std::string, std::string> getSourceTexts() const;

  /// A hash of all text and all overrides, as 16 hexadecimal digits.
  std::string getSourceHash() const;

private:
  void compile(FileId main, const CompilationOptions &options);
  void loadModules(FileId file, const CompilationOptions &options);

  SourceManager sources;
  DiagnosticEngine diagnostics;
  std::vector<std::unique_ptr<ast::File>> files;
  std::vector<FileId> ownFiles;
  sema::Overrides overrides;
  std::unique_ptr<sema::Module> module;
};

} // namespace loco

#endif // COMPILER_DRIVER_COMPILATION_H
