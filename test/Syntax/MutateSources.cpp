//===- MutateSources.cpp - The parser on damaged programs -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-test-mutate-sources COUNT SEED FILE...
//
// Damages the programs in COUNT ways and parses each. What is refused must
// have a message, what is accepted must print to the same program again, and
// nothing may crash. After a crash, the arguments find the program again; it
// is the last one written to the standard output with --show.
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Printer.h"
#include "compiler/Syntax/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <random>

using namespace loco;
using llvm::StringRef;

static const std::vector<std::string> fragments = {"(",
                                                   ")",
                                                   "[",
                                                   "]",
                                                   "{",
                                                   "}",
                                                   "\n",
                                                   ";",
                                                   ",",
                                                   "=",
                                                   "<-",
                                                   "->",
                                                   "~",
                                                   "|>",
                                                   "'",
                                                   "..",
                                                   "@",
                                                   "^",
                                                   "-",
                                                   ":",
                                                   ".",
                                                   "\"",
                                                   "#",
                                                   "\\",
                                                   "loco",
                                                   "model M {",
                                                   "step {",
                                                   "train X {",
                                                   "dynamics",
                                                   "in",
                                                   "on",
                                                   "by",
                                                   "over",
                                                   "per step",
                                                   "state",
                                                   "param",
                                                   "init",
                                                   "with velocity",
                                                   "let",
                                                   "j in near(3):",
                                                   "1e999",
                                                   "0",
                                                   "x",
                                                   "\r\n",
                                                   "\xFF",
                                                   "\xC3\x97",
                                                   std::string(1, '\0')};

namespace {

class Mutator {
public:
  Mutator(unsigned seed, std::vector<std::string> seeds)
      : random(seed), seeds(std::move(seeds)) {}

  std::string next() {
    std::string text = seeds[below(seeds.size())];
    for (size_t edits = 1 + below(6); edits > 0; --edits)
      edit(text);
    return text;
  }

private:
  size_t below(size_t bound) { return bound ? random() % bound : 0; }

  void edit(std::string &text) {
    size_t at = below(text.size());
    const std::string &other = seeds[below(seeds.size())];
    switch (below(6)) {
    case 0:
      text.erase(at, 1 + below(3));
      return;
    case 1:
      text.insert(at, fragments[below(fragments.size())]);
      return;
    case 2:
      if (!text.empty())
        text[at] = static_cast<char>(random());
      return;
    case 3:
      text.insert(below(text.size()), text.substr(at, below(40)));
      return;
    case 4:
      text.erase(at, below(40));
      return;
    case 5:
      text.insert(at, other.substr(below(other.size()), below(60)));
      return;
    }
  }

  std::mt19937 random;
  std::vector<std::string> seeds;
};

} // namespace

static std::string toText(const ast::File &file) {
  std::string text;
  llvm::raw_string_ostream os(text);
  ast::print(file, os);
  return text;
}

/// Says what is wrong with the parser's answer, or nothing.
static StringRef check(StringRef text) {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  auto file = parseFile(sources, sources.addFile("mutated", text), diagnostics);
  std::string messages;
  llvm::raw_string_ostream os(messages);
  renderDiagnostics(diagnostics, sources, os);
  if (!file)
    return messages.empty() ? "refused without a message" : "";
  if (diagnostics.hasErrors())
    return "accepted with an error";
  std::string printed = toText(*file);
  auto again =
      parseFile(sources, sources.addFile("printed", printed), diagnostics);
  if (!again)
    return "what is printed does not parse";
  return toText(*again) == printed ? "" : "what is printed parses differently";
}

int main(int argc, char **argv) {
  bool show = StringRef(argv[1]) == "--show";
  char **arguments = argv + (show ? 2 : 1);
  unsigned count = std::stoul(arguments[0]), seed = std::stoul(arguments[1]);
  std::vector<std::string> seeds;
  for (char **path = arguments + 2; *path; ++path)
    if (auto buffer = llvm::MemoryBuffer::getFile(*path))
      seeds.push_back((*buffer)->getBuffer().str());
  if (seeds.empty()) {
    llvm::errs() << "no program to begin with\n";
    return 1;
  }
  Mutator mutator(seed, std::move(seeds));
  for (unsigned i = 0; i < count; ++i) {
    std::string text = mutator.next();
    if (show)
      llvm::outs() << "=== " << i << '\n' << text << '\n';
    StringRef fault = check(text);
    if (fault.empty())
      continue;
    llvm::errs() << "program " << i << ": " << fault << '\n' << text << '\n';
    return 1;
  }
  return 0;
}
