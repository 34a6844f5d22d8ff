//===- Convert.h - Numbers of one type as those of another ------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_LIB_CONVERT_H
#define LOCO_LIB_CONVERT_H

#include "loco/Tensor.h"

namespace loco {

/// Writes `count` numbers at `from` to `to`, each as the type there has it.
void convertElements(ElementType fromType, const void *from, ElementType toType,
                     void *to, int64_t count);

} // namespace loco

#endif // LOCO_LIB_CONVERT_H
