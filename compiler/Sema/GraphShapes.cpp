//===- GraphShapes.cpp - Values on other axes -----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Graph.h"

#include "llvm/ADT/STLExtras.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;

Node *Graph::constantLike(double number, const Node *like) {
  Node *node = make(Op::Constant, {}, like->shape, like->space);
  node->number = number;
  return node;
}

Node *Graph::broadcastLike(Node *scalar, const Node *like) {
  SmallVector<int64_t, 4> axes;
  for (size_t i = 0; i < like->shape.size(); ++i)
    axes.push_back(i);
  return broadcastShape(scalar, like->shape, axes, like->space);
}

Node *Graph::broadcast(Node *operand, const Space *space,
                       ArrayRef<int64_t> axes) {
  return broadcastShape(operand, space->getShape(), axes, space);
}

Node *Graph::broadcastShape(Node *operand, ArrayRef<int64_t> shape,
                            ArrayRef<int64_t> axes, const Space *space) {
  if (axes.empty())
    return operand;
  if (operand->op == Op::Constant) {
    Node *node = make(Op::Constant, {}, shape, space);
    node->number = operand->number;
    return node;
  }
  Node *node = make(Op::Broadcast, operand, shape, space);
  node->element = operand->element;
  node->axes.assign(axes.begin(), axes.end());
  return node;
}

Node *Graph::reduce(Op op, Node *operand, ArrayRef<int64_t> axes,
                    const Space *space) {
  if (axes.empty())
    return operand;
  SmallVector<int64_t, 4> shape;
  for (auto [axis, extent] : llvm::enumerate(operand->shape))
    if (!llvm::is_contained(axes, int64_t(axis)))
      shape.push_back(extent);
  Node *node = make(op, operand, shape, space);
  node->axes.assign(axes.begin(), axes.end());
  return node;
}

Node *Graph::reduceAll(Op op, Node *operand) {
  SmallVector<int64_t, 4> axes;
  for (size_t i = 0; i < operand->shape.size(); ++i)
    axes.push_back(i);
  return reduce(op, operand, axes, spaces.getScalar());
}

Node *Graph::reshapeTo(Node *operand, ArrayRef<int64_t> shape,
                       const Space *space) {
  if (ArrayRef(operand->shape) == shape && operand->space == space)
    return operand;
  return make(Op::Reshape, operand, shape, space);
}

Node *Graph::reshape(Node *operand, const Space *space) {
  return reshapeTo(operand, space->getShape(), space);
}

Node *Graph::flatten(Node *operand) {
  int64_t size = 1;
  for (int64_t extent : operand->shape)
    size *= extent;
  return reshapeTo(operand, {size}, nullptr);
}

Node *Graph::selectFirst(Node *operand, int64_t index, const Space *space) {
  SmallVector<int64_t, 4> box(operand->shape);
  box[0] = 1;
  SmallVector<int64_t, 4> offsets(box.size(), 0);
  offsets[0] = index;
  return reshapeTo(slice(operand, offsets, box), ArrayRef(box).drop_front(),
                   space);
}

Node *Graph::slice(Node *operand, ArrayRef<int64_t> offsets,
                   ArrayRef<int64_t> box) {
  Node *node = make(Op::Slice, operand, box, nullptr);
  node->axes.assign(offsets.begin(), offsets.end());
  return node;
}

Node *Graph::concat(ArrayRef<Node *> operands, int64_t axis,
                    const Space *space) {
  SmallVector<int64_t, 4> shape(operands.front()->shape);
  for (const Node *operand : operands.drop_front())
    shape[axis] += operand->shape[axis];
  Node *node = make(Op::Concat, operands, shape, space);
  node->axes = {axis};
  return node;
}

Node *Graph::roll(Node *operand, int64_t axis, int64_t distance, bool wraps) {
  Node *node = make(Op::Roll, operand, operand->shape, operand->space);
  node->axes = {axis, distance};
  node->wraps = wraps;
  return node;
}

Node *Graph::oneHot(Node *label, int64_t classes, const Space *space) {
  return make(Op::OneHot, label, {classes}, space);
}
