//===- DiagnosticRenderer.cpp - Messages as people read them --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Underlines are placed by display column: a tab is four columns, a wide
// character two, and what cannot be shown is replaced by one mark.
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Diagnostic.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Unicode.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace loco;
using llvm::raw_ostream;
using llvm::StringRef;

namespace {

constexpr unsigned tabWidth = 4;
/// Longer lines are shown in part, around what is underlined.
constexpr unsigned maxLineWidth = 160;
constexpr unsigned contextWidth = 40;

/// A source line made fit for a terminal.
struct DisplayLine {
  /// What to print for each byte of the source; continuation bytes are empty.
  std::vector<std::string> cells;
  /// Display column of each byte, and of the end.
  std::vector<unsigned> columns;
};

/// One underlined place on one line.
struct Mark {
  unsigned begin; // display columns
  unsigned end;
  bool primary;
  StringRef text;
};

/// A place on its way to the page.
struct Place {
  SourceRange range;
  unsigned line;
  bool primary;
  StringRef text;
};

} // namespace

static DisplayLine layOut(StringRef line) {
  DisplayLine result;
  unsigned column = 0;
  for (size_t i = 0; i < line.size();) {
    const auto *bytes = reinterpret_cast<const llvm::UTF8 *>(line.data()) + i;
    unsigned length = llvm::getNumBytesForUTF8(*bytes);
    bool legal = i + length <= line.size() &&
                 llvm::isLegalUTF8Sequence(bytes, bytes + length);
    StringRef character = line.substr(i, legal ? length : 1);
    int width = legal ? llvm::sys::unicode::columnWidthUTF8(character) : -1;
    std::string shown = character.str();
    if (character == "\t") {
      width = tabWidth;
      shown.assign(tabWidth, ' ');
    } else if (width < 0) {
      width = 1;
      shown = "\xEF\xBF\xBD"; // the replacement character
    }
    for (size_t j = 0; j < character.size(); ++j) {
      result.cells.push_back(j == 0 ? shown : std::string());
      result.columns.push_back(column);
    }
    column += width;
    i += character.size();
  }
  result.columns.push_back(column);
  return result;
}

namespace {

/// Prints one message; holds what its parts share.
class Renderer {
public:
  Renderer(const Diagnostic &diagnostic, const SourceManager &sources,
           raw_ostream &os, bool color)
      : diagnostic(diagnostic), sources(sources), os(os), color(color) {
    gutter = std::to_string(lastLineShown()).size();
  }

  void render();

private:
  unsigned lastLineShown() const;
  Place makePlace(SourceRange range, bool primary, StringRef text) const;
  void header(StringRef word, StringRef name, StringRef message,
              raw_ostream::Colors wordColor);
  void location(SourceRange range);
  void snippet(llvm::ArrayRef<Place> places);
  void sourceLine(FileId file, unsigned line, llvm::ArrayRef<Place> places);
  void marks(llvm::SmallVectorImpl<Mark> &marks);
  void hangingLabels(llvm::ArrayRef<Mark> marks);
  raw_ostream &bar();

  template <typename Text>
  void paint(raw_ostream::Colors wanted, const Text &text) {
    if (color)
      os.changeColor(wanted, /*Bold=*/true);
    os << text;
    if (color)
      os.resetColor();
  }
  raw_ostream::Colors severityColor() const {
    switch (diagnostic.severity) {
    case Severity::Error:
      return raw_ostream::RED;
    case Severity::Warning:
      return raw_ostream::YELLOW;
    case Severity::Remark:
      return raw_ostream::GREEN;
    }
    llvm_unreachable("covered switch");
  }

  const Diagnostic &diagnostic;
  const SourceManager &sources;
  raw_ostream &os;
  bool color;
  /// Width of the column of line numbers.
  unsigned gutter;
};

} // namespace

/// The largest line number that the message names, so that all its parts are
/// aligned.
unsigned Renderer::lastLineShown() const {
  unsigned last = 1;
  auto see = [&](SourceRange range) {
    if (range.isValid())
      last =
          std::max(last, sources.getLineColumn(range.file, range.begin).line);
  };
  see(diagnostic.range);
  for (const auto &label : diagnostic.secondary)
    see(label.range);
  for (const auto &note : diagnostic.notes)
    see(note.range);
  return last;
}

Place Renderer::makePlace(SourceRange range, bool primary,
                          StringRef text) const {
  return {range, sources.getLineColumn(range.file, range.begin).line, primary,
          text};
}

