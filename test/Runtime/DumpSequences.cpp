//===- DumpSequences.cpp - Writes what images become as sequences ---------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// loco-test-dump-sequences <folder>: opens sources on the files that
// sequences.py has put into the folder, and writes what they give to .npz files
// there. `loco-test-dump-sequences <folder> <source> <file or folder>` reads
// all of one source and says why it cannot be read; with the name of a .npz
// file after that, sample 5 goes there.
//
// RUN: not loco-test-dump-sequences 2>&1 | FileCheck %s
// CHECK: a folder is expected
//
//===----------------------------------------------------------------------===//

#include "loco/BatchLoader.h"
#include "loco/DataSource.h"
#include "loco/Files.h"

#include <iostream>

using namespace loco;
using Option = DataOption;

static int fail(const std::string &message) {
  std::cerr << "error: " << message << "\n";
  return 1;
}

/// Writes `count` samples from `first` on; with an empty path nothing.
static int dump(const std::string &path, const Option &call, uint64_t first,
                int64_t count) {
  Expected<std::unique_ptr<DataSource>> source = DataSource::open(call, 1234);
  if (!source)
    return fail(source.message());
  if (count < 0)
    count = (*source)->length().value_or(0);
  Expected<TensorMap> samples = (*source)->read(first, count);
  if (!samples)
    return fail(samples.message());
  if (path.empty())
    return 0;
  if (Status failed = writeNpz(path, *samples))
    return fail(failed.message());
  return 0;
}

int main(int numArguments, char **arguments) {
  if (numArguments < 2)
    return fail("a folder is expected");
  std::string folder = arguments[1];
  if (numArguments == 4)
    return dump("",
                Option::ofCall(arguments[2], {Option::ofText(arguments[3])}), 0,
                -1);
  if (numArguments == 5)
    return dump(arguments[4],
                Option::ofCall(arguments[2], {Option::ofText(arguments[3])}), 5,
                1);
  auto to = [&](const char *name) { return folder + "/" + name + ".npz"; };
  auto number = Option::ofNumber;
  auto of = [&](const char *source, Option inner,
                std::vector<Option> options = {}) {
    options.insert(options.begin(), std::move(inner));
    return Option::ofCall(source, std::move(options));
  };
  Option test = Option::ofText("test").as("split");
  Option here = Option::ofText(folder);
  Option digits = of("idx", here), colours = of("cifar10", here);
  return dump(to("pixels"), of("pixels", digits), 2, 3) ||
         dump(to("permuted"), of("pixels", digits, {number(7).as("permuted")}),
              2, 3) ||
         dump(to("permuted_test"),
              of("pixels", of("idx", here, {test}), {number(7).as("permuted")}),
              0, 2) ||
         dump(to("permuted_other"),
              of("pixels", digits, {number(8).as("permuted")}), 2, 3) ||
         dump(to("rows"), of("rows", digits), 0, 4) ||
         dump(to("colours"), colours, 0, -1) ||
         dump(to("colours_test"), of("cifar10", here, {test}), 1, 2) ||
         dump(to("colour_rows"), of("rows", colours), 1, 3) ||
         dump(to("colour_pixels"), of("pixels", colours), 0, 1) ||
         dump(to("padded"),
              of("padded", of("rows", colours),
                 {number(40).as("steps"), number(0.5).as("noise")}),
              0, 3) ||
         dump(to("directed"), of("directed", of("rows", digits)), 0, 6) ||
         dump(to("backwards"),
              of("directed", of("rows", digits), {number(1).as("backwards")}),
              1, 4) ||
         dump(to("pieces"),
              of("window", of("npz", Option::ofText(folder + "/long.npz")),
                 {number(4).as("frames")}),
              0, 5) ||
         dump(to("turned"),
              of("directed", of("npz", Option::ofText(folder + "/long.npz")),
                 {number(1).as("backwards")}),
              0, 2) ||
         dump(to("streamed"),
              of("arrays", Option::ofText(folder + "/s.safetensors")), 1, 3) ||
         dump(to("single"), of("arrays", Option::ofText(folder + "/s.npy")), 1,
              3);
}
