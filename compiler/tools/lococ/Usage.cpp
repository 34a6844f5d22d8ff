//===- Usage.cpp - Mistakes on the command line --------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/AST/Suggest.h"
#include "compiler/tools/lococ/Options.h"

#include <fmt/format.h>

using namespace loco;

/// The command at hand; the program itself if there is none.
static const CLI::App *findCommand(const CLI::App &app) {
  auto chosen = app.get_subcommands();
  return chosen.empty() ? &app : chosen.front();
}

/// `lococ eval`.
static std::string spell(const CLI::App &app, const CLI::App *command) {
  return command == &app ? "lococ" : "lococ " + command->get_name();
}

/// "did you mean", or nothing.
static std::string suggest(const std::string &name,
                           const std::vector<std::string> &known) {
  std::vector<llvm::StringRef> candidates(known.begin(), known.end());
  std::string hint = didYouMean(name, candidates);
  return hint.empty() ? "" : "; " + hint;
}

static std::string describeUnknownOption(const CLI::App &app,
                                         const CLI::App *command,
                                         const std::string &text) {
  std::string name = text.substr(0, text.find('='));
  std::vector<std::string> known;
  for (const CLI::Option *option : command->get_options())
    for (const std::string &longName : option->get_lnames())
      known.push_back("--" + longName);
  return fmt::format("`{}` has no option `{}`{}", spell(app, command), name,
                     suggest(name, known));
}

static std::string describeExtra(const CLI::App &app, const CLI::App *command,
                                 const std::string &text) {
  if (text.starts_with("-"))
    return describeUnknownOption(app, command, text);
  if (command != &app)
    return fmt::format("`{}` has no use for `{}`", spell(app, command), text);
  std::vector<std::string> known;
  for (const CLI::App *candidate : app.get_subcommands(nullptr))
    known.push_back(candidate->get_name());
  return fmt::format("there is no command `{}`{}", text, suggest(text, known));
}

std::string loco::describeError(const CLI::App &app, const CLI::Error &error) {
  const CLI::App *command = findCommand(app);
  std::string what = error.what();
  std::string subject = what.substr(0, what.find(':'));
  std::string text;
  if (dynamic_cast<const CLI::ExtrasError *>(&error)) {
    std::vector<std::string> extras = app.remaining(/*recurse=*/true);
    text = extras.empty() ? what : describeExtra(app, command, extras.front());
  } else if (dynamic_cast<const CLI::RequiredError *>(&error)) {
    text = fmt::format("`{}` needs {}", spell(app, command),
                       what.substr(0, what.find(' ')));
  } else if (dynamic_cast<const CLI::ArgumentMismatch *>(&error)) {
    text = what.find("excess") != std::string::npos ||
                   what.find("At Most") != std::string::npos
               ? fmt::format("`{}` is given more than once", subject)
               : fmt::format("`{}` needs a value", subject);
  } else {
    text = what;
  }
  return fmt::format("{}\nsee `{} --help`", text, spell(app, command));
}
