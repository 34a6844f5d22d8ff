//===- Interrupt.h - Ctrl-C that ends a run cleanly -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_TRAINING_INTERRUPT_H
#define LOCO_RUNTIME_TRAINING_INTERRUPT_H

#include <csignal>

namespace loco {

/// While it lives and is active, the first SIGINT or SIGTERM is noted; the
/// second does what it did before (usually, kill). A signal that the process
/// ignores stays ignored. One at a time per process.
class Interrupt {
public:
  explicit Interrupt(bool active);
  ~Interrupt();
  Interrupt(const Interrupt &) = delete;
  Interrupt &operator=(const Interrupt &) = delete;

  /// The signal that came, or 0.
  int signal() const;

private:
  bool active;
};

} // namespace loco

#endif // LOCO_RUNTIME_TRAINING_INTERRUPT_H
