//===- LinearRules.cpp - Transposes of linear and bilinear ops -----------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Autodiff/Autodiff.h"
#include "compiler/Autodiff/Rules.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace loco;

bool loco::isDifferentiable(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

/// True if `op` sums over time outside of a loop: its transpose would be as
/// long as a value that it does not have.
static bool reducesTime(Operation *op) {
  auto reduce = dyn_cast<ReduceOp>(op);
  return reduce && llvm::any_of(reduce.getAxes(), [&](int64_t axis) {
           return reduce.getOperand().getType().isDynamicDim(axis);
         });
}

Dependence loco::getDependence(Operation *op) {
  if (reducesTime(op))
    return Dependence::Unknown;
  return TypeSwitch<Operation *, Dependence>(op)
      .Case<arith::ConstantOp, arith::CmpFOp, arith::AddIOp, arith::SubIOp,
            arith::MulIOp, arith::MinSIOp, arith::MaxSIOp, arith::AndIOp,
            arith::OrIOp, arith::XOrIOp, math::FloorOp, math::CeilOp,
            StopGradientOp, FirstMaxOp, ZerosOp, CoordinateOp, FromIndexOp,
            OneHotOp, RandomOp, LengthOp, SegmentOp, YieldOp, func::ReturnOp>(
          [](auto) { return Dependence::Constant; })
      .Case<arith::MulFOp, arith::DivFOp, math::TanhOp, math::ExpOp,
            math::ExpM1Op, math::LogOp, math::Log1pOp, math::SinOp, math::CosOp,
            math::SqrtOp, math::RsqrtOp, math::PowFOp, math::Atan2Op, SigmoidOp,
            SoftplusOp>([](auto) { return Dependence::Elementwise; })
      .Case<arith::AddFOp, arith::SubFOp, arith::NegFOp, arith::SelectOp,
            arith::MaximumFOp, arith::MinimumFOp, math::AbsFOp, BroadcastOp,
            ReduceOp, ReshapeOp, TransposeOp, SliceOp, PadOp, ConcatOp, RollOp,
            AtOp, PlaceOp, WindowOp, PlaceWindowOp>(
          [](auto) { return Dependence::Linear; })
      .Case<ContractOp, ConvOp, ConvTransposeOp, ConvOuterOp>(
          [](auto) { return Dependence::Bilinear; })
      .Case<ScanOp, StencilOp>([](auto) { return Dependence::Region; })
      .Default([](auto) { return Dependence::Unknown; });
}

//===----------------------------------------------------------------------===//
// Choices: linear once the side is known
//===----------------------------------------------------------------------===//

/// Where the first operand of a maximum or minimum is taken: ties go to it.
static Value emitFirstIsTaken(ImplicitLocOpBuilder &builder, Operation *op) {
  auto predicate = isa<arith::MaximumFOp>(op) ? arith::CmpFPredicate::OGE
                                              : arith::CmpFPredicate::OLE;
  return arith::CmpFOp::create(builder, predicate, op->getOperand(0),
                               op->getOperand(1));
}

/// `value` times the sign of `x`; zero where `x` is.
static Value emitSigned(ImplicitLocOpBuilder &builder, Value value, Value x) {
  Value zero = emitZeroLike(builder, x);
  Value positive =
      arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, x, zero);
  Value negative =
      arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, x, zero);
  Value minus = arith::NegFOp::create(builder, value);
  Value otherwise = arith::SelectOp::create(builder, negative, minus, zero);
  return arith::SelectOp::create(builder, positive, value, otherwise);
}

/// `chosen` where `condition` holds (`first`) or does not, zero elsewhere.
static Value emitMasked(ImplicitLocOpBuilder &builder, Value condition,
                        bool first, Value chosen) {
  Value zero = emitZeroLike(builder, chosen);
  return arith::SelectOp::create(builder, condition, first ? chosen : zero,
                                 first ? zero : chosen);
}

//===----------------------------------------------------------------------===//
// Bilinear forms
//===----------------------------------------------------------------------===//

