//===- lococ.cpp - The command line of loco ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads options and calls the library; everything else is in compiler/Driver.
// The exit code is 0, or 1 for a mistake of the user or of the world.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/CommandSupport.h"
#include "compiler/tools/lococ/Options.h"

#include <fmt/format.h>

#include <csignal>
#include <new>
#include <stdexcept>

using namespace loco;

/// What the command line asks for.
using Action = std::function<int()>;

static constexpr const char *guide =
    R"(loco: trainable networks of oscillators and waves, from equations

  lococ run model.loco          run its `train`, `simulate` and `analyze` blocks
  lococ check model.loco        look for mistakes
  lococ explain model.loco      spaces, parameters, integrator, defaults, plan
  lococ eval model.loco         loss, outputs and states for given numbers
  lococ grad model.loco         the same with the gradient of the loss
  lococ gradcheck model.loco    hold the gradient to finite differences
  lococ verify model.loco       hold compiled code to the reference interpreter
  lococ bench model.loco        time it, beside what the machine gives
  lococ emit PHASE model.loco   show the program on its way to machine code

`lococ COMMAND --help` says more, with examples.
)";

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

static CLI::App &addCommand(CLI::App &app, const char *name, const char *help,
                            const char *examples) {
  CLI::App *command = app.add_subcommand(name, help);
  command->footer(examples);
  return *command;
}

static void addCheck(CLI::App &app, Action &action) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App &command = addCommand(
      app, "check", "Look for mistakes in a program, without running it.",
      "Every mistake is shown with its place. The exit code is 0 if there is "
      "none.\n\nExamples:\n"
      "  lococ check model.loco\n"
      "  lococ check model.loco --set sheet='torus(72, 72)'");
  addProgramOptions(command, options->program);
  command.callback([&action, options] {
    action = [options] { return checkProgram(*options); };
  });
}

static void addMachineOptions(CLI::App &command, MachineOptions &options) {
  addTargetOption(command, options.target);
  addPrecisionOption(
      command,
      [&options](ElementType precision) { options.precision = precision; },
      "of all numbers (default: f32; the interpreter knows f64 only)");
  addProductsOption(command, options.products);
  addResourceOptions(command, options.threads, options.memory);
}

static void addCacheOption(CLI::App &command, bool &useCache) {
  command.add_flag_callback(
      "--no-cache", [&useCache] { useCache = false; },
      "compile anew, and keep no code for later");
}

static void addExplain(CLI::App &app, Action &action) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App &command = addCommand(
      app, "explain",
      "Say what a program means: every name, count and default.",
      "Shows spaces, inputs, parameters with their names in files and their "
      "number, states,\nencoders, decoders, random draws, integrator, loss, "
      "the plan of execution,\nits loops with remarks on what is lost in them, "
      "and the settings of run blocks with\ntheir defaults.\n\nExamples:\n"
      "  lococ explain model.loco\n"
      "  lococ explain model.loco --model Columns --set gamma=0.5\n"
      "  lococ explain model.loco --remarks");
  addProgramOptions(command, options->program);
  addModelOption(command, options->program);
  addMachineOptions(command, options->machine);
  command.add_flag("--remarks", options->remarksOnly,
                   "print only what is lost in the loops, a line each");
  command.callback([&action, options] {
    action = [options] { return explainProgram(*options); };
  });
}

/// The phases, one per line.
static std::string listPhases() {
  std::string text;
  for (const Phase &phase : getPhases())
    text += fmt::format("  {:<10} {}\n", phase.name, phase.description);
  return text;
}

