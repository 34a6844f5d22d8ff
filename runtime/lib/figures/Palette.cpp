//===- Palette.cpp - Colours of values and classes ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/figures/Palette.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

using namespace loco;

/// Read from the figure of orientation columns in Neural Wave Machines (Keller
/// & Welling, ICML 2023): 90, 67.5, ..., -67.5 degrees.
static constexpr uint32_t published[] = {0x3C848D, 0x86B33D, 0xB4C443,
                                         0xFBE451, 0xF09C3B, 0xC32A2D,
                                         0x7E4886, 0x253B73};

/// Ten classes after Tableau's palette, its grey replaced by navy.
static constexpr uint32_t distinct[] = {0x4E79A7, 0xF28E2B, 0xE15759, 0x76B7B2,
                                        0x59A14F, 0xEDC948, 0xB07AA1, 0xFF9DA7,
                                        0x9C755F, 0x1F3560};

/// Viridis of matplotlib at twenty places.
static constexpr uint32_t viridis[] = {
    0x440154, 0x481567, 0x482677, 0x453781, 0x404788, 0x39568C, 0x33638D,
    0x2D708E, 0x287D8E, 0x238A8D, 0x1F968B, 0x20A387, 0x29AF7F, 0x3CBB75,
    0x55C667, 0x73D055, 0x95D840, 0xB8DE29, 0xDCE319, 0xFDE725};

/// ColorBrewer's RdBu, from blue to red.
static constexpr uint32_t blueToRed[] = {0x053061, 0x2166AC, 0x4393C3, 0x92C5DE,
                                         0xD1E5F0, 0xF7F7F7, 0xFDDBC7, 0xF4A582,
                                         0xD6604D, 0xB2182B, 0x67001F};

static Color blend(const Color &from, const Color &to, double share) {
  return {from.red + share * (to.red - from.red),
          from.green + share * (to.green - from.green),
          from.blue + share * (to.blue - from.blue)};
}

/// The colour at a place between 0 and 1 along a list.
static Color along(std::span<const uint32_t> colors, double place) {
  double position = std::clamp(place, 0.0, 1.0) * double(colors.size() - 1);
  size_t index = std::min(size_t(position), colors.size() - 2);
  return blend(Color::hex(colors[index]), Color::hex(colors[index + 1]),
               position - double(index));
}

std::vector<Color> loco::orientationColors(int64_t count) {
  std::vector<Color> colors;
  for (int64_t index = 0; index < count; ++index) {
    double position = 8 * double(index) / double(count);
    size_t before = size_t(position);
    colors.push_back(blend(Color::hex(published[before % 8]),
                           Color::hex(published[(before + 1) % 8]),
                           position - double(before)));
  }
  return colors;
}

/// A strong colour by its hue in turns, darker for odd numbers.
static Color byHue(double hue, bool dark) {
  auto part = [&](double shift) {
    double wave =
        0.5 + 0.5 * std::cos(2 * std::numbers::pi * (hue - shift / 3));
    return (dark ? 0.05 : 0.2) + (dark ? 0.6 : 0.75) * wave;
  };
  return {part(0), part(1), part(2)};
}

std::vector<Color> loco::classColors(int64_t count) {
  std::vector<Color> colors;
  for (int64_t index = 0; index < count; ++index)
    colors.push_back(count <= int64_t(std::size(distinct))
                         ? Color::hex(distinct[index])
                         : byHue(double(index) / double(count), index % 2));
  return colors;
}

Color ValueColors::operator()(double value) const {
  if (!std::isfinite(value))
    return ink::missing;
  if (scale == ColorScale::Phase) {
    auto part = [&](double shift) {
      return 0.5 + 0.5 * std::cos(value + shift);
    };
    double third = 2 * std::numbers::pi / 3;
    return {part(0), part(third), part(-third)};
  }
  // Halves, because the whole range may be beyond the largest number.
  double place = (value / 2 - low / 2) / (high / 2 - low / 2);
  switch (scale) {
  case ColorScale::Diverging:
    return along(blueToRed, place);
  case ColorScale::Gray:
    return along(std::array<uint32_t, 2>{0x000000, 0xFFFFFF}, place);
  default:
    return along(viridis, place);
  }
}

ValueColors loco::valueColors(const FieldOptions &options,
                              const Tensor &values) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (options.colors == ColorScale::Phase)
    return {ColorScale::Phase, -std::numbers::pi, std::numbers::pi};
  if (options.range)
    return {options.colors, options.range->first, options.range->second};
  double low = infinity, high = -infinity;
  for (int64_t at = 0; at < values.size(); ++at)
    if (double value = values.at(at); std::isfinite(value)) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  if (low > high)
    low = high = 0;
  if (options.colors == ColorScale::Diverging) {
    high = std::max(std::abs(low), std::abs(high));
    low = -high;
  }
  // A constant field gets a scale around its value.
  if (low == high) {
    double room = low == 0 ? 1 : std::abs(low) / 2;
    low -= room;
    high += room;
  }
  return {options.colors, low, high};
}

int64_t loco::countNotFinite(const Tensor &values) {
  int64_t count = 0;
  for (int64_t at = 0; at < values.size(); ++at)
    count += !std::isfinite(values.at(at));
  return count;
}