void Renderer::header(StringRef word, StringRef name, StringRef message,
                      raw_ostream::Colors wordColor) {
  paint(wordColor, name.empty() ? word.str() : (word + "[" + name + "]").str());
  os << ": " << message << '\n';
}

void Renderer::location(SourceRange range) {
  LineColumn place = sources.getLineColumn(range.file, range.begin);
  os.indent(gutter);
  paint(raw_ostream::BLUE, "--> ");
  os << sources.getName(range.file) << ':' << place.line << ':' << place.column
     << '\n';
}

/// The gutter of a line without number.
raw_ostream &Renderer::bar() {
  os.indent(gutter + 1);
  paint(raw_ostream::BLUE, "|");
  return os;
}

/// Rows below the underlines for the labels that do not fit beside them:
/// stems first, then the texts from right to left.
void Renderer::hangingLabels(llvm::ArrayRef<Mark> marks) {
  if (marks.empty())
    return;
  // Row 0 has all stems; row n the text of the n-th mark from the right.
  for (size_t row = 0; row <= marks.size(); ++row) {
    bar() << ' ';
    unsigned column = 0;
    size_t count = row == 0 ? marks.size() : marks.size() - row + 1;
    for (size_t i = 0; i < count; ++i) {
      const Mark &mark = marks[i];
      bool last = row != 0 && i + 1 == count;
      if (mark.begin < column)
        continue;
      os.indent(mark.begin - column);
      paint(mark.primary ? severityColor() : raw_ostream::BLUE,
            last ? mark.text : StringRef("|"));
      column = mark.begin + 1;
    }
    os << '\n';
  }
}

/// The row of underlines with the rightmost label, then the others.
void Renderer::marks(llvm::SmallVectorImpl<Mark> &marks) {
  llvm::sort(marks, [](const Mark &lhs, const Mark &rhs) {
    return std::tie(lhs.begin, lhs.primary) < std::tie(rhs.begin, rhs.primary);
  });
  unsigned width = 0;
  for (const Mark &mark : marks)
    width = std::max(width, mark.end);
  std::string row(width, ' ');
  for (bool primary : {false, true}) // the primary place wins an overlap
    for (const Mark &mark : marks)
      if (mark.primary == primary)
        std::fill(row.begin() + mark.begin, row.begin() + mark.end,
                  primary ? '^' : '-');

  const Mark *beside = !marks.back().text.empty() && marks.back().end == width
                           ? &marks.back()
                           : nullptr;
  bar() << ' ';
  for (size_t i = 0; i < row.size();) {
    size_t end = std::min(row.find_first_not_of(row[i], i), row.size());
    StringRef run = StringRef(row).slice(i, end);
    if (row[i] == ' ')
      os << run;
    else
      paint(row[i] == '^' ? severityColor() : raw_ostream::BLUE, run);
    i = end;
  }
  if (beside) {
    os << ' ';
    paint(beside->primary ? severityColor() : raw_ostream::BLUE, beside->text);
  }
  os << '\n';

  llvm::SmallVector<Mark, 4> hanging;
  for (const Mark &mark : marks)
    if (&mark != beside && !mark.text.empty())
      hanging.push_back(mark);
  hangingLabels(hanging);
}

/// One numbered line and all that is marked on it.
void Renderer::sourceLine(FileId file, unsigned line,
                          llvm::ArrayRef<Place> places) {
  DisplayLine display = layOut(sources.getLine(file, line));
  uint32_t lineStart = sources.getLineStart(file, line);
  size_t length = display.cells.size();

  llvm::SmallVector<Mark, 4> all;
  unsigned width = display.columns.back();
  for (const Place &place : places) {
    size_t begin = std::min<size_t>(place.range.begin - lineStart, length);
    size_t end = std::clamp<size_t>(
        place.range.end > lineStart ? place.range.end - lineStart : 0, begin,
        length);
    unsigned from = display.columns[begin];
    unsigned to = std::max(display.columns[end], from + 1);
    all.push_back({from, to, place.primary, place.text});
  }

  // A long line is cut to a window that holds the first mark.
  unsigned first = 0, last = width;
  if (width > maxLineWidth) {
    unsigned start = all.front().begin;
    for (const Mark &mark : all)
      if (mark.primary)
        start = mark.begin;
    first = start > contextWidth ? start - contextWidth : 0;
    last = std::min(width, first + maxLineWidth);
  }
  StringRef ellipsis = "...";
  unsigned shift = first ? ellipsis.size() : 0;

  paint(raw_ostream::BLUE,
        std::string(gutter - std::to_string(line).size(), ' ') +
            std::to_string(line) + " |");
  std::string shown = first ? ellipsis.str() : "";
  for (size_t i = 0; i < length; ++i)
    if (display.columns[i] >= first && display.columns[i + 1] <= last)
      shown += display.cells[i];
  if (last < width)
    shown += ellipsis;
  StringRef trimmed = StringRef(shown).rtrim();
  os << (trimmed.empty() ? "" : " ") << trimmed << '\n';

  llvm::SmallVector<Mark, 4> visible;
  for (Mark mark : all) {
    if (mark.begin < first || mark.begin > last)
      continue;
    mark.begin = mark.begin - first + shift;
    mark.end =
        std::max(std::min(mark.end, last) - first + shift, mark.begin + 1);
    visible.push_back(mark);
  }
  marks(visible);
}

