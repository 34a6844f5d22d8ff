//===- DiagnosticsTest.cpp - Messages as they are printed -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Diagnostic.h"
#include "compiler/AST/Suggest.h"
#include "llvm/Support/raw_ostream.h"

using namespace loco;
using llvm::StringRef;

static int failures = 0;

static void expectEqual(StringRef what, StringRef got, StringRef expected) {
  if (got == expected)
    return;
  ++failures;
  llvm::errs() << what << ": expected\n"
               << expected << "\ngot\n"
               << got << '\n';
}

namespace {

/// A few files and what is reported about them. Places are found by text.
struct Report {
  FileId add(StringRef name, StringRef text) {
    return sources.addFile(name, text);
  }
  /// The n-th time that `text` stands in the file.
  SourceRange at(FileId file, StringRef text, unsigned n = 1) const {
    size_t begin = sources.getText(file).find(text);
    while (--n)
      begin = sources.getText(file).find(text, begin + 1);
    return {file, uint32_t(begin), uint32_t(begin + text.size())};
  }
  std::string print(RenderOptions options = {}) const {
    std::string text;
    llvm::raw_string_ostream os(text);
    renderDiagnostics(engine, sources, os, options);
    return text;
  }

  SourceManager sources;
  DiagnosticEngine engine;
};

} // namespace

/// The message that the design of the language shows.
static void testDesign() {
  Report r;
  FileId file =
      r.add("locornn.loco",
            "\n\n\n\n\n\n\n\n\n  param b on ring = 0\n\n\n\n\n\n\n"
            "  dynamics { z'' = tanh(Wz @ z + Wx @ u + b) - gamma * z }\n");
  SourceRange b = r.at(file, "b) - ");
  b.end = b.begin + 1;
  r.engine
      .error("space-mismatch", b,
             "`Wx @ u` lives on `sheet` (36 x 36), but `b` lives on `ring` "
             "(256)")
      .label("ring (256)")
      .place(r.at(file, "Wx @ u"), "sheet (36 x 36)")
      .note(r.at(file, "b on"), "`b` is declared here");
  expectEqual(
      "design", r.print(),
      R"(error[space-mismatch]: `Wx @ u` lives on `sheet` (36 x 36), but `b` lives on `ring` (256)
  --> locornn.loco:17:43
   |
17 |   dynamics { z'' = tanh(Wz @ z + Wx @ u + b) - gamma * z }
   |                                  ------   ^ ring (256)
   |                                  |
   |                                  sheet (36 x 36)
note: `b` is declared here
  --> locornn.loco:10:9
)");
}

static void testManyLabels() {
  Report r;
  FileId file = r.add("a.loco", "one two three four\n");
  r.engine.error("x", r.at(file, "two"), "m")
      .label("second")
      .place(r.at(file, "one"), "first")
      .place(r.at(file, "three"), "third")
      .place(r.at(file, "four"), "")
      .hint("stop");
  expectEqual("many labels", r.print(), R"(error[x]: m
 --> a.loco:1:5
  |
1 | one two three four
  | --- ^^^ ----- ----
  | |   |   |
  | |   |   third
  | |   second
  | first
hint: stop
)");
}

static void testSeveralLinesAndFiles() {
  Report r;
  FileId a = r.add("a.loco", "first\nsecond\n\nfourth\nfifth\n");
  FileId b = r.add("b.loco", "other\n");
  r.engine.error("x", r.at(a, "second"), "m")
      .place(r.at(a, "first"), "before")
      .place(r.at(a, "fifth"), "after")
      .place(r.at(b, "other"), "elsewhere")
      .note(r.at(a, "fourth"), "see this", "here")
      .note({}, "no place");
  expectEqual("lines and files", r.print(), R"(error[x]: m
 --> a.loco:2:1
  |
1 | first
  | ----- before
2 | second
  | ^^^^^^
...
5 | fifth
  | ----- after
 --> b.loco:1:1
  |
1 | other
  | ----- elsewhere
note: see this
 --> a.loco:4:1
  |
4 | fourth
  | ^^^^^^ here
note: no place
)");
}

