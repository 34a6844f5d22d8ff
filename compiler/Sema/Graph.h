//===- Graph.h - The values of a model --------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What Sema makes of the expressions of a model: a graph of typed values in
// which names are resolved, layers are expanded, every broadcast is written
// and every value knows when it is known. Nodes stand in the order in which
// they were made, operands before users, so a walk needs no recursion.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_SEMA_GRAPH_H
#define COMPILER_SEMA_GRAPH_H

#include "compiler/Sema/Space.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <deque>
#include <optional>
#include <string>

namespace loco::sema {

struct Parameter;
struct Input;
struct State;
struct InnerLoop;
class Graph;

enum class Op : uint8_t {
  // Sources.
  Constant,   ///< `number` everywhere
  Array,      ///< `numbers` in row-major order
  Parameter,  ///< the stored tensor of `parameter`
  Input,      ///< `input` at `moment`
  OldState,   ///< `state` before the step
  StateAfter, ///< `state` after the first or the last step, by `moment`
  Random,     ///< draws of `isNormal` and `stream` at `moment`
  LoopFinal,  ///< state `member` of `loop` after its last step
  LoopOutput, ///< output `member` of `loop` at `moment`
  // Elementwise.
  Negate,
  Tanh,
  Sigmoid,
  Softplus,
  Exp,
  Expm1,
  Log,
  Sin,
  Cos,
  Sqrt,
  Abs,
  Floor,
  StopGradient,
  Add,
  Subtract,
  Multiply,
  Divide,
  Maximum,
  Minimum,
  Power,
  Atan2,   ///< the angle of (second, first)
  Compare, ///< by `comparison`; the result holds truth values
  Select,
  // Shape.
  Broadcast, ///< new `axes`
  Sum,       ///< over `axes`
  Max,       ///< over `axes`
  Reshape,
  Slice,  ///< a box at `axes`
  Concat, ///< along axis `axes[0]`
  Roll,   ///< along axis `axes[0]` by `axes[1]`; `wraps`
  OneHot, ///< of a class
  // Bilinear.
  Contract, ///< by `equation`
  Conv,     ///< `axes`: low padding, then strides; `groups`, `wraps`
  // Neighbourhoods.
  Neighbour, ///< the operand at the neighbour, inside of a stencil
  Stencil,   ///< sum of the operand over displacements `axes`; `wraps`
  // Derivatives.
  Variable, ///< the operand, as that by which a derivative is taken
  Gradient, ///< of `body` by `variable`; operands: what it is, what `body` holds
  // Time.
  TimeSum,   ///< sum of the operand over all steps
  StepCount, ///< number of steps as a number
  StepIndex, ///< number of the step at hand
  // Loops inside of a step.
  Iterate, ///< `axes`: how many values, most passes, whether there is a condition
  IterateArgument, ///< number `member` as a pass of the loop finds it
  IterateResult,   ///< number `member` after the last pass
};

enum class Comparison : uint8_t {
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Equal,
  NotEqual,
};

/// Which step something is read or drawn at.
enum class Moment : uint8_t {
  Sample,   ///< no step: once per sample
  Current,  ///< the step at hand
  Next,     ///< the step after it
  NextWrap, ///< the same, the first step following the last
  First,
  Last,
};

enum class Element : uint8_t { Float, Bool, Class };

struct Node {
  Op op = Op::Constant;
  Element element = Element::Float;
  // When and from what the value is known; operands hand these on to users.

  /// A value for every step, made inside of the time loop.
  bool perStep = false;
  /// Some state enters.
  bool usesState = false;
  /// A state that has a name enters, so that where it is read matters.
  bool readsState = false;
  bool usesRandom = false;
  /// Looks at the step after, so it has no value at the last one.
  bool usesLaterStep = false;
  /// More than the step at hand and the first one must be known.
  bool usesSequence = false;
  /// Known only when the time loop has ended.
  bool afterLoop = false;
  /// Depends on the neighbour in a reduction over neighbours.
  bool inStencil = false;
  /// Differs between the passes of a loop inside of the step.
  bool inIterate = false;

  /// What a step reads that does not count: any number that the sample really
  /// has does as well.
  bool isStandIn = false;

  bool wraps = false;
  bool isNormal = false;
  Moment moment = Moment::Sample;
  Comparison comparison = Comparison::Less;
  llvm::SmallVector<Node *, 2> operands;
  llvm::SmallVector<int64_t, 4> shape;
  /// The space the value lives on; null for values between (flattened ones).
  const Space *space = nullptr;

  double number = 0;
  llvm::SmallVector<double, 0> numbers;
  llvm::SmallVector<int64_t, 2> axes;
  int64_t groups = 1;
  uint64_t stream = 0;
  llvm::StringRef equation;
  const Parameter *parameter = nullptr;
  const Input *input = nullptr;
  const State *state = nullptr;
  const InnerLoop *loop = nullptr;
  unsigned member = 0;

  /// Of a gradient: a scalar, and the `Variable` that it is made of. What `body`
  /// is made of besides the operands stands in no function but the gradient's.
  Node *body = nullptr;
  Node *variable = nullptr;

  /// The expression that gave the value.
  SourceRange range;
  /// The graph it is of.
  const Graph *graph = nullptr;
  /// Place in the graph: operands have smaller numbers.
  unsigned index = 0;

  bool isScalar() const { return shape.empty(); }
  bool isNumber() const { return op == Op::Constant && shape.empty(); }
};

/// Owns the nodes of a model and makes them.
class Graph {
public:
  explicit Graph(SpaceTable &spaces) : spaces(spaces) {}

