//===- SimplifyPieces.cpp - Vectors of which pieces are taken -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The gates of a cell are pieces of one long vector: g[1] is a slice of a
// reshape of a sum, and its derivative a sum of pads. Computed as it is
// written, all gates are added, then copied piece by piece, and put together
// again from four vectors that are mostly zero. Here the slices move to what
// the sum is made of, and the sum of pads becomes a concatenation, each piece
// of which can be computed where it belongs. A contraction over an axis of one
// element is a multiplication.
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/IR/LocoOps.h"
#include "dialects/Loco/Transforms/Passes.h"
#include "dialects/Loco/Transforms/ScanBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace loco;

namespace loco {
#define GEN_PASS_DEF_SIMPLIFYPIECES
#include "dialects/Loco/Transforms/Passes.h.inc"
} // namespace loco

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Arithmetic that is worth computing piece by piece.
static bool isArithmetic(Operation *op) {
  return isa_and_nonnull<arith::AddFOp, arith::SubFOp, arith::MulFOp,
                         arith::NegFOp>(op);
}

static Value reshapeTo(PatternRewriter &rewriter, Location loc, Value value,
                       ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, typeOf(value).getElementType());
  return rewriter.createOrFold<ReshapeOp>(loc, type, value);
}

static Value flattened(PatternRewriter &rewriter, Location loc, Value value) {
  return reshapeTo(rewriter, loc, value, typeOf(value).getNumElements());
}

/// Where the elements of `part`, at `offsets` of `whole`, begin in row-major
/// order; nothing if they do not follow each other.
static std::optional<int64_t> contiguousAt(ArrayRef<int64_t> part,
                                           ArrayRef<int64_t> whole,
                                           ArrayRef<int64_t> offsets) {
  int64_t begin = 0, pitch = 1;
  bool full = true;
  for (int64_t i = whole.size(); i-- > 0;) {
    if (!full && part[i] != 1)
      return std::nullopt;
    full &= part[i] == whole[i];
    begin += offsets[i] * pitch;
    pitch *= whole[i];
  }
  return begin;
}

static bool isVector(RankedTensorType type) {
  return type.hasStaticShape() &&
         llvm::count_if(type.getShape(), [](int64_t n) { return n != 1; }) <= 1;
}

namespace {

/// Leaves out axes of one element; what is left of "oi,i->o" and "o,i->oi"
/// then is a product with a number.
struct ThinContraction : OpRewritePattern<ContractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ContractOp op,
                                PatternRewriter &rewriter) const override {
    auto [inputs, output] = op.getEquation().split("->");
    auto [left, right] = inputs.split(',');
    StringRef letters[2] = {left, right};
    if (!typeOf(op.getLhs()).hasStaticShape() ||
        !typeOf(op.getRhs()).hasStaticShape())
      return failure();
    std::string thin, rest[2];
    for (unsigned i : {0, 1})
      for (auto [letter, extent] :
           llvm::zip(letters[i], typeOf(op->getOperand(i)).getShape()))
        (extent == 1 ? thin : rest[i]).push_back(letter);
    if (thin.empty())
      return failure();
    std::string out;
    SmallVector<int64_t> shape;
    for (auto [letter, extent] :
         llvm::zip(output, op.getResult().getType().getShape()))
      if (extent != 1) {
        out.push_back(letter);
        shape.push_back(extent);
      }
    for (unsigned number : {0, 1}) {
      if (!rest[number].empty() || rest[1 - number] != out)
        continue;
      Location loc = op.getLoc();
      Value factor = reshapeTo(rewriter, loc, op->getOperand(number), {});
      Value field = reshapeTo(rewriter, loc, op->getOperand(1 - number), shape);
      if (!shape.empty())
        factor = BroadcastOp::create(
            rewriter, loc, field.getType(), factor,
            llvm::to_vector(llvm::seq<int64_t>(0, shape.size())));
      Value product = arith::MulFOp::create(rewriter, loc, field, factor);
      rewriter.replaceOp(op, reshapeTo(rewriter, loc, product,
                                       op.getResult().getType().getShape()));
      return success();
    }
    return failure();
  }
};

