//===- ElaborateBuiltin.cpp - Functions of the language -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Builtins.h"
#include "compiler/Sema/ModelInstance.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;

static constexpr BuiltinForm builtins[] = {
    {"tanh", Builtin::Tanh, 1, 1},
    {"sigmoid", Builtin::Sigmoid, 1, 1},
    {"softplus", Builtin::Softplus, 1, 1},
    {"relu", Builtin::Relu, 1, 1},
    {"exp", Builtin::Exp, 1, 1},
    {"log", Builtin::Log, 1, 1},
    {"sin", Builtin::Sin, 1, 1},
    {"cos", Builtin::Cos, 1, 1},
    {"sqrt", Builtin::Sqrt, 1, 1},
    {"abs", Builtin::Abs, 1, 1},
    {"floor", Builtin::Floor, 1, 1},
    {"stop_gradient", Builtin::StopGradient, 1, 1},
    {"atan2", Builtin::Atan2, 2, 2},
    {"clamp", Builtin::Clamp, 3, 3},
    {"select", Builtin::Select, 3, 3},
    {"min", Builtin::Min, 2, 2},
    {"max", Builtin::Max, 1, 2},
    {"sum", Builtin::Sum, 1, 1},
    {"mean", Builtin::Mean, 1, 1},
    {"reshape", Builtin::Reshape, 1, 2},
    {"concat", Builtin::Concat, 2, 64},
    {"upsample", Builtin::Upsample, 2, 2},
    {"average_pool", Builtin::AveragePool, 2, 2},
    {"outer", Builtin::Outer, 2, 2},
    {"first", Builtin::First, 1, 1},
    {"last", Builtin::Last, 1, 1},
    {"next", Builtin::Next, 1, 2},
    {"gaussian", Builtin::Gaussian, 1, 1},
    {"sample", Builtin::Sample, 1, 1},
    {"kl", Builtin::Kl, 1, 1},
    {"bernoulli", Builtin::Bernoulli, 2, 2},
    {"cross_entropy", Builtin::CrossEntropy, 2, 2},
    {"one_hot", Builtin::OneHot, 1, 1},
    {"sites", Builtin::Sites, 1, 1},
    {"channels", Builtin::Channels, 1, 1},
    {"rows", Builtin::Rows, 1, 1},
    {"columns", Builtin::Columns, 1, 1},
    {"positions", Builtin::Positions, 1, 1},
    {"outputs", Builtin::Outputs, 2, 2},
    {"final", Builtin::Final, 2, 2},
    {"reverse", Builtin::Reverse, 1, 1},
    {"grad", Builtin::Grad, 2, 2},
};

ArrayRef<BuiltinForm> sema::getBuiltins() { return builtins; }

const BuiltinForm *sema::findBuiltin(StringRef name) {
  for (const BuiltinForm &form : builtins)
    if (form.name == name)
      return &form;
  return nullptr;
}

