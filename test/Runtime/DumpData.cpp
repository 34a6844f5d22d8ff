//===- DumpData.cpp - Writes samples of data sources ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// loco-test-dump-data <folder>: opens sources, some on the IDX files that
// data.py has put into the folder, and writes what they give to .npz files
// there, which data.py compares with NumPy's own.
//
// RUN: not loco-test-dump-data 2>&1 | FileCheck %s
// CHECK: a folder is expected
//
//===----------------------------------------------------------------------===//

#include "loco/DataSource.h"
#include "loco/Files.h"

#include <iostream>

using namespace loco;
using Option = DataOption;

static int dump(const std::string &path, const Option &call, uint64_t first,
                int64_t count) {
  Expected<std::unique_ptr<DataSource>> source = DataSource::open(call, 1234);
  if (!source) {
    std::cerr << "error: " << source.message() << "\n";
    return 1;
  }
  Expected<TensorMap> samples = (*source)->read(first, count);
  if (!samples) {
    std::cerr << "error: " << samples.message() << "\n";
    return 1;
  }
  if (Status failed = writeNpz(path, *samples)) {
    std::cerr << "error: " << failed.message() << "\n";
    return 1;
  }
  return 0;
}

int main(int numArguments, char **arguments) {
  if (numArguments != 2) {
    std::cerr << "error: a folder is expected\n";
    return 1;
  }
  std::string folder = arguments[1];
  auto to = [&](const char *name) { return folder + "/" + name + ".npz"; };
  auto number = Option::ofNumber;
  auto degrees = Option::ofDegrees;
  auto image = [&](double height, double width) {
    return Option::ofCall("image", {number(height), number(width)});
  };
  auto uniform = [](Option low, Option high) {
    return Option::ofCall("uniform", {low, high});
  };
  Option digits = Option::ofCall("idx", {Option::ofText(folder)});
  Option testDigits = Option::ofCall(
      "idx", {Option::ofText(folder), Option::ofText("test").as("split")});
  uint64_t far = (uint64_t(5) << 32) + 7;
  return dump(to("train"), digits, 0, 20) ||
         dump(to("test"), testDigits, 1, 3) ||
         dump(to("rotating"), Option::ofCall("rotating", {digits}), 2, 10) ||
         dump(to("turned"),
              Option::ofCall("rotating", {testDigits, degrees(-35).as("step"),
                                          number(5).as("frames")}),
              0, 4) ||
         dump(to("waves"), Option::ofCall("plane_waves", {image(28, 28)}), 3,
              5) ||
         dump(to("far_waves"),
              Option::ofCall(
                  "plane_waves",
                  {image(5, 9),
                   uniform(number(5), number(10)).drawnAs("wavelength"),
                   uniform(degrees(10), degrees(20)).drawnAs("angle"),
                   degrees(90).as("phase"), number(4).as("frames"),
                   degrees(80).as("step"), Option::ofText("test").as("split")}),
              far, 3) ||
         dump(to("gratings"), Option::ofCall("gratings", {image(28, 28)}), 0,
              128) ||
         dump(to("few_gratings"),
              Option::ofCall(
                  "gratings",
                  {image(6, 4), number(4).as("orientations"),
                   Option::ofRange(5, 7).as("wavelengths"),
                   number(3).as("count"), number(2).as("frames"),
                   uniform(degrees(0), degrees(360)).drawnAs("phase")}),
              0, 12) ||
         dump(to("noise"),
              Option::ofCall("noise", {image(3, 5), number(4).as("frames")}),
              far, 6) ||
         dump(to("copy"), Option::ofCall("copy", {number(20).as("length")}), 9,
              200) ||
         dump(to("short_copy"), Option::ofCall("copy", {number(10)}), 0, 50) ||
         dump(to("adding"), Option::ofCall("adding", {number(7)}), 0, 300) ||
         dump(to("arrays"),
              Option::ofCall("arrays", {Option::ofText(to("given"))}), 1, 2);
}
