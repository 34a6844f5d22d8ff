//===- Arrays.h - The caller's arrays ------------------------- -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CAPI_ARRAYS_H
#define COMPILER_CAPI_ARRAYS_H

#include "compiler/CAPI/Outcome.h"
#include "loco/Program.h"

#include <map>
#include <string>
#include <vector>

namespace loco {

/// What an array stands for: the words that messages call it by, and what it
/// has to hold.
struct ArrayTarget {
  /// "input `x`".
  std::string what;
  ElementType type;
  Shape shape;
};

/// The constant for an element type.
LocoElementType toConstant(ElementType type);

/// Checks that the array is one at all, and fits.
Outcome checkArrayToRead(const LocoArray &array, const ArrayTarget &target);
/// The same for one that is written: no two of its elements may be at the same
/// place because of a stride of 0.
Outcome checkArrayToWrite(const LocoArray &array, const ArrayTarget &target);

/// Copies the elements of a checked array to a tensor of the same number of
/// elements, row by row, in the tensor's type.
void readArray(const LocoArray &array, Tensor &tensor);
/// The reverse.
void writeArray(const Tensor &tensor, const LocoArray &array);

/// That all elements of an I32 tensor are below `classes`.
Outcome checkClasses(const Tensor &labels, int64_t classes,
                     const std::string &what);

/// Arrays by name: the list of a call, with no name missing or given twice.
using NamedArrays = std::map<std::string, const LocoArray *>;
Outcome collectArrays(const LocoNamedArray *list, size_t count,
                      const char *what, NamedArrays &arrays);

/// That there is memory for tensors of these shapes, where they are large.
/// Tensors cannot say so themselves.
Outcome checkRoom(const std::vector<Shape> &shapes);

} // namespace loco

#endif // COMPILER_CAPI_ARRAYS_H
