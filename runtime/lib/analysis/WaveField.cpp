//===- WaveField.cpp - Wave number, frequency, speed and divergence -------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/analysis/WaveField.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

using namespace loco;

static constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

/// The phase of `to` minus that of `from`, in (-pi, pi]; NaN if either is zero.
static double phaseDifference(Complex to, Complex from) {
  if (to == 0.0 || from == 0.0)
    return notANumber;
  return std::arg(to * std::conj(from));
}

AxisNeighbours loco::neighboursAlong(const SiteGrid &grid, size_t axis) {
  AxisNeighbours neighbours;
  for (int64_t site = 0; site < grid.sites(); ++site) {
    neighbours.before.push_back(grid.neighbour(site, axis, -1));
    neighbours.after.push_back(grid.neighbour(site, axis, +1));
  }
  return neighbours;
}

double loco::phaseGradient(const Complex *signal, int64_t site,
                           const AxisNeighbours &neighbours) {
  int64_t before = neighbours.before[site], after = neighbours.after[site];
  if (before < 0 && after < 0)
    return 0;
  if (before < 0)
    return phaseDifference(signal[after], signal[site]);
  if (after < 0)
    return phaseDifference(signal[site], signal[before]);
  return phaseDifference(signal[after], signal[before]) / 2;
}

/// What flows out of a site along an axis minus what flows in, the flow being
/// minus the phase gradient half-way between sites.
static double divergenceAlong(const Complex *signal, int64_t site,
                              const AxisNeighbours &neighbours) {
  double flow = 0;
  if (int64_t after = neighbours.after[site]; after >= 0)
    flow -= phaseDifference(signal[after], signal[site]);
  if (int64_t before = neighbours.before[site]; before >= 0)
    flow += phaseDifference(signal[site], signal[before]);
  return flow;
}

/// Phase change per step at a site; one-sided at the first and last step.
static double frequencyAt(const std::vector<Complex> &signal, int64_t step,
                          int64_t steps, int64_t sites, int64_t site) {
  int64_t before = std::max<int64_t>(step - 1, 0);
  int64_t after = std::min(step + 1, steps - 1);
  return phaseDifference(signal[after * sites + site],
                         signal[before * sites + site]) /
         double(after - before);
}

std::vector<Complex> loco::complexValues(const AnalyticSignal &signal) {
  std::vector<Complex> values(signal.real.size());
  for (size_t at = 0; at < values.size(); ++at)
    values[at] = {signal.real.as<double>()[at],
                  signal.imaginary.as<double>()[at]};
  return values;
}

Status loco::verifyOnGrid(const Shape &shape, const SiteGrid &grid) {
  if (Status failed = grid.verify())
    return failed;
  Shape expected = grid.extents;
  expected.insert(expected.begin(), shape.empty() ? 0 : shape[0]);
  if (shape != expected)
    return Error{"activity of shape " + describe(shape) +
                 " does not lie on the lattice " + describe(grid.extents) +
                 ", expected steps and then the lattice"};
  if (shape[0] < 2)
    return Error{"activity of " + std::to_string(shape[0]) +
                 " steps has no waves, expected at least two steps"};
  if (grid.connectedAxes().empty())
    return Error{"no axis of the lattice " + describe(grid.extents) +
                 " connects its sites"};
  return {};
}

/// Zeroed fields of the right shapes.
static WaveField emptyField(const Shape &scalarShape, size_t axes) {
  Shape vectorShape = scalarShape;
  vectorShape.insert(vectorShape.begin() + 1, int64_t(axes));
  return {Tensor(ElementType::F64, vectorShape),
          Tensor(ElementType::F64, scalarShape),
          Tensor(ElementType::F64, vectorShape),
          Tensor(ElementType::F64, scalarShape),
          Tensor(ElementType::F64, scalarShape)};
}

Expected<WaveField> loco::waveField(const AnalyticSignal &signal,
                                    const SiteGrid &grid) {
  if (Status failed = verifyOnGrid(signal.real.shape(), grid))
    return failed.error();
  int64_t steps = signal.real.shape()[0], sites = grid.sites();
  std::vector<Complex> values = complexValues(signal);
  std::vector<AxisNeighbours> axes;
  for (size_t axis : grid.connectedAxes())
    axes.push_back(neighboursAlong(grid, axis));

  WaveField field = emptyField(signal.real.shape(), axes.size());
  for (int64_t step = 0; step < steps; ++step)
    for (int64_t site = 0; site < sites; ++site) {
      const Complex *now = values.data() + step * sites;
      int64_t scalar = step * sites + site;
      int64_t vector = step * int64_t(axes.size()) * sites + site;
      double squared = 0, divergence = 0;
      for (size_t axis = 0; axis < axes.size(); ++axis) {
        double component = -phaseGradient(now, site, axes[axis]);
        field.wavenumber.as<double>()[vector + int64_t(axis) * sites] =
            component;
        squared += component * component;
        divergence += divergenceAlong(now, site, axes[axis]);
      }
      double frequency = frequencyAt(values, step, steps, sites, site);
      field.frequency.as<double>()[scalar] = frequency;
      field.wavelength.as<double>()[scalar] =
          2 * std::numbers::pi / std::sqrt(squared);
      field.divergence.as<double>()[scalar] = divergence;
      for (size_t axis = 0; axis < axes.size(); ++axis) {
        int64_t at = vector + int64_t(axis) * sites;
        field.velocity.as<double>()[at] =
            squared > 0
                ? frequency * field.wavenumber.as<double>()[at] / squared
                : notANumber;
      }
    }
  return field;
}

Tensor loco::meanOverSteps(const Tensor &values, int64_t first) {
  Shape shape(values.shape().begin() + 1, values.shape().end());
  Tensor result(ElementType::F64, shape);
  int64_t steps = values.shape()[0], places = result.size();
  for (int64_t place = 0; place < places; ++place) {
    double sum = 0;
    int64_t counted = 0;
    for (int64_t step = first; step < steps; ++step) {
      double value = values.at(step * places + place);
      if (std::isnan(value))
        continue;
      sum += value;
      ++counted;
    }
    result.as<double>()[place] = counted ? sum / double(counted) : notANumber;
  }
  return result;
}

OrderParameter loco::orderParameter(const Tensor &phases) {
  int64_t steps = phases.shape()[0];
  int64_t sites = steps ? phases.size() / steps : 0;
  OrderParameter order{Tensor(ElementType::F64, {steps}),
                       Tensor(ElementType::F64, {steps})};
  for (int64_t step = 0; step < steps; ++step) {
    Complex sum = 0;
    int64_t counted = 0;
    for (int64_t site = 0; site < sites; ++site) {
      double phase = phases.at(step * sites + site);
      if (std::isnan(phase))
        continue;
      sum += std::polar(1.0, phase);
      ++counted;
    }
    order.modulus.as<double>()[step] =
        counted ? std::abs(sum) / double(counted) : notANumber;
    order.angle.as<double>()[step] = counted ? std::arg(sum) : notANumber;
  }
  return order;
}
