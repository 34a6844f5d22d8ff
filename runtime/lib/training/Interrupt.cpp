//===- Interrupt.cpp - Ctrl-C that ends a run cleanly ---------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/training/Interrupt.h"

#include <iterator>

using namespace loco;

static constexpr int caught[] = {SIGINT, SIGTERM};

// A handler can reach nothing but globals.
static volatile std::sig_atomic_t received = 0;
static struct sigaction previous[std::size(caught)];

static void restore() {
  for (size_t i = 0; i < std::size(caught); ++i)
    ::sigaction(caught[i], &previous[i], nullptr);
}

static void receive(int signal) {
  received = signal;
  restore();
}

Interrupt::Interrupt(bool active) : active(active) {
  if (!active)
    return;
  received = 0;
  struct sigaction action{};
  action.sa_handler = receive;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int signal : caught)
    sigaddset(&action.sa_mask, signal);
  // All are read before any is set: the handler restores all.
  for (size_t i = 0; i < std::size(caught); ++i)
    ::sigaction(caught[i], nullptr, &previous[i]);
  for (size_t i = 0; i < std::size(caught); ++i)
    if (previous[i].sa_handler != SIG_IGN)
      ::sigaction(caught[i], &action, nullptr);
}

Interrupt::~Interrupt() {
  if (active)
    restore();
}

int Interrupt::signal() const { return active ? received : 0; }
