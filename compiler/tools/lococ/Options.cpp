//===- Options.cpp - Options that several commands have ------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/tools/lococ/Options.h"

#include <fmt/format.h>

#include <charconv>

using namespace loco;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// A whole number from `low` to `high`.
template <typename T>
static T readNumber(const std::string &option, const std::string &text, T low,
                    T high) {
  T value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low ||
      value > high)
    throw UsageError{
        fmt::format("`{} {}`: expected a whole number from {} to {}", option,
                    text, low, high)};
  return value;
}

/// Bytes with an optional unit: `64M`, `2G`.
static int64_t readBytes(const std::string &text) {
  std::string digits = text;
  int shift = 0;
  if (size_t unit = std::string("kMG").find(text.empty() ? ' ' : text.back());
      unit != std::string::npos) {
    shift = 10 * (static_cast<int>(unit) + 1);
    digits.pop_back();
  }
  int64_t value = 0;
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      value < 1 || value > (INT64_MAX >> shift))
    throw UsageError{fmt::format("`--memory {}`: expected a number of bytes, "
                                 "for example `512M` or `2G`",
                                 text)};
  return value << shift;
}

static sema::Override readSetting(const std::string &text) {
  auto [name, value] = llvm::StringRef(text).split('=');
  if (name.trim().empty() || value.trim().empty())
    throw UsageError{fmt::format("`--set {}`: expected `name=value`", text)};
  return {name.trim().str(), value.trim().str()};
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

/// An option with one value that `read` takes.
static CLI::Option *addValue(CLI::App &command, const std::string &names,
                             std::function<void(const std::string &)> read,
                             const std::string &help, const char *what) {
  return command.add_option_function<std::string>(names, std::move(read), help)
      ->type_name(what);
}

/// An option that may stand several times, once for each value.
static void addList(CLI::App &command, const std::string &names,
                    std::function<void(const std::string &)> read,
                    const std::string &help, const char *what) {
  command
      .add_option_function<std::vector<std::string>>(
          names,
          [read](const std::vector<std::string> &texts) {
            for (const std::string &text : texts)
              read(text);
          },
          help)
      ->type_name(what)
      ->allow_extra_args(false);
}

void loco::addProgramOptions(CLI::App &command, ProgramOptions &options) {
  command.add_option("FILE", options.file, "the program")
      ->required()
      ->type_name("");
  addList(
      command, "--set",
      [&options](const std::string &text) {
        options.overrides.push_back(readSetting(text));
      },
      "replace the value of a const, a param or an argument of a model",
      "NAME=VALUE");
  addList(
      command, "-I",
      [&options](const std::string &folder) {
        options.includeFolders.push_back(folder);
      },
      "look for modules in this folder, too", "FOLDER");
}

void loco::addModelOption(CLI::App &command, ProgramOptions &options) {
  command
      .add_option("--model", options.model,
                  "the model, where the program has several")
      ->type_name("NAME");
}

void loco::addTargetOption(CLI::App &command, Target &target) {
  addValue(
      command, "--target",
      [&target](const std::string &text) {
        if (text != "cpu" && text != "cuda" && text != "interpreter")
          throw UsageError{fmt::format(
              "`--target {}`: expected `cpu`, `cuda` or `interpreter`", text)};
        target = text == "cpu"    ? Target::CPU
                 : text == "cuda" ? Target::CUDA
                                  : Target::Reference;
      },
      "cpu (the default): compiled code; cuda: the same for an NVIDIA GPU; "
      "interpreter: the slow reference",
      "cpu|cuda|interpreter");
}

void loco::addPrecisionOption(CLI::App &command,
                              std::function<void(ElementType)> set,
                              const std::string &help) {
  addValue(
      command, "--precision",
      [set](const std::string &text) {
        if (text != "f32" && text != "f64")
          throw UsageError{
              fmt::format("`--precision {}`: expected `f32` or `f64`", text)};
        set(text == "f32" ? ElementType::F32 : ElementType::F64);
      },
      help, "f32|f64");
}

void loco::addProductsOption(CLI::App &command,
                             std::optional<Products> &products) {
  addValue(
      command, "--products",
      [&products](const std::string &text) {
        auto found = findProducts(text);
        if (!found)
          throw UsageError{fmt::format("`--products {}`: expected one of {}",
                                       text, fmt::join(productsNames, ", "))};
        products = *found;
      },
      "what matrix products multiply: f32, or numbers of tensor cores (tf32, "
      "bf16, tf32x3, bf16x3; cuda) or of AMX (bf16, bf16x3, bf16x6; cpu); "
      "default: f32, on a processor with AMX the equally accurate bf16x6",
      "f32|tf32|bf16|tf32x3|bf16x3|bf16x6");
}

void loco::addResourceOptions(CLI::App &command, int &threads,
                              int64_t &memory) {
  addValue(
      command, "--threads",
      [&threads](const std::string &text) {
        threads = readNumber<int>("--threads", text, 1, 1024);
      },
      "threads to use (default: all processors that are available)", "N");
  addValue(
      command, "--memory",
      [&memory](const std::string &text) { memory = readBytes(text); },
      "bytes of scratch memory to stay within, for example 512M", "BYTES");
}

void loco::addCountOption(CLI::App &command, const char *name,
                          std::optional<int64_t> &count, const char *help) {
  addValue(
      command, name,
      [&count, name](const std::string &text) {
        count = readNumber<int64_t>(name, text, 1, 1000000);
      },
      help, "N");
}

void loco::addSeedOption(CLI::App &command, std::function<void(uint64_t)> set,
                         const std::string &help) {
  addValue(
      command, "--seed",
      [set](const std::string &text) {
        set(readNumber<uint64_t>("--seed", text, 0, UINT64_MAX));
      },
      help, "N");
}

void loco::addSeedsOption(CLI::App &command, int64_t &seeds) {
  addValue(
      command, "--seeds",
      [&seeds](const std::string &text) {
        seeds = readNumber<int64_t>("--seeds", text, 1, 10000);
      },
      "run with so many seeds, from --seed or the program's own on; mean and "
      "deviation in results.json",
      "N");
}

void loco::addValueOptions(CLI::App &command, ValueOptions &options,
                           const std::string &inputsHelp) {
  command
      .add_option("--params", options.parameters,
                  "parameters by name, .npz or .safetensors (default: the "
                  "model's own, drawn with --seed)")
      ->type_name("FILE");
  command
      .add_option("--inputs", options.inputs,
                  "inputs by name, .npz: [samples, steps, ...] per step, "
                  "[samples, ...] otherwise" +
                      inputsHelp)
      ->type_name("FILE");
  addCountOption(command, "--samples", options.samples,
                 "number of samples, where no input says it");
  addCountOption(command, "--steps", options.steps,
                 "number of steps, where no input says it");
  addSeedOption(
      command, [&options](uint64_t seed) { options.seed = seed; },
      "seed of everything that is drawn (default: 0)");
}