/// The equation "o,b->a" or "a,o->b" of a contraction's derivative, for
/// "a,b->o".
static Value emitContractTranspose(ImplicitLocOpBuilder &builder, ContractOp op,
                                   unsigned index, Value cotangent) {
  auto [inputs, output] = op.getEquation().split("->");
  auto [lhs, rhs] = inputs.split(',');
  if (index == 0) {
    std::string equation = (output + "," + rhs + "->" + lhs).str();
    return ContractOp::create(builder, op.getLhs().getType(), equation,
                              cotangent, op.getRhs());
  }
  std::string equation = (lhs + "," + output + "->" + rhs).str();
  return ContractOp::create(builder, op.getRhs().getType(), equation,
                            op.getLhs(), cotangent);
}

/// Makes the op of the convolution family `To` with the attributes of `op`.
template <typename To, typename From>
static Value emitConv(ImplicitLocOpBuilder &builder, From op, Type type,
                      Value lhs, Value rhs) {
  return To::create(builder, type, lhs, rhs, op.getBoundaryAttr(),
                    op.getStridesAttr(), op.getLowAttr(), op.getGroupsAttr());
}

/// All three are derivatives of f(g, k, x), `loco.conv` in the dialect.
static Value emitConvTranspose(ImplicitLocOpBuilder &builder, Operation *op,
                               unsigned index, Value cotangent) {
  Type type = op->getOperand(index).getType();
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](ConvOp conv) {
        return index == 0
                   ? emitConv<ConvOuterOp>(builder, conv, type, cotangent, rhs)
                   : emitConv<ConvTransposeOp>(builder, conv, type, lhs,
                                               cotangent);
      })
      .Case([&](ConvTransposeOp conv) {
        return index == 0
                   ? emitConv<ConvOuterOp>(builder, conv, type, rhs, cotangent)
                   : emitConv<ConvOp>(builder, conv, type, lhs, cotangent);
      })
      .Case([&](ConvOuterOp conv) {
        return index == 0
                   ? emitConv<ConvOp>(builder, conv, type, cotangent, rhs)
                   : emitConv<ConvTransposeOp>(builder, conv, type, cotangent,
                                               lhs);
      });
}

//===----------------------------------------------------------------------===//
// Transposes
//===----------------------------------------------------------------------===//

/// The part of the result of a concat that came from operand `index`.
static Value emitConcatTranspose(ImplicitLocOpBuilder &builder, ConcatOp op,
                                 unsigned index, Value cotangent) {
  SmallVector<int64_t> offsets(op.getResult().getType().getRank(), 0);
  for (Value before : op.getOperands().take_front(index))
    offsets[op.getAxis()] +=
        cast<RankedTensorType>(before.getType()).getDimSize(op.getAxis());
  return SliceOp::create(builder, op.getOperand(index).getType(), cotangent,
                         offsets);
}

static Value emitReduceTranspose(ImplicitLocOpBuilder &builder, ReduceOp op,
                                 Value cotangent) {
  Type type = op.getOperand().getType();
  Value repeated = BroadcastOp::create(builder, type, cotangent, op.getAxes());
  if (op.getKind() == ReductionKind::Sum)
    return repeated;
  Value mask = FirstMaxOp::create(builder, type, op.getOperand(), op.getAxes());
  return arith::MulFOp::create(builder, mask, repeated);
}

