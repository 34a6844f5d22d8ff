//===- Products.h - With which numbers a GPU multiplies ---------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CONVERSION_LOCOTOGPU_PRODUCTS_H
#define COMPILER_CONVERSION_LOCOTOGPU_PRODUCTS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>

namespace loco {

/// Numbers that products of matrices multiply; sums are f32 always.
enum class Products {
  /// As they are, without tensor cores.
  F32,
  /// Rounded to 11 significant bits, to 8.
  TF32,
  BF16,
  /// As sums of two such numbers: three products, all but that of the two
  /// smaller ones.
  TF32x3,
  BF16x3,
};

inline constexpr llvm::StringLiteral productsNames[] = {"f32", "tf32", "bf16",
                                                        "tf32x3", "bf16x3"};

inline llvm::StringRef productsName(Products products) {
  return productsNames[static_cast<int>(products)];
}

inline std::optional<Products> findProducts(llvm::StringRef name) {
  for (int i = 0; i < 5; ++i)
    if (productsNames[i] == name)
      return static_cast<Products>(i);
  return std::nullopt;
}

inline bool isByTensorCores(Products products) {
  return products != Products::F32;
}
/// Numbers that stand for one; how many of them are in a register.
inline int64_t partsOf(Products products) {
  return products == Products::TF32x3 || products == Products::BF16x3 ? 2 : 1;
}
inline int64_t numbersInRegister(Products products) {
  return products == Products::BF16 || products == Products::BF16x3 ? 2 : 1;
}

} // namespace loco

#endif // COMPILER_CONVERSION_LOCOTOGPU_PRODUCTS_H
