//===- ConvForm.h - The trilinear form of a convolution ---------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_LOCO_TRANSFORMS_CONVFORM_H
#define DIALECTS_LOCO_TRANSFORMS_CONVFORM_H

#include "dialects/Loco/IR/LocoOps.h"

#include "llvm/Support/MathExtras.h"

namespace loco {

/// The trilinear form of a conv, whichever of its arguments is the result.
struct ConvForm {
  mlir::RankedTensorType kernel, field, output;
  llvm::ArrayRef<int64_t> strides, low;
  Boundary boundary;
  int64_t groups;
  bool transposed, channels;

  template <typename Op>
  explicit ConvForm(Op op)
      : kernel(op.getKernelType()), field(op.getFieldType()),
        output(op.getOutputType()), strides(op.getStrides()), low(op.getLow()),
        boundary(op.getBoundary()), groups(op.getGroups()),
        transposed(mlir::isa<ConvTransposeOp>(op.getOperation())),
        channels(kernel.getRank() > field.getRank()) {}

  /// Of a `loco.conv`, `loco.conv_transpose` or `loco.conv_outer`.
  static ConvForm of(mlir::Operation *op) {
    if (auto conv = mlir::dyn_cast<ConvOp>(op))
      return ConvForm(conv);
    if (auto transpose = mlir::dyn_cast<ConvTransposeOp>(op))
      return ConvForm(transpose);
    return ConvForm(mlir::cast<ConvOuterOp>(op));
  }

  llvm::ArrayRef<int64_t> window() const {
    return kernel.getShape().take_back(strides.size());
  }
  int64_t taps() const {
    int64_t n = 1;
    for (int64_t size : window())
      n *= size;
    return n;
  }
  bool strided() const {
    return llvm::any_of(strides, [](int64_t stride) { return stride != 1; });
  }
  /// True if which taps of a strided transpose there are repeats along the
  /// whole field.
  bool canSpread() const {
    if (!transposed || !channels)
      return false;
    for (auto [i, stride] : llvm::enumerate(strides))
      if (boundary == Boundary::Wrap &&
          field.getDimSize(i + 1) != output.getDimSize(i + 1) * stride)
        return false;
    return true;
  }
  /// How far beyond the outputs a transpose reads along window axis `axis`:
  /// before the first and after the last one.
  std::pair<int64_t, int64_t> spreadReach(size_t axis) const {
    int64_t stride = strides[axis], from = low[axis] - (window()[axis] - 1);
    int64_t before = llvm::divideFloorSigned(from, stride);
    int64_t last = llvm::divideFloorSigned(
        field.getDimSize(axis + channels) - 1 + low[axis], stride);
    return {
        std::max<int64_t>(0, -before),
        std::max<int64_t>(0, last - (output.getDimSize(axis + channels) - 1))};
  }
  /// The coordinates of tap number `tap` in the window.
  llvm::SmallVector<int64_t> tapAt(int64_t tap) const {
    llvm::SmallVector<int64_t> at(window().size());
    for (size_t i = at.size(); i-- > 0; tap /= window()[i])
      at[i] = tap % window()[i];
    return at;
  }
  /// How far from its site the tap reads.
  llvm::SmallVector<int64_t> distance(int64_t tap) const {
    llvm::SmallVector<int64_t> at = tapAt(tap);
    for (size_t i = 0; i < at.size(); ++i)
      at[i] = transposed ? low[i] - at[i] : at[i] - low[i];
    return at;
  }
};

} // namespace loco

#endif // DIALECTS_LOCO_TRANSFORMS_CONVFORM_H
