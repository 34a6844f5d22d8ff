//===- Interpret.cpp - Calls functions in the reference interpreter -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// loco-interpret <file.mlir> <calls>: runs the calls that a text file lists and
// prints what they give, in full precision and in the form of the arguments:
//
//   call step
//   array 2 3 : 1 2 3 4 5 6
//   index 18
//   key 1 2 3
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Interpreter.h"
#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/LineIterator.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace loco;

static llvm::cl::opt<std::string> moduleFile(llvm::cl::Positional,
                                             llvm::cl::Required);
static llvm::cl::opt<std::string> callsFile(llvm::cl::Positional,
                                            llvm::cl::Required);

namespace {
struct Call {
  StringRef function;
  SmallVector<RuntimeValue> arguments;
};
} // namespace

/// The words that are left of a line, as numbers.
template <typename T>
static SmallVector<T> parseNumbers(StringRef text) {
  SmallVector<T> numbers;
  SmallVector<StringRef> words;
  text.split(words, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef word : words)
    if constexpr (std::is_floating_point_v<T>)
      numbers.push_back(std::strtod(word.str().c_str(), nullptr));
    else
      numbers.push_back(std::strtoll(word.str().c_str(), nullptr, 10));
  return numbers;
}

static RuntimeValue parseArgument(StringRef kind, StringRef rest) {
  if (kind == "index")
    return parseNumbers<int64_t>(rest).front();
  if (kind == "key") {
    SmallVector<int64_t> words = parseNumbers<int64_t>(rest);
    return RandomKey{uint64_t(words[0]), uint64_t(words[1]),
                     uint64_t(words[2])};
  }
  auto [shape, values] = rest.split(':');
  SmallVector<double> numbers = parseNumbers<double>(values);
  return Array{parseNumbers<int64_t>(shape), {numbers.begin(), numbers.end()}};
}

static std::vector<Call> parseCalls(const llvm::MemoryBuffer &buffer) {
  std::vector<Call> calls;
  for (llvm::line_iterator line(buffer); !line.is_at_end(); ++line) {
    auto [kind, rest] = line->split(' ');
    if (kind == "call")
      calls.push_back({rest, {}});
    else
      calls.back().arguments.push_back(parseArgument(kind, rest));
  }
  return calls;
}

static void print(const RuntimeValue &value) {
  if (auto *array = std::get_if<Array>(&value)) {
    llvm::outs() << "array ";
    for (int64_t extent : array->shape)
      llvm::outs() << extent << " ";
    llvm::outs() << ":";
    for (double number : array->values)
      llvm::outs() << llvm::format(" %.17g", number);
  } else if (auto *index = std::get_if<int64_t>(&value)) {
    llvm::outs() << "index " << *index;
  } else {
    RandomKey key = std::get<RandomKey>(value);
    llvm::outs() << "key " << key.seed << " " << key.update << " "
                 << key.sample;
  }
  llvm::outs() << "\n";
}

int main(int argc, char **argv) {
  llvm::cl::ParseCommandLineOptions(argc, argv);
  MLIRContext context;
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  context.loadDialect<LocoDialect>();
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(moduleFile, sources, &context);
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(callsFile);
  if (!module || !buffer)
    return 1;
  Interpreter interpreter(*module);
  for (const Call &call : parseCalls(**buffer)) {
    auto results = interpreter.call(call.function, call.arguments);
    if (failed(results))
      return 1;
    llvm::outs() << "call " << call.function << "\n";
    for (const RuntimeValue &result : *results)
      print(result);
  }
  return 0;
}
