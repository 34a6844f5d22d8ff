//===- SystemSources.h - A program's systems as data sources -------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_SYSTEMSOURCES_H
#define COMPILER_DRIVER_SYSTEMSOURCES_H

#include "loco/DataSource.h"
#include "loco/Program.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace loco {

/// Makes the systems of a program known to the run-time as data sources, each
/// under its name, for as long as this lives: `Pendulum(frames = 60)`. A sample
/// is one trajectory, drawn by its number; frame 0 is its start. One that
/// violates a `require` of the system at any frame is drawn again. Sources that
/// are open must be closed before.
class SystemSources {
public:
  /// Gives the system of that name, ready to run, in f64.
  using GetProgram = std::function<Expected<Program *>(const std::string &)>;

  static Expected<std::unique_ptr<SystemSources>>
  registerAll(const std::vector<std::string> &names, GetProgram getProgram);
  ~SystemSources();

  /// A system that was registered; what its sources share.
  struct System {
    std::string name;
    GetProgram getProgram;
    /// Held while the program runs: it has one caller at a time.
    std::mutex turn;
  };

private:
  std::vector<std::unique_ptr<System>> systems;
};

} // namespace loco

#endif // COMPILER_DRIVER_SYSTEMSOURCES_H
