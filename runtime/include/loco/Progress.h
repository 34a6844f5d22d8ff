//===- Progress.h - Progress of a long job, for people ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On a terminal, one line that is drawn anew a few times a second. Elsewhere a
// plain line now and then, or nothing.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_PROGRESS_H
#define LOCO_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace loco {

/// "1:02:03" or "4:05".
std::string formatDuration(double seconds);

class Progress {
public:
  struct Options {
    /// Where it is shown.
    FILE *stream = stderr;
    /// Seconds between lines where the stream is no terminal; 0: none.
    double lineInterval = 0;
    /// Shows nothing at all.
    bool quiet = false;
  };

  /// `total` units of work, `done` of them before this session.
  Progress(std::string title, int64_t total, int64_t done,
           const Options &options);
  /// Leaves the terminal with a line of its own.
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// `detail` is shown behind the bar: loss and rate.
  void update(int64_t done, const std::string &detail);

  /// Makes room for text that somebody else prints to the terminal.
  void clear();

  /// Prints a message above the bar.
  void message(const std::string &text);

private:
  using Clock = std::chrono::steady_clock;
  std::string line(int64_t done, const std::string &detail, int width) const;

  std::string title;
  int64_t total, before;
  Options options;
  bool terminal, drawn = false;
  Clock::time_point begin, last;
  /// What was last reported, drawn when the bar ends.
  int64_t lastDone;
  std::string lastDetail;
};

} // namespace loco

#endif // LOCO_PROGRESS_H
