//===- LocoSema.cpp - Front end alone, for tests --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// loco-sema [--ir | --plan | --parameters] [--f64] [--model name]
//           [--set name=value]... file
// Prints what is wrong with a program, or what became of it.
//
// loco-sema --each file
// The file holds several programs, each after a line `#--- title`, which may
// end in `--set name=value`. Prints the messages of each under its title.
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/IRGen.h"
#include "compiler/Sema/Sema.h"
#include "compiler/Syntax/Parser.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace loco;
using llvm::ArrayRef;
using llvm::outs;
using llvm::SmallVector;
using llvm::StringRef;

static void printValue(const sema::PlanValue &value) {
  using Kind = sema::PlanValue::Kind;
  switch (value.kind) {
  case Kind::Number:
    outs() << llvm::format("%g", value.number) << (value.isAngle ? " rad" : "");
    return;
  case Kind::Text:
    outs() << '"' << value.text << '"';
    return;
  case Kind::Space:
    outs() << value.text << " [";
    llvm::interleave(value.extents, outs(), " ");
    outs() << "]";
    return;
  case Kind::Result:
    outs() << "result " << value.text;
    return;
  case Kind::Input:
    outs() << "input " << value.text;
    return;
  case Kind::Range:
    printValue(value.arguments.front().value);
    outs() << "..";
    printValue(value.arguments.back().value);
    return;
  case Kind::Call:
  case Kind::List:
    outs() << value.text << "(";
    llvm::interleaveComma(value.arguments, outs(), [](const auto &argument) {
      if (!argument.name.empty())
        outs() << argument.name << (argument.isDistributed ? " ~ " : " = ");
      printValue(argument.value);
    });
    outs() << ")";
  }
}

static void printPlan(const sema::Module &module) {
  static constexpr StringRef verbs[] = {"train", "analyze", "simulate"};
  for (const sema::RunBlock &run : module.runs) {
    outs() << verbs[int(run.verb)] << " " << run.model << "\n";
    for (const sema::Setting &setting : run.settings) {
      outs() << "  " << setting.name;
      if (!setting.label.empty())
        outs() << " \"" << setting.label << "\"";
      if (setting.value) {
        outs() << " = ";
        printValue(*setting.value);
      }
      if (setting.every)
        outs() << llvm::format(" every %g", setting.every->number);
      outs() << "\n";
    }
  }
}

static void printParameters(const sema::Model &model) {
  for (const sema::Parameter *parameter : model.parameterOrder) {
    outs() << parameter->getStoredName() << " [";
    llvm::interleave(parameter->shape, outs(), ", ");
    outs() << "]" << (parameter->isFrozen ? " frozen " : " ")
           << parameter->description << "; " << parameter->start;
    if (!parameter->interval.empty())
      outs() << " in " << parameter->interval;
    outs() << "\n";
  }
  outs() << model.name << " has " << model.getNumLearned() << " parameters\n";
}

/// Checks one program and prints its messages.
static std::unique_ptr<sema::Module> check(SourceManager &sources, FileId id,
                                           const sema::Overrides &overrides) {
  DiagnosticEngine diagnostics;
  std::unique_ptr<sema::Module> module;
  // The tree is needed only until it is checked.
  if (auto file = parseFile(sources, id, diagnostics))
    module = sema::analyze(file.get(), sources, diagnostics, overrides);
  renderDiagnostics(diagnostics, sources, outs());
  return module;
}

/// True if the module of every model passes the verifier.
static bool canEmit(const sema::Module &module) {
  mlir::MLIRContext context;
  return llvm::all_of(module.models, [&](const auto &model) {
    return mlir::succeeded(mlir::verify(*emitModule(*model, context)));
  });
}

static void checkEach(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, "#--- ");
  for (StringRef part : ArrayRef(parts).drop_front()) {
    auto [title, program] = part.split('\n');
    sema::Overrides overrides;
    SmallVector<StringRef> words;
    title.split(words, " --set ");
    for (StringRef word : ArrayRef(words).drop_front())
      overrides.push_back(
          {word.split('=').first.str(), word.split('=').second.str()});
    SourceManager sources;
    outs() << "=== " << words.front() << "\n";
    auto module =
        check(sources, sources.addFile(words.front(), program), overrides);
    if (module)
      outs() << (canEmit(*module) ? "no errors\n" : "IR that is invalid\n");
    outs() << "\n";
  }
}

int main(int argc, char **argv) {
  StringRef mode, path, modelName;
  sema::Overrides overrides;
  IRGenOptions options;
  for (int i = 1; i < argc; ++i) {
    StringRef word = argv[i];
    if (word == "--f64")
      options.elementType = IRGenOptions::ElementType::F64;
    else if (word == "--model" && i + 1 < argc)
      modelName = argv[++i];
    else if (word == "--set" && i + 1 < argc) {
      auto [name, value] = StringRef(argv[++i]).split('=');
      overrides.push_back({name.str(), value.str()});
    } else if (word.starts_with("--"))
      mode = word;
    else
      path = word;
  }

  SourceManager sources;
  auto id = sources.openFile(path);
  if (!id) {
    llvm::errs() << llvm::toString(id.takeError()) << "\n";
    return 1;
  }
  if (mode == "--each") {
    checkEach(sources.getText(*id));
    return 0;
  }
  auto module = check(sources, *id, overrides);
  if (!module)
    return 1;

  options.sources = &sources;
  mlir::MLIRContext context;
  for (const auto &model : module->models) {
    if (!modelName.empty() && model->name != modelName)
      continue;
    auto ir = emitModule(*model, context, options);
    if (mlir::failed(mlir::verify(*ir)))
      return 2;
    if (mode == "--ir")
      ir->print(outs());
    if (mode == "--parameters")
      printParameters(*model);
  }
  if (mode == "--plan")
    printPlan(*module);
  return 0;
}
