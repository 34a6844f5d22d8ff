//===- ElaborateBuiltin.cpp - Functions of the language -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/Sema/Builtins.h"
#include "compiler/Sema/Elaborator.h"

using namespace loco;
using namespace loco::sema;
using llvm::ArrayRef;
using llvm::SmallVector;
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
    {"stop_gradient", Builtin::StopGradient, 1, 1},
    {"clamp", Builtin::Clamp, 3, 3},
    {"select", Builtin::Select, 3, 3},
    {"min", Builtin::Min, 2, 2},
    {"max", Builtin::Max, 1, 2},
    {"sum", Builtin::Sum, 1, 1},
    {"mean", Builtin::Mean, 1, 1},
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
  case Builtin::StopGradient:
    return Op::StopGradient;
  default:
    llvm_unreachable("not a function of one value");
  }
}

//===----------------------------------------------------------------------===//
// Random values and losses
//===----------------------------------------------------------------------===//

/// `gaussian(linear(x -> s))`: the layer gives mean and log-variance at once.
Meaning Elaborator::elaborateGaussian(const ast::Expr *argument,
                                      SourceRange range, const Meaning *piped) {
  Node *both = nullptr;
  if (piped) {
    both = requireValue(*piped, range);
  } else {
    // Of a pipe, the last stage.
    auto *pipe = llvm::dyn_cast<ast::PipeExpr>(argument);
    llvm::SaveAndRestore copied(copiedCall,
                                pipe ? pipe->stages.back() : argument);
    both = evaluate(argument);
  }
  if (!both)
    return {};
  if (!both->space || both->space->copies != 2) {
    error("not-a-layer", argument ? argument->getRange() : range,
          "`gaussian` takes a layer with a space for its result, which it asks "
          "for "
          "mean and log-variance")
        .hint("write `gaussian(linear(x -> space))`");
    return {};
  }
  const Space *space = spaces.withCopies(both->space, 0);
  Meaning meaning;
  meaning.kind = Meaning::Kind::Gaussian;
  meaning.value = graph.selectFirst(both, 0, space);
  meaning.logVariance = graph.selectFirst(both, 1, space);
  return meaning;
}

/// mean + exp(logvar / 2) * normal; each `sample` written is its own stream.
Meaning Elaborator::elaborateSample(const Meaning &q, SourceRange range,
                                    const void *site) {
  Place instance = getInstance("sample", site);
  Moment moment = Moment::Sample;
  if (q.value->perStep || q.logVariance->perStep)
    moment = Moment::Current;
  else if (context.moment == Moment::First || context.moment == Moment::Last)
    moment = context.moment;
  if (context.moment == Moment::Next || context.moment == Moment::NextWrap) {
    error("no-next-state", range, "the next step's draw is not known yet");
    return {};
  }
  Node *normal = graph.random(/*isNormal=*/true, getStream(instance.name),
                              moment, q.value->space);
  Node *half = graph.constantLike(0.5, q.logVariance);
  Node *deviation =
      graph.unary(Op::Exp, graph.binary(Op::Multiply, half, q.logVariance));
  return Meaning::ofValue(graph.binary(
      Op::Add, q.value, graph.binary(Op::Multiply, deviation, normal)));
}

/// Divergence from the standard normal, a field:
/// (exp(lv) + mean^2 - 1 - lv) / 2.
static Node *makeDivergence(Graph &graph, Node *mean, Node *logVariance) {
  Node *square = graph.binary(Op::Multiply, mean, mean);
  Node *sum = graph.binary(Op::Add, graph.unary(Op::Exp, logVariance), square);
  sum = graph.binary(Op::Subtract, sum, graph.constantLike(1, mean));
  sum = graph.binary(Op::Subtract, sum, logVariance);
  return graph.binary(Op::Multiply, graph.constantLike(0.5, mean), sum);
}

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

