//===- ConvertTensors.cpp - Reads one file, writes another ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// loco-test-convert <in> <out>: formats by the endings. Used by files.py, which
// makes files without loco and compares.
//
// RUN: not loco-test-convert 2>&1 | FileCheck %s
// CHECK: two files are expected
//
//===----------------------------------------------------------------------===//

#include "loco/Files.h"

#include <iostream>

using namespace loco;

static bool endsWith(const std::string &text, std::string_view ending) {
  return std::string_view(text).ends_with(ending);
}

static Expected<Safetensors> read(const std::string &path) {
  if (endsWith(path, ".safetensors"))
    return readSafetensors(path);
  Safetensors result;
  if (endsWith(path, ".npy")) {
    Expected<Tensor> tensor = readNpy(path);
    if (!tensor)
      return tensor.error();
    result.tensors.emplace("array", std::move(*tensor));
  } else if (endsWith(path, ".idx") || endsWith(path, ".idx.gz")) {
    Expected<IdxArray> array = readIdx(path);
    if (!array)
      return array.error();
    Tensor tensor(ElementType::I32, array->shape);
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.set(i, array->values[i]);
    result.tensors.emplace("array", std::move(tensor));
  } else {
    Expected<TensorMap> tensors = readTensors(path);
    if (!tensors)
      return tensors.error();
    result.tensors = std::move(*tensors);
  }
  return result;
}

static Status write(const std::string &path, const Safetensors &content) {
  if (endsWith(path, ".safetensors"))
    return writeSafetensors(path, content.tensors, content.metadata);
  if (endsWith(path, ".npy"))
    return writeNpy(path, content.tensors.at("array"));
  return writeNpz(path, content.tensors);
}

int main(int count, char **arguments) {
  if (count != 3) {
    std::cerr << "error: two files are expected\n";
    return 1;
  }
  Expected<Safetensors> content = read(arguments[1]);
  if (!content) {
    std::cerr << "error: " << content.message() << "\n";
    return 1;
  }
  if (Status failed = write(arguments[2], *content)) {
    std::cerr << "error: " << failed.message() << "\n";
    return 1;
  }
  return 0;
}
