//===- Timings.cpp - Where the time of a start goes ----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Timings.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <fmt/format.h>

#include <cstdio>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

using namespace loco;

/// Seconds since the process was started, by the system's own record of it:
/// loading of the program included, in steps of 10 ms.
static double secondsSinceStart() {
  char text[1024] = "";
  std::FILE *record = std::fopen("/proc/self/stat", "r");
  if (!record)
    return 0;
  bool isRead = std::fgets(text, sizeof(text), record);
  std::fclose(record);
  // After the name, in parentheses, the start is the 20th field.
  llvm::SmallVector<llvm::StringRef> fields;
  llvm::StringRef(text).rsplit(')').second.trim().split(fields, ' ');
  double ticks;
  timespec now;
  if (!isRead || fields.size() < 20 || fields[19].getAsDouble(ticks) ||
      ::clock_gettime(CLOCK_BOOTTIME, &now) != 0)
    return 0;
  return now.tv_sec + now.tv_nsec * 1e-9 - ticks / ::sysconf(_SC_CLK_TCK);
}

Timings::Timings() { parts.emplace_back("loading loco", secondsSinceStart()); }

Timings::Phase::~Phase() {
  std::chrono::duration<double> time = Clock::now() - begin;
  if (timings)
    timings->add(name, time.count());
}

void Timings::add(llvm::StringRef name, double seconds) {
  std::lock_guard<std::mutex> lock(turn);
  if (isOver)
    return;
  for (auto &[part, sum] : parts)
    if (part == name) {
      sum += seconds;
      return;
    }
  parts.emplace_back(name.str(), seconds);
}

void Timings::reachKernel() {
  // Calls come from the thread that runs the model.
  if (++kernels > 3)
    return;
  std::lock_guard<std::mutex> lock(turn);
  double now = secondsSinceStart();
  if (kernels == 1) {
    isOver = true;
    whole = now;
    if (isLoud)
      std::fputs(describe().c_str(), stderr);
  } else if (kernels == 2) {
    second = now;
  } else if (isLoud) {
    fmt::print(stderr,
               "to the end of the first update: {:.3f} s; the next one: {:.3f} "
               "s\n",
               second, now - second);
  }
}

void Timings::tellMemory() const {
  rusage usage;
  if (isLoud && ::getrusage(RUSAGE_SELF, &usage) == 0)
    fmt::print(stderr, "resident memory: at most {} bytes up to here\n",
               int64_t(usage.ru_maxrss) * 1024);
}

std::string Timings::describe() const {
  std::string text = fmt::format(
      "to the first kernel: {:.3f} s from the start of the process\n", whole);
  for (const auto &[part, seconds] : parts)
    text += fmt::format("  {:<16} {:.3f} s\n", part, seconds);
  return text;
}
