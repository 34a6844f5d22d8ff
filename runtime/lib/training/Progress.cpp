//===- Progress.cpp - Progress of a long job, for people ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Progress.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace loco;

/// Seconds between drawings on a terminal.
static constexpr double drawInterval = 0.1;
static constexpr int widestBar = 24, narrowestBar = 5;

std::string loco::formatDuration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9)
    return "?";
  int64_t whole = std::llround(seconds);
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof(text), "%lld:%02d:%02d",
                  (long long)(whole / 3600), int(whole / 60 % 60),
                  int(whole % 60));
  else
    std::snprintf(text, sizeof(text), "%d:%02d", int(whole / 60),
                  int(whole % 60));
  return text;
}

static int terminalWidth(FILE *stream) {
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

static double secondsBetween(std::chrono::steady_clock::time_point begin,
                             std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

Progress::Progress(std::string title, int64_t total, int64_t done,
                   const Options &options)
    : title(std::move(title)), total(total), before(done), options(options),
      terminal(::isatty(::fileno(options.stream))), begin(Clock::now()),
      last(begin), lastDone(done) {}

Progress::~Progress() {
  if (!drawn)
    return;
  std::string text = "\r" +
                     line(lastDone, lastDetail, terminalWidth(options.stream)) +
                     "\x1b[K\n";
  std::fputs(text.c_str(), options.stream);
  std::fflush(options.stream);
}

/// A bar that leaves `room` columns to the text, or nothing.
static std::string drawBar(double part, int room) {
  int length = std::min(room - 3, widestBar);
  if (length < narrowestBar)
    return "";
  int filled = int(part * length);
  return " [" + std::string(filled, '#') + std::string(length - filled, '-') +
         "]";
}

/// "title [####----] 12 %  120/1000  loss 0.3  0:12 left", at most `width`
/// columns; of any length and without a bar if width is 0.
std::string Progress::line(int64_t done, const std::string &detail,
                           int width) const {
  double part = total > 0 ? std::clamp(double(done) / total, 0.0, 1.0) : 1;
  std::string text = " " + std::to_string(int(part * 100)) + " %  " +
                     std::to_string(done) + "/" + std::to_string(total);
  if (!detail.empty())
    text += "  " + detail;
  double elapsed = secondsBetween(begin, Clock::now());
  if (done >= total)
    text += "  " + formatDuration(elapsed);
  else if (done > before)
    text += "  " +
            formatDuration(elapsed * double(total - done) / (done - before)) +
            " left";
  // The last column stays free: terminals break the line there.
  int room = width - 1 - int(title.size() + text.size());
  text = title + drawBar(part, room) + text;
  if (width > 0 && int(text.size()) >= width)
    text.resize(std::max(width - 1, 0));
  return text;
}

void Progress::update(int64_t done, const std::string &detail) {
  lastDone = done;
  lastDetail = detail;
  if (options.quiet || (!terminal && options.lineInterval <= 0))
    return;
  double interval = terminal ? drawInterval : options.lineInterval;
  Clock::time_point now = Clock::now();
  bool first = terminal && !drawn;
  if (!first && done < total && secondsBetween(last, now) < interval)
    return;
  last = now;
  std::string text =
      terminal
          ? "\r" + line(done, detail, terminalWidth(options.stream)) + "\x1b[K"
          : line(done, detail, 0) + "\n";
  drawn = terminal;
  std::fputs(text.c_str(), options.stream);
  std::fflush(options.stream);
}

void Progress::clear() {
  if (!drawn)
    return;
  std::fputs("\r\x1b[K", options.stream);
  std::fflush(options.stream);
  last = Clock::time_point(); // drawn anew with the next update
}

void Progress::message(const std::string &text) {
  clear();
  std::fputs((text + "\n").c_str(), options.stream);
  std::fflush(options.stream);
}
