//===- Butterworth.cpp - A band-pass filter -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/analysis/Butterworth.h"

#include <cmath>
#include <complex>
#include <numbers>

using namespace loco;

using Complex = std::complex<double>;

/// The poles of the digital band-pass in the upper half plane, one of each
/// conjugate pair. Each pole p of the analogue low-pass becomes the two roots
/// of s^2 - p B s + w^2 = 0 (B the width, w the geometric centre of the warped
/// band), and s becomes z = (1 + s) / (1 - s).
static std::vector<Complex> upperPoles(int order, double low, double high) {
  std::vector<Complex> poles;
  double width = high - low, centre = low * high;
  for (int index = 0; index < order; ++index) {
    Complex prototype = std::polar(
        1.0, std::numbers::pi * (2.0 * index + order + 1) / (2.0 * order));
    Complex half = prototype * width / 2.0;
    Complex root = std::sqrt(half * half - centre);
    for (Complex analogue : {half + root, half - root})
      if (analogue.imag() > 0)
        poles.push_back((1.0 + analogue) / (1.0 - analogue));
  }
  return poles;
}

/// The two digital poles of the middle prototype pole s = -1 of an odd order
/// when the band is so wide that they are real: the roots of s^2 + B s + w^2.
static std::vector<double> realPoles(int order, double low, double high) {
  double width = high - low, centre = low * high;
  double discriminant = width * width / 4 - centre;
  if (order % 2 == 0 || discriminant < 0)
    return {};
  std::vector<double> poles;
  for (double sign : {1.0, -1.0}) {
    double analogue = -width / 2 + sign * std::sqrt(discriminant);
    poles.push_back((1 + analogue) / (1 - analogue));
  }
  return poles;
}

Butterworth::Butterworth(int order, double low, double high) {
  // The bilinear transform maps a digital frequency f to tan(pi f / 2).
  double warpedLow = std::tan(std::numbers::pi * low / 2);
  double warpedHigh = std::tan(std::numbers::pi * high / 2);
  std::vector<double> onAxis = realPoles(order, warpedLow, warpedHigh);
  for (Complex pole : upperPoles(order, warpedLow, warpedHigh)) {
    // An imaginary part of rounding error belongs to the real poles.
    if (onAxis.size() && std::abs(pole.imag()) < 1e-12)
      continue;
    sections.push_back({1, -2 * pole.real(), std::norm(pole)});
  }
  if (onAxis.size())
    sections.push_back({1, -(onAxis[0] + onAxis[1]), onAxis[0] * onAxis[1]});

  // Each section is scaled to gain one at the centre, where the whole has it.
  double centre = 2 * std::atan(std::sqrt(warpedLow * warpedHigh));
  Complex back = std::polar(1.0, -centre);
  for (Section &section : sections)
    section.gain =
        std::abs((1.0 + section.a1 * back + section.a2 * back * back) /
                 (1.0 - back * back));
}

void Butterworth::apply(std::vector<double> &signal) const {
  for (const Section &section : sections) {
    double in1 = 0, in2 = 0, out1 = 0, out2 = 0;
    for (double &value : signal) {
      double in = value;
      value = section.gain * (in - in2) - section.a1 * out1 - section.a2 * out2;
      in2 = in1, in1 = in;
      out2 = out1, out1 = value;
    }
  }
}
