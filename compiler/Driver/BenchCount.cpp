//===- BenchCount.cpp - What a kernel has to do --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What depends on parameters alone is counted once, all else once a sample. A
// loop that may end early is counted with all its steps.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/BenchCount.h"

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace loco;

namespace {
class Counter {
public:
  Counter(int64_t samples, int64_t steps) : samples(samples), steps(steps) {}

  void addFunction(func::FuncOp function);
  WorkCount take() const { return count; }

private:
  void addBlock(Block &block, double times);
  void addOp(Operation *op, double times);
  void addScan(ScanOp scan, double times);
  void addStencil(StencilOp stencil, double times);
  void addArithmetic(Operation *op, double times);
  double getElements(Type type) const;
  bool isUniform(Operation *op) const;
  /// Runs of an op in a whole batch, from those in a sample.
  double inBatch(Operation *op, double times) const {
    return isUniform(op) ? times : times * samples;
  }

  int64_t samples, steps;
  WorkCount count;
  /// Values that differ from sample to sample.
  llvm::DenseSet<Value> varying;
};
} // namespace

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

double Counter::getElements(Type type) const {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return 0;
  double elements = 1;
  for (int64_t extent : tensor.getShape())
    elements *= ShapedType::isDynamic(extent) ? steps : extent;
  return elements;
}

bool Counter::isUniform(Operation *op) const {
  if (isa<RandomOp>(op))
    return false;
  return llvm::none_of(op->getOperands(),
                       [&](Value value) { return varying.contains(value); });
}

/// Terms of the sum over all letters of a contraction: one for each choice of
/// indices.
static double countTerms(ContractOp op) {
  llvm::StringMap<int64_t> extents;
  auto [left, right] = op.getEquation().split("->").first.split(',');
  for (auto [letters, value] :
       {std::pair(left, op.getLhs()), std::pair(right, op.getRhs())})
    for (auto [axis, letter] : llvm::enumerate(letters))
      extents[StringRef(&letter, 1)] =
          cast<RankedTensorType>(value.getType()).getDimSize(axis);
  double terms = 1;
  for (const auto &extent : extents)
    terms *= extent.second;
  return terms;
}

