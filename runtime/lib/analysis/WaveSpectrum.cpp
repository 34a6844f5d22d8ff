//===- WaveSpectrum.cpp - Power by frequency and wave number --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/analysis/WaveField.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace loco;

/// One ring over time, without its mean.
static std::vector<Complex> ringOf(const Tensor &field, int64_t ring,
                                   int64_t rings, int64_t length) {
  int64_t steps = field.shape()[0];
  std::vector<Complex> values(steps * length);
  double first = field.at(ring * length), sum = 0;
  for (int64_t step = 0; step < steps; ++step)
    for (int64_t place = 0; place < length; ++place) {
      double value = field.at((step * rings + ring) * length + place) - first;
      values[step * length + place] = value;
      sum += value;
    }
  for (Complex &value : values)
    value -= sum / double(values.size());
  return values;
}

/// exp(-i k x + i w t) over a [steps, length] array: forward along space,
/// reversed in time, so that cos(k x - w t) appears at (w, k).
static void transform(std::vector<Complex> &values, int64_t steps,
                      int64_t length) {
  Fourier space(length), time(steps);
  std::vector<Complex> row(length), column(steps);
  for (int64_t step = 0; step < steps; ++step) {
    row.assign(values.begin() + step * length,
               values.begin() + (step + 1) * length);
    space.forward(row);
    std::copy(row.begin(), row.end(), values.begin() + step * length);
  }
  for (int64_t place = 0; place < length; ++place) {
    for (int64_t step = 0; step < steps; ++step)
      column[step] = values[step * length + place];
    time.forward(column);
    for (int64_t step = 0; step < steps; ++step)
      values[step * length + place] = column[(steps - step) % steps];
  }
}

/// Adds the power of one transformed ring. Of the two frequencies +-w of a real
/// field the upper half keeps one, with the power of both.
static void addPower(const std::vector<Complex> &values, int64_t steps,
                     int64_t length, double scale, WaveSpectrum &spectrum) {
  int64_t lowest = -((length - 1) / 2);
  double *power = spectrum.power.as<double>();
  for (int64_t frequency = 0; 2 * frequency <= steps; ++frequency) {
    bool alone = frequency == 0 || 2 * frequency == steps;
    for (int64_t column = 0; column < length; ++column) {
      int64_t bin = (column + lowest + length) % length;
      power[frequency * length + column] +=
          scale * (alone ? 1 : 2) * std::norm(values[frequency * length + bin]);
    }
  }
}

static void findPeak(WaveSpectrum &spectrum) {
  int64_t length = int64_t(spectrum.wavenumbers.size());
  const double *power = spectrum.power.as<double>();
  int64_t best = length;
  for (int64_t at = length; at < spectrum.power.size(); ++at)
    if (power[at] > power[best])
      best = at;
  spectrum.peakFrequency = spectrum.frequencies[best / length];
  spectrum.peakWavenumber = spectrum.wavenumbers[best % length];
}

Expected<WaveSpectrum> loco::waveSpectrum(const Tensor &field,
                                          const SiteGrid &grid) {
  if (Status failed = verifyOnGrid(field.shape(), grid))
    return failed.error();
  if (grid.connectedAxes() != std::vector<size_t>{grid.extents.size() - 1})
    return Error{"a spectrum of wave numbers is for rings and lines, but the "
                 "lattice " +
                 describe(grid.extents) +
                 " does not connect along its last axis alone"};
  int64_t steps = field.shape()[0], length = grid.extents.back();
  int64_t rings = grid.sites() / length;

  WaveSpectrum spectrum;
  spectrum.power = Tensor(ElementType::F64, {steps / 2 + 1, length});
  for (int64_t bin = 0; 2 * bin <= steps; ++bin)
    spectrum.frequencies.push_back(2 * std::numbers::pi * double(bin) /
                                   double(steps));
  for (int64_t column = 0; column < length; ++column)
    spectrum.wavenumbers.push_back(2 * std::numbers::pi *
                                   double(column - (length - 1) / 2) /
                                   double(length));
  double points = double(steps * length);
  for (int64_t ring = 0; ring < rings; ++ring) {
    std::vector<Complex> values = ringOf(field, ring, rings, length);
    for (const Complex &value : values)
      if (!std::isfinite(value.real()))
        return Error{"the field has a value that is not finite in ring " +
                     std::to_string(ring)};
    transform(values, steps, length);
    addPower(values, steps, length, 1 / (points * points * double(rings)),
             spectrum);
  }
  findPeak(spectrum);
  return spectrum;
}
