//===- CommandSupport.cpp - What the commands share ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"

#include "compiler/AST/Suggest.h"
#include "compiler/Target/CPU/CPUTarget.h"

#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace loco;

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

/// The first error of standard output, 0 if there was none.
static int outputError = 0;

void loco::printText(llvm::StringRef text) {
  if (outputError == 0 &&
      std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    outputError = errno;
}

int loco::finishOutput() {
  if (outputError == 0 && std::fflush(stdout) != 0)
    outputError = errno;
  if (outputError == 0)
    return 0;
  if (outputError != EPIPE)
    reportError(std::string("cannot write to standard output: ") +
                std::strerror(outputError));
  return 1;
}

int loco::reportError(llvm::StringRef message) {
  std::string line = "error: " + message.str() + "\n";
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
  return 1;
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

std::unique_ptr<Compilation>
loco::compileProgram(const ProgramOptions &options) {
  auto compilation = Compilation::ofFile(
      options.file, {options.includeFolders, options.overrides, {}});
  compilation->checkDataSources();
  std::string text = compilation->renderDiagnostics(
      llvm::sys::Process::StandardErrHasColors());
  std::fwrite(text.data(), 1, text.size(), stderr);
  return compilation->getModule() ? std::move(compilation) : nullptr;
}

Expected<const sema::Model *> loco::pickModel(const Compilation &compilation,
                                              const ProgramOptions &options) {
  std::vector<std::string> names;
  // Those that the program declares come first, then their variants. A system
  // is meant only where it is named, or where there is nothing else.
  for (bool isSystem : {false, true})
    if (names.empty())
      for (const auto &model : compilation.getModule()->models)
        if (model->variantOf.empty() && model->isSystem == isSystem)
          names.push_back(model->name);
  if (names.empty())
    return Error{
        fmt::format("`{}` has no model that stands alone; one that takes a "
                    "space is given it with `--set name=vector(3)`",
                    options.file)};
  if (options.model.empty() && names.size() > 1)
    return Error{
        fmt::format("`{}` has the models {}; choose one with `--model`",
                    options.file, quoteNames(names))};
  const std::string &wanted =
      options.model.empty() ? names.front() : options.model;
  if (const sema::Model *model = compilation.getModule()->findModel(wanted))
    return model;
  std::vector<llvm::StringRef> candidates(names.begin(), names.end());
  std::string hint = didYouMean(options.model, candidates);
  return Error{
      fmt::format("`{}` has no model `{}`; {}", options.file, options.model,
                  hint.empty() ? "it has " + quoteNames(names) : hint)};
}

Status loco::checkProducts(Target target, std::optional<Products> products) {
  if (!products || products == Products::F32)
    return {};
  std::string asked =
      fmt::format("`--products {}`", productsName(*products).str());
  bool isOfTiles = tilePiecesOf(*products) > 0;
  if (target == Target::Reference)
    return Error{asked +
                 " is for compiled code; the interpreter multiplies f64"};
  if (target == Target::CUDA)
    return products == Products::BF16x6
               ? Error{asked + " is for a processor's AMX; `tf32x3` is as "
                               "accurate on a GPU"}
               : Status();
  if (!isOfTiles)
    return Error{asked + " is for a GPU's tensor cores; leave it out or write "
                         "`--target cuda`"};
  if (!CPUTarget::host().hasTiles)
    return Error{asked + " needs AMX, which this processor does not have or "
                         "its system does not give; leave it out"};
  return {};
}

Expected<ExecutionOptions> loco::resolveMachine(const MachineOptions &options) {
  ExecutionOptions execution;
  bool isReference = options.target == Target::Reference;
  execution.target = options.target;
  execution.memory = options.memory;
  execution.products = options.products;
  if (Status failed = checkProducts(options.target, options.products))
    return failed.error();
  execution.precision = options.precision.value_or(
      isReference ? ElementType::F64 : ElementType::F32);
  if (isReference && execution.precision == ElementType::F32)
    return Error{"the interpreter computes in f64 only; leave out `--precision "
                 "f32` or write `--target cpu`"};
  return execution;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string loco::formatNumber(double number, int digits) {
  return std::isnan(number) ? "nan" : fmt::format("{:.{}g}", number, digits);
}

std::string loco::formatCount(int64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t place = static_cast<int64_t>(digits.size()) - 3;
       place > (number < 0 ? 1 : 0); place -= 3)
    digits.insert(place, ",");
  return digits;
}

std::string loco::quoteNames(llvm::ArrayRef<std::string> names) {
  std::string text;
  for (auto [index, name] : llvm::enumerate(names)) {
    if (index > 0)
      text += index + 1 == names.size() ? " and " : ", ";
    text += "`" + name + "`";
  }
  return text;
}

void TextTable::add(llvm::ArrayRef<std::string> cells) {
  rows.emplace_back(cells.begin(), cells.end());
}

std::string TextTable::render() const {
  std::vector<size_t> widths;
  for (const auto &row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (auto [column, cell] : llvm::enumerate(row))
      widths[column] = std::max(widths[column], cell.size());
  }
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (auto [column, cell] : llvm::enumerate(row)) {
      size_t width = widths[column];
      line += llvm::is_contained(numeric, column)
                  ? fmt::format("  {:>{}}", cell, width)
                  : fmt::format("  {:<{}}", cell, width);
    }
    text += llvm::StringRef(line).rtrim().str() + "\n";
  }
  return text;
}
