//===- AnalysisWavesTest.cpp - Phase, wave number, speed ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plane waves, standing waves, sources, noise and silence, against closed
// forms; the filter against its magnitude response and against NumPy.
//
//===----------------------------------------------------------------------===//

// RUN: loco-test-analysis-waves

#include "loco/Waves.h"

#include "runtime/lib/analysis/Butterworth.h"
#include "test/Runtime/Check.h"

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <random>

using namespace loco;

static constexpr double pi = std::numbers::pi;

/// A field of doubles [steps, rows, columns] given by a function of them.
template <typename Function>
static Tensor fieldOf(int64_t steps, int64_t rows, int64_t columns,
                      Function function) {
  Tensor field(ElementType::F64, {steps, rows, columns});
  double *value = field.as<double>();
  for (int64_t t = 0; t < steps; ++t)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        *value++ = function(double(t), double(i), double(j));
  return field;
}

static void checkAnalyticSignal() {
  // x = sin(0.9 t) + 0.3 t, X = fft(x - mean), positive frequencies doubled,
  // the rest zero, ifft; by NumPy. An odd length, and an even one, which has a
  // Nyquist frequency to drop.
  const double odd[2][9] = {
      {-1.2891356818396749, -0.20580877221219132, 0.2847119490385204,
       0.038244198394154674, -0.5316561251345272, -0.7666657995047719,
       -0.26190016939566224, 0.8276782186446746, 1.9045321820094778},
      {1.2720051069993785, -0.8526799151788028, 0.28933251488856615,
       0.19365625457523558, 0.5839638273607186, -0.5507957461304146,
       -0.6964200642506687, -1.4260205628374019, 1.186958584573389}};
  const double even[2][8] = {
      {-0.8396406750068388, -0.1791707335426579, 0.7342069558713564,
       0.06488223706368812, -0.08216111830169132, -0.7400277608352387,
       0.1875948374371738, 0.8543162573142085},
      {0.5404134180608426, -0.9219669300442375, 0.01780073095765844,
       0.38634799888784754, 0.37878507631705394, 0.00016513673570722753,
       -0.936999225335555, 0.5354537944206826}};
  auto ramp = [](double t, double, double) {
    return std::sin(0.9 * t) + 0.3 * t;
  };
  AnalyticSignal nine = require(analyticSignal(fieldOf(9, 1, 1, ramp)));
  for (int t = 0; t < 9; ++t) {
    CHECK_NEAR(nine.real.at(t), odd[0][t], 1e-13);
    CHECK_NEAR(nine.imaginary.at(t), odd[1][t], 1e-13);
  }
  AnalyticSignal eight = require(analyticSignal(fieldOf(8, 1, 1, ramp)));
  for (int t = 0; t < 8; ++t) {
    CHECK_NEAR(eight.real.at(t), even[0][t], 1e-13);
    CHECK_NEAR(eight.imaginary.at(t), even[1][t], 1e-13);
  }
}

/// Oracle O38: all local properties of a plane wave, in every quadrant.
static void checkPlaneWaves() {
  const int64_t steps = 40, rows = 24, columns = 36;
  const double w = 2 * pi * 5 / steps;
  for (int down : {2, -1, 0})
    for (int right : {3, -2, 0}) {
      if (down == 0 && right == 0)
        continue;
      double ky = 2 * pi * down / double(rows);
      double kx = 2 * pi * right / double(columns);
      AnalyticSignal signal = require(analyticSignal(
          fieldOf(steps, rows, columns, [&](double t, double i, double j) {
            return 3 + 0.7 * std::cos(ky * i + kx * j - w * t + 0.4);
          })));
      WaveField waves =
          require(waveField(signal, SiteGrid::torus({rows, columns})));
      Tensor amplitude = amplitudeOf(signal);
      double squared = ky * ky + kx * kx;
      int64_t sites = rows * columns;
      for (int64_t t = 0; t < steps; ++t)
        for (int64_t site = 0; site < sites; ++site) {
          int64_t at = t * sites + site, vector = 2 * t * sites + site;
          CHECK_NEAR(waves.wavenumber.at(vector), ky, 1e-10);
          CHECK_NEAR(waves.wavenumber.at(vector + sites), kx, 1e-10);
          CHECK_NEAR(waves.frequency.at(at), w, 1e-10);
          CHECK_NEAR(waves.velocity.at(vector), w * ky / squared, 1e-10);
          CHECK_NEAR(waves.velocity.at(vector + sites), w * kx / squared,
                     1e-10);
          CHECK_NEAR(waves.wavelength.at(at), 2 * pi / std::sqrt(squared),
                     1e-9);
          CHECK_NEAR(waves.divergence.at(at), 0, 1e-10);
          CHECK_NEAR(amplitude.at(at), 0.7, 1e-12);
          if (numFailed > 10)
            return;
        }
      // All phases are there in equal number.
      OrderParameter order = orderParameter(phaseOf(signal));
      CHECK_NEAR(order.modulus.at(7), 0, 1e-10);
      Tensor mean = meanOverSteps(waves.wavenumber, 10);
      CHECK(mean.shape() == (Shape{2, rows, columns}));
      CHECK_NEAR(mean.at(5), ky, 1e-10);
    }
}

