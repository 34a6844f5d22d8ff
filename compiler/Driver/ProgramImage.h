//===- ProgramImage.h - All that a run needs of a program -------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program after everything that text and MLIR are needed for: its run
// blocks, facts of its models, and the keys of their machine code. It is plain
// data, kept in the object cache. docs/Architecture.md says how something that
// a run newly needs becomes part of it.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_PROGRAMIMAGE_H
#define COMPILER_DRIVER_PROGRAMIMAGE_H

#include "compiler/Driver/ModelFacts.h"
#include "compiler/Driver/Signature.h"
#include "compiler/JIT/CompiledKernel.h"
#include "loco/Cuda.h"
#include "loco/TensorRecipe.h"

#include <map>

namespace loco {

/// A text that the program is made of. They stand in the order of the source
/// manager, so that source ranges stay true.
struct FileImage {
  std::string name, text;
  /// A file of the user's, not one that is built into the compiler.
  bool isOwn = false;
};

/// Machine code that answers a request, or makes the initial values.
struct EntryCode {
  /// Machine code of the processor, or what a GPU's driver loads.
  KernelObject object;
  /// What the kernel's results are: results by name, then gradients.
  std::vector<std::string> results, gradients;
  /// Of a GPU's code; or its parts, and the arrays between them.
  CudaLaunch launch = {};
  std::vector<CudaPart> parts = {};
  std::vector<KernelOperand> between = {};
};

/// A model that was translated at least once.
struct ModelCode {
  Signature signature;
  /// Keys of entries in the object cache, by `getEntryName`.
  std::map<std::string, std::string> entries;
  /// What makes the initial values, if that needs no code.
  std::optional<std::vector<TensorRecipe>> recipes;
  /// If it does, the code's key, and the numbers that it takes; empty if they
  /// are interpreted.
  std::string initial;
  std::vector<std::vector<double>> initialNumbers;
};

struct ProgramImage {
  std::vector<FileImage> files;
  /// Files that, if they were there, would stand in place of others.
  std::vector<std::string> absentFiles;
  std::string sourceHash;
  std::vector<sema::RunBlock> runs;
  std::vector<ModelFacts> models;
  /// By the model's name.
  std::map<std::string, ModelCode> code;

  const ModelFacts *findModel(llvm::StringRef name) const;
  /// Texts of the user's files by name, without folders.
  std::map<std::string, std::string> getSourceTexts() const;
};

/// As bytes that only the same build of loco reads.
std::string writeImage(const ProgramImage &image);
std::string writeCode(const EntryCode &code);

/// Nothing if the bytes are not what was written.
std::optional<ProgramImage> readImage(llvm::StringRef bytes);
std::optional<EntryCode> readCode(llvm::StringRef bytes);

} // namespace loco

#endif // COMPILER_DRIVER_PROGRAMIMAGE_H
