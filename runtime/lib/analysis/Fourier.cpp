//===- Fourier.cpp - Discrete Fourier transforms --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/analysis/Fourier.h"

// The library's header uses std::acos without including it.
#include <cmath>
#include <cstddef>
#include <kissfft/kissfft.hh>

using namespace loco;

struct Fourier::Plans {
  explicit Plans(size_t length)
      : forward(length, false), backward(length, true), result(length) {}

  kissfft<double> forward, backward;
  std::vector<Complex> result;
};

Fourier::Fourier(size_t length) : plans(std::make_unique<Plans>(length)) {}

Fourier::~Fourier() = default;

void Fourier::forward(std::vector<Complex> &values) {
  plans->forward.transform(values.data(), plans->result.data());
  values.swap(plans->result);
}

void Fourier::backward(std::vector<Complex> &values) {
  plans->backward.transform(values.data(), plans->result.data());
  values.swap(plans->result);
  for (Complex &value : values)
    value /= double(values.size());
}
