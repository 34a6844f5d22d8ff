//===- Waves.h - Phase, wave number and speed of activity -------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Travelling waves in the activity of a lattice over time. The activity of each
// site becomes an analytic signal a = |a| exp(i phi); phase differences between
// neighbours are arguments of products a(x+1) conj(a(x-1)) and so need no
// unwrapping. For a plane wave cos(k.x - w t) all quantities are exact when the
// record holds whole periods.
//
// Definitions follow Muller, Chavane, Reynolds & Sejnowski, "Cortical
// travelling waves: mechanisms and computational principles" (2018) and the
// analyses of Neural Wave Machines (Keller & Welling, ICML 2023).
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_WAVES_H
#define LOCO_WAVES_H

#include "loco/Expected.h"
#include "loco/SiteGrid.h"
#include "loco/Tensor.h"

#include <cstdint>
#include <vector>

namespace loco {

/// What happens to the activity of a site before its analytic signal is taken.
/// The mean over time is always removed.
struct SignalOptions {
  /// Butterworth band-pass, one causal pass that starts at rest.
  bool bandPass = false;
  /// Pass band in units of the Nyquist frequency.
  double low = 0.2, high = 0.4;
  /// Order of the low-pass prototype; the band-pass has twice as many poles.
  int order = 5;
  /// Divide by the standard deviation over time (unbiased) after filtering.
  bool zScore = false;
};

struct AnalyticSignal {
  /// F64 [steps, sites...] each.
  Tensor real, imaginary;
};

/// The analytic signal of a field [steps, sites...] along time: positive
/// frequencies doubled, negative ones, the mean and the Nyquist frequency set
/// to zero. A site that never changes gives zeros. Fails with fewer than two
/// steps, on values that are not finite, and on a pass band outside
/// 0 < low < high < 1.
Expected<AnalyticSignal> analyticSignal(const Tensor &field,
                                        const SignalOptions &options = {});

/// Phase in (-pi, pi], F64 [steps, sites...]; NaN where the signal is zero.
Tensor phaseOf(const AnalyticSignal &signal);

/// Amplitude, F64 [steps, sites...].
Tensor amplitudeOf(const AnalyticSignal &signal);

/// Local wave properties, all F64. `axes` counts the axes along which the
/// lattice connects. Central differences, one-sided at open ends; NaN where a
/// signal that is needed is zero. Wave numbers up to pi/2 (a wavelength of four
/// sites) and frequencies up to pi/2 are told apart.
struct WaveField {
  /// [steps, axes, sites...], radians per site: minus the phase gradient, so it
  /// points where the wave travels.
  Tensor wavenumber;
  /// [steps, sites...], radians per step.
  Tensor frequency;
  /// [steps, axes, sites...], sites per step: the phase velocity w k / |k|^2;
  /// NaN where the wave number is zero.
  Tensor velocity;
  /// [steps, sites...], sites: 2 pi / |k|, infinite where k is zero.
  Tensor wavelength;
  /// [steps, sites...], radians per site^2: divergence of the wave number from
  /// one-sided phase differences; positive at sources. A missing side of an
  /// open end counts as no flow.
  Tensor divergence;
};

/// Fails if the signal does not lie on the grid, and with fewer than two steps.
Expected<WaveField> waveField(const AnalyticSignal &signal,
                              const SiteGrid &grid);

/// Mean over the first axis from `first` on, leaving NaN out: the mean wave
/// number of a run for a quiver. NaN where nothing is left.
Tensor meanOverSteps(const Tensor &values, int64_t first = 0);

/// Synchrony of all sites at each step.
struct OrderParameter {
  /// F64 [steps]: |mean of exp(i phi)|, in [0, 1]; NaN if no phase is defined.
  Tensor modulus;
  /// F64 [steps]: the mean phase.
  Tensor angle;
};

/// Of phases in radians [steps, sites...]; sites with NaN are left out.
OrderParameter orderParameter(const Tensor &phases);

struct WaveShareOptions {
  SignalOptions signal;
  /// Steps before this one only feed the analytic signal and are not counted.
  int64_t firstStep = 0;
  /// Exchanges that make up the null distribution.
  int64_t shuffles = 10;
  double percentile = 99;
  uint64_t seed = 0;
};

struct WaveShare {
  /// Share of (site, step) with a phase gradient directionality around them
  /// above `directionality`.
  double directedShare = 0;
  /// The percentile of the directionality after the exchange, 0 to 1; mean
  /// over the samples that have one, NaN if none has.
  double directionality = 0;
  /// Share of (site, step) with a wavelength above the cut-off: the published
  /// "percent waves", blind to waves shorter than the cut-off.
  double share = 0;
  /// The percentile of the wavelength after the exchange, in sites; mean
  /// over the samples that have one, NaN if none has.
  double cutOff = 0;
  /// Share of (site, step) without a phase; they do not count as waves.
  double undefined = 0;
};

/// How much of the activity is waves, by two measures against chance. The
/// first is the phase gradient directionality (Rubino, Robbins and Hatsopoulos
/// 2006): the length of the mean phase gradient over the mean of its lengths,
/// among the sites up to two away along each axis (of rings, up to twelve); 1
/// for a plane wave, small where gradients point anywhere. The second is the
/// wavelength. Chance is the same activity with the sites along the last
/// connected axis exchanged at random, each line along it by an order of its
/// own that holds for all steps; docs/rationale/Waves.md says why. `field` is
/// [steps, sites...], or [samples, steps, sites...], then each sample has
/// cut-offs of its own and shares are averaged. Sites that know nothing of each
/// other give about 1 - percentile/100, whatever each of them does.
Expected<WaveShare> waveShare(const Tensor &field, const SiteGrid &grid,
                              const WaveShareOptions &options = {});

/// Power by frequency and wave number of activity on rings or lines.
struct WaveSpectrum {
  /// F64 [frequencies, wavenumbers], mean over the axes that do not connect.
  /// The sum is the mean square of the field without its mean.
  Tensor power;
  /// Radians per step, 0 to pi.
  std::vector<double> frequencies;
  /// Radians per site, from -pi (or just above) to pi; positive ones travel
  /// towards higher index.
  std::vector<double> wavenumbers;
  /// Where the power is largest among frequencies above zero.
  double peakFrequency = 0, peakWavenumber = 0;
};

/// Spectrum of a field [steps, sites...] on a grid that connects along its last
/// axis alone.
Expected<WaveSpectrum> waveSpectrum(const Tensor &field, const SiteGrid &grid);

} // namespace loco

#endif // LOCO_WAVES_H