static void addEmit(CLI::App &app, Action &action) {
  auto options = std::make_shared<EmitOptions>();
  CLI::App &command =
      addCommand(app, "emit", "Show a program on its way to machine code.", "");
  command.footer("Phases, in the order in which a program passes them:\n" +
                 listPhases() +
                 "\nExamples:\n"
                 "  lococ emit loco model.loco\n"
                 "  lococ emit vjp model.loco --precision f64 --out vjp.mlir");
  command.add_option("PHASE", options->phase, "the form to show")
      ->required()
      ->type_name("");
  addProgramOptions(command, options->program);
  addModelOption(command, options->program);
  addMachineOptions(command, options->machine);
  command
      .add_option("--arch", options->architecture,
                  "GPU that `ptx` and `cubin` are for: sm_80, sm_90 (default) "
                  "or sm_100")
      ->type_name("NAME");
  CLI::Option *together =
      command
          .add_option("--blocks-per-sample", options->blocksPerSample,
                      "blocks of a GPU that share a sample, a power of two: a "
                      "cluster up to 8, a grid above (default: chosen)")
          ->check(CLI::IsMember({1, 2, 4, 8, 16, 32, 64}))
          ->type_name("N");
  command
      .add_option("--samples-per-block", options->samplesPerBlock,
                  "samples that share a block, as far as threads and registers "
                  "suffice (default: chosen)")
      ->check(CLI::PositiveNumber)
      ->excludes(together)
      ->type_name("N");
  command.add_flag("--libraries", options->hasLibraries,
                   "code of a GPU that has cuBLAS and cuDNN: kernels between "
                   "large layers");
  command
      .add_option("--part", options->part,
                  "one part of such code, from 1 (default: all)")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command
      .add_option("--out", options->out,
                  "write to a file (default: standard output)")
      ->type_name("FILE");
  command.callback([&action, options] {
    action = [options] { return emitProgram(*options); };
  });
}

/// `eval` or `grad`, which take the same options.
static void addEvaluation(CLI::App &app, Action &action, const char *name,
                          const char *help, const char *examples,
                          int (*run)(const EvaluateOptions &)) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App &command = addCommand(app, name, help, examples);
  addProgramOptions(command, options->program);
  addModelOption(command, options->program);
  addValueOptions(command, options->values, "");
  command
      .add_option(
          "--random", options->random,
          "read random draws from this .npz (`random.0` ...) instead of "
          "drawing")
      ->type_name("FILE");
  command
      .add_option("--record-random", options->recordRandom,
                  "write the random draws to this .npz")
      ->type_name("FILE");
  command.add_option("--out", options->out, "write everything to this .npz")
      ->type_name("FILE");
  addCacheOption(command, options->useCache);
  addMachineOptions(command, options->machine);
  command.callback([&action, options, run] {
    action = [options, run] { return run(*options); };
  });
}

static void addEval(CLI::App &app, Action &action) {
  addEvaluation(
      app, action, "eval", "Compute a model's loss, outputs and states.",
      "The output file holds `loss` (the mean), `loss.samples`, and every "
      "output "
      "and state by\nits name: [samples, steps, ...], or [samples, ...] for "
      "what "
      "is there once a sample.\nDraws are named `random.0`, `random.1` ... in "
      "the "
      "order of the program's text; `lococ\nexplain` lists them. The names of "
      "parameters stand there, too; one with a range may be\ngiven as `dt` or "
      "as "
      "it is stored, `dt.raw`.\n\nExamples:\n"
      "  lococ eval model.loco --inputs x.npz --out result.npz\n"
      "  lococ eval model.loco --params trained.safetensors --inputs x.npz "
      "--precision f64\n"
      "  lococ eval model.loco --inputs x.npz --record-random draws.npz",
      evaluateModel);
}

static void addGrad(CLI::App &app, Action &action) {
  addEvaluation(
      app, action, "grad", "Compute the gradient of a model's loss.",
      "Does what `lococ eval` does, and adds to the output file `grad.<name>` "
      "for "
      "every\nlearned parameter (as it is stored, so `grad.dt.raw`) and every "
      "input that is a\nnumber: the gradient of the mean loss.\n\nExamples:\n"
      "  lococ grad model.loco --inputs x.npz --out gradient.npz\n"
      "  lococ grad model.loco --params p.npz --inputs x.npz --random "
      "draws.npz "
      "--out g.npz",
      differentiateModel);
}

