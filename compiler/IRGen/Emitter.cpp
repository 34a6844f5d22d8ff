//===- Emitter.cpp - Nodes of a model's graph to ops ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/IRGen/Emitter.h"
#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;
using namespace loco::irgen;
using sema::Node;
using NodeOp = sema::Op;

//===----------------------------------------------------------------------===//
// Types and places
//===----------------------------------------------------------------------===//

RankedTensorType irgen::Context::getType(ArrayRef<int64_t> shape) const {
  return RankedTensorType::get(shape, element);
}

RankedTensorType irgen::Context::getType(const Node &node) const {
  Type type = element;
  if (node.element == sema::Element::Bool)
    type = IntegerType::get(element.getContext(), 1);
  else if (node.element == sema::Element::Class)
    type = IntegerType::get(element.getContext(), 32);
  return RankedTensorType::get(node.shape, type);
}

RankedTensorType irgen::Context::getType(const sema::Input &input) const {
  if (input.isClass())
    return RankedTensorType::get({},
                                 IntegerType::get(element.getContext(), 32));
  return getType(input.space->getShape());
}

Location irgen::Context::getLoc(SourceRange range) const {
  MLIRContext *context = element.getContext();
  if (!options.sources || !range.isValid())
    return UnknownLoc::get(context);
  LineColumn place = options.sources->getLineColumn(range.file, range.begin);
  return FileLineColLoc::get(context, options.sources->getName(range.file),
                             place.line, place.column);
}

Location irgen::Context::getLoc(StringRef name, SourceRange range) const {
  return NameLoc::get(StringAttr::get(element.getContext(), name),
                      getLoc(range));
}