/// The same on rings side by side and on a sheet with ends.
static void checkOtherLattices() {
  const double k = 2 * pi * 3 / 54, w = 2 * pi * 4 / 36;
  // Each ring has a phase of its own, which must not matter.
  AnalyticSignal signal = require(
      analyticSignal(fieldOf(36, 4, 54, [&](double t, double i, double j) {
        return std::cos(-k * j - w * t + 2.1 * i * i);
      })));
  WaveField rings = require(waveField(signal, SiteGrid::rings(4, 54)));
  CHECK(rings.wavenumber.shape() == (Shape{36, 1, 4, 54}));
  for (int64_t at = 0; at < rings.frequency.size(); ++at) {
    CHECK_NEAR(rings.wavenumber.at(at), -k, 1e-10);
    CHECK_NEAR(rings.velocity.at(at), -w / k, 1e-10);
  }
  // A wave length that does not close on itself: ends are one-sided.
  AnalyticSignal line = require(
      analyticSignal(fieldOf(36, 1, 20, [&](double t, double, double j) {
        return std::cos(0.23 * j - w * t);
      })));
  WaveField open =
      require(waveField(line, SiteGrid{{1, 20}, {Edge::Apart, Edge::Open}}));
  for (int64_t at = 0; at < open.frequency.size(); ++at)
    CHECK_NEAR(open.wavenumber.at(at), 0.23, 1e-10);
  // Flow leaves at the first site and arrives at the last.
  CHECK_NEAR(open.divergence.at(0), 0.23, 1e-10);
  CHECK_NEAR(open.divergence.at(10), 0, 1e-10);
  CHECK_NEAR(open.divergence.at(19), -0.23, 1e-10);
}

/// A standing wave has no wave number between its nodes and is synchronous but
/// for its sign.
static void checkStandingWave() {
  const double k = 2 * pi * 2 / 32, w = 2 * pi * 3 / 24;
  AnalyticSignal signal = require(
      analyticSignal(fieldOf(24, 1, 32, [&](double t, double, double j) {
        return std::cos(k * (j + 0.5)) * std::cos(w * t);
      })));
  WaveField waves = require(waveField(signal, SiteGrid::rings(1, 32)));
  int64_t still = 0;
  for (int64_t site = 0; site < 32; ++site) {
    // Nodes lie between sites 3 and 4, 11 and 12, ...
    bool besideNode = site % 8 == 3 || site % 8 == 4;
    if (besideNode)
      CHECK_NEAR(std::abs(waves.wavenumber.at(site)), pi / 2, 1e-10);
    else
      CHECK_NEAR(waves.wavenumber.at(site), 0, 1e-10);
    still += !besideNode;
  }
  CHECK_EQUAL(still, 24);
  CHECK_NEAR(orderParameter(phaseOf(signal)).modulus.at(3), 0, 1e-10);
}

/// Rings that spread from a site: a source there, and the reverse a sink.
static void checkDivergence() {
  for (double sign : {1.0, -1.0}) {
    AnalyticSignal signal = require(
        analyticSignal(fieldOf(30, 21, 21, [&](double t, double i, double j) {
          double squares = (i - 10) * (i - 10) + (j - 10) * (j - 10);
          return std::cos(sign * 0.02 * squares - 2 * pi * 3 / 30 * t);
        })));
    WaveField waves = require(waveField(signal, SiteGrid::open({21, 21})));
    // The phase is minus 0.02 r^2, its Laplacian four times that.
    CHECK_NEAR(waves.divergence.at(5 * 441 + 10 * 21 + 10), sign * 0.08, 1e-10);
    CHECK_NEAR(waves.divergence.at(5 * 441 + 6 * 21 + 13), sign * 0.08, 1e-10);
  }
}