/// Products of the trilinear form: every tap of the kernel at every site of the
/// output.
template <typename Conv>
static double countTaps(Conv op) {
  RankedTensorType kernel = op.getKernelType(), output = op.getOutputType();
  bool hasChannels = kernel.getRank() > output.getRank();
  double taps = kernel.getNumElements();
  return taps * output.getNumElements() /
         (hasChannels ? output.getDimSize(0) : 1);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Vector instructions of an elementary function, as short as they are known to
/// be in f32.
static double getSlots(Operation *op) {
  return TypeSwitch<Operation *, double>(op)
      .Case<math::TanhOp, SigmoidOp>([](auto) { return 18; })
      .Case<math::ExpOp, math::Exp2Op, math::ExpM1Op>([](auto) { return 16; })
      .Case<math::LogOp, math::Log2Op, math::Log1pOp>([](auto) { return 20; })
      .Case<math::SinOp, math::CosOp>([](auto) { return 16; })
      .Case<SoftplusOp>([](auto) { return 36; })
      .Case<math::SqrtOp, math::RsqrtOp>([](auto) { return 5; })
      .Default([](auto) { return 24; });
}

void Counter::addArithmetic(Operation *op, double times) {
  if (op->getNumResults() != 1)
    return;
  double elements = getElements(op->getResult(0).getType()) * times;
  bool isFunction =
      isa<SigmoidOp, SoftplusOp>(op) ||
      (isa<math::MathDialect>(op->getDialect()) &&
       !isa<math::AbsFOp, math::FmaOp, math::FloorOp, math::CeilOp,
            math::RoundOp, math::RoundEvenOp, math::CopySignOp>(op));
  if (isFunction) {
    count.functions += elements;
    count.slots += elements * getSlots(op);
  } else if (isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
             !isa<arith::ConstantOp>(op)) {
    count.elementwise += elements;
    count.slots += elements * (isa<arith::DivFOp>(op) ? 4 : 1);
  }
}

void Counter::addOp(Operation *op, double times) {
  times = inBatch(op, times);
  TypeSwitch<Operation *>(op)
      .Case<ContractOp>([&](auto contract) {
        count.products += 2 * times * countTerms(contract);
      })
      .Case<ConvOp, ConvTransposeOp, ConvOuterOp>(
          [&](auto conv) { count.products += 2 * times * countTaps(conv); })
      .Case<ReduceOp, FirstMaxOp>([&](Operation *reduce) {
        double elements = getElements(reduce->getOperand(0).getType()) * times;
        count.elementwise += elements;
        count.slots += elements;
      })
      .Case<RandomOp>([&](RandomOp random) {
        double elements = getElements(random.getType()) * times;
        count.draws += elements;
        // Ten rounds of Philox for four numbers, then their law.
        count.slots += elements * 48;
      })
      .Default([&](Operation *other) { addArithmetic(other, times); });
}

/// A product that is summed over the offsets is one multiply-add.
void Counter::addStencil(StencilOp stencil, double times) {
  times = inBatch(stencil, times);
  Block &body = stencil.getBody().front();
  int64_t rank =
      cast<RankedTensorType>(stencil.getFields().front().getType()).getRank();
  times *= static_cast<double>(stencil.getOffsets().size()) / rank;
  auto yield = cast<YieldOp>(body.getTerminator());
  llvm::SmallPtrSet<Operation *, 4> summed;
  for (Value term : yield.getStacks()) {
    double elements = getElements(term.getType()) * times;
    auto product = term.getDefiningOp<arith::MulFOp>();
    if (product && term.hasOneUse() && summed.insert(product).second) {
      count.products += 2 * elements;
    } else {
      count.elementwise += elements;
      count.slots += elements;
    }
  }
  for (Operation &op : body.without_terminator())
    if (!summed.contains(&op))
      addArithmetic(&op, times);
}

/// Sums over steps; one of products takes their additions.
static bool sumsProducts(Value value) {
  return value.getDefiningOp<ContractOp>() ||
         value.getDefiningOp<ConvOuterOp>();
}

void Counter::addScan(ScanOp scan, double times) {
  bool isVarying = !isUniform(scan);
  // A carry differs from sample to sample as soon as anything in the loop does.
  for (BlockArgument argument : scan.getCarryArguments())
    if (isVarying)
      varying.insert(argument);
  auto hand = [&](ValueRange outer, Block::BlockArgListType inner) {
    for (auto [from, to] : llvm::zip_equal(outer, inner))
      if (varying.contains(from))
        varying.insert(to);
  };
  hand(scan.getElements(), scan.getElementArguments());
  hand(scan.getConstants(), scan.getConstantArguments());
  double length = steps;
  if (!scan.getElements().empty())
    if (int64_t known =
            cast<RankedTensorType>(scan.getElements().front().getType())
                .getDimSize(0);
        !ShapedType::isDynamic(known))
      length = known;
  if (auto constant = scan.getSteps().getDefiningOp<arith::ConstantIndexOp>())
    length = constant.value();
  addBlock(*scan.getBlock(), times * length);
  for (Value sum : scan.getYield().getSums())
    if (!sumsProducts(sum)) {
      double elements = getElements(sum.getType()) * times * length;
      elements *= varying.contains(sum) ? samples : 1;
      count.elementwise += elements;
      count.slots += elements;
    }
  // Stacks that leave the function are the caller's.
  for (Value stack : scan.getStacks()) {
    bool isRead = llvm::any_of(stack.getUsers(), [](Operation *user) {
      return !isa<func::ReturnOp>(user);
    });
    if (isRead)
      count.bytesKept +=
          getElements(stack.getType()) * times * (isVarying ? samples : 1) *
          cast<RankedTensorType>(stack.getType()).getElementTypeBitWidth() / 8;
  }
}

void Counter::addBlock(Block &block, double times) {
  for (Operation &op : block) {
    if (auto scan = dyn_cast<ScanOp>(op))
      addScan(scan, times);
    else if (auto stencil = dyn_cast<StencilOp>(op))
      addStencil(stencil, times);
    else
      addOp(&op, times);
    if (!isUniform(&op))
      varying.insert(op.result_begin(), op.result_end());
  }
}

void Counter::addFunction(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments()) {
    auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      "loco.role");
    if (!role || (role != "param" && role != "frozen" && role != "steps"))
      varying.insert(argument);
  }
  addBlock(function.getBody().front(), 1);
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

WorkCount loco::countWork(func::FuncOp planned, const Kernel &kernel,
                          int64_t samples, int64_t steps) {
  Counter counter(samples, steps);
  counter.addFunction(planned);
  WorkCount count = counter.take();
  planned.walk([&](ScanOp scan) {
    count.isAtMost |= scan.getYield().getCondition() != nullptr;
  });
  auto getBytes = [&](const KernelOperand &operand) -> double {
    if (operand.kind == KernelOperand::Kind::None)
      return 0;
    bool isOfSample = operand.kind == KernelOperand::Kind::Sample;
    return static_cast<double>(operand.bytes(steps)) *
           (isOfSample ? samples : 1);
  };
  for (auto [argument, operand] :
       llvm::zip_equal(planned.getArguments(), kernel.arguments))
    if (!argument.use_empty())
      count.bytesRead += getBytes(operand);
  for (const KernelOperand &operand : kernel.results)
    count.bytesWritten += getBytes(operand);
  return count;
}

int64_t loco::findLargestCarry(func::FuncOp planned) {
  int64_t largest = 0;
  planned.walk([&](ScanOp scan) {
    for (Value init : scan.getInits())
      largest = std::max(
          largest, cast<RankedTensorType>(init.getType()).getNumElements());
  });
  return largest;
}