/// A tab is four columns, a wide character two, a combining one none; the
/// column in the head counts characters.
static void testWidths() {
  Report r;
  FileId file = r.add("a.loco", "\t\xE6\x97\xA5 e\xCC\x81 \x01\xFF x\n");
  r.engine.warning("x", r.at(file, "x"), "m").label("here");
  expectEqual("widths", r.print(),
              "warning[x]: m\n --> a.loco:1:10\n  |\n"
              "1 |     \xE6\x97\xA5 e\xCC\x81 \xEF\xBF\xBD\xEF\xBF\xBD x\n"
              "  |             ^ here\n");
}

static void testLineEnds() {
  Report r;
  FileId file = r.add("a.loco", "first\r\nsecond");
  r.engine.error("x", {file, 5, 5}, "at the end of a line");
  r.engine.error("y", {file, 3, 10}, "over two lines");
  r.engine.error("z", {file, 13, 13}, "at the end of the file");
  expectEqual("line ends", r.print(), R"(error[y]: over two lines
 --> a.loco:1:4
  |
1 | first
  |    ^^

error[x]: at the end of a line
 --> a.loco:1:6
  |
1 | first
  |      ^

error[z]: at the end of the file
 --> a.loco:2:7
  |
2 | second
  |       ^
)");
}

static void testLongLine() {
  Report r;
  std::string text = std::string(500, 'a') + "b" + std::string(500, 'c');
  FileId file = r.add("a.loco", text);
  r.engine.error("x", r.at(file, "b"), "m");
  expectEqual("long line", r.print(),
              "error[x]: m\n --> a.loco:1:501\n  |\n1 | ..." +
                  std::string(40, 'a') + "b" + std::string(119, 'c') +
                  "...\n  | " + std::string(43, ' ') + "^\n");
}

static void testOrderAndLimit() {
  Report r;
  FileId a = r.add("a.loco", "one two three\n");
  FileId b = r.add("b.loco", "four\n");
  r.engine.error("e4", r.at(b, "four"), "4");
  r.engine.error("e3", r.at(a, "three"), "3");
  r.engine.remark("r", r.at(a, "two"), "2");
  r.engine.error("e1", r.at(a, "one"), "1");
  r.engine.error("e1", r.at(a, "one"), "again").label("nobody sees this");
  r.engine.error("e0", {}, "0");
  RenderOptions options;
  options.maxErrors = 3;
  expectEqual("order", r.print(options), R"(error[e0]: 0

error[e1]: 1
 --> a.loco:1:1
  |
1 | one two three
  | ^^^

remark[r]: 2
 --> a.loco:1:5
  |
1 | one two three
  |     ^^^

error[e3]: 3
 --> a.loco:1:9
  |
1 | one two three
  |         ^^^^^

note: 1 further error is not shown
)");
  if (r.engine.getNumErrors() != 4) {
    ++failures;
    llvm::errs() << "counted " << r.engine.getNumErrors() << " errors\n";
  }
}

static void testColor() {
  Report r;
  FileId file = r.add("a.loco", "one\n");
  r.engine.error("x", r.at(file, "one"), "m").label("l");
  RenderOptions options;
  options.color = true;
  std::string text = r.print(options);
  // Only escape sequences are added.
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b')
      i = text.find('m', i);
    else
      plain += text[i];
  }
  expectEqual("color", plain, r.print());
  if (text == plain) {
    ++failures;
    llvm::errs() << "no colour where it was asked for\n";
  }
}

static void testSuggestions() {
  llvm::SmallVector<StringRef> names = {"sheet", "gamma", "alpha",    "z",
                                        "Wx",    "Wz",    "layernorm"};
  struct {
    StringRef name, expected;
  } cases[] = {
      {"shet", "sheet"},  {"seeht", ""},      {"sehet", "sheet"},
      {"gama", "gamma"},  {"Gamma", "gamma"}, {"layer_norm", "layernorm"},
      {"Z", "z"},         {"y", ""},          {"Wy", "Wx"},
      {"completely", ""}, {"sheet", ""},      {"", ""},
  };
  for (auto &each : cases)
    expectEqual(each.name, closestName(each.name, names), each.expected);
  expectEqual("hint", didYouMean("shet", names), "did you mean `sheet`?");
  expectEqual("no hint", didYouMean("completely", names), "");
}

int main() {
  testDesign();
  testManyLabels();
  testSeveralLinesAndFiles();
  testWidths();
  testLineEnds();
  testLongLine();
  testOrderAndLimit();
  testColor();
  testSuggestions();
  return failures ? 1 : 0;
}
