//===- SplitProducts.h - Functions divided at their products ----*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A large product of a parameter's matrix with what all samples have at all
// steps is one product of matrices, which a library makes better than a kernel
// of one sample does; so are large convolutions. The function is divided there:
// kernels before, between and behind such products, with arrays of all samples
// between them.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_JIT_SPLITPRODUCTS_H
#define COMPILER_JIT_SPLITPRODUCTS_H

#include "compiler/JIT/LibraryCalls.h"

namespace loco {

struct SplitFunction {
  struct Part {
    /// Of kernels: beside the function that was divided; null for a library's
    /// call.
    mlir::func::FuncOp function;
    /// A library's call; of kernels only which arrays their operands are.
    CudaPart code;
  };
  /// In their order; none if there is no such product.
  std::vector<Part> parts;
  /// Arrays between them, of one sample.
  llvm::SmallVector<mlir::RankedTensorType> between;
};

/// `lengths`: stacks that have other numbers of steps than the call; what would
/// have to stand between parts and is one of them leaves the function whole.
SplitFunction splitProducts(mlir::func::FuncOp function,
                            const llvm::DenseMap<mlir::Value, int64_t> &lengths,
                            GPULibraries libraries);

} // namespace loco

#endif // COMPILER_JIT_SPLITPRODUCTS_H