/// Activity that does not change has no phase, and none is invented.
static void checkSilence() {
  Tensor still = fieldOf(8, 2, 3, [](double, double i, double j) {
    return 0.1 * i + 0.7 * j; // no binary fractions
  });
  AnalyticSignal signal = require(analyticSignal(still));
  for (int64_t at = 0; at < still.size(); ++at)
    CHECK_EQUAL(signal.real.at(at), 0);
  CHECK(std::isnan(phaseOf(signal).at(3)));
  WaveField waves = require(waveField(signal, SiteGrid::torus({2, 3})));
  CHECK(std::isnan(waves.wavenumber.at(0)));
  CHECK(std::isnan(waves.wavelength.at(0)));
  CHECK(std::isnan(orderParameter(phaseOf(signal)).modulus.at(0)));
  WaveShare share = require(waveShare(still, SiteGrid::torus({2, 3})));
  CHECK_EQUAL(share.undefined, 1);
  CHECK_EQUAL(share.directedShare, 0);
  CHECK_EQUAL(share.share, 0);
  CHECK(std::isnan(share.cutOff));
}

static void checkWaveShare() {
  std::mt19937_64 random(5);
  // Numbers of std distributions differ between libraries, the law does not.
  std::normal_distribution<double> normal;
  SiteGrid grid = SiteGrid::torus({32, 32});
  auto draw = [&](double, double, double) { return normal(random); };
  Tensor noise = fieldOf(24, 32, 32, draw);
  WaveShare chance = require(waveShare(noise, grid));
  // 24576 places, each above the cut-off with chance 0.01, but not apart from
  // its neighbours: four standard deviations of a tenth as many.
  CHECK_NEAR(chance.share, 0.01, 0.008);
  // Surroundings overlap: 25 sites share most of what they see.
  CHECK_NEAR(chance.directedShare, 0.01, 0.02);
  CHECK_EQUAL(chance.undefined, 0);
  // Wave numbers are uniform in a square of side pi, so a hundredth of them
  // lies within a circle of radius sqrt(0.01 pi).
  CHECK_NEAR(chance.cutOff, 2 * pi / std::sqrt(0.01 * pi), 1.5);

  // A wave across the torus is longer than almost all of chance; one of
  // sixteen sites is not, but it has a direction as well.
  for (int periods : {1, 4}) {
    Tensor wave = fieldOf(24, 64, 64, [&](double t, double, double j) {
      return std::sin(2 * pi * (periods * j / 64 - 2 * t / 24)) +
             0.01 * normal(random);
    });
    WaveShare share = require(waveShare(wave, SiteGrid::torus({64, 64})));
    CHECK(periods == 1 ? share.share > 0.99 : share.share < 0.01);
    CHECK(share.directedShare > 0.99);
    CHECK(share.directionality > 0 && share.directionality < 0.8);
  }

  // Sites that swing in phase or in anti-phase, each as it was drawn: a quarter
  // has an endless wavelength, and so it is wherever the sites lie.
  std::vector<double> signs(32 * 32);
  for (double &sign : signs)
    sign = normal(random) < 0 ? -1 : 1;
  Tensor swing = fieldOf(24, 32, 32, [&](double t, double i, double j) {
    return signs[int(i) * 32 + int(j)] * std::sin(2 * pi * 2 * t / 24) +
           1e-3 * normal(random);
  });
  WaveShare standing = require(waveShare(swing, grid));
  CHECK_NEAR(standing.share, 0.01, 0.008);
  CHECK_NEAR(standing.directedShare, 0.01, 0.02);

  // Rings beside each other, each with noise or a wave of its own.
  SiteGrid rings;
  rings.extents = {6, 54};
  rings.edges = {Edge::Apart, Edge::Periodic};
  WaveShare around = require(waveShare(fieldOf(24, 6, 54, draw), rings));
  CHECK_NEAR(around.directedShare, 0.01, 0.02);
  CHECK(around.directionality > 0.3 && around.directionality < 0.9);
  Tensor turning = fieldOf(24, 6, 54, [&](double t, double i, double j) {
    return std::sin(2 * pi * ((1 + i) * j / 54 - 2 * t / 24)) +
           0.01 * normal(random);
  });
  CHECK(require(waveShare(turning, rings)).directedShare > 0.99);

  // What swings as one goes nowhere.
  Tensor as = fieldOf(24, 32, 32, [](double t, double, double) {
    return std::sin(2 * pi * 2 * t / 24);
  });
  CHECK_EQUAL(require(waveShare(as, grid)).directedShare, 0);

  WaveShareOptions options;
  options.seed = 9;
  double once = require(waveShare(noise, grid, options)).cutOff;
  CHECK_EQUAL(require(waveShare(noise, grid, options)).cutOff, once);
  CHECK(chance.cutOff != once);

  // Two samples, one silent: the mean share, the cut-off of the other.
  Tensor both(ElementType::F64, {2, 24, 32, 32});
  for (int64_t at = 0; at < noise.size(); ++at)
    both.set(at, noise.at(at));
  WaveShare mean = require(waveShare(both, grid));
  CHECK_NEAR(mean.directedShare, chance.directedShare / 2, 1e-15);
  CHECK_NEAR(mean.share, chance.share / 2, 1e-15);
  CHECK_EQUAL(mean.cutOff, chance.cutOff);
  CHECK_EQUAL(mean.undefined, 0.5);
}