bool irgen::isLocal(const Node *node) {
  return node->op == NodeOp::Constant || node->op == NodeOp::Array ||
         node->op == NodeOp::Broadcast || node->inStencil;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

/// A matrix of one column times its only number, which is no contraction: null
/// if there are more.
static Value productWithNumber(OpBuilder &builder, Location loc,
                               StringRef equation, Value matrix, Value vector) {
  auto type = cast<RankedTensorType>(matrix.getType());
  if (equation != "oi,i->o" || type.getDimSize(1) != 1)
    return Value();
  auto column =
      RankedTensorType::get(type.getShape().front(), type.getElementType());
  auto number = RankedTensorType::get({}, type.getElementType());
  Value factor = ReshapeOp::create(builder, loc, number, vector);
  return arith::MulFOp::create(
      builder, loc, ReshapeOp::create(builder, loc, column, matrix),
      BroadcastOp::create(builder, loc, column, factor, ArrayRef<int64_t>{0}));
}

void Emitter::emit(ArrayRef<const Node *> nodes) {
  auto known = [&](const Node *node) { return values.contains(node); };
  // The addends of a sum over time are emitted in its loop.
  auto stop = [&](const Node *node) {
    return known(node) || node->op == NodeOp::TimeSum;
  };
  for (const Node *node : sema::collectNodes(context.model.graph, nodes, stop))
    if (!known(node) && !node->inStencil && (!node->inIterate || isInIterate))
      values[node] = emitNode(*node);
}

Value Emitter::emitNode(const Node &node) {
  auto operand = [&](unsigned i) { return values.lookup(node.operands[i]); };
  Location loc = context.getLoc(node.range);
  switch (node.op) {
  case NodeOp::Parameter:
  case NodeOp::Input:
  case NodeOp::OldState:
  case NodeOp::StateAfter:
  case NodeOp::LoopFinal:
  case NodeOp::LoopOutput:
  case NodeOp::Random:
  case NodeOp::TimeSum:
  case NodeOp::StepCount:
  case NodeOp::StepIndex:
    return source(node);
  case NodeOp::Constant:
  case NodeOp::Array:
    return emitConstant(node);
  case NodeOp::Compare:
    return emitCompare(node, operand(0), operand(1));
  case NodeOp::Select:
    return arith::SelectOp::create(builder, loc, operand(0), operand(1),
                                   operand(2));
  case NodeOp::Broadcast:
  case NodeOp::Sum:
  case NodeOp::Max:
  case NodeOp::Reshape:
  case NodeOp::Slice:
  case NodeOp::Roll:
  case NodeOp::OneHot:
    return emitShape(node);
  case NodeOp::Concat: {
    SmallVector<Value> operands;
    for (const Node *each : node.operands)
      operands.push_back(values.lookup(each));
    return ConcatOp::create(builder, loc, context.getType(node), operands,
                            node.axes[0]);
  }
  case NodeOp::Contract:
    if (Value product = productWithNumber(builder, loc, node.equation,
                                          operand(0), operand(1)))
      return product;
    return ContractOp::create(builder, loc, context.getType(node),
                              node.equation, operand(0), operand(1));
  case NodeOp::Conv:
    return emitConv(node);
  case NodeOp::Stencil:
    return emitStencil(node);
  case NodeOp::Iterate:
    return emitIterate(node);
  case NodeOp::Gradient:
    return emitGradient(node);
  case NodeOp::Variable:
    llvm_unreachable("is bound where the derivative is made");
  case NodeOp::IterateResult:
    return operand(0).getDefiningOp<ScanOp>().getFinals()[node.member];
  case NodeOp::IterateArgument:
    llvm_unreachable("is bound where the loop is made");
  case NodeOp::Neighbour:
    llvm_unreachable("stands inside of a stencil only");
  default:
    return node.operands.size() == 1 ? emitUnary(node, operand(0))
                                     : emitBinary(node, operand(0), operand(1));
  }
}

Value Emitter::emitConstant(const Node &node) {
  RankedTensorType type = context.getType(node);
  auto make = [&](double number) {
    return FloatAttr::get(context.element, number).getValue();
  };
  DenseElementsAttr attribute;
  if (node.op == NodeOp::Constant) {
    attribute = DenseElementsAttr::get(type, make(node.number));
  } else {
    SmallVector<APFloat> numbers = llvm::map_to_vector(node.numbers, make);
    attribute = DenseElementsAttr::get(type, numbers);
  }
  return arith::ConstantOp::create(builder, context.getLoc(node.range),
                                   attribute);
}

Value Emitter::emitUnary(const Node &node, Value x) {
  Location loc = context.getLoc(node.range);
  switch (node.op) {
  case NodeOp::Negate:
    return arith::NegFOp::create(builder, loc, x);
  case NodeOp::Tanh:
    return math::TanhOp::create(builder, loc, x);
  case NodeOp::Sigmoid:
    return SigmoidOp::create(builder, loc, x.getType(), x);
  case NodeOp::Softplus:
    return SoftplusOp::create(builder, loc, x.getType(), x);
  case NodeOp::Exp:
    return math::ExpOp::create(builder, loc, x);
  case NodeOp::Expm1:
    return math::ExpM1Op::create(builder, loc, x);
  case NodeOp::Log:
    return math::LogOp::create(builder, loc, x);
  case NodeOp::Sin:
    return math::SinOp::create(builder, loc, x);
  case NodeOp::Cos:
    return math::CosOp::create(builder, loc, x);
  case NodeOp::Sqrt:
    return math::SqrtOp::create(builder, loc, x);
  case NodeOp::Abs:
    return math::AbsFOp::create(builder, loc, x);
  case NodeOp::Floor:
    return math::FloorOp::create(builder, loc, x);
  case NodeOp::StopGradient:
    return StopGradientOp::create(builder, loc, x.getType(), x);
  default:
    llvm_unreachable("not a function of one value");
  }
}

Value Emitter::emitBinary(const Node &node, Value lhs, Value rhs) {
  Location loc = context.getLoc(node.range);
  switch (node.op) {
  case NodeOp::Add:
    return arith::AddFOp::create(builder, loc, lhs, rhs);
  case NodeOp::Subtract:
    return arith::SubFOp::create(builder, loc, lhs, rhs);
  case NodeOp::Multiply:
    return arith::MulFOp::create(builder, loc, lhs, rhs);
  case NodeOp::Divide:
    return arith::DivFOp::create(builder, loc, lhs, rhs);
  case NodeOp::Maximum:
    return arith::MaximumFOp::create(builder, loc, lhs, rhs);
  case NodeOp::Minimum:
    return arith::MinimumFOp::create(builder, loc, lhs, rhs);
  case NodeOp::Power:
    return math::PowFOp::create(builder, loc, lhs, rhs);
  case NodeOp::Atan2:
    return math::Atan2Op::create(builder, loc, lhs, rhs);
  default:
    llvm_unreachable("not a function of two values");
  }
}

Value Emitter::emitCompare(const Node &node, Value lhs, Value rhs) {
  static constexpr arith::CmpFPredicate predicates[] = {
      arith::CmpFPredicate::OLT, arith::CmpFPredicate::OLE,
      arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE,
      arith::CmpFPredicate::OEQ, arith::CmpFPredicate::UNE};
  return arith::CmpFOp::create(builder, context.getLoc(node.range),
                               predicates[int(node.comparison)], lhs, rhs);
}

static Boundary getBoundary(const Node &node) {
  return node.wraps ? Boundary::Wrap : Boundary::Zero;
}

Value Emitter::emitShape(const Node &node) {
  Location loc = context.getLoc(node.range);
  RankedTensorType type = context.getType(node);
  Value x = values.lookup(node.operands[0]);
  auto reduce = [&](ReductionKind kind) -> Value {
    return ReduceOp::create(builder, loc, type, kind, x, node.axes);
  };
  switch (node.op) {
  case NodeOp::Broadcast:
    return BroadcastOp::create(builder, loc, type, x, node.axes);
  case NodeOp::Sum:
    return reduce(ReductionKind::Sum);
  case NodeOp::Max:
    return reduce(ReductionKind::Max);
  case NodeOp::Reshape:
    return x.getType() == type
               ? x
               : ReshapeOp::create(builder, loc, type, x).getResult();
  case NodeOp::Slice:
    return SliceOp::create(builder, loc, type, x, node.axes);
  case NodeOp::Roll:
    return RollOp::create(builder, loc, type, x, node.axes[0], node.axes[1],
                          getBoundary(node));
  case NodeOp::OneHot:
    return OneHotOp::create(builder, loc, type, x);
  default:
    llvm_unreachable("not an op on shapes");
  }
}

Value Emitter::emitConv(const Node &node) {
  ArrayRef<int64_t> axes = node.axes;
  size_t rank = axes.size() / 2;
  return ConvOp::create(builder, context.getLoc(node.range),
                        context.getType(node), values.lookup(node.operands[0]),
                        values.lookup(node.operands[1]), getBoundary(node),
                        axes.drop_front(rank), axes.take_front(rank),
                        node.groups);
}

/// The body is emitted from the nodes that depend on the neighbour; what they
/// use besides is the centre.
Value Emitter::emitStencil(const Node &node) {
  const Node *body = node.operands[0];
  auto inner = sema::collectNodes(context.model.graph, {body},
                                  [](const Node *n) { return !n->inStencil; });
  SmallVector<const Node *> centres, neighbours, constants;
  auto add = [](SmallVectorImpl<const Node *> &list, const Node *n) {
    if (!llvm::is_contained(list, n))
      list.push_back(n);
  };
  for (const Node *n : inner) {
    if (!n->inStencil)
      continue;
    if (n->op == NodeOp::Neighbour) {
      add(neighbours, n);
      continue;
    }
    for (const Node *operand : n->operands)
      if (!operand->inStencil)
        add(operand->op == NodeOp::Constant ? constants : centres, operand);
  }
  SmallVector<Value> centreValues, neighbourValues;
  for (const Node *n : centres)
    centreValues.push_back(values.lookup(n));
  for (const Node *n : neighbours)
    neighbourValues.push_back(values.lookup(n->operands[0]));

  Location loc = context.getLoc(node.range);
  RankedTensorType type = context.getType(node);
  auto stencil =
      StencilOp::create(builder, loc, TypeRange(type), centreValues,
                        neighbourValues, node.axes, getBoundary(node));
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&stencil.getBody());
  Emitter inside(context, builder, [](const Node &) -> Value {
    llvm_unreachable("a stencil's body has no sources");
  });
  for (const Node *n : centres)
    inside.bind(n, block->addArgument(type, loc));
  for (const Node *n : neighbours)
    inside.bind(n, block->addArgument(type, loc));
  for (const Node *n : inner) {
    if (n->inStencil || llvm::is_contained(constants, n))
      if (!inside.values.contains(n))
        inside.values[n] = inside.emitNode(*n);
  }
  YieldOp::create(builder, loc, ValueRange(), inside.values.lookup(body),
                  ValueRange());
  return stencil.getFields().front();
}
