//===- Fourier.h - Discrete Fourier transforms ------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one place that knows the FFT library, KISS FFT: BSD-licensed, double
// precision in one header, any length.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_ANALYSIS_FOURIER_H
#define LOCO_ANALYSIS_FOURIER_H

#include <complex>
#include <memory>
#include <vector>

namespace loco {

using Complex = std::complex<double>;

/// Transforms of one length, forward (exp(-i...), not scaled) and back (scaled,
/// so that the two undo each other). Fast for lengths with small prime factors.
class Fourier {
public:
  explicit Fourier(size_t length);
  ~Fourier();

  /// Both replace `values`, which holds `length` numbers.
  void forward(std::vector<Complex> &values);
  void backward(std::vector<Complex> &values);

private:
  struct Plans;
  std::unique_ptr<Plans> plans;
};

} // namespace loco

#endif // LOCO_ANALYSIS_FOURIER_H
