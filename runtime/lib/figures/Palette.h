//===- Palette.h - Colours of values and classes ----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_FIGURES_PALETTE_H
#define LOCO_FIGURES_PALETTE_H

#include "loco/Figures.h"
#include "runtime/lib/figures/Canvas.h"

#include <vector>

namespace loco {

/// Colours of orientations, cyclic: the eight of the published maps, or as many
/// as asked for around the same circle.
std::vector<Color> orientationColors(int64_t count);

/// Colours that are easy to tell apart, none of them grey.
std::vector<Color> classColors(int64_t count);

/// A scale of colours between two values.
struct ValueColors {
  ColorScale scale;
  double low, high;

  /// Grey for a value that is not finite.
  Color operator()(double value) const;
};

/// The scale of the options; ends that are not given come from the finite
/// values of the data, which for the diverging scale lie symmetric to zero.
ValueColors valueColors(const FieldOptions &options, const Tensor &values);

/// How many values are not finite.
int64_t countNotFinite(const Tensor &values);

} // namespace loco

#endif // LOCO_FIGURES_PALETTE_H
