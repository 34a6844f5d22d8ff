//===- Diagnostic.h - Messages about a program ------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every stage of the front end reports into one `DiagnosticEngine`; nothing
// is printed before `renderDiagnostics`. Messages are lower case, without a
// full stop, with code in backticks and the hint last:
//
//   diagnostics
//       .error("space-mismatch", b, "`Wx @ u` lives on ..., but `b` ...")
//       .label("ring (256)")
//       .place(wx, "sheet (36 x 36)")
//       .note(decl, "`b` is declared here")
//       .hint("write `b on sheet`");
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_AST_DIAGNOSTIC_H
#define COMPILER_AST_DIAGNOSTIC_H

#include "compiler/AST/SourceFile.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace loco {

enum class Severity { Error, Warning, Remark };

/// One message with all its places.
class Diagnostic {
public:
  /// A place underlined in the source, with a few words beside it.
  struct Label {
    SourceRange range;
    std::string text;
  };

  /// A second message. It shows its place only, and the source line too if it
  /// has a label; the range may be invalid.
  struct Note {
    SourceRange range;
    std::string message;
    std::string label;
  };

  Diagnostic(Severity severity, llvm::StringRef name, SourceRange range,
             const llvm::Twine &message)
      : severity(severity), name(name), message(message.str()), range(range) {}

  /// Words beside the primary place.
  Diagnostic &label(const llvm::Twine &text) {
    primaryLabel = text.str();
    return *this;
  }
  /// Underlines a second place.
  Diagnostic &place(SourceRange range, const llvm::Twine &text) {
    secondary.push_back({range, text.str()});
    return *this;
  }
  /// Adds a note; with a label it shows its source line.
  Diagnostic &note(SourceRange range, const llvm::Twine &message,
                   const llvm::Twine &label = "") {
    notes.push_back({range, message.str(), label.str()});
    return *this;
  }
  /// What the user could do; empty text is no hint.
  Diagnostic &hint(const llvm::Twine &text) {
    hintText = text.str();
    return *this;
  }

  Severity severity;
  /// Stable short name, as `space-mismatch`.
  std::string name;
  std::string message;
  /// Invalid if the message is about no place (a file that cannot be read).
  SourceRange range;
  std::string primaryLabel;
  llvm::SmallVector<Label, 1> secondary;
  llvm::SmallVector<Note, 1> notes;
  std::string hintText;
};

/// Collects the messages of one compilation.
class DiagnosticEngine {
public:
  /// Reports something; details may be added to the result until the next
  /// report. A second message of the same name at the same range is dropped
  /// (the result is then a scratch copy that nobody sees).
  Diagnostic &report(Severity severity, llvm::StringRef name, SourceRange range,
                     const llvm::Twine &message);

  Diagnostic &error(llvm::StringRef name, SourceRange range,
                    const llvm::Twine &message) {
    return report(Severity::Error, name, range, message);
  }
  Diagnostic &warning(llvm::StringRef name, SourceRange range,
                      const llvm::Twine &message) {
    return report(Severity::Warning, name, range, message);
  }
  Diagnostic &remark(llvm::StringRef name, SourceRange range,
                     const llvm::Twine &message) {
    return report(Severity::Remark, name, range, message);
  }

  bool hasErrors() const { return numErrors != 0; }
  unsigned getNumErrors() const { return numErrors; }
  bool empty() const { return diagnostics.empty(); }

  /// All messages: by file in the order in which files were added, then by
  /// place; messages about no place come first. Equal places keep the order
  /// in which they were reported.
  std::vector<const Diagnostic *> inSourceOrder() const;

  void clear();

private:
  std::deque<Diagnostic> diagnostics;
  /// Range and name of every message that has a place.
  std::set<std::tuple<uint32_t, uint32_t, uint32_t, std::string>> reported;
  /// Takes the details of a message that was said before.
  std::optional<Diagnostic> duplicate;
  unsigned numErrors = 0;
};

struct RenderOptions {
  /// ANSI colours, off unless asked for.
  bool color = false;
  /// Further errors are only counted. 0 means all.
  unsigned maxErrors = 20;
};

/// Prints one message in the form that docs/Language.md shows.
void renderDiagnostic(const Diagnostic &diagnostic,
                      const SourceManager &sources, llvm::raw_ostream &os,
                      const RenderOptions &options = {});

/// Prints all messages in source order, and a last line if the limit cut some
/// off.
void renderDiagnostics(const DiagnosticEngine &engine,
                       const SourceManager &sources, llvm::raw_ostream &os,
                       const RenderOptions &options = {});

} // namespace loco

#endif // COMPILER_AST_DIAGNOSTIC_H