static void addGradCheck(CLI::App &app, Action &action) {
  auto options = std::make_shared<GradCheckOptions>();
  CLI::App &command = addCommand(
      app, "gradcheck", "Hold a model's gradient to finite differences.",
      "Runs on the reference interpreter in f64, on one sample. Each parameter "
      "and "
      "input is\nmoved along a random direction; where finite differences, "
      "forward "
      "and reverse mode\ndisagree, the worst element is named and the exit "
      "code "
      "is 1.\n\nExamples:\n"
      "  lococ gradcheck model.loco\n"
      "  lococ gradcheck model.loco --steps 20 --seed 7\n"
      "  lococ gradcheck model.loco --params trained.npz --inputs x.npz");
  addProgramOptions(command, options->program);
  addModelOption(command, options->program);
  addValueOptions(command, options->values,
                  " (default: drawn with --seed, 5 steps)");
  command.callback([&action, options] {
    action = [options] { return checkGradientsOfModel(*options); };
  });
}

static void addVerify(CLI::App &app, Action &action) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App &command = addCommand(
      app, "verify", "Hold compiled code to the reference interpreter.",
      "Compares every value and gradient; the bound is 1e-5 in f32 and 1e-10 "
      "in "
      "f64 (relative\n2-norm), or 8 times what rounding the inputs to f32 "
      "changes. "
      "The exit code is 1 if a\ntensor is further off.\n\nExamples:\n"
      "  lococ verify model.loco\n"
      "  lococ verify model.loco --precision f64 --samples 17 --steps 100");
  addProgramOptions(command, options->program);
  addModelOption(command, options->program);
  addValueOptions(command, options->values,
                  " (default: drawn with --seed, 3 samples of 5 steps)");
  addMachineOptions(command, options->machine);
  command.callback([&action, options] {
    action = [options] { return verifyModel(*options); };
  });
}

static void addBench(CLI::App &app, Action &action) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App &command = addCommand(
      app, "bench", "Time a model, beside what the machine gives at most.",
      "Measures the machine first, then the loss alone (`forward`: nothing is "
      "kept) and the loss\nwith its gradient by all that is learned "
      "(`forward+backward`), on one batch of the data\nof the model's `train` "
      "block, or of drawn numbers. Operations are those of the planned\ncode "
      "(`lococ emit planned`): two for each pair of a product, one for each "
      "element of\neverything else. Bytes are inputs, results, and what is "
      "kept for the way back, each once.\n\nExamples:\n"
      "  lococ bench model.loco\n"
      "  lococ bench model.loco --batch 64 --steps 100 --threads 1\n"
      "  lococ bench model.loco --wrt u --json");
  addProgramOptions(command, options->program);
  addModelOption(command, options->program);
  addCountOption(command, "--batch", options->batch,
                 "samples (default: those of the `train` block)");
  addCountOption(command, "--steps", options->steps,
                 "steps (default: those of the data)");
  addCountOption(command, "--repeat", options->repeat,
                 "repetitions of each direction");
  command
      .add_option("--wrt", options->inputs,
                  "take the gradient by this input, too")
      ->type_name("INPUT")
      ->allow_extra_args(false);
  addSeedOption(
      command, [options](uint64_t seed) { options->seed = seed; },
      "seed of everything that is drawn (default: 0)");
  addTargetOption(command, options->machine.target);
  addPrecisionOption(
      command,
      [options](ElementType precision) {
        options->machine.precision = precision;
      },
      "of all numbers (default: f32)");
  addProductsOption(command, options->machine.products);
  addResourceOptions(command, options->machine.threads,
                     options->machine.memory);
  addCacheOption(command, options->useCache);
  command.add_flag("--json", options->json, "for programs to read");
  command.add_flag("--nests", options->nests,
                   "with --json: also where the time goes");
  command.callback([&action, options] {
    action = [options] { return benchModels(*options); };
  });
}

