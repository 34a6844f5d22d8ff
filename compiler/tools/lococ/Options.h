//===- Options.h - Options that several commands have --------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_TOOLS_LOCOC_OPTIONS_H
#define COMPILER_TOOLS_LOCOC_OPTIONS_H

#include "compiler/Driver/Commands.h"

#include <CLI/CLI.hpp>

namespace loco {

/// A value on the command line that makes no sense.
struct UsageError {
  std::string message;
};

/// FILE, --set and -I.
void addProgramOptions(CLI::App &command, ProgramOptions &options);
/// --model.
void addModelOption(CLI::App &command, ProgramOptions &options);
/// --target.
void addTargetOption(CLI::App &command, Target &target);
/// --precision.
void addPrecisionOption(CLI::App &command, std::function<void(ElementType)> set,
                        const std::string &help);
/// --products.
void addProductsOption(CLI::App &command, std::optional<Products> &products);
/// --threads and --memory.
void addResourceOptions(CLI::App &command, int &threads, int64_t &memory);
/// --params, --inputs, --samples, --steps and --seed; `inputsHelp` says what is
/// done without inputs.
void addValueOptions(CLI::App &command, ValueOptions &options,
                     const std::string &inputsHelp);
/// A whole number from 1 on.
void addCountOption(CLI::App &command, const char *name,
                    std::optional<int64_t> &count, const char *help);
/// --seed.
void addSeedOption(CLI::App &command, std::function<void(uint64_t)> set,
                   const std::string &help);
/// --seeds.
void addSeedsOption(CLI::App &command, int64_t &seeds);

/// What went wrong with the command line, in our words.
std::string describeError(const CLI::App &app, const CLI::Error &error);

} // namespace loco

#endif // COMPILER_TOOLS_LOCOC_OPTIONS_H