static void checkOrderParameter() {
  Tensor phases(ElementType::F64, {2, 4});
  const double values[] = {0.3, 0.3, 0.3, 0.3, 0, pi / 2, 0, pi / 2};
  for (int at = 0; at < 8; ++at)
    phases.set(at, values[at]);
  OrderParameter order = orderParameter(phases);
  CHECK_NEAR(order.modulus.at(0), 1, 1e-15);
  CHECK_NEAR(order.angle.at(0), 0.3, 1e-15);
  CHECK_NEAR(order.modulus.at(1), std::sqrt(0.5), 1e-15);
  CHECK_NEAR(order.angle.at(1), pi / 4, 1e-15);
  // A phase that is not there is left out.
  phases.set(4, std::numeric_limits<double>::quiet_NaN());
  phases.set(6, std::numeric_limits<double>::quiet_NaN());
  CHECK_NEAR(orderParameter(phases).modulus.at(1), 1, 1e-15);
}

static void checkSpectrum() {
  const int64_t steps = 30, length = 16;
  const double k = 2 * pi * 3 / length, w = 2 * pi * 4 / steps;
  for (double sign : {1.0, -1.0}) {
    Tensor wave = fieldOf(steps, 2, length, [&](double t, double i, double j) {
      return 5 + 2 * std::cos(sign * k * j - w * t + i) +
             0.5 * std::cos(2 * k * j - 2 * w * t);
    });
    WaveSpectrum spectrum =
        require(waveSpectrum(wave, SiteGrid::rings(2, length)));
    CHECK(spectrum.power.shape() == (Shape{16, 16}));
    CHECK_NEAR(spectrum.peakFrequency, w, 1e-15);
    CHECK_NEAR(spectrum.peakWavenumber, sign * k, 1e-15);
    CHECK_NEAR(spectrum.wavenumbers.front(), -2 * pi * 7 / 16, 1e-15);
    CHECK_NEAR(spectrum.wavenumbers.back(), pi, 1e-15);
    CHECK_NEAR(spectrum.frequencies.back(), pi, 1e-15);
    int64_t column = 7 + (sign > 0 ? 3 : -3);
    CHECK_NEAR(spectrum.power.at(4 * length + column), 2, 1e-12);
    CHECK_NEAR(spectrum.power.at(8 * length + 7 + 6), 0.125, 1e-12);
    double sum = 0;
    for (int64_t at = 0; at < spectrum.power.size(); ++at)
      sum += spectrum.power.at(at);
    CHECK_NEAR(sum, 2.125, 1e-12);
  }
  // Parseval, for numbers without structure and odd lengths.
  Tensor odd = fieldOf(7, 1, 9, [](double t, double, double j) {
    return std::sin(t * t + 2.3 * j * j);
  });
  double mean = 0, squares = 0, sum = 0;
  for (int64_t at = 0; at < 63; ++at)
    mean += odd.at(at) / 63;
  for (int64_t at = 0; at < 63; ++at)
    squares += (odd.at(at) - mean) * (odd.at(at) - mean) / 63;
  WaveSpectrum spectrum = require(waveSpectrum(odd, SiteGrid::rings(1, 9)));
  for (int64_t at = 0; at < spectrum.power.size(); ++at)
    sum += spectrum.power.at(at);
  CHECK_NEAR(sum, squares, 1e-13);
}

/// |H|^2 = 1 / (1 + ((W^2 - W0^2) / (B W))^2n) with W = tan(f pi / 2).
static double butterworthPower(int order, double low, double high, double f) {
  double l = std::tan(pi * low / 2), h = std::tan(pi * high / 2);
  double x = std::tan(pi * f / 2);
  return 1 / (1 + std::pow((x * x - l * h) / ((h - l) * x), 2 * order));
}

