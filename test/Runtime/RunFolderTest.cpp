//===- RunFolderTest.cpp - Run folders, checkpoints, metrics --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   loco-test-run-folder <empty folder>
//
// What a run leaves on the disk, and what is made of it when it is damaged.
//
//===----------------------------------------------------------------------===//

// RUN: rm -rf %t && mkdir -p %t
// RUN: loco-test-run-folder %t

#include "loco/RunFolder.h"
#include "loco/Checkpoint.h"
#include "loco/Files.h"
#include "loco/Metrics.h"
#include "loco/Progress.h"
#include "loco/RateSchedule.h"
#include "loco/Versions.h"
#include "test/Runtime/Check.h"

#include <cmath>
#include <fstream>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace loco;
namespace fs = std::filesystem;

static fs::path root;

static const RunFolder::Contents contents = {
    "{\"a\": 1}", "{\"loco\": \"0.1\"}", {{"model.loco", "loco 1\n"}}};

static std::set<std::string> namesIn(const fs::path &folder) {
  std::set<std::string> names;
  for (const auto &entry : fs::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

static void overwrite(const fs::path &path, const std::string &text) {
  std::ofstream(path, std::ios::binary) << text;
}

//===----------------------------------------------------------------------===//
// Run folders
//===----------------------------------------------------------------------===//

static void checkModes() {
  using Mode = RunFolder::Mode;
  fs::path path = root / "deep" / "run";
  CHECK_ERROR(RunFolder::open(path, Mode::Resume, contents), "there is no run",
              "deep/run`", "[run-folder-missing]");
  {
    RunFolder run = require(RunFolder::open(path / "", Mode::Create, contents));
    CHECK_EQUAL(require(readFile(path / "configuration.json")), "{\"a\": 1}");
    CHECK_EQUAL(require(readFile(path / "source" / "model.loco")), "loco 1\n");
    CHECK(fs::is_directory(run.checkpoints()) &&
          fs::is_directory(run.figures()));
    CHECK_SUCCESS(run.write("results.json", "{}"));
    CHECK_SUCCESS(run.write("figures/deeper/map.svg", "<svg/>"));
    CHECK_FAILURE(run.write("../outside", ""), "`../outside` does not name");
    RunFolder part = require(run.part("first"));
    CHECK_EQUAL(part.metrics(), path / "first" / "metrics.jsonl");
    // One at a time.
    CHECK_ERROR(RunFolder::open(path, Mode::Resume, contents),
                "another process", "[run-folder-busy]");
  }
  CHECK_ERROR(RunFolder::open(path, Mode::Create, contents), "already exists",
              "`--resume`", "`--force`", "[run-folder-exists]");
  RunFolder::Contents changed = contents;
  changed.configuration = "{\"a\": 2}";
  {
    // The old one stays until the run is found to continue.
    RunFolder run = require(RunFolder::open(path, Mode::Resume, changed));
    CHECK_EQUAL(require(readFile(path / "configuration.json")), "{\"a\": 1}");
    CHECK_SUCCESS(require(run.part("first")).commit());
  }
  CHECK_EQUAL(require(readFile(path / "configuration.json")), "{\"a\": 2}");
  CHECK(fs::exists(path / "results.json"));
  (void)require(RunFolder::open(path, Mode::Replace, contents));
  CHECK(!fs::exists(path / "results.json"));
  CHECK_EQUAL(namesIn(root / "deep").size(), 1u);

  fs::create_directories(root / "photos");
  overwrite(root / "photos" / "cat.png", "meow");
  CHECK_ERROR(RunFolder::open(root / "photos", Mode::Replace, contents),
              "is not a run folder", "[not-a-run-folder]");
  CHECK_ERROR(RunFolder::open(root / "photos", Mode::Resume, contents),
              "[not-a-run-folder]");
  CHECK(fs::exists(root / "photos" / "cat.png"));
  CHECK_ERROR(RunFolder::open(root / "photos" / "cat.png" / "run", Mode::Create,
                              contents),
              "cannot make folder", "cat.png");
}

/// A process number that nobody has.
static std::string deadProcess() {
  pid_t child = ::fork();
  if (child == 0)
    ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return std::to_string(child);
}

static void checkLeftovers() {
  std::string dead = deadProcess();
  fs::path parent = root / "leftovers";
  fs::create_directories(parent / (".aside-new-run-" + dead) / "source");
  fs::create_directories(parent / (".aside-new-other-" + dead));
  (void)require(
      RunFolder::open(parent / "run", RunFolder::Mode::Create, contents));
  CHECK(namesIn(parent) ==
        std::set<std::string>({"run", ".aside-new-other-" + dead}));
  overwrite(parent / "run" / ("results.json.writing-" + dead + "-3"), "{");
  std::string alive = "notes.writing-" + std::to_string(::getpid()) + "-1";
  overwrite(parent / "run" / alive, "{");
  (void)require(
      RunFolder::open(parent / "run", RunFolder::Mode::Resume, contents));
  CHECK(namesIn(parent / "run") ==
        std::set<std::string>({"checkpoints", "configuration.json", "figures",
                               "source", "versions.json", alive}));
}

//===----------------------------------------------------------------------===//
// Checkpoints
//===----------------------------------------------------------------------===//

static Checkpoint makeCheckpoint(int64_t update, double loss) {
  Checkpoint checkpoint;
  checkpoint.info.locoVersion = "0.1.0";
  checkpoint.info.sourceHash = "abc";
  checkpoint.info.seed = 0xfedcba9876543210;
  checkpoint.info.update = update;
  checkpoint.info.epoch = 3;
  checkpoint.info.position = 64;
  checkpoint.info.precision = "f32";
  checkpoint.info.threads = 2;
  checkpoint.info.batch = 8;
  checkpoint.info.optimizer = "sgd";
  checkpoint.info.optimizerUpdates = update;
  checkpoint.info.seconds = 0.1;
  checkpoint.info.loss = loss;
  Tensor b(ElementType::F32, {2, 3});
  for (int i = 0; i < 6; ++i)
    b.set(i, 0.1 * i + update);
  checkpoint.parameters.emplace("b", b);
  checkpoint.parameters.emplace("dt.raw", Tensor(ElementType::F64, {}));
  checkpoint.state.emplace("optimizer/velocity/b", b);
  return checkpoint;
}

static void checkRoundTrip(const fs::path &folder) {
  Checkpoint written = makeCheckpoint(20, 0.3);
  CHECK_SUCCESS(writeCheckpoint(folder, written));
  Checkpoint found = require(readCheckpoint(folder / "20"));
  CHECK_EQUAL(found.info.seed, 0xfedcba9876543210u);
  CHECK_EQUAL(found.info.update, 20);
  CHECK_EQUAL(found.info.epoch, 3);
  CHECK_EQUAL(found.info.position, 64);
  CHECK_EQUAL(found.info.precision, "f32");
  CHECK_EQUAL(found.info.sourceHash, "abc");
  CHECK_EQUAL(found.info.seconds, 0.1);
  CHECK_EQUAL(found.info.loss, 0.3);
  CHECK_EQUAL(bytesOf(found.parameters.at("b")),
              bytesOf(written.parameters.at("b")));
  CHECK(found.parameters.at("dt.raw").type() == ElementType::F64);
  CHECK(found.state.count("optimizer/velocity/b"));
  // A checkpoint may be written again.
  written.info.loss = std::nan("");
  CHECK_SUCCESS(writeCheckpoint(folder, written));
  CHECK(std::isinf(require(readCheckpointInfo(folder / "20")).loss));
  CHECK(namesIn(folder) == std::set<std::string>({"20"}));
}

/// Every single byte matters, and so does every length.
static void checkDamage(const fs::path &folder) {
  for (const char *name :
       {"run.json", "params.safetensors", "state.safetensors"}) {
    fs::path path = folder / "20" / name;
    std::string whole = require(readFile(path));
    for (size_t i = 0; i < whole.size(); ++i) {
      std::string damaged = whole;
      damaged[i] ^= 1;
      overwrite(path, damaged);
      Expected<Checkpoint> found = readCheckpoint(folder / "20");
      // White space between the tokens of JSON carries nothing.
      bool carries = std::string(name) != "run.json" || !std::isspace(whole[i]);
      CHECK(!carries || !found);
      CHECK(bool(found) || found.message().find("20/") != std::string::npos);
    }
    for (size_t length = 0; length < whole.size(); length += 7) {
      overwrite(path, whole.substr(0, length));
      CHECK_ERROR(readCheckpoint(folder / "20"), name);
    }
    fs::remove(path);
    CHECK_ERROR(readCheckpoint(folder / "20"), name);
    overwrite(path, whole);
    CHECK(bool(readCheckpoint(folder / "20")));
  }
  std::string newer = "{\"schema\": 2, \"crc32\": 5}";
  std::string whole = require(readFile(folder / "20" / "run.json"));
  overwrite(folder / "20" / "run.json", newer);
  CHECK_ERROR(readCheckpoint(folder / "20"), "has schema 2", "reads up to 1");
  overwrite(folder / "20" / "run.json", whole);
}

static void checkNewest(const fs::path &folder) {
  CHECK_SUCCESS(writeCheckpoint(folder, makeCheckpoint(100, 0.2)));
  CHECK_SUCCESS(writeCheckpoint(folder, makeCheckpoint(9, 0.1)));
  CHECK(listCheckpoints(folder) == std::vector<int64_t>({9, 20, 100}));
  std::vector<std::string> warnings;
  auto warn = [&](const std::string &text) { warnings.push_back(text); };
  auto newest = require(readNewestCheckpoint(folder, warn));
  CHECK(newest && newest->info.update == 100 && warnings.empty());
  overwrite(folder / "100" / "params.safetensors", "");
  newest = require(readNewestCheckpoint(folder, warn));
  CHECK(newest && newest->info.update == 20);
  CHECK(warnings.size() == 1 &&
        warnings[0].find("checkpoint 100 cannot be used: `") == 0);
  // A copy under another name is not the checkpoint of that update.
  fs::remove_all(folder / "100");
  fs::copy(folder / "20", folder / "100");
  newest = require(readNewestCheckpoint(folder, warn));
  CHECK(newest && newest->info.update == 20);
  CHECK(warnings.back().find("says it is of update 20") != std::string::npos);
  fs::remove_all(folder / "100");

  CHECK(!require(readNewestCheckpoint(folder / "none", warn)));
  for (const char *update : {"9", "20"})
    fs::remove(folder / update / "run.json");
  CHECK_ERROR(readNewestCheckpoint(folder, warn),
              "none of the 2 checkpoints in", "can be used", "run.json");
}

static void checkPruning() {
  fs::path folder = root / "pruned";
  for (int64_t update : {10, 20, 30, 40, 50})
    CHECK_SUCCESS(
        writeCheckpoint(folder, makeCheckpoint(update, update == 20 ? 1 : 2)));
  fs::create_directories(folder / (".aside-new-60-" + deadProcess()));
  CHECK_SUCCESS(pruneCheckpoints(folder, 2));
  CHECK(namesIn(folder) == std::set<std::string>({"20", "40", "50"}));
  CHECK_SUCCESS(writeCheckpoint(folder, makeCheckpoint(60, 0.5)));
  CHECK_SUCCESS(pruneCheckpoints(folder, 2));
  CHECK(namesIn(folder) == std::set<std::string>({"50", "60"}));
}

//===----------------------------------------------------------------------===//
// Metrics, progress, rates
//===----------------------------------------------------------------------===//

static MetricsLine metricsOf(int64_t update) {
  MetricsLine line;
  line.update = update;
  line.loss = 0.25;
  line.scalars["dt.raw"] = -2;
  return line;
}

static void checkMetrics() {
  fs::path path = root / "metrics.jsonl";
  {
    MetricsWriter writer = require(MetricsWriter::open(path, 0));
    for (int64_t update = 1; update <= 12; ++update)
      CHECK_SUCCESS(writer.write(metricsOf(update)));
    CHECK_SUCCESS(writer.flush());
  }
  std::string all = require(readFile(path));
  std::string first =
      "{\"update\":1,\"loss\":0.25,\"rate\":0.0,\"gradient_norm\":0.0,"
      "\"seconds\":0.0,\"scalars\":{\"dt.raw\":-2.0}}\n";
  CHECK_EQUAL(all.substr(0, first.size()), first);
  // A line that was cut short, then lines behind the checkpoint.
  overwrite(path, all + "{\"update\":13,\"lo");
  (void)require(MetricsWriter::open(path, 12));
  CHECK_EQUAL(require(readFile(path)), all);
  {
    MetricsWriter writer = require(MetricsWriter::open(path, 1));
    MetricsLine line = metricsOf(2);
    line.epoch = 0.5;
    line.validationLoss = 3;
    line.loss = std::nan("");
    line.scalars.clear();
    CHECK_SUCCESS(writer.write(line));
  }
  CHECK_EQUAL(require(readFile(path)),
              first + "{\"update\":2,\"epoch\":0.5,\"loss\":null,\"rate\":0.0,"
                      "\"gradient_norm\":0.0,\"seconds\":0.0,"
                      "\"validation_loss\":3.0}\n");
  CHECK_ERROR(MetricsWriter::open(root / "nowhere" / "m.jsonl", 0),
              "cannot write", "m.jsonl");
  MetricsWriter full = require(MetricsWriter::open("/dev/full", 0));
  CHECK_FAILURE(full.write(metricsOf(1)), "cannot write `/dev/full`",
                "no space left");
}

static void checkProgress() {
  CHECK_EQUAL(formatDuration(0.4), "0:00");
  CHECK_EQUAL(formatDuration(65), "1:05");
  CHECK_EQUAL(formatDuration(3723), "1:02:03");
  CHECK_EQUAL(formatDuration(std::nan("")), "?");
  fs::path path = root / "progress.txt";
  auto shown = [&](double interval, bool quiet) {
    FILE *file = std::fopen(path.c_str(), "w");
    {
      Progress progress("training", 3, 0, {file, interval, quiet});
      for (int update = 1; update <= 3; ++update)
        progress.update(update, "loss 0.5");
    }
    std::fclose(file);
    return require(readFile(path));
  };
  CHECK_EQUAL(shown(0, false), "");
  CHECK_EQUAL(shown(1e-9, true), "");
  CHECK_EQUAL(shown(3600, false), "training 100 %  3/3  loss 0.5  0:00\n");
  std::string all = shown(1e-9, false);
  CHECK_EQUAL(all.substr(0, all.find('\n')),
              "training 33 %  1/3  loss 0.5  0:00 left");
}

static void checkRates() {
  RateSchedule steps;
  steps.kind = RateSchedule::Kind::Step;
  steps.interval = 3;
  steps.intervalInEpochs = true;
  // Ten updates per epoch: 30 at the full rate, then a tenth.
  CHECK_NEAR(steps.factor(1, 100, 10), 1, 0);
  CHECK_NEAR(steps.factor(30, 100, 10), 1, 0);
  CHECK_NEAR(steps.factor(31, 100, 10), 0.1, 1e-15);
  CHECK_NEAR(steps.factor(61, 100, 10), 0.01, 1e-15);
  steps.dropOnce = true;
  CHECK_NEAR(steps.factor(61, 100, 10), 0.1, 1e-15);
  steps.intervalInEpochs = false;
  CHECK_NEAR(steps.factor(4, 100, 10), 0.1, 1e-15);
  steps.interval = 0;
  CHECK_FAILURE(steps.check(), "is 0, expected a positive number");

  RateSchedule cosine;
  cosine.kind = RateSchedule::Kind::Cosine;
  cosine.finalFactor = 0.2;
  cosine.warmup = 10;
  CHECK_NEAR(cosine.factor(1, 111, 0), 0.1, 1e-15);
  CHECK_NEAR(cosine.factor(10, 111, 0), 1, 1e-15);
  CHECK_NEAR(cosine.factor(11, 111, 0), 1, 1e-15);
  CHECK_NEAR(cosine.factor(61, 111, 0), 0.6, 1e-15);
  CHECK_NEAR(cosine.factor(111, 111, 0), 0.2, 1e-15);
  cosine.warmup = -1;
  CHECK_FAILURE(cosine.check(), "warm-up", "-1 updates");
}

static void checkVersions() {
  for (const auto &[name, version] : runtimeVersions())
    CHECK(!name.empty() && std::isdigit(version[0]));
  CHECK(runtimeVersions().count("zlib"));
}

int main(int argc, char **argv) {
  root = argc > 1 ? argv[1] : "";
  if (root.empty() || !fs::is_empty(root))
    return std::cerr << "usage: loco-test-run-folder <empty folder>\n", 1;
  checkModes();
  checkLeftovers();
  checkRoundTrip(root / "checkpoints");
  checkDamage(root / "checkpoints");
  checkNewest(root / "checkpoints");
  checkPruning();
  checkMetrics();
  checkProgress();
  checkRates();
  checkVersions();
  return checksFailed();
}
