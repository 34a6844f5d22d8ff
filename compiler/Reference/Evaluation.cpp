//===- Evaluation.cpp - What the interpreter's families of ops share ------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Evaluation.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace loco;
using namespace loco::reference;

bool reference::matches(Type type, ArrayRef<int64_t> shape) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return isa<FloatType>(type) && shape.empty();
  if (tensor.getRank() != static_cast<int64_t>(shape.size()))
    return false;
  for (auto [want, have] : llvm::zip(tensor.getShape(), shape))
    if (want != have && !ShapedType::isDynamic(want))
      return false;
  return true;
}

int64_t reference::getSize(ArrayRef<int64_t> shape) {
  int64_t size = 1;
  for (int64_t extent : shape)
    size *= extent;
  return size;
}

SmallVector<int64_t> reference::getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

Array reference::makeArray(ArrayRef<int64_t> shape) {
  return {SmallVector<int64_t>(shape), std::vector<double>(getSize(shape))};
}

LogicalResult Evaluation::setResult(unsigned i, Cell cell) {
  Type type = instruction.op->getResult(i).getType();
  if (auto *array = std::get_if<ArrayPointer>(&cell))
    if (!matches(type, (*array)->shape))
      return emitError() << "has a result of shape ["
                         << ArrayRef((*array)->shape) << "] for type " << type;
  frame[instruction.results[i]] = std::move(cell);
  return success();
}
