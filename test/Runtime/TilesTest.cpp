//===- TilesTest.cpp - Matrix products on AMX -----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of all forms and of sizes that cross tiles, cells and blocks, held
// to sums in f64: with three pieces as near as f32 comes, with fewer as far as
// their bits say.
//
//===----------------------------------------------------------------------===//

// REQUIRES: amx
// RUN: loco-test-tiles

#include "loco-c/kernel.h"
#include "test/Runtime/Check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace {

struct Form {
  bool transposeA, transposeB;
  int64_t m, n, k;
};

std::vector<float> draw(int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(count);
  for (float &number : numbers)
    number = normal(generator);
  return numbers;
}

/// Relative 2-norm of the difference.
double distance(const std::vector<float> &found,
                const std::vector<double> &expected) {
  double difference = 0, all = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    all += expected[i] * expected[i];
  }
  return std::sqrt(difference / all);
}

void checkDistance(double found, int pieces) {
  // Three pieces: f32's own rounding. Two keep 16 bits, one eight: no less, or
  // the option would not do what it says.
  const double least[] = {0, 1e-3, 1e-6, 0}, most[] = {0, 4e-3, 1e-5, 5e-7};
  CHECK(found >= least[pieces]);
  CHECK(found <= most[pieces]);
}

std::vector<double> multiply(const Form &form, const std::vector<float> &a,
                             const std::vector<float> &b,
                             const std::vector<float> &c, double beta) {
  std::vector<double> result(form.m * form.n);
  for (int64_t i = 0; i < form.m; ++i)
    for (int64_t j = 0; j < form.n; ++j) {
      double sum = beta * c[i * form.n + j];
      for (int64_t p = 0; p < form.k; ++p)
        sum += double(form.transposeA ? a[p * form.m + i] : a[i * form.k + p]) *
               (form.transposeB ? b[j * form.k + p] : b[p * form.n + j]);
      result[i * form.n + j] = sum;
    }
  return result;
}

void testGemm(const LocoServices &services) {
  // Larger than a block along each axis, and odd; large enough to be worth
  // tiles.
  const Form forms[] = {
      {false, false, 64, 64, 64},    {false, true, 131, 77, 131},
      {true, false, 130, 70, 300},   {true, true, 101, 245, 53},
      {false, false, 100, 40, 1700}, {true, false, 97, 480, 90},
      {false, true, 48, 300, 900},   {true, false, 600, 40, 810},
      {true, true, 545, 230, 64},    {true, false, 2090, 36, 830}};
  for (const Form &form : forms)
    for (int pieces = 1; pieces <= 3; ++pieces)
      for (float beta : {0.0f, 1.0f}) {
        auto a = draw(form.m * form.k, 1), b = draw(form.k * form.n, 2),
             c = draw(form.m * form.n, 3);
        auto expected = multiply(form, a, b, c, beta);
        if (beta == 0)
          c.assign(c.size(), NAN);
        services.gemmTiles(
            pieces, form.transposeA, form.transposeB, form.m, form.n, form.k,
            a.data(), form.transposeA ? form.m : form.k, b.data(),
            form.transposeB ? form.k : form.n, beta, c.data(), form.n);
        checkDistance(distance(c, expected), pieces);
      }
}

void testPanels(const LocoServices &services) {
  for (int64_t count : {1, 3, 16, 17, 64, 131})
    for (auto [inner, columns] :
         {std::pair<int64_t, int64_t>{33, 17}, {512, 256}, {900, 40}})
      for (bool transposed : {false, true})
        for (int pieces = 1; pieces <= 3; ++pieces)
          for (bool accumulate : {false, true}) {
            Form form = {false, transposed, count, columns, inner};
            auto rows = draw(count * inner, 4),
                 matrix = draw(inner * columns, 5),
                 out = draw(count * columns, 6);
            auto expected =
                multiply(form, rows, matrix, out, accumulate ? 1 : 0);
            // Rows with gaps between them; what is in the gaps stays.
            int64_t pitch = inner + 5, outPitch = columns + 3;
            std::vector<float> from(count * pitch, NAN),
                to(count * outPitch, 7.0f);
            for (int64_t i = 0; i < count; ++i) {
              std::copy_n(&rows[i * inner], inner, &from[i * pitch]);
              if (accumulate)
                std::copy_n(&out[i * columns], columns, &to[i * outPitch]);
            }
            std::vector<char> panels(locoTileBytes(pieces, inner, columns));
            services.packTiles(pieces, transposed, inner, columns,
                               matrix.data(), panels.data());
            services.multiplyTiles(pieces, from.data(), 4 * pitch, count,
                                   panels.data(), inner, columns, to.data(),
                                   4 * outPitch, accumulate);
            for (int64_t i = 0; i < count; ++i) {
              std::copy_n(&to[i * outPitch], columns, &out[i * columns]);
              for (int64_t j = columns; j < outPitch; ++j)
                CHECK_EQUAL(to[i * outPitch + j], 7.0f);
            }
            checkDistance(distance(out, expected), pieces);
          }
}

/// Three pieces are the number, to its last bit.
void testIdentity(const LocoServices &services) {
  constexpr int64_t size = 96;
  std::vector<float> identity(size * size), x = draw(size * size, 8),
                                            found(size * size);
  for (int64_t i = 0; i < size; ++i)
    identity[i * size + i] = 1;
  services.gemmTiles(3, 0, 0, size, size, size, x.data(), size, identity.data(),
                     size, 0, found.data(), size);
  CHECK(found == x);
}

/// NaN stays NaN, that of all ones, too, which rounding carries over to 0.
void testNotNumbers(const LocoServices &services) {
  constexpr int64_t size = 96, at = 37;
  for (uint32_t bits : {0x7fc00000u, 0x7fffffffu, 0xffffffffu})
    for (int pieces = 1; pieces <= 3; ++pieces)
      for (bool transposed : {false, true}) {
        auto a = draw(size * size, 9), b = draw(size * size, 10);
        std::vector<float> found(size * size);
        std::memcpy(&a[at * size + at], &bits, sizeof(bits));
        services.gemmTiles(pieces, transposed, transposed, size, size, size,
                           a.data(), size, b.data(), size, 0, found.data(),
                           size);
        for (int64_t i = 0; i < size; ++i)
          for (int64_t j = 0; j < size; ++j)
            CHECK_EQUAL(std::isnan(found[i * size + j]), i == at);
      }
}

} // namespace

int main() {
  CHECK(locoKernelHasTiles());
  if (!locoKernelHasTiles())
    return checksFailed();
  const LocoServices &services = *locoKernelServices();
  testGemm(services);
  testPanels(services);
  testIdentity(services);
  testNotNumbers(services);
  return checksFailed();
}
