//===- Products.h - Numbers that matrix products multiply -------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_PRODUCTS_H
#define COMPILER_CONVERSION_PRODUCTS_H

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace loco {

/// Numbers that products of matrices multiply; sums are f32 always. Tensor
/// cores multiply tf32 and bf16, a processor's tiles (AMX) bf16.
enum class Products {
  /// As they are, without tensor cores or tiles.
  F32,
  /// Rounded to 11 significant bits, to 8.
  TF32,
  BF16,
  /// As sums of two such numbers: three products, all but that of the two
  /// smaller ones.
  TF32x3,
  BF16x3,
  /// As sums of three: six products, with the error of f32. Of a processor
  /// only.
  BF16x6,
};

inline constexpr llvm::StringLiteral productsNames[] = {
    "f32", "tf32", "bf16", "tf32x3", "bf16x3", "bf16x6"};

inline llvm::StringRef productsName(Products products) {
  return productsNames[static_cast<int>(products)];
}

inline std::optional<Products> findProducts(llvm::StringRef name) {
  const auto *found = llvm::find(productsNames, name);
  if (found == std::end(productsNames))
    return std::nullopt;
  return static_cast<Products>(found - productsNames);
}

/// A processor's pieces of bf16 for a number; none: it multiplies f32, or knows
/// no such numbers.
inline int32_t tilePiecesOf(Products products) {
  return products == Products::BF16     ? 1
         : products == Products::BF16x3 ? 2
         : products == Products::BF16x6 ? 3
                                        : 0;
}

inline bool isByTensorCores(Products products) {
  return products != Products::F32;
}
/// Of a GPU: numbers that stand for one; how many of them are in a register.
inline int64_t partsOf(Products products) {
  return products == Products::TF32x3 || products == Products::BF16x3 ? 2 : 1;
}
inline int64_t numbersInRegister(Products products) {
  return products == Products::BF16 || products == Products::BF16x3 ? 2 : 1;
}

} // namespace loco

#endif // COMPILER_CONVERSION_PRODUCTS_H