/// log(sum(exp(y))) - y[label], shifted by the largest score.
static Node *makeCrossEntropy(Graph &graph, Node *scores, Node *label) {
  // The shift leaves value and derivative as they are.
  Node *most = graph.unary(Op::StopGradient, graph.reduceAll(Op::Max, scores));
  Node *shifted =
      graph.binary(Op::Subtract, scores, graph.broadcastLike(most, scores));
  Node *logSum = graph.unary(
      Op::Log, graph.reduceAll(Op::Sum, graph.unary(Op::Exp, shifted)));
  Node *chosen =
      graph.binary(Op::Multiply, shifted,
                   graph.oneHot(label, scores->shape[0], scores->space));
  return graph.binary(Op::Subtract, logSum, graph.reduceAll(Op::Sum, chosen));
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

Meaning Elaborator::callBuiltin(StringRef name,
                                ArrayRef<ast::Argument> arguments,
                                SourceRange range, const void *site,
                                const Meaning *piped) {
  const BuiltinForm *form = findBuiltin(name);
  SourceRange calleeRange{range.file, range.begin,
                          range.begin + uint32_t(name.size())};
  if (!form) {
    std::vector<StringRef> names;
    for (const BuiltinForm &known : builtins)
      names.push_back(known.name);
    error("unknown-name", calleeRange,
          "no function or layer is called `" + name + "`")
        .hint(suggest(name, names));
    return {};
  }
  size_t count = arguments.size() + (piped ? 1 : 0);
  if (count < form->least || count > form->most) {
    error("wrong-count", range,
          "`" + name + "` takes " +
              (form->least == form->most ? llvm::Twine(form->least)
                                         : llvm::Twine(form->least) + " or " +
                                               llvm::Twine(form->most)) +
              (form->most == 1 ? " argument, not " : " arguments, not ") +
              llvm::Twine(count));
    return {};
  }
  for (const ast::Argument &argument : arguments)
    if (argument.kind != ast::Argument::Kind::Positional) {
      error("unknown-argument", argument.range,
            "`" + name + "` takes its arguments in order, without names");
      return {};
    }
  auto argument = [&](size_t i) -> const ast::Expr * {
    return piped ? (i ? arguments[i - 1].value : nullptr) : arguments[i].value;
  };
  auto rangeOf = [&](size_t i) {
    return argument(i) ? argument(i)->getRange() : range;
  };
  auto meaningOf = [&](size_t i) {
    return argument(i) ? elaborate(argument(i)) : *piped;
  };
  auto valueOf = [&](size_t i) {
    return requireValue(meaningOf(i), rangeOf(i));
  };

  switch (form->builtin) {
  case Builtin::First:
  case Builtin::Last:
  case Builtin::Next: {
    if (!argument(0)) {
      error("misplaced", range, "`" + name + "` cannot stand in a pipe");
      return {};
    }
    Moment moment = form->builtin == Builtin::First  ? Moment::First
                    : form->builtin == Builtin::Last ? Moment::Last
                                                     : Moment::Next;
    if (count == 2) {
      auto *mode = llvm::dyn_cast<ast::NameExpr>(argument(1));
      if (!mode || mode->name != "wrap") {
        error("unknown-argument", rangeOf(1),
              "`next` takes a value and possibly `wrap`, not `" +
                  getText(rangeOf(1)) + "`");
        return {};
      }
      moment = Moment::NextWrap;
    }
    return elaborateAt(moment, argument(0), range);
  }
  case Builtin::Gaussian:
    return elaborateGaussian(argument(0), range, piped);
  case Builtin::Sample:
  case Builtin::Kl: {
    Meaning q = meaningOf(0);
    if (!q.isValid())
      return {};
    if (!q.is(Meaning::Kind::Gaussian)) {
      error("not-a-distribution", rangeOf(0),
            "`" + getText(rangeOf(0)) + "` is not a distribution")
          .hint("make one with `gaussian(linear(x -> space))`");
      return {};
    }
    if (form->builtin == Builtin::Sample)
      return elaborateSample(q, range, site);
    return Meaning::ofValue(makeDivergence(graph, q.value, q.logVariance));
  }
  case Builtin::OneHot:
  case Builtin::CrossEntropy: {
    bool isOneHot = form->builtin == Builtin::OneHot;
    Node *scores = isOneHot ? nullptr : valueOf(0);
    size_t labelIndex = isOneHot ? 0 : 1;
    Meaning label = meaningOf(labelIndex);
    if ((!scores && !isOneHot) || !label.isValid())
      return {};
    if (!label.is(Meaning::Kind::Value) ||
        label.value->element != Element::Class) {
      error("not-a-class", rangeOf(labelIndex),
            "`" + getText(rangeOf(labelIndex)) + "` is not a class")
          .hint("declare it with `input label : class(10)`");
      return {};
    }
    const Space *classes = label.value->space;
    if (isOneHot)
      return Meaning::ofValue(
          graph.oneHot(label.value, classes->sites.front(), classes));
    if (scores->space != classes) {
      reportMismatch(scores, label.value, rangeOf(0), rangeOf(1));
      return {};
    }
    return Meaning::ofValue(makeCrossEntropy(graph, scores, label.value));
  }
  case Builtin::Sites:
  case Builtin::Channels: {
    const Space *space = argument(0) ? evaluateSpace(argument(0)) : nullptr;
    if (!space)
      return {};
    return Meaning::ofValue(
        graph.constant(form->builtin == Builtin::Sites
                           ? space->getNumSites()
                           : std::max<int64_t>(space->channels, 1)));
  }
  case Builtin::Grad:
    notYet(range, "`grad` is");
    return {};
  case Builtin::Sum:
  case Builtin::Mean:
    if (auto *over = llvm::dyn_cast_or_null<ast::OverExpr>(argument(0)))
      return elaborateOverTime(name, *over, range);
    break;
  default:
    break;
  }

  // What is left are functions of values.
  SmallVector<Node *, 3> values;
  bool isSelect = form->builtin == Builtin::Select;
  for (size_t i = 0; i < count; ++i) {
    Meaning meaning = meaningOf(i);
    if (isSelect && i == 0 && meaning.is(Meaning::Kind::Value) &&
        meaning.value->element == Element::Bool) {
      values.push_back(meaning.value);
      continue;
    }
    if (isSelect && i == 0 && meaning.isValid()) {
      error("not-a-condition", rangeOf(0),
            "`" + getText(rangeOf(0)) + "` is not a comparison");
      return {};
    }
    values.push_back(requireValue(meaning, rangeOf(i)));
  }
  if (llvm::is_contained(values, nullptr))
    return {};
  for (size_t i = 1; i < count; ++i)
    if (!unify(values[0], values[i], rangeOf(0), rangeOf(i)))
      return {};
  // An operand in the middle may have made the first one larger.
  for (size_t i = 1; i < count; ++i)
    if (!unify(values[0], values[i], rangeOf(0), rangeOf(i)))
      return {};

  Node *x = values[0];
  switch (form->builtin) {
  case Builtin::Relu:
    return Meaning::ofValue(graph.relu(x));
  case Builtin::Clamp: {
    // Comparisons, so that the derivative at both ends is 1 and NaN stays.
    Node *above = graph.select(graph.compare(Comparison::Less, x, values[1]),
                               values[1], x);
    return Meaning::ofValue(
        graph.select(graph.compare(Comparison::Greater, above, values[2]),
                     values[2], above));
  }
  case Builtin::Select:
    return Meaning::ofValue(graph.select(x, values[1], values[2]));
  case Builtin::Min:
    return Meaning::ofValue(graph.binary(Op::Minimum, x, values[1]));
  case Builtin::Max:
    if (count == 2)
      return Meaning::ofValue(graph.binary(Op::Maximum, x, values[1]));
    return Meaning::ofValue(graph.reduceAll(Op::Max, x));
  case Builtin::Bernoulli:
    return Meaning::ofValue(makeBernoulli(graph, x, values[1]));
  case Builtin::Sum:
    return Meaning::ofValue(graph.reduceAll(Op::Sum, x));
  case Builtin::Mean: {
    int64_t number = 1;
    for (int64_t extent : x->shape)
      number *= extent;
    Node *sum = graph.reduceAll(Op::Sum, x);
    return Meaning::ofValue(
        graph.binary(Op::Divide, sum, graph.constant(number)));
  }
  default:
    return Meaning::ofValue(graph.unary(getUnaryOp(form->builtin), x));
  }
}