/// The marked lines of one file, in order.
void Renderer::snippet(llvm::ArrayRef<Place> places) {
  std::vector<Place> sorted(places.begin(), places.end());
  llvm::sort(sorted, [](const Place &lhs, const Place &rhs) {
    return std::tie(lhs.line, lhs.range.begin) <
           std::tie(rhs.line, rhs.range.begin);
  });
  bar() << '\n';
  for (size_t i = 0; i < sorted.size();) {
    size_t end = i;
    while (end < sorted.size() && sorted[end].line == sorted[i].line)
      ++end;
    if (i > 0 && sorted[i].line > sorted[i - 1].line + 1)
      os << "...\n";
    sourceLine(sorted[i].range.file, sorted[i].line,
               llvm::ArrayRef(sorted).slice(i, end - i));
    i = end;
  }
}

void Renderer::render() {
  StringRef word = diagnostic.severity == Severity::Error     ? "error"
                   : diagnostic.severity == Severity::Warning ? "warning"
                                                              : "remark";
  header(word, diagnostic.name, diagnostic.message, severityColor());

  if (diagnostic.range.isValid()) {
    llvm::SmallVector<Place, 4> here = {
        makePlace(diagnostic.range, true, diagnostic.primaryLabel)};
    llvm::SmallVector<Place, 4> elsewhere;
    for (const Diagnostic::Label &label : diagnostic.secondary)
      (label.range.file == diagnostic.range.file ? here : elsewhere)
          .push_back(makePlace(label.range, false, label.text));
    location(diagnostic.range);
    snippet(here);
    for (const Place &place : elsewhere) {
      location(place.range);
      snippet(place);
    }
  }

  for (const Diagnostic::Note &note : diagnostic.notes) {
    header("note", "", note.message, raw_ostream::CYAN);
    if (!note.range.isValid())
      continue;
    location(note.range);
    if (!note.label.empty())
      snippet(makePlace(note.range, true, note.label));
  }
  if (!diagnostic.hintText.empty())
    header("hint", "", diagnostic.hintText, raw_ostream::GREEN);
}

void loco::renderDiagnostic(const Diagnostic &diagnostic,
                            const SourceManager &sources, raw_ostream &os,
                            const RenderOptions &options) {
  // A stream that is no terminal drops colours unless told otherwise.
  bool enabled = os.colors_enabled();
  os.enable_colors(options.color);
  Renderer(diagnostic, sources, os, options.color).render();
  os.enable_colors(enabled);
}

void loco::renderDiagnostics(const DiagnosticEngine &engine,
                             const SourceManager &sources, raw_ostream &os,
                             const RenderOptions &options) {
  unsigned errors = 0;
  bool separate = false;
  for (const Diagnostic *diagnostic : engine.inSourceOrder()) {
    if (diagnostic->severity == Severity::Error && options.maxErrors &&
        ++errors > options.maxErrors)
      continue;
    if (separate)
      os << '\n';
    separate = true;
    renderDiagnostic(*diagnostic, sources, os, options);
  }
  if (!options.maxErrors || errors <= options.maxErrors)
    return;
  unsigned hidden = errors - options.maxErrors;
  os << "\nnote: " << hidden << " further error" << (hidden == 1 ? "" : "s")
     << (hidden == 1 ? " is" : " are") << " not shown\n";
}
