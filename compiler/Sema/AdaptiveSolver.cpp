//===- AdaptiveSolver.cpp - Steps as long as the error allows -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pair of orders 5 and 4 of Dormand and Prince (J. Comp. Appl. Math. 6,
// 1980), its controller and first step as in Hairer, Norsett and Wanner,
// "Solving Ordinary Differential Equations I", II.4. Each step of the model
// chooses its first step anew, so that it depends on the states alone. Step
// sizes, and whether an attempt is accepted, carry no derivative.
//
//===----------------------------------------------------------------------===//

#include "compiler/Sema/ModelBuilder.h"
#include <cmath>

using namespace loco;
using namespace loco::sema;

namespace {
constexpr unsigned numStages = 6;

/// Weights of the rates before stage 1 to 5, and of the step.
constexpr double weights[numStages][numStages] = {
    {1. / 5},
    {3. / 40, 9. / 40},
    {44. / 45, -56. / 15, 32. / 9},
    {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
    {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
    {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}};

/// The step of order 5 less that of order 4, the rate after it included.
constexpr double errorWeights[numStages + 1] = {
    -71. / 57600,    0,          71. / 16695, -71. / 1920,
    17253. / 339200, -22. / 525, 1. / 40};

constexpr double safety = 0.9, leastFactor = 0.2, mostFactor = 10;

/// Arithmetic of values of one shape, for formulas that can be read.
class Formula {
public:
  explicit Formula(Graph &graph) : graph(graph) {}

  Node *number(double value) { return graph.constant(value); }
  Node *add(Node *a, Node *b) { return graph.binary(Op::Add, a, b); }
  Node *subtract(Node *a, Node *b) { return graph.binary(Op::Subtract, a, b); }
  Node *times(Node *a, Node *b) { return graph.binary(Op::Multiply, a, b); }
  Node *divide(Node *a, Node *b) { return graph.binary(Op::Divide, a, b); }
  Node *power(Node *a, double exponent) {
    return graph.binary(Op::Power, a, number(exponent));
  }
  Node *minimum(Node *a, Node *b) { return graph.binary(Op::Minimum, a, b); }
  Node *maximum(Node *a, Node *b) { return graph.binary(Op::Maximum, a, b); }
  Node *isLess(Node *a, Node *b) {
    return graph.compare(Comparison::Less, a, b);
  }
  Node *select(Node *condition, Node *a, Node *b) {
    return graph.select(graph.broadcastLike(condition, a), a, b);
  }
  /// scale * a, for a scalar that may be a constant.
  Node *scaled(Node *scale, Node *a) {
    return times(graph.broadcastLike(scale, a), a);
  }
  Node *held(Node *a) { return graph.unary(Op::StopGradient, a); }

private:
  Graph &graph;
};
} // namespace

/// sum of weight * rates, each state by itself.
static StateValues weigh(Graph &graph, llvm::ArrayRef<double> weights,
                         llvm::ArrayRef<StateValues> rates) {
  Formula f(graph);
  StateValues sum(rates.front().size(), nullptr);
  for (auto [weight, values] : llvm::zip(weights, rates))
    for (auto [total, value] : llvm::zip(sum, values)) {
      if (weight == 0)
        continue;
      Node *term = f.scaled(f.number(weight), value);
      total = total ? f.add(total, term) : term;
    }
  return sum;
}

/// atol + rtol max(|a|, |b|), at every site.
StateValues ModelBuilder::getAllowed(const StateValues &a,
                                     const StateValues &b) {
  Graph &graph = elaborator.graph;
  Formula f(graph);
  StateValues allowed;
  for (auto [x, y] : llvm::zip(a, b))
    allowed.push_back(f.add(
        graph.constantLike(stepping.atol, x),
        f.scaled(f.number(stepping.rtol),
                 f.maximum(graph.unary(Op::Abs, x), graph.unary(Op::Abs, y)))));
  return allowed;
}

Node *ModelBuilder::getErrorNorm(const StateValues &values,
                                 const StateValues &allowed) {
  Graph &graph = elaborator.graph;
  Formula f(graph);
  Node *sum = nullptr;
  double count = 0;
  for (auto [value, most] : llvm::zip(values, allowed)) {
    Node *ratio = f.divide(value, most);
    Node *square = graph.reduceAll(Op::Sum, f.times(ratio, ratio));
    sum = sum ? f.add(sum, square) : square;
    double sites = 1;
    for (int64_t extent : value->shape)
      sites *= extent;
    count += sites;
  }
  return graph.unary(Op::Sqrt, f.divide(sum, f.number(count)));
}

/// A step that an explicit Euler step and its change of rate let hope for.
Node *ModelBuilder::chooseFirstStep(const StateValues &old,
                                    const StateValues &rates, Node *interval) {
  Graph &graph = elaborator.graph;
  Formula f(graph);
  StateValues allowed = getAllowed(old, old);
  Node *size = getErrorNorm(old, allowed);
  Node *slope = getErrorNorm(rates, allowed);
  Node *tiny = f.number(1e-5);
  Node *guess = f.select(
      f.isLess(f.minimum(size, slope), tiny), f.number(1e-6),
      f.scaled(f.number(0.01), f.divide(size, f.maximum(slope, tiny))));
  guess = f.minimum(guess, interval);
  StateValues trial;
  if (!makeRates(keep(advance(old, guess, rates)), trial))
    return nullptr;
  StateValues change;
  for (auto [later, first] : llvm::zip(trial, rates))
    change.push_back(f.subtract(later, first));
  Node *bend = f.maximum(f.divide(getErrorNorm(change, allowed), guess), slope);
  Node *hope = f.select(
      f.isLess(f.number(1e-15), bend),
      f.power(f.divide(f.number(0.01), f.maximum(bend, f.number(1e-15))), 0.2),
      f.maximum(f.number(1e-6), f.scaled(f.number(1e-3), guess)));
  return f.minimum(f.minimum(f.scaled(f.number(100), guess), hope), interval);
}

/// Attempts, at most so many, until the interval is over: of each the new
/// states, or the old ones and a smaller step.
bool ModelBuilder::integrateDopri5(const StateValues &old, Node *interval,
                                   StateValues &next) {
  Graph &graph = elaborator.graph;
  Formula f(graph);
  size_t count = old.size();
  StateValues rates;
  if (!makeRates(old, rates))
    return false;
  // The lack of an equation is reported for all solvers in one place.
  if (llvm::is_contained(rates, nullptr))
    return true;
  Node *length = f.held(interval);
  Node *first = chooseFirstStep(old, rates, length);
  if (!first)
    return false;

  // Carried: states, their rates, time since the step began, step size, and
  // whether the attempt before was refused.
  llvm::SmallVector<Node *> starts(old.begin(), old.end());
  starts.append(rates.begin(), rates.end());
  starts.append({f.number(0), f.held(first), f.number(0)});
  StateValues carried = beginIterate(starts);
  const StateValues &states =
      keep(StateValues(carried.begin(), carried.begin() + count));
  std::vector<StateValues> stages = {
      StateValues(carried.begin() + count, carried.begin() + 2 * count)};
  Node *time = carried[2 * count], *wish = carried[2 * count + 1],
       *wasRefused = carried[2 * count + 2];
  llvm::SaveAndRestore iterating(elaborator.isIterating, true);

  Node *rest = f.subtract(length, time);
  Node *size = f.minimum(wish, rest);
  // A fraction of the interval, so that a learned interval has a derivative.
  Node *step = interval->isNumber()
                   ? f.held(size)
                   : f.times(interval, f.held(f.divide(size, length)));
  for (unsigned stage = 0; stage < numStages; ++stage) {
    StateValues rate = weigh(
        graph, llvm::ArrayRef(weights[stage]).take_front(stage + 1), stages);
    next = advance(states, step, rate);
    if (!makeRates(keep(next), stages.emplace_back()))
      return false;
  }

  StateValues error = weigh(graph, errorWeights, stages);
  for (Node *&each : error)
    each = f.scaled(step, each);
  Node *norm = f.held(getErrorNorm(error, getAllowed(states, next)));
  Node *isAccepted = f.isLess(norm, f.number(1));
  // 1e-10 is far below what gives the largest factor.
  Node *factor = f.scaled(f.number(safety),
                          f.power(f.maximum(norm, f.number(1e-10)), -0.2));
  Node *longest = f.select(f.isLess(f.number(0.5), wasRefused), f.number(1),
                           f.number(mostFactor));
  // Not a maximum: an error that is no number makes the step smaller, too.
  Node *shorter = f.select(f.isLess(f.number(leastFactor), factor), factor,
                           f.number(leastFactor));
  Node *nextSize =
      f.times(size, f.select(isAccepted, f.minimum(factor, longest), shorter));
  Node *later = f.select(f.isLess(size, rest), f.add(time, size), length);
  later = f.select(isAccepted, later, time);

  llvm::SmallVector<Node *> results;
  for (auto [after, before] : llvm::zip(next, states))
    results.push_back(f.select(isAccepted, after, before));
  for (auto [after, before] : llvm::zip(stages.back(), stages.front()))
    results.push_back(f.select(isAccepted, after, before));
  results.append(
      {later, nextSize, f.select(isAccepted, f.number(0), f.number(1))});
  auto finals =
      graph.iterate(starts, results, stepping.most, f.isLess(later, length));

  // States that did not get to the end of the interval are no numbers; whoever
  // runs the model says so.
  Node *isDone =
      graph.compare(Comparison::GreaterEqual, finals[2 * count], length);
  for (size_t i = 0; i < count; ++i)
    next[i] = f.select(isDone, finals[i], graph.constantLike(NAN, finals[i]));
  return true;
}
