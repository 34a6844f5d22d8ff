//===- LocoConvOps.cpp - Rules of the convolution family -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace loco;

RankedTensorType ConvOp::getKernelType() { return getLhs().getType(); }
RankedTensorType ConvOp::getFieldType() { return getRhs().getType(); }
RankedTensorType ConvOp::getOutputType() { return getResult().getType(); }

RankedTensorType ConvTransposeOp::getKernelType() { return getLhs().getType(); }
RankedTensorType ConvTransposeOp::getFieldType() {
  return getResult().getType();
}
RankedTensorType ConvTransposeOp::getOutputType() { return getRhs().getType(); }

RankedTensorType ConvOuterOp::getKernelType() { return getResult().getType(); }
RankedTensorType ConvOuterOp::getFieldType() { return getRhs().getType(); }
RankedTensorType ConvOuterOp::getOutputType() { return getLhs().getType(); }

/// Checks channels: kernel [out, in / groups, ...], field [in, ...], output
/// [out, ...].
static LogicalResult verifyChannels(Operation *op, RankedTensorType kernel,
                                    RankedTensorType field,
                                    RankedTensorType output, int64_t groups) {
  int64_t in = field.getDimSize(0), out = output.getDimSize(0);
  if (groups < 1 || in % groups || out % groups)
    return op->emitOpError("has ")
           << groups << " groups for " << in << " and " << out << " channels";
  if (kernel.getDimSize(0) != out || kernel.getDimSize(1) != in / groups)
    return op->emitOpError("has kernel ")
           << kernel << " for " << in << " to " << out << " channels";
  return success();
}

template <typename Op>
static LogicalResult verifyConv(Op op) {
  RankedTensorType kernel = op.getKernelType(), field = op.getFieldType(),
                   output = op.getOutputType();
  bool channels = kernel.getRank() == field.getRank() + 1;
  if ((!channels && kernel.getRank() != field.getRank()) ||
      output.getRank() != field.getRank() || field.getRank() == 0)
    return op.emitOpError("has kernel ")
           << kernel << ", field " << field << " and output " << output;
  if (!kernel.hasStaticShape() || !field.hasStaticShape() ||
      !output.hasStaticShape())
    return op.emitOpError("needs static shapes");
  if (channels &&
      failed(verifyChannels(op, kernel, field, output, op.getGroups())))
    return failure();
  if (!channels && op.getGroups() != 1)
    return op.emitOpError("has groups without channels");

  ArrayRef<int64_t> window = kernel.getShape().drop_front(channels ? 2 : 0),
                    from = field.getShape().drop_front(channels),
                    to = output.getShape().drop_front(channels);
  if (op.getStrides().size() != window.size() ||
      op.getLow().size() != window.size())
    return op.emitOpError(
        "needs one stride and one low padding per axis of the window");
  for (auto [size, stride, low, sites, outputs] :
       llvm::zip(window, op.getStrides(), op.getLow(), from, to)) {
    if (stride < 1 || low < 0 || low >= size)
      return op.emitOpError("has stride ")
             << stride << " and low padding " << low << " for a window of "
             << size;
    if (op.getBoundary() == Boundary::Wrap &&
        (sites % stride != 0 || outputs != sites / stride))
      return op.emitOpError("wraps ")
             << sites << " sites to " << outputs << " outputs";
    if (op.getBoundary() == Boundary::Zero &&
        outputs - 1 > (sites - 1 + low) / stride)
      return op.emitOpError("has an output beyond the field's ")
             << sites << " sites";
  }
  return success();
}

LogicalResult ConvOp::verify() { return verifyConv(*this); }
LogicalResult ConvTransposeOp::verify() { return verifyConv(*this); }
LogicalResult ConvOuterOp::verify() { return verifyConv(*this); }
