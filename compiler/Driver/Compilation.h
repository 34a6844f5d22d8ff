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
  /// Texts by file name that stand in place of what is on the disk; if there
  /// are any, nothing is read from there.
  std::map<std::string, std::string> texts;
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

  /// Looks for the sources of data that run blocks name among those that are
  /// registered and the program's systems; reports others.
  void checkDataSources();

  /// Null after an error.
  const sema::Module *getModule() const { return module.get(); }
  const SourceManager &getSources() const { return sources; }
  const DiagnosticEngine &getDiagnostics() const { return diagnostics; }

  /// All messages as people read them.
  std::string renderDiagnostics(bool color) const;

  /// Text of the program and of its own modules, by file name without folders.
  std::map<std::string, std::string> getSourceTexts() const;

  /// True for files of the program and its own modules; false for those that
  /// are built into the compiler.
  bool isOwn(FileId file) const;
  /// Files that were looked for and not found: one that appears would stand in
  /// place of another.
  const std::vector<std::string> &getAbsentFiles() const {
    return absentFiles;
  }

  /// A hash of all text and all overrides, as 16 hexadecimal digits.
  std::string getSourceHash() const;

private:
  llvm::Expected<FileId> open(llvm::StringRef name,
                              const CompilationOptions &options);
  std::string findModule(const ast::UseDecl &use, llvm::StringRef userFile,
                         const CompilationOptions &options);
  void compile(FileId main, const CompilationOptions &options);
  void loadModules(FileId file, const CompilationOptions &options);

  SourceManager sources;
  DiagnosticEngine diagnostics;
  std::vector<std::unique_ptr<ast::File>> files;
  std::vector<FileId> ownFiles;
  std::vector<std::string> absentFiles;
  sema::Overrides overrides;
  std::unique_ptr<sema::Module> module;
};

} // namespace loco

#endif // COMPILER_DRIVER_COMPILATION_H