static void addRun(CLI::App &app, Action &action) {
  auto options = std::make_shared<RunOptions>();
  CLI::App &command = addCommand(
      app, "run", "Run the blocks of a program: train, simulate, analyze.",
      "Makes a run folder with the resolved configuration, the source, "
      "metrics, "
      "checkpoints,\nfigures and results. Ctrl-C ends cleanly with a "
      "checkpoint; "
      "--resume goes on from the\nlast one as if never stopped.\n\nExamples:\n"
      "  lococ run model.loco\n"
      "  lococ run model.loco --set sheet='torus(72, 72)' --seed 3 --out big\n"
      "  lococ run model.loco --out big --resume\n"
      "  lococ run model.loco --seeds 5 --out all\n"
      "  lococ run model.loco --only analyze --init trained.safetensors");
  addProgramOptions(command, *options);
  addSeedOption(
      command, [options](uint64_t seed) { options->seed = seed; },
      "seed in place of the program's own");
  addSeedsOption(command, options->seeds);
  addTargetOption(command, options->target);
  addPrecisionOption(
      command,
      [options](ElementType precision) { options->precision = precision; },
      "of all numbers (default: f32)");
  addProductsOption(command, options->products);
  addResourceOptions(command, options->threads, options->memory);
  command
      .add_option("--init", options->init,
                  "parameters to begin with, .npz or .safetensors")
      ->type_name("FILE");
  command.add_option("--out", options->out, "the run folder")
      ->type_name("FOLDER");
  command.add_flag("--resume", options->resume,
                   "go on from the last checkpoint of the run folder");
  command.add_flag("--force", options->force,
                   "replace a run that is there already");
  command
      .add_option("--only", options->only,
                  "only the blocks of this model, or train, simulate, analyze")
      ->type_name("NAME");
  command.add_flag("--quiet", options->quiet, "print warnings and errors only");
  command.add_flag("--timings", options->timings,
                   "say what the start and the first update took");
  addCacheOption(command, options->useCache);
  command.callback([&action, options] {
    action = [options] { return runProgram(*options); };
  });
}

//===----------------------------------------------------------------------===//
// Main
//===----------------------------------------------------------------------===//

static int parseAndRun(int argc, char **argv) {
  CLI::App app("loco: trainable networks of oscillators and waves, from "
               "equations",
               "lococ");
  app.set_version_flag("--version", "lococ " LOCO_VERSION);
  app.get_formatter()->column_width(28);
  app.require_subcommand(0, 1);
  app.footer("`lococ COMMAND --help` says more, with examples.");
  Action action;
  addRun(app, action);
  addCheck(app, action);
  addExplain(app, action);
  addEval(app, action);
  addGrad(app, action);
  addGradCheck(app, action);
  addVerify(app, action);
  addBench(app, action);
  addEmit(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    auto chosen = app.get_subcommands();
    printText(chosen.empty() ? app.help() : chosen.front()->help("lococ"));
    return 0;
  } catch (const CLI::CallForVersion &version) {
    printText(std::string(version.what()) + "\n");
    return 0;
  } catch (const CLI::Error &error) {
    return reportError(describeError(app, error));
  } catch (const UsageError &error) {
    return reportError(error.message);
  }
  if (action)
    return action();
  printText(guide);
  return 0;
}

int main(int argc, char **argv) {
  // A closed pipe is an error of a write like any other.
  std::signal(SIGPIPE, SIG_IGN);
  int code = 1;
  try {
    code = parseAndRun(argc, argv);
  } catch (const std::bad_alloc &) {
    return reportError("out of memory");
  } catch (const std::length_error &) {
    return reportError("out of memory");
  }
  return std::max(code, finishOutput());
}
