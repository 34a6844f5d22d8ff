//===- OptionTree.h - Options as C structures -------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_DATA_OPTIONTREE_H
#define LOCO_RUNTIME_DATA_OPTIONTREE_H

#include "loco/DataSource.h"

#include <deque>

namespace loco::data {

/// A DataOption as C structures; they point into the option and into the
/// tree, which must both outlive them.
class OptionTree {
public:
  explicit OptionTree(const DataOption &option) : top(convert(option)) {}
  OptionTree(const OptionTree &) = delete;
  const LocoDataOption &root() const { return top; }

private:
  LocoDataOption convert(const DataOption &option);

  std::deque<std::vector<LocoDataOption>> lists;
  LocoDataOption top;
};

/// As it is written in a program.
std::string textOf(const LocoDataOption &option);

} // namespace loco::data

#endif // LOCO_RUNTIME_DATA_OPTIONTREE_H
