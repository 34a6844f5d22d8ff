//===- LibraryCalls.h - What a library makes of a function ------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops of a function, or loops of one such op, that are one call of a library
// for all samples and steps.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_JIT_LIBRARYCALLS_H
#define COMPILER_JIT_LIBRARYCALLS_H

#include "loco/Cuda.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>

namespace loco {

/// Elements of a matrix, or of a convolution's kernel, from which on a library
/// makes their products.
inline constexpr int64_t libraryElements = 16384;

/// Which libraries there are.
struct GPULibraries {
  /// cuBLAS and cuDNN.
  bool products = false, convolutions = false;

  bool any() const { return products || convolutions; }
  /// For keys of caches.
  uint64_t number() const { return products + 2 * convolutions; }
};

/// A call, without its arrays, and its operands and result in the function.
struct LibraryCall {
  CudaPart part;
  mlir::Value left, right, out;
};

/// What of `function` libraries make.
class LibraryCalls {
public:
  /// True of a value that every sample has for itself.
  using IsOfSample = llvm::function_ref<bool(mlir::Value)>;

  LibraryCalls(mlir::func::FuncOp function, GPULibraries libraries)
      : function(function), libraries(libraries) {}

  /// The call that `op` is, if it is one.
  std::optional<LibraryCall> match(mlir::Operation &op,
                                   IsOfSample isOfSample) const;

  /// An argument that all samples share.
  bool isShared(mlir::Value value) const;
  /// The results of the function that a value is.
  llvm::SmallVector<unsigned> resultsOf(mlir::Value value) const;

private:
  /// An op with values of the function in place of its own.
  struct Candidate {
    mlir::Operation *op;
    llvm::SmallVector<mlir::Value, 2> operands;
    mlir::Value out;
  };
  std::optional<Candidate> openScan(mlir::Operation &op) const;
  std::optional<LibraryCall> matchApply(const Candidate &from, unsigned matrix,
                                        IsOfSample isOfSample) const;
  std::optional<LibraryCall> matchOuter(const Candidate &from,
                                        IsOfSample isOfSample) const;
  std::optional<LibraryCall> matchConvolution(const Candidate &from,
                                              IsOfSample isOfSample) const;
  bool isSumOfSamples(mlir::Value out) const;
  bool isAnySum(mlir::Value out) const;

  mutable mlir::func::FuncOp function;
  GPULibraries libraries;
};

/// `apply 784 to 1296` and the like, with the library's name.
std::string describeCall(const CudaPart &part);

} // namespace loco

#endif // COMPILER_JIT_LIBRARYCALLS_H
