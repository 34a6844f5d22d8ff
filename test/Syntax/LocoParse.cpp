//===- LocoParse.cpp - The parser alone, for tests ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-parse [--nesting] [--check] [--paint] [--all] FILE
//
// Prints the tree of FILE as text, or what is wrong with FILE (exit 1).
// --nesting puts every operation in parentheses. --check prints nothing but
// goes through the tree: places lie inside each other, and the printed text
// parses to a tree that prints the same. --all prints every error.
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Printer.h"
#include "compiler/AST/Walk.h"
#include "compiler/Syntax/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace loco;
namespace cl = llvm::cl;

static cl::opt<std::string> path(cl::Positional, cl::Required);
static cl::opt<bool> nesting("nesting");
static cl::opt<bool> check("check");
static cl::opt<bool> color("paint");
static cl::opt<bool> all("all");

static bool contains(SourceRange outer, SourceRange inner) {
  return inner.file == outer.file && inner.begin >= outer.begin &&
         inner.end <= outer.end && inner.begin < inner.end;
}

static unsigned misplaced = 0;

static void checkPlace(const SourceManager &sources, SourceRange outer,
                       SourceRange inner) {
  if (contains(outer, inner))
    return;
  ++misplaced;
  llvm::errs() << "place outside of `" << sources.getText(outer) << "`: `"
               << sources.getText(inner) << "`\n";
}

static void checkPlaces(const SourceManager &sources, const ast::Expr *expr) {
  ast::forEachOperand(expr, [&](const ast::Expr *operand) {
    checkPlace(sources, expr->getRange(), operand->getRange());
    checkPlaces(sources, operand);
  });
}

static void checkPlaces(const SourceManager &sources, const ast::Decl *decl) {
  ast::forEachExpr(decl, [&](const ast::Expr *expr) {
    checkPlace(sources, decl->getRange(), expr->getRange());
    checkPlaces(sources, expr);
  });
  for (const ast::Decl *inner : ast::getBody(decl)) {
    checkPlace(sources, decl->getRange(), inner->getRange());
    checkPlaces(sources, inner);
  }
}

static std::string toText(const ast::File &file, bool explicitNesting) {
  std::string text;
  llvm::raw_string_ostream os(text);
  ast::PrintOptions options;
  options.explicitNesting = explicitNesting;
  ast::print(file, os, options);
  return text;
}

/// Parses `text` and prints it as `--nesting` does; empty after an error.
static std::string reparse(SourceManager &sources, llvm::StringRef text) {
  DiagnosticEngine diagnostics;
  auto file = parseFile(sources, sources.addFile("printed", text), diagnostics);
  renderDiagnostics(diagnostics, sources, llvm::errs());
  return file ? toText(*file, true) : "";
}

static int checkTree(SourceManager &sources, const ast::File &file) {
  for (const ast::Decl *decl : file.body)
    checkPlaces(sources, decl);
  std::string expected = toText(file, true);
  for (bool explicitNesting : {false, true}) {
    std::string again = reparse(sources, toText(file, explicitNesting));
    if (again == expected)
      continue;
    llvm::errs() << "printed:\n" << expected << "parsed again:\n" << again;
    return 1;
  }
  return misplaced ? 1 : 0;
}

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv);
  SourceManager sources;
  auto id = sources.openFile(path);
  if (!id) {
    llvm::errs() << "error: " << llvm::toString(id.takeError()) << '\n';
    return 1;
  }
  // Messages name the file only, so that they are the same everywhere.
  FileId file =
      sources.addFile(llvm::sys::path::filename(path), sources.getText(*id));
  DiagnosticEngine diagnostics;
  auto tree = parseFile(sources, file, diagnostics);
  RenderOptions options;
  options.color = color;
  if (all)
    options.maxErrors = 0;
  renderDiagnostics(diagnostics, sources, llvm::outs(), options);
  if (!tree)
    return 1;
  if (check)
    return checkTree(sources, *tree);
  llvm::outs() << toText(*tree, nesting);
  return 0;
}