/// A slice of a sum is the sum of slices, where nobody wants all of the sum.
struct SliceOfArithmetic : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    Operation *producer = op.getOperand().getDefiningOp();
    if (!isVector(op.getResult().getType()) || !isArithmetic(producer) ||
        !llvm::all_of(producer->getUsers(), llvm::IsaPred<SliceOp>))
      return failure();
    IRMapping mapping;
    for (Value operand : producer->getOperands())
      mapping.map(operand, rewriter.createOrFold<SliceOp>(
                               op.getLoc(), op.getResult().getType(), operand,
                               op.getOffsets()));
    Operation *made = rewriter.clone(*producer, mapping);
    made->getResult(0).setType(op.getResult().getType());
    rewriter.replaceOp(op, made);
    return success();
  }
};

/// A slice of a broadcast number is a broadcast.
struct SliceOfBroadcast : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto broadcast = op.getOperand().getDefiningOp<BroadcastOp>();
    if (!broadcast || typeOf(broadcast.getOperand()).getRank() != 0)
      return failure();
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getResult().getType(),
                                             broadcast.getOperand(),
                                             broadcast.getAxes());
    return success();
  }
};

/// A row of a reshaped vector is a piece of that vector.
struct SliceOfReshape : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto reshape = op.getOperand().getDefiningOp<ReshapeOp>();
    RankedTensorType type = op.getResult().getType();
    if (!reshape || !isVector(type) || type.getRank() < 2 ||
        typeOf(reshape.getOperand()).getRank() != 1)
      return failure();
    auto begin = contiguousAt(type.getShape(), typeOf(reshape).getShape(),
                              op.getOffsets());
    if (!begin)
      return failure();
    auto flat =
        RankedTensorType::get(type.getNumElements(), type.getElementType());
    Value piece = SliceOp::create(rewriter, op.getLoc(), flat,
                                  reshape.getOperand(), ArrayRef{*begin});
    rewriter.replaceOp(
        op, reshapeTo(rewriter, op.getLoc(), piece, type.getShape()));
    return success();
  }
};

/// Arithmetic on reshaped vectors is arithmetic on the vectors.
struct ReshapeOfArithmetic : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    Operation *producer = op.getOperand().getDefiningOp();
    RankedTensorType type = op.getResult().getType();
    if (!isArithmetic(producer) || !producer->hasOneUse() ||
        type.getRank() != 1 || !isVector(typeOf(op.getOperand())))
      return failure();
    bool any = false;
    for (Value operand : producer->getOperands()) {
      Operation *source = operand.getDefiningOp();
      if (source && matchPattern(operand, m_Constant()))
        continue;
      if (!isa_and_nonnull<ReshapeOp, BroadcastOp>(source) &&
          !isArithmetic(source))
        return failure();
      if (auto broadcast = dyn_cast<BroadcastOp>(source);
          broadcast && typeOf(broadcast.getOperand()).getRank() != 0)
        return failure();
      any |= isa<ReshapeOp>(source);
    }
    if (!any)
      return failure();
    IRMapping mapping;
    for (Value operand : producer->getOperands()) {
      Value moved;
      if (auto broadcast = operand.getDefiningOp<BroadcastOp>())
        moved =
            BroadcastOp::create(rewriter, op.getLoc(), type,
                                broadcast.getOperand(), ArrayRef<int64_t>{0});
      else
        moved = flattened(rewriter, op.getLoc(), operand);
      mapping.map(operand, moved);
    }
    Operation *made = rewriter.clone(*producer, mapping);
    made->getResult(0).setType(type);
    rewriter.replaceOp(op, made);
    return success();
  }
};

/// True if `value` can take another shape at no cost: a number for all
/// elements, an argument, which is reshaped before the loop, or something that
/// is reshaped already.
bool isShapeless(Value value) {
  Operation *source = value.getDefiningOp();
  if (!source || isa<ReshapeOp>(source) || matchPattern(value, m_Constant()))
    return true;
  auto broadcast = dyn_cast<BroadcastOp>(source);
  return broadcast && typeOf(broadcast.getOperand()).getRank() == 0;
}

