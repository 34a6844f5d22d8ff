//===- Graph.cpp - The values of a model ----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/Graph.h"
#include "compiler/Sema/Model.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

Node *Graph::make(Op op, ArrayRef<Node *> operands, ArrayRef<int64_t> shape,
                  const Space *space) {
  Node &node = nodes.emplace_back();
  node.op = op;
  node.operands.assign(operands.begin(), operands.end());
  node.shape.assign(shape.begin(), shape.end());
  node.space = space;
  node.range = range;
  node.graph = this;
  node.index = nodes.size() - 1;
  for (const Node *operand : operands) {
    node.perStep |= operand->perStep;
    node.usesState |= operand->usesState;
    node.readsState |= operand->readsState;
    node.usesRandom |= operand->usesRandom;
    node.usesLaterStep |= operand->usesLaterStep;
    node.usesSequence |= operand->usesSequence;
    node.afterLoop |= operand->afterLoop;
    node.inStencil |= operand->inStencil;
    node.inIterate |= operand->inIterate;
  }
  return &node;
}

static bool isPerStep(Moment moment) {
  return moment == Moment::Current || moment == Moment::Next ||
         moment == Moment::NextWrap;
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

Node *Graph::constant(double number, const Space *space) {
  if (!space)
    space = spaces.getScalar();
  Node *node = make(Op::Constant, {}, space->getShape(), space);
  node->number = number;
  return node;
}

Node *Graph::array(ArrayRef<double> numbers, const Space *space) {
  Node *node = array(numbers, ArrayRef(space->getShape()));
  node->space = space;
  return node;
}

Node *Graph::fill(double number, ArrayRef<int64_t> shape) {
  Node *node = make(Op::Constant, {}, shape, nullptr);
  node->number = number;
  return node;
}

Node *Graph::array(ArrayRef<double> numbers, ArrayRef<int64_t> shape) {
  Node *node = make(Op::Array, {}, shape, nullptr);
  node->numbers.assign(numbers.begin(), numbers.end());
  return node;
}

Node *Graph::readParameter(const Parameter &parameter) {
  Node *node = make(Op::Parameter, {}, parameter.shape, parameter.space);
  node->parameter = &parameter;
  return node;
}

Node *Graph::readInput(const Input &input, Moment moment) {
  SmallVector<int64_t, 4> shape;
  if (!input.isClass())
    shape = input.space->getShape();
  Node *node = make(Op::Input, {}, shape, input.space);
  node->input = &input;
  node->moment = moment;
  node->perStep = isPerStep(moment);
  node->usesLaterStep = moment == Moment::Next;
  node->usesSequence = moment == Moment::Next || moment == Moment::NextWrap ||
                       moment == Moment::Last;
  if (input.isClass())
    node->element = Element::Class;
  return node;
}

Node *Graph::oldState(const State &state) {
  Node *node = make(Op::OldState, {}, state.space->getShape(), state.space);
  node->state = &state;
  node->perStep = node->usesState = node->readsState = true;
  return node;
}

Node *Graph::stateAfter(const State &state, Moment moment) {
  Node *node = make(Op::StateAfter, {}, state.space->getShape(), state.space);
  node->state = &state;
  node->moment = moment;
  node->usesState = node->afterLoop = node->usesSequence = true;
  return node;
}

Node *Graph::random(bool isNormal, uint64_t stream, Moment moment,
                    const Space *space) {
  Node *node = random(isNormal, stream, moment, ArrayRef(space->getShape()));
  node->space = space;
  return node;
}

Node *Graph::random(bool isNormal, uint64_t stream, Moment moment,
                    ArrayRef<int64_t> shape) {
  Node *node = make(Op::Random, {}, shape, nullptr);
  node->isNormal = isNormal;
  node->stream = stream;
  node->moment = moment;
  node->perStep = moment == Moment::Current;
  node->usesSequence = moment == Moment::Last;
  node->usesRandom = true;
  return node;
}

Node *Graph::stepCount() {
  Node *node = make(Op::StepCount, {}, {}, spaces.getScalar());
  node->usesSequence = true;
  return node;
}

Node *Graph::stepIndex() {
  Node *node = make(Op::StepIndex, {}, {}, spaces.getScalar());
  node->perStep = true;
  return node;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

static double fold(Op op, double x) {
  switch (op) {
  case Op::Negate:
    return -x;
  case Op::Tanh:
    return std::tanh(x);
  case Op::Sigmoid:
    return 1 / (1 + std::exp(-x));
  case Op::Softplus:
    return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
  case Op::Exp:
    return std::exp(x);
  case Op::Expm1:
    return std::expm1(x);
  case Op::Log:
    return std::log(x);
  case Op::Sin:
    return std::sin(x);
  case Op::Cos:
    return std::cos(x);
  case Op::Sqrt:
    return std::sqrt(x);
  case Op::Abs:
    return std::abs(x);
  case Op::Floor:
    return std::floor(x);
  case Op::StopGradient:
    return x;
  default:
    llvm_unreachable("not a function of one number");
  }
}

static double fold(Op op, double x, double y) {
  switch (op) {
  case Op::Add:
    return x + y;
  case Op::Subtract:
    return x - y;
  case Op::Multiply:
    return x * y;
  case Op::Divide:
    return x / y;
  case Op::Maximum:
    return std::max(x, y);
  case Op::Minimum:
    return std::min(x, y);
  case Op::Power:
    return std::pow(x, y);
  case Op::Atan2:
    return std::atan2(x, y);
  default:
    llvm_unreachable("not a function of two numbers");
  }
}

Node *Graph::unary(Op op, Node *operand) {
  if (operand->isNumber())
    return constant(fold(op, operand->number));
  return make(op, operand, operand->shape, operand->space);
}

Node *Graph::binary(Op op, Node *lhs, Node *rhs) {
  assert(lhs->shape == rhs->shape && "broadcasts are written");
  if (lhs->isNumber() && rhs->isNumber())
    return constant(fold(op, lhs->number, rhs->number));
  return make(op, {lhs, rhs}, lhs->shape, lhs->space ? lhs->space : rhs->space);
}

Node *Graph::compare(Comparison comparison, Node *lhs, Node *rhs) {
  assert(lhs->shape == rhs->shape && "broadcasts are written");
  Node *node = make(Op::Compare, {lhs, rhs}, lhs->shape, lhs->space);
  node->comparison = comparison;
  node->element = Element::Bool;
  return node;
}

Node *Graph::select(Node *condition, Node *ifTrue, Node *ifFalse) {
  assert(condition->shape == ifTrue->shape && ifTrue->shape == ifFalse->shape);
  return make(Op::Select, {condition, ifTrue, ifFalse}, ifTrue->shape,
              ifTrue->space);
}

Node *Graph::relu(Node *operand) {
  if (operand->isNumber())
    return constant(std::max(operand->number, 0.0));
  Node *zero = constantLike(0, operand);
  return select(compare(Comparison::LessEqual, operand, zero), zero, operand);
}

//===----------------------------------------------------------------------===//
// Couplings, neighbourhoods, time
//===----------------------------------------------------------------------===//

Node *Graph::contract(StringRef equation, Node *lhs, Node *rhs,
                      ArrayRef<int64_t> shape) {
  Node *node = make(Op::Contract, {lhs, rhs}, shape, nullptr);
  node->equation = equation;
  return node;
}

Node *Graph::conv(Node *kernel, Node *field, ArrayRef<int64_t> low,
                  ArrayRef<int64_t> strides, int64_t groups, bool wraps,
                  ArrayRef<int64_t> shape) {
  Node *node = make(Op::Conv, {kernel, field}, shape, nullptr);
  node->axes.assign(low.begin(), low.end());
  node->axes.append(strides.begin(), strides.end());
  node->groups = groups;
  node->wraps = wraps;
  return node;
}

Node *Graph::neighbour(Node *field) {
  Node *node = make(Op::Neighbour, field, field->shape, field->space);
  node->inStencil = true;
  return node;
}

Node *Graph::stencil(Node *body, ArrayRef<int64_t> offsets, bool wraps) {
  Node *node = make(Op::Stencil, body, body->shape, body->space);
  node->axes.assign(offsets.begin(), offsets.end());
  node->wraps = wraps;
  node->inStencil = false;
  return node;
}

Node *Graph::timeSum(Node *operand) {
  Node *node = make(Op::TimeSum, operand, operand->shape, operand->space);
  node->perStep = node->usesLaterStep = false;
  node->usesSequence = true;
  // A sum of values that no state enters can be made before the loop.
  node->afterLoop = operand->usesState;
  return node;
}

Node *Graph::loopFinal(const InnerLoop &loop, unsigned state) {
  const Space *space = loop.states[state].space;
  Node *node = make(Op::LoopFinal, {}, space->getShape(), space);
  node->loop = &loop;
  node->member = state;
  node->usesSequence = true;
  return node;
}

Node *Graph::loopOutput(const InnerLoop &loop, unsigned output, Moment moment) {
  const Node *made = loop.outputs[output];
  Node *node = make(Op::LoopOutput, {}, made->shape, made->space);
  node->loop = &loop;
  node->member = output;
  node->moment = moment;
  node->perStep = isPerStep(moment);
  node->usesLaterStep = moment == Moment::Next;
  node->usesSequence = true;
  return node;
}

Node *Graph::iterateArgument(Node *start, unsigned member) {
  Node *node = make(Op::IterateArgument, {}, start->shape, start->space);
  node->member = member;
  node->perStep = node->usesState = node->readsState = node->inIterate = true;
  return node;
}

SmallVector<Node *, 0> Graph::iterate(ArrayRef<Node *> starts,
                                      ArrayRef<Node *> next, int64_t passes,
                                      Node *condition) {
  SmallVector<Node *> operands(starts);
  operands.append(next.begin(), next.end());
  if (condition)
    operands.push_back(condition);
  Node *loop = make(Op::Iterate, operands, starts[0]->shape, nullptr);
  loop->axes = {int64_t(starts.size()), passes, condition != nullptr};
  loop->inIterate = false;
  SmallVector<Node *, 0> results;
  for (auto [i, start] : llvm::enumerate(starts)) {
    results.push_back(
        make(Op::IterateResult, loop, start->shape, start->space));
    results.back()->member = i;
  }
  return results;
}

Node *Graph::copy(const Node &node, ArrayRef<Node *> operands) {
  Node *made = make(node.op, operands, node.shape, node.space);
  Node flags = *made;
  unsigned index = made->index;
  *made = node;
  made->operands = flags.operands;
  if (node.op == Op::Gradient)
    copyBody(node, *made);
  made->graph = this;
  made->index = index;
  made->range = range;
  if (operands.empty())
    return made;
  made->perStep = flags.perStep;
  made->usesState = flags.usesState;
  made->readsState = flags.readsState;
  made->usesRandom |= flags.usesRandom;
  made->usesLaterStep = flags.usesLaterStep;
  made->usesSequence = flags.usesSequence;
  made->afterLoop = flags.afterLoop;
  return made;
}

SmallVector<const Node *, 0>
sema::collectNodes(const Graph &graph, ArrayRef<const Node *> roots,
                   llvm::function_ref<bool(const Node *)> stop) {
  llvm::BitVector needed(graph.size());
  SmallVector<const Node *, 0> work(roots.begin(), roots.end());
  while (!work.empty()) {
    const Node *node = work.pop_back_val();
    if (needed.test(node->index))
      continue;
    needed.set(node->index);
    if (!stop(node))
      work.append(node->operands.begin(), node->operands.end());
  }
  SmallVector<const Node *, 0> nodes;
  for (unsigned index : needed.set_bits())
    nodes.push_back(graph[index]);
  return nodes;
}
