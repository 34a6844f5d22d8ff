//===- IRGen.h - From checked models to the loco dialect --------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Emits the functions that docs/ModelIR.md lists. Nothing is optimised here.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_IRGEN_IRGEN_H
#define COMPILER_IRGEN_IRGEN_H

#include "compiler/AST/SourceFile.h"
#include "compiler/Sema/Model.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace loco {

struct IRGenOptions {
  enum class ElementType { F32, F64 };
  ElementType elementType = ElementType::F32;
  /// Turns places into lines and columns; without it locations are unknown.
  const SourceManager *sources = nullptr;
};

/// The module of one model. It passes the verifier; the dialects that it uses
/// are loaded into `context`.
mlir::OwningOpRef<mlir::ModuleOp> emitModule(const sema::Model &model,
                                             mlir::MLIRContext &context,
                                             const IRGenOptions &options = {});

} // namespace loco

#endif // COMPILER_IRGEN_IRGEN_H
