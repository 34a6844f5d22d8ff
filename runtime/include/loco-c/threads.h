/*===- threads.h - Threads of an embedding program ----------------*- C -*-===*\
|*                                                                            *|
|* Part of loco, under the Apache License v2.0 with LLVM Exceptions.          *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* loco has one thread pool per process. A program that has threads of its    *|
|* own hands them in before loco starts any.                                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef LOCO_C_THREADS_H
#define LOCO_C_THREADS_H

#ifdef __cplusplus
extern "C" {
#endif

/// Threads that somebody else owns.
typedef struct LocoThreads {
  /// Passed to `run`.
  void *context;
  /// Number of threads, at least 1; fixed.
  int count;
  /// Calls task(argument, t) once for every t from 0 to count - 1 and returns
  /// when all have returned. All calls must run at the same time, each on a
  /// thread of its own: tasks wait for each other at barriers. The same t
  /// should always be the same thread. Called from one thread at a time.
  void (*run)(void *context, void (*task)(void *argument, int thread),
              void *argument);
} LocoThreads;

#ifdef __cplusplus
}
#endif

#endif /* LOCO_C_THREADS_H */
