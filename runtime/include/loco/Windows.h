//===- Windows.h - Sequences run in pieces ----------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sequences in pieces, for truncated back-propagation and for analyses that
// follow states: a program that takes its states as inputs
// `carry/<state>` and gives them as results of that name runs a batch of
// sequences window by window. docs/ModelIR.md lists the other inputs of such a
// program.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_WINDOWS_H
#define LOCO_WINDOWS_H

#include "loco/Program.h"

namespace loco {

class Windows {
public:
  /// For sequences of `steps` steps; `length` steps to a window, 0: all. An
  /// error if the program cannot be run in windows of that length.
  Status prepare(const Program &program, int64_t length, int64_t steps);

  /// False if the program carries nothing: then there is nothing to be done.
  bool isUsed() const { return !carries.empty(); }
  int64_t perSequence() const { return count; }
  /// Number of the window that comes next; 0 if it needs a new batch.
  int64_t position() const { return next; }
  /// Results to be asked for, beside the gradients.
  const std::vector<std::string> &results() const { return carries; }

  /// Makes `window` the next window of `whole`, and what it begins with.
  void cut(const Batch &whole, Batch &window) const;
  /// Takes the states after a window out of the reply, and goes to the next.
  void advance(Reply &reply);

  /// The states to go on from, by name without `carry/`.
  TensorMap state() const;
  /// Goes on at window `position` from such states; false if they do not fit
  /// `samples` samples of the program.
  bool restore(TensorMap state, int64_t position, int64_t samples);

private:
  int64_t stepsOf(int64_t window) const;
  void cutInput(const Tensor &whole, const ArgumentSpec &input, int64_t first,
                int64_t steps, Batch &window) const;

  std::vector<ArgumentSpec> inputs;
  std::vector<std::string> carries;
  /// A step of the loss looks at the step after it.
  bool looksAhead = false;
  int64_t sequence = 0, length = 0, count = 1, next = 0;
  TensorMap carried;
};

} // namespace loco

#endif // LOCO_WINDOWS_H
