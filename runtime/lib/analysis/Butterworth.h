//===- Butterworth.h - A band-pass filter -----------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_ANALYSIS_BUTTERWORTH_H
#define LOCO_ANALYSIS_BUTTERWORTH_H

#include <vector>

namespace loco {

/// A digital Butterworth band-pass as a chain of second-order sections, which
/// keeps narrow filters of high order accurate where one quotient of
/// polynomials would not.
class Butterworth {
public:
  /// Edges in units of the Nyquist frequency, 0 < low < high < 1, where the
  /// gain is 1/sqrt(2); `order` poles of the low-pass prototype.
  Butterworth(int order, double low, double high);

  /// Filters in place, forward in time, starting at rest.
  void apply(std::vector<double> &signal) const;

private:
  /// gain (1 - z^-2) / (1 + a1 z^-1 + a2 z^-2)
  struct Section {
    double gain, a1, a2;
  };
  std::vector<Section> sections;
};

} // namespace loco

#endif // LOCO_ANALYSIS_BUTTERWORTH_H