  /// The place that new nodes are given.
  SourceRange range;

  Node *constant(double number, const Space *space = nullptr);
  Node *array(llvm::ArrayRef<double> numbers, const Space *space);
  /// The same for tensors that live on no space, as weights.
  Node *fill(double number, llvm::ArrayRef<int64_t> shape);
  Node *array(llvm::ArrayRef<double> numbers, llvm::ArrayRef<int64_t> shape);
  Node *readParameter(const Parameter &parameter);
  Node *readInput(const Input &input, Moment moment);
  Node *oldState(const State &state);
  Node *stateAfter(const State &state, Moment moment);
  Node *loopFinal(const InnerLoop &loop, unsigned state);
  Node *loopOutput(const InnerLoop &loop, unsigned output, Moment moment);
  Node *random(bool isNormal, uint64_t stream, Moment moment,
               const Space *space);
  /// The same for tensors that live on no space, as weights.
  Node *random(bool isNormal, uint64_t stream, Moment moment,
               llvm::ArrayRef<int64_t> shape);

  /// Elementwise ops; numbers are folded. Operands have equal shapes.
  Node *unary(Op op, Node *operand);
  Node *binary(Op op, Node *lhs, Node *rhs);
  Node *compare(Comparison comparison, Node *lhs, Node *rhs);
  Node *select(Node *condition, Node *ifTrue, Node *ifFalse);
  /// max(x, 0), with derivative 0 at 0 and NaN kept.
  Node *relu(Node *operand);

  /// `number` in the shape of `like`.
  Node *constantLike(double number, const Node *like);
  /// Repeats a scalar to the shape of `like`.
  Node *broadcastLike(Node *scalar, const Node *like);
  Node *broadcast(Node *operand, const Space *space,
                  llvm::ArrayRef<int64_t> axes);
  Node *broadcastShape(Node *operand, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int64_t> axes, const Space *space);
  /// Sum or Max over all axes.
  Node *reduceAll(Op op, Node *operand);
  Node *reduce(Op op, Node *operand, llvm::ArrayRef<int64_t> axes,
               const Space *space);
  /// Under the shape of `space`.
  Node *reshape(Node *operand, const Space *space);
  Node *flatten(Node *operand);
  Node *reshapeTo(Node *operand, llvm::ArrayRef<int64_t> shape,
                  const Space *space);
  /// Element `index` of the first axis, as a value on `space`.
  Node *selectFirst(Node *operand, int64_t index, const Space *space);
  /// The box of shape `box` that begins at `offsets`; on no space.
  Node *slice(Node *operand, llvm::ArrayRef<int64_t> offsets,
              llvm::ArrayRef<int64_t> box);
  Node *concat(llvm::ArrayRef<Node *> operands, int64_t axis,
               const Space *space);
  Node *roll(Node *operand, int64_t axis, int64_t distance, bool wraps);
  Node *oneHot(Node *label, int64_t classes, const Space *space);
  /// `equation` must outlive the graph (a literal).
  Node *contract(llvm::StringRef equation, Node *lhs, Node *rhs,
                 llvm::ArrayRef<int64_t> shape);
  /// One low padding and one stride for each axis of the window.
  Node *conv(Node *kernel, Node *field, llvm::ArrayRef<int64_t> low,
             llvm::ArrayRef<int64_t> strides, int64_t groups, bool wraps,
             llvm::ArrayRef<int64_t> shape);
  Node *neighbour(Node *field);
  Node *stencil(Node *body, llvm::ArrayRef<int64_t> offsets, bool wraps);
  Node *variable(Node *value);
  /// The derivative of the scalar `body` by `variable`, in its shape; null if
  /// nothing of `body` depends on it.
  Node *gradient(Node *body, Node *variable);
  Node *timeSum(Node *operand);
  Node *stepCount();
  Node *stepIndex();
  /// What starts at `start`, as a pass of a loop inside of a step finds it.
  Node *iterateArgument(Node *start, unsigned member);
  /// The values after at most `passes` passes, in each of which `next` follows
  /// from the arguments; another one follows only if `condition` (null: always)
  /// holds.
  llvm::SmallVector<Node *, 0> iterate(llvm::ArrayRef<Node *> starts,
                                       llvm::ArrayRef<Node *> next,
                                       int64_t passes, Node *condition);

  /// The same as `node`, which may be of another graph, made of `operands`.
  /// Sources are copied by what they read.
  Node *copy(const Node &node, llvm::ArrayRef<Node *> operands);

  unsigned size() const { return nodes.size(); }
  Node *operator[](unsigned index) { return &nodes[index]; }
  const Node *operator[](unsigned index) const { return &nodes[index]; }

private:
  /// Gives the copy of a gradient a body of its own.
  void copyBody(const Node &gradient, Node &copy);
  Node *make(Op op, llvm::ArrayRef<Node *> operands,
             llvm::ArrayRef<int64_t> shape, const Space *space);

  SpaceTable &spaces;
  std::deque<Node> nodes;
};

/// The nodes that `roots` need, roots included, operands before users.
/// `stop` may end the walk at a node: that node is listed, its operands are
/// not.
llvm::SmallVector<const Node *, 0>
collectNodes(const Graph &graph, llvm::ArrayRef<const Node *> roots,
             llvm::function_ref<bool(const Node *)> stop);

/// True if `node` is made of any of `sources`. Of a gradient only what its value
/// depends on counts: that of `U(q) + K(p)` by q does not depend on p.
bool dependsOn(const Node *node, llvm::ArrayRef<const Node *> sources);

} // namespace loco::sema

#endif // COMPILER_SEMA_GRAPH_H