Value loco::emitTranspose(ImplicitLocOpBuilder &builder, Operation *op,
                          unsigned index, Value cotangent) {
  Type type = op->getOperand(index).getType();
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::AddFOp) { return cotangent; })
      .Case([&](arith::SubFOp) -> Value {
        return index == 0 ? cotangent
                          : arith::NegFOp::create(builder, cotangent);
      })
      .Case([&](arith::NegFOp) -> Value {
        return arith::NegFOp::create(builder, cotangent);
      })
      .Case([&](arith::SelectOp select) {
        return emitMasked(builder, select.getCondition(), index == 1,
                          cotangent);
      })
      .Case<arith::MaximumFOp, arith::MinimumFOp>([&](auto) {
        return emitMasked(builder, emitFirstIsTaken(builder, op), index == 0,
                          cotangent);
      })
      .Case([&](math::AbsFOp abs) {
        return emitSigned(builder, cotangent, abs.getOperand());
      })
      .Case([&](BroadcastOp broadcast) -> Value {
        return ReduceOp::create(builder, type, ReductionKind::Sum, cotangent,
                                broadcast.getAxes());
      })
      .Case([&](ReduceOp reduce) {
        return emitReduceTranspose(builder, reduce, cotangent);
      })
      .Case([&](ReshapeOp) -> Value {
        return ReshapeOp::create(builder, type, cotangent);
      })
      .Case([&](TransposeOp transpose) -> Value {
        return TransposeOp::create(
            builder, type, cotangent,
            invertPermutationVector(transpose.getPermutation()));
      })
      .Case([&](SliceOp slice) -> Value {
        return PadOp::create(builder, type, cotangent, slice.getOffsets());
      })
      .Case([&](PadOp pad) -> Value {
        return SliceOp::create(builder, type, cotangent, pad.getOffsets());
      })
      .Case([&](ConcatOp concat) {
        return emitConcatTranspose(builder, concat, index, cotangent);
      })
      .Case([&](RollOp roll) -> Value {
        int64_t distance = roll.getDistance();
        return RollOp::create(builder, type, cotangent, roll.getAxis(),
                              -distance, roll.getBoundary());
      })
      .Case([&](AtOp at) -> Value {
        Value steps = LengthOp::create(builder, at.getOperand());
        return PlaceOp::create(builder, type, cotangent, at.getStep(), steps);
      })
      .Case([&](PlaceOp place) -> Value {
        return AtOp::create(builder, type, cotangent, place.getStep());
      })
      .Case([&](WindowOp window) -> Value {
        Value steps = LengthOp::create(builder, window.getOperand());
        return PlaceWindowOp::create(builder, type, cotangent,
                                     window.getFirst(), steps);
      })
      .Case([&](PlaceWindowOp place) -> Value {
        Value steps = LengthOp::create(builder, place.getOperand());
        return WindowOp::create(builder, type, cotangent, place.getFirst(),
                                steps);
      })
      .Case([&](ContractOp contract) {
        return emitContractTranspose(builder, contract, index, cotangent);
      })
      .Case<ConvOp, ConvTransposeOp, ConvOuterOp>([&](auto) {
        return emitConvTranspose(builder, op, index, cotangent);
      });
}

//===----------------------------------------------------------------------===//
// Pushforwards
//===----------------------------------------------------------------------===//

/// A clone of `op` on other operands.
static Value emitOn(ImplicitLocOpBuilder &builder, Operation *op,
                    ValueRange operands) {
  Operation *clone = builder.clone(*op);
  clone->setOperands(operands);
  return clone->getResult(0);
}

/// The op's tangent with every operand but `index` as it is.
static Value emitWithTangent(ImplicitLocOpBuilder &builder, Operation *op,
                             unsigned index, Value tangent) {
  SmallVector<Value> operands(op->getOperands());
  operands[index] = tangent;
  return emitOn(builder, op, operands);
}

Value loco::emitPushforward(ImplicitLocOpBuilder &builder, Operation *op,
                            ArrayRef<Value> tangents) {
  if (getDependence(op) == Dependence::Bilinear) {
    Value sum;
    for (auto [index, tangent] : llvm::enumerate(tangents)) {
      if (!tangent)
        continue;
      Value term = emitWithTangent(builder, op, index, tangent);
      sum = sum ? arith::AddFOp::create(builder, sum, term) : term;
    }
    return sum;
  }

  SmallVector<Value> filled;
  for (auto [operand, tangent] : llvm::zip(op->getOperands(), tangents)) {
    if (tangent || !isDifferentiable(operand.getType()))
      filled.push_back(tangent ? tangent : operand);
    else
      filled.push_back(emitZeroLike(builder, operand));
  }
  return TypeSwitch<Operation *, Value>(op)
      .Case<arith::MaximumFOp, arith::MinimumFOp>([&](auto) -> Value {
        return arith::SelectOp::create(builder, emitFirstIsTaken(builder, op),
                                       filled[0], filled[1]);
      })
      .Case([&](math::AbsFOp abs) {
        return emitSigned(builder, filled[0], abs.getOperand());
      })
      .Case([&](ReduceOp reduce) -> Value {
        Value tangent = filled[0];
        if (reduce.getKind() == ReductionKind::Max)
          tangent = arith::MulFOp::create(
              builder, tangent,
              FirstMaxOp::create(builder, tangent.getType(),
                                 reduce.getOperand(), reduce.getAxes()));
        return ReduceOp::create(builder, reduce.getResult().getType(),
                                ReductionKind::Sum, tangent, reduce.getAxes());
      })
      .Default([&](Operation *) { return emitOn(builder, op, filled); });
}