/// `value`, for which isShapeless holds or which arithmetic gives, in `shape`.
Value inShape(PatternRewriter &rewriter, Location loc, Value value,
              ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, typeOf(value).getElementType());
  auto broadcast = value.getDefiningOp<BroadcastOp>();
  if (broadcast && typeOf(broadcast.getOperand()).getRank() == 0)
    return BroadcastOp::create(
        rewriter, loc, type, broadcast.getOperand(),
        llvm::to_vector(llvm::seq<int64_t>(0, shape.size())));
  return reshapeTo(rewriter, loc, value, shape);
}

Operation *inShape(PatternRewriter &rewriter, Operation *op,
                   ArrayRef<int64_t> shape) {
  IRMapping mapping;
  for (Value operand : op->getOperands())
    if (!mapping.contains(operand))
      mapping.map(operand, inShape(rewriter, op->getLoc(), operand, shape));
  Operation *made = rewriter.clone(*op, mapping);
  made->getResult(0).setType(
      RankedTensorType::get(shape, typeOf(op->getResult(0)).getElementType()));
  return made;
}

/// A vector that is computed only to become a field is computed as one: what it
/// is made of is reshaped outside of loops, if it is the same in every step.
struct FieldOfArithmetic : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    Operation *producer = op.getOperand().getDefiningOp();
    RankedTensorType type = op.getResult().getType();
    if (!isArithmetic(producer) || !producer->hasOneUse() || isVector(type) ||
        !isVector(typeOf(op.getOperand())) ||
        !llvm::all_of(producer->getOperands(), [](Value operand) {
          return isShapeless(operand) ||
                 (isArithmetic(operand.getDefiningOp()) &&
                  llvm::all_of(operand.getDefiningOp()->getOperands(),
                               isShapeless));
        }))
      return failure();
    rewriter.setInsertionPoint(producer);
    rewriter.replaceOp(op, inShape(rewriter, producer, type.getShape()));
    return success();
  }
};

/// What is computed of a field that became a vector is computed of the field.
template <typename Op>
struct ArithmeticOfField : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    RankedTensorType type = typeOf(op->getResult(0)), field;
    if (!isVector(type))
      return failure();
    for (Value operand : op->getOperands()) {
      auto reshape = operand.template getDefiningOp<ReshapeOp>();
      if (!reshape) {
        if (!operand.getDefiningOp() || !isShapeless(operand))
          return failure();
        continue;
      }
      RankedTensorType from = typeOf(reshape.getOperand());
      if (field && from.getShape() != field.getShape())
        return failure();
      field = from;
    }
    if (!field || isVector(field))
      return failure();
    Operation *made = inShape(rewriter, op, field.getShape());
    rewriter.replaceOp(op, reshapeTo(rewriter, op->getLoc(), made->getResult(0),
                                     type.getShape()));
    return success();
  }
};