static void checkButterworth() {
  struct Case {
    int order;
    double low, high;
  };
  // The last two are so wide that an odd order has two real poles.
  for (auto [order, low, high] :
       {Case{5, 0.2, 0.4}, Case{4, 0.2, 0.4}, Case{1, 0.3, 0.5},
        Case{9, 0.45, 0.55}, Case{3, 0.05, 0.95}, Case{1, 0.1, 0.9}}) {
    std::vector<double> response(4096);
    response[0] = 1;
    Butterworth(order, low, high).apply(response);
    for (double tone : {0.1, 0.2, 0.27, 0.3, 0.4, 0.5, 0.53, 0.7, 0.9}) {
      std::complex<double> sum = 0;
      for (size_t t = 0; t < response.size(); ++t)
        sum += response[t] * std::polar(1.0, -pi * tone * double(t));
      CHECK_NEAR(std::norm(sum), butterworthPower(order, low, high, tone),
                 1e-10);
    }
  }
  // The start of the response, by another way: poles and zeros multiplied out,
  // one recursion of order ten, in NumPy.
  const double fifth[] = {0.0012825810789606855, 0.006321947230903118,
                          0.008338003819678556,  -0.011660969466019334,
                          -0.04765855029923728,  -0.04260657425366311,
                          0.0415357056502233,    0.13302876105129066};
  std::vector<double> response(8);
  response[0] = 1;
  Butterworth(5, 0.2, 0.4).apply(response);
  for (int t = 0; t < 8; ++t)
    CHECK_NEAR(response[t], fifth[t], 1e-14);
}

/// The options: a wave in the band passes, one outside is stopped; the z-score
/// has unit deviation.
static void checkSignalOptions() {
  SignalOptions options;
  options.bandPass = true;
  auto tone = [](double f) {
    return fieldOf(400, 1, 1, [f](double t, double, double) {
      return std::cos(pi * f * t);
    });
  };
  // Late enough for the start to have died away.
  CHECK_NEAR(amplitudeOf(require(analyticSignal(tone(0.29), options))).at(300),
             1, 0.02);
  CHECK_NEAR(amplitudeOf(require(analyticSignal(tone(0.7), options))).at(300),
             0, 0.01);
  SignalOptions score;
  score.zScore = true;
  // A cosine over whole periods has a mean square of 1/2.
  AnalyticSignal scored = require(analyticSignal(tone(0.25), score));
  CHECK_NEAR(amplitudeOf(scored).at(100), std::sqrt(2.0 * 399 / 400), 1e-12);
}

static void checkErrors() {
  Tensor field = fieldOf(4, 2, 3, [](double t, double, double) { return t; });
  field.set(13, std::numeric_limits<double>::quiet_NaN());
  CHECK_ERROR(analyticSignal(field), "not finite at step 2, site 1");
  CHECK_ERROR(waveSpectrum(field, SiteGrid::rings(2, 3)), "not finite");
  CHECK_ERROR(waveShare(field, SiteGrid::torus({2, 3})), "step 2, site 1");
  CHECK_ERROR(analyticSignal(Tensor(ElementType::F64, {1, 5})),
              "expected at least two steps");
  SignalOptions band{true, 0.4, 0.2, 5, false};
  CHECK_ERROR(analyticSignal(field, band), "pass band 0.4");
  band = {true, 0.2, 0.4, 0, false};
  CHECK_ERROR(analyticSignal(field, band), "order 0");
  Tensor good = fieldOf(4, 2, 3, [](double t, double, double) { return t; });
  AnalyticSignal signal = require(analyticSignal(good));
  CHECK_ERROR(waveField(signal, SiteGrid::torus({3, 2})),
              "activity of shape 4 x 2 x 3 does not lie on the lattice 3 x 2");
  CHECK_ERROR(waveField(signal, SiteGrid{{2, 3}, {Edge::Apart, Edge::Apart}}),
              "no axis");
  CHECK_ERROR(waveSpectrum(good, SiteGrid::torus({2, 3})),
              "does not connect along its last axis alone");
  WaveShareOptions late;
  late.firstStep = 4;
  CHECK_ERROR(waveShare(good, SiteGrid::torus({2, 3}), late), "step 4");
}

int main() {
  checkAnalyticSignal();
  checkPlaneWaves();
  checkOtherLattices();
  checkStandingWave();
  checkDivergence();
  checkSilence();
  checkWaveShare();
  checkOrderParameter();
  checkSpectrum();
  checkButterworth();
  checkSignalOptions();
  checkErrors();
  return checksFailed();
}