static Op getUnaryOp(Builtin builtin) {
  switch (builtin) {
  case Builtin::Tanh:
    return Op::Tanh;
  case Builtin::Sigmoid:
    return Op::Sigmoid;
  case Builtin::Softplus:
    return Op::Softplus;
  case Builtin::Exp:
    return Op::Exp;
  case Builtin::Log:
    return Op::Log;
  case Builtin::Sin:
    return Op::Sin;
  case Builtin::Cos:
    return Op::Cos;
  case Builtin::Sqrt:
    return Op::Sqrt;
  case Builtin::Abs:
    return Op::Abs;
  case Builtin::Floor:
    return Op::Floor;
  case Builtin::StopGradient:
    return Op::StopGradient;
  default:
    llvm_unreachable("not a function of one value");
  }
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// Negative log likelihood of a target in [0, 1] under Bernoulli(p), a field.
/// If p is a sigmoid, softplus(l) - t * l is exact in both tails; otherwise
/// the logarithms are cut at -100, as PyTorch does.
static Node *makeBernoulli(Graph &graph, Node *p, Node *target) {
  if (p->op == Op::Sigmoid) {
    Node *logit = p->operands[0];
    return graph.binary(Op::Subtract, graph.unary(Op::Softplus, logit),
                        graph.binary(Op::Multiply, target, logit));
  }
  Node *one = graph.constantLike(1, p), *floor = graph.constantLike(-100, p);
  auto safeLog = [&](Node *value) {
    return graph.binary(Op::Maximum, graph.unary(Op::Log, value), floor);
  };
  Node *hit = graph.binary(Op::Multiply, target, safeLog(p));
  Node *miss =
      graph.binary(Op::Multiply, graph.binary(Op::Subtract, one, target),
                   safeLog(graph.binary(Op::Subtract, one, p)));
  return graph.unary(Op::Negate, graph.binary(Op::Add, hit, miss));
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// `mean(z, axis = 0)`, as other languages write it.
static bool namesAxis(const Call &call) {
  return llvm::any_of(call.arguments, [](const ast::Argument &argument) {
    return argument.kind == ast::Argument::Kind::Named &&
           (argument.name.name == "axis" || argument.name.name == "dim");
  });
}

/// Finds the function that a call names and checks the number of arguments;
/// null after an error.
const BuiltinForm *Elaborator::checkBuiltinCall(const Call &call) {
  const BuiltinForm *form = findBuiltin(call.name);
  if (!form) {
    std::vector<StringRef> names;
    for (const BuiltinForm &known : builtins)
      names.push_back(known.name);
    error("unknown-name", call.calleeRange,
          "no function or layer is called `" + call.name + "`")
        .hint(suggest(call.name, names));
    return nullptr;
  }
  if (call.size() < form->least || call.size() > form->most) {
    std::string wanted = std::to_string(form->least);
    if (form->most == form->least + 1)
      wanted += " or " + std::to_string(form->most);
    else if (form->most != form->least)
      wanted += " to " + std::to_string(form->most);
    error("wrong-count", call.range,
          "`" + call.name + "` takes " + wanted +
              (form->most == 1 ? " argument, not " : " arguments, not ") +
              llvm::Twine(call.size()))
        .hint(namesAxis(call) ? "write `" + call.name.str() +
                                    "(a)` for all sites, or `sum(a over "
                                    "channels)`, `mean(a over time)`"
                              : "");
    return nullptr;
  }
  return checkPositional(call) ? form : nullptr;
}

Meaning Elaborator::getArgument(const Call &call, size_t i) {
  const ast::Expr *expr = call.getExpr(i);
  return expr ? elaborate(expr) : *call.piped;
}

/// first, last, next.
Meaning Elaborator::callTime(Builtin builtin, const Call &call) {
  const ast::Expr *expr = call.getExpr(0);
  if (!expr) {
    error("misplaced", call.range,
          "`" + call.name + "` cannot stand in a pipe");
    return {};
  }
  Moment moment = builtin == Builtin::First  ? Moment::First
                  : builtin == Builtin::Last ? Moment::Last
                                             : Moment::Next;
  if (call.size() == 2) {
    auto *mode = llvm::dyn_cast<ast::NameExpr>(call.getExpr(1));
    if (!mode || mode->name != "wrap") {
      error("unknown-argument", call.getRange(1),
            "`next` takes a value and possibly `wrap`, not `" +
                getText(call.getRange(1)) + "`");
      return {};
    }
    moment = Moment::NextWrap;
  }
  Feed part = readSequence(expr);
  if (part.isPlain())
    return elaborateAt(moment, expr, call.range);
  if (moment == Moment::First || moment == Moment::Last)
    return elaborateAtEnd(moment, part);
  error("misplaced", call.range,
        "`next` takes a value per step, not a part of the steps");
  return {};
}

/// sites, channels.
Meaning Elaborator::callSpace(Builtin builtin, const Call &call) {
  const ast::Expr *expr = call.getExpr(0);
  if (!expr)
    error("misplaced", call.range,
          "`" + call.name + "` cannot stand in a pipe");
  const Space *space = expr ? evaluateSpace(expr) : nullptr;
  if (!space)
    return {};
  return Meaning::ofValue(graph.constant(
      builtin == Builtin::Sites ? space->getNumSites()
                                : std::max<int64_t>(space->channels, 1)));
}

/// The arguments as values that live on one space; false after an error.
bool Elaborator::unifyArguments(Builtin builtin, const Call &call,
                                SmallVectorImpl<Node *> &values) {
  for (size_t i = 0; i < call.size(); ++i) {
    Meaning meaning = getArgument(call, i);
    bool isCondition = meaning.is(Meaning::Kind::Value) &&
                       meaning.value->element == Element::Bool;
    if (builtin != Builtin::Select || i != 0)
      values.push_back(requireValue(meaning, call.getRange(i)));
    else
      values.push_back(isCondition ? meaning.value : nullptr);
    if (builtin == Builtin::Select && i == 0 && meaning.isValid() &&
        !isCondition)
      error("not-a-condition", call.getRange(0),
            "`" + getText(call.getRange(0)) + "` is not a comparison");
  }
  if (llvm::is_contained(values, nullptr))
    return false;
  // Twice: an operand in the middle may have made the first one larger.
  for (int round = 0; round < 2; ++round)
    for (size_t i = 1; i < values.size(); ++i)
      if (!unify(values[0], values[i], call.getRange(0), call.getRange(i)))
        return false;
  return true;
}

/// min(max(x, low), high) by comparisons, so that the derivative at both ends
/// is 1 and NaN stays.
static Node *makeClamp(Graph &graph, Node *x, Node *low, Node *high) {
  Node *above = graph.select(graph.compare(Comparison::Less, x, low), low, x);
  return graph.select(graph.compare(Comparison::Greater, above, high), high,
                      above);
}

static Node *makeMean(Graph &graph, Node *x) {
  int64_t number = 1;
  for (int64_t extent : x->shape)
    number *= extent;
  return graph.binary(Op::Divide, graph.reduceAll(Op::Sum, x),
                      graph.constant(number));
}

/// Functions of values that live on one space.
static Node *makeFunction(Graph &graph, Builtin builtin,
                          ArrayRef<Node *> values) {
  Node *x = values[0];
  switch (builtin) {
  case Builtin::Relu:
    return graph.relu(x);
  case Builtin::Clamp:
    return makeClamp(graph, x, values[1], values[2]);
  case Builtin::Select:
    return graph.select(x, values[1], values[2]);
  case Builtin::Atan2:
    return graph.binary(Op::Atan2, x, values[1]);
  case Builtin::Min:
    return graph.binary(Op::Minimum, x, values[1]);
  case Builtin::Max:
    return values.size() == 2 ? graph.binary(Op::Maximum, x, values[1])
                              : graph.reduceAll(Op::Max, x);
  case Builtin::Bernoulli:
    return makeBernoulli(graph, x, values[1]);
  case Builtin::Sum:
    return graph.reduceAll(Op::Sum, x);
  case Builtin::Mean:
    return makeMean(graph, x);
  default:
    return graph.unary(getUnaryOp(builtin), x);
  }
}

Meaning Elaborator::callBuiltin(const Call &call) {
  // These name their arguments.
  if (const BuiltinForm *run = findBuiltin(call.name);
      run &&
      (run->builtin == Builtin::Outputs || run->builtin == Builtin::Final))
    return callRun(run->builtin, call);
  const BuiltinForm *form = checkBuiltinCall(call);
  if (!form)
    return {};
  switch (form->builtin) {
  case Builtin::First:
  case Builtin::Last:
  case Builtin::Next:
    return callTime(form->builtin, call);
  case Builtin::Gaussian:
    return callGaussian(call);
  case Builtin::Sample:
  case Builtin::Kl:
    return callDistribution(form->builtin, call);
  case Builtin::OneHot:
  case Builtin::CrossEntropy:
    return callClass(form->builtin, call);
  case Builtin::Sites:
  case Builtin::Channels:
    return callSpace(form->builtin, call);
  case Builtin::Rows:
  case Builtin::Columns:
  case Builtin::Positions:
    return callCoordinates(form->builtin, call);
  case Builtin::Reshape:
  case Builtin::Concat:
  case Builtin::Upsample:
  case Builtin::AveragePool:
  case Builtin::Outer:
    return callShape(form->builtin, call);
  case Builtin::Reverse:
    error("misplaced", call.range,
          "`" + getText(call.range) +
              "` is no value, but a sequence for `outputs` or `final`");
    return {};
  case Builtin::Grad:
    return callGradient(call);
  case Builtin::Sum:
  case Builtin::Mean:
    if (auto *over = llvm::dyn_cast_or_null<ast::OverExpr>(call.getExpr(0)))
      return elaborateOverTime(call.name, *over, call.range);
    break;
  default:
    break;
  }
  SmallVector<Node *, 3> values;
  if (!unifyArguments(form->builtin, call, values))
    return {};
  return Meaning::ofValue(makeFunction(graph, form->builtin, values));
}
