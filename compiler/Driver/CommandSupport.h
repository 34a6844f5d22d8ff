//===- CommandSupport.h - What the commands share ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_COMMANDSUPPORT_H
#define COMPILER_DRIVER_COMMANDSUPPORT_H

#include "compiler/Driver/Commands.h"
#include "compiler/Driver/Compilation.h"
#include "compiler/Driver/ReportCollector.h"

namespace loco {

/// Writes to standard output. Failures are remembered for `finishOutput`: not
/// through LLVM's streams, which abort on a closed pipe.
void printText(llvm::StringRef text);

/// Flushes standard output. The exit code: 1 if something could not be written,
/// which is said unless the reader has gone away.
int finishOutput();

/// Prints `error: message` to standard error. Always 1, the exit code.
int reportError(llvm::StringRef message);

/// Compiles the program of a command line and prints all diagnostics to
/// standard error. Null after an error.
std::unique_ptr<Compilation> compileProgram(const ProgramOptions &options);

/// The model that `options` means; a program with several needs its name.
Expected<const sema::Model *> pickModel(const Compilation &compilation,
                                        const ProgramOptions &options);

/// An error where products are asked for that the target, or the processor at
/// hand, cannot make.
Status checkProducts(Target target, std::optional<Products> products);

/// The execution options of a command line.
Expected<ExecutionOptions> resolveMachine(const MachineOptions &options);

/// A number with so many digits; `nan` whatever its sign is.
std::string formatNumber(double number, int digits);

/// `1,296`.
std::string formatCount(int64_t number);

/// `a`, `b` and `c`, each in backticks.
std::string quoteNames(llvm::ArrayRef<std::string> names);

/// Rows of cells in aligned columns, without trailing blanks.
class TextTable {
public:
  /// Columns that hold numbers are aligned to the right.
  explicit TextTable(llvm::ArrayRef<unsigned> numeric = {})
      : numeric(numeric.begin(), numeric.end()) {}
  void add(llvm::ArrayRef<std::string> cells);
  bool empty() const { return rows.empty(); }
  /// Every row on a line of its own, indented by two blanks.
  std::string render() const;

private:
  llvm::SmallVector<unsigned, 4> numeric;
  std::vector<std::vector<std::string>> rows;
};

} // namespace loco

#endif // COMPILER_DRIVER_COMMANDSUPPORT_H