/// A sum of pads that lie beside each other is a concatenation.
struct SumOfPads : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The pads that are added, false if there is anything else.
  static bool collect(Value value, SmallVectorImpl<PadOp> &pads) {
    if (auto pad = value.getDefiningOp<PadOp>()) {
      pads.push_back(pad);
      return true;
    }
    auto sum = value.getDefiningOp<arith::AddFOp>();
    return sum && sum->hasOneUse() && collect(sum.getLhs(), pads) &&
           collect(sum.getRhs(), pads);
  }

  LogicalResult matchAndRewrite(arith::AddFOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    SmallVector<PadOp> pads;
    if (!type || !type.hasStaticShape() || !collect(op.getLhs(), pads) ||
        !collect(op.getRhs(), pads))
      return failure();
    // The last sum of a chain is rewritten.
    if (op->hasOneUse() && isa<arith::AddFOp>(*op->user_begin())) {
      SmallVector<PadOp> others;
      if (collect((*op->user_begin())->getResult(0), others) ||
          llvm::all_of((*op->user_begin())->getOperands(),
                       [&](Value operand) { return collect(operand, others); }))
        return failure();
    }
    // Along the first axis, all others whole, so that pieces lie in one piece.
    llvm::sort(pads, [](PadOp a, PadOp b) {
      return a.getOffsets()[0] < b.getOffsets()[0];
    });
    Location loc = op.getLoc();
    SmallVector<std::pair<Value, int64_t>> pieces;
    int64_t end = 0;
    auto gap = [&](int64_t to) {
      if (to > end)
        pieces.push_back({Value(), to - end});
    };
    for (PadOp pad : pads) {
      RankedTensorType part = typeOf(pad.getOperand());
      if (pad.getOffsets()[0] < end ||
          part.getShape().drop_front() != type.getShape().drop_front())
        return failure();
      gap(pad.getOffsets()[0]);
      end = pad.getOffsets()[0] + part.getDimSize(0);
      pieces.push_back({pad.getOperand(), part.getDimSize(0)});
    }
    gap(type.getDimSize(0));
    SmallVector<Value> operands;
    for (auto [value, extent] : pieces) {
      SmallVector<int64_t> shape(type.getShape());
      shape[0] = extent;
      auto part = RankedTensorType::get(shape, type.getElementType());
      operands.push_back(
          value ? value
                : arith::ConstantOp::create(
                      rewriter, loc, part,
                      DenseElementsAttr::get(
                          part, rewriter.getZeroAttr(type.getElementType())))
                      .getResult());
    }
    rewriter.replaceOpWithNewOp<ConcatOp>(op, type, operands, 0);
    return success();
  }
};

/// A concatenation of rows, taken as one vector, is one of vectors.
struct ReshapeOfConcat : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto concat = op.getOperand().getDefiningOp<ConcatOp>();
    RankedTensorType type = op.getResult().getType();
    if (!concat || !concat->hasOneUse() || concat.getAxis() != 0 ||
        type.getRank() != 1 || !typeOf(concat).hasStaticShape())
      return failure();
    SmallVector<Value> pieces;
    for (Value operand : concat.getOperands())
      pieces.push_back(flattened(rewriter, op.getLoc(), operand));
    rewriter.replaceOpWithNewOp<ConcatOp>(op, type, pieces, 0);
    return success();
  }
};

/// A sum of reshaped values is the reshaped sum.
static void reshapeAfter(ScanOp scan) {
  ScanParts parts = partsOf(scan);
  bool any = false;
  for (auto [value, sum] : llvm::zip(parts.sums, scan.getSums())) {
    auto reshape = value.getDefiningOp<ReshapeOp>();
    if (!reshape || reshape->getBlock() != scan.getBlock())
      continue;
    any = true;
    value = reshape.getOperand();
  }
  if (!any)
    return;
  OpBuilder builder(scan);
  SmallVector<Operation *> ops;
  for (Operation &op : scan.getBlock()->without_terminator())
    ops.push_back(&op);
  ScanOp made = buildScan(builder, scan.getLoc(), parts, ops);
  for (auto [from, to] : llvm::zip(scan.getResults(), made.getResults())) {
    Value result = to;
    if (from.getType() != to.getType())
      result = ReshapeOp::create(builder, scan.getLoc(), from.getType(), to);
    from.replaceAllUsesWith(result);
  }
  scan.erase();
}

class SimplifyPieces : public loco::impl::SimplifyPiecesBase<SimplifyPieces> {
public:
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns
        .add<ThinContraction, SliceOfArithmetic, SliceOfBroadcast,
             SliceOfReshape, ReshapeOfArithmetic, SumOfPads, ReshapeOfConcat,
             FieldOfArithmetic, ArithmeticOfField<arith::AddFOp>,
             ArithmeticOfField<arith::SubFOp>, ArithmeticOfField<arith::MulFOp>,
             ArithmeticOfField<arith::NegFOp>>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    SmallVector<ScanOp> scans;
    getOperation().walk([&](ScanOp scan) { scans.push_back(scan); });
    llvm::for_each(scans, reshapeAfter);
  }
};

} // namespace
