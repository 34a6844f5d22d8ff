//===- Checkpoint.cpp - All state of a training run, on disk --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Checkpoint.h"

#include "loco/Files.h"
#include "runtime/lib/training/Disk.h"

#include <nlohmann/json.hpp>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>

using namespace loco;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

static constexpr const char *infoName = "run.json";
static constexpr const char *parametersName = "params.safetensors";
static constexpr const char *stateName = "state.safetensors";

static uint32_t checksum(std::string_view bytes) {
  return crc32_z(0, reinterpret_cast<const Bytef *>(bytes.data()),
                 bytes.size());
}

//===----------------------------------------------------------------------===//
// run.json
//===----------------------------------------------------------------------===//

static Json toJson(const CheckpointInfo &info) {
  Json json = {
      {"schema", info.schema},
      {"loco_version", info.locoVersion},
      {"source_hash", info.sourceHash},
      {"seed", info.seed},
      {"update", info.update},
      {"data_cursor", {{"epoch", info.epoch}, {"position", info.position}}},
      {"batch", info.batch},
      {"precision", info.precision},
      {"threads", info.threads},
      {"optimizer",
       {{"method", info.optimizer}, {"updates", info.optimizerUpdates}}},
      {"seconds", info.seconds},
      {"loss", nullptr}};
  if (std::isfinite(info.loss))
    json["loss"] = info.loss;
  if (info.window > 0)
    json["data_cursor"]["window"] = info.window;
  if (std::isfinite(info.lastLoss))
    json["last"] = {{"loss", info.lastLoss}, {"terms", info.lastTerms}};
  if (info.validation)
    json["validation"] = {{"last", info.validation->last},
                          {"best", info.validation->best},
                          {"best_update", info.validation->bestUpdate},
                          {"since", info.validation->since}};
  return json;
}

/// A number that JSON has as null where it is not finite.
static double readNumber(const Json &json, double otherwise) {
  return json.is_null() ? otherwise : json.get<double>();
}

/// Fields are taken with at(), whose exceptions readInfo turns into an error.
static CheckpointInfo fromJson(const Json &json) {
  CheckpointInfo info;
  info.schema = json.at("schema");
  info.locoVersion = json.at("loco_version");
  info.sourceHash = json.at("source_hash");
  info.seed = json.at("seed");
  info.update = json.at("update");
  info.epoch = json.at("data_cursor").at("epoch");
  info.position = json.at("data_cursor").at("position");
  info.batch = json.at("batch");
  info.precision = json.at("precision");
  info.threads = json.at("threads");
  info.optimizer = json.at("optimizer").at("method");
  info.optimizerUpdates = json.at("optimizer").at("updates");
  info.seconds = json.at("seconds");
  info.loss = readNumber(json.at("loss"), info.loss);
  // Absent in checkpoints of earlier versions, too.
  if (auto found = json.find("last"); found != json.end()) {
    info.lastLoss = found->at("loss");
    for (const auto &[name, value] : found->at("terms").items())
      info.lastTerms[name] = value;
  }
  info.window = json.at("data_cursor").value("window", int64_t(0));
  if (auto found = json.find("validation"); found != json.end())
    info.validation = {
        readNumber(found->at("last"), std::nan("")),
        readNumber(found->at("best"), std::numeric_limits<double>::infinity()),
        found->at("best_update"), found->at("since")};
  return info;
}

/// The text of run.json: the last field is the checksum of the text without
/// it.
static std::string seal(Json json) {
  json["crc32"] = checksum(json.dump());
  return json.dump(2) + "\n";
}

/// The object in run.json, with its checksum verified and removed.
static Expected<Json> unseal(const fs::path &path) {
  Expected<std::string> text = readFile(path.string());
  if (!text)
    return text.error();
  Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return Error{"`" + path.string() + "` is not valid JSON"};
  Json found = json.value("crc32", Json());
  json.erase("crc32");
  // A newer schema may be sealed in another way; its number is what to tell.
  Json schema = json.value("schema", Json());
  if (schema.is_number_integer() && schema.get<int64_t>() > checkpointSchema)
    return Error{"`" + path.string() + "` has schema " + schema.dump() +
                 ", but this version of loco reads up to " +
                 std::to_string(checkpointSchema)};
  if (found != Json(checksum(json.dump())))
    return Error{"`" + path.string() + "` is damaged: its checksum is wrong"};
  return json;
}

static Expected<CheckpointInfo> readInfo(const fs::path &path,
                                         const Json &json) {
  try {
    return fromJson(json);
  } catch (const nlohmann::json::exception &) {
    return Error{"`" + path.string() +
                 "` lacks a field or has one of the wrong type"};
  }
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Length and checksum of a file, which is never whole in memory.
static Expected<Json> describeFile(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(size_t(1) << 16);
  uint64_t length = 0;
  uLong sum = crc32_z(0, nullptr, 0);
  while (file.read(piece.data(), piece.size()), file.gcount() > 0) {
    size_t count = static_cast<size_t>(file.gcount());
    sum = crc32_z(sum, reinterpret_cast<const Bytef *>(piece.data()), count);
    length += count;
  }
  if (!file.eof())
    return Error{"cannot read `" + path.string() + "`, which was just written"};
  return Json{{"bytes", length}, {"crc32", static_cast<uint32_t>(sum)}};
}

/// Writes a file of tensors and adds its length and checksum to `files`.
static Status writePart(const fs::path &path, const TensorViews &tensors,
                        Json &files) {
  if (Status failed = writeSafetensors(path.string(), tensors))
    return failed;
  Expected<Json> description = describeFile(path);
  if (!description)
    return description.error();
  files[path.filename().string()] = *description;
  return {};
}

static Status fill(const fs::path &folder, const CheckpointInfo &info,
                   const TensorViews &parameters, const TensorViews &state) {
  Json json = toJson(info);
  Json &files = json["files"];
  if (Status failed = writePart(folder / parametersName, parameters, files))
    return failed;
  if (Status failed = writePart(folder / stateName, state, files))
    return failed;
  std::string text = seal(std::move(json));
  return writeFileAtomically((folder / infoName).string(), {text});
}

Status loco::writeCheckpoint(const fs::path &folder,
                             const Checkpoint &checkpoint) {
  return writeCheckpoint(folder, checkpoint.info,
                         viewAll(checkpoint.parameters),
                         viewAll(checkpoint.state));
}

Status loco::writeCheckpoint(const fs::path &folder, const CheckpointInfo &info,
                             const TensorViews &parameters,
                             const TensorViews &state) {
  if (Status failed = makeFolder(folder))
    return failed;
  fs::path path = folder / std::to_string(info.update);
  Expected<fs::path> aside = makeAside(path);
  if (!aside)
    return aside.error();
  Status failed = fill(*aside, info, parameters, state);
  if (!failed)
    failed = replaceFolder(*aside, path);
  if (failed)
    (void)removeAll(*aside);
  return failed;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Reads a file of tensors whose length and checksum `files` knows.
static Expected<TensorMap> readPart(const fs::path &path, const Json &files) {
  Expected<std::string> bytes = readFile(path.string());
  if (!bytes)
    return bytes.error();
  Json file = files.value(path.filename().string(), Json::object());
  if (!file.is_object() || file.value("bytes", Json()) != Json(bytes->size()))
    return Error{"`" + path.string() + "` has " +
                 std::to_string(bytes->size()) + " bytes, expected " +
                 file.value("bytes", Json()).dump()};
  if (file.value("crc32", Json()) != Json(checksum(*bytes)))
    return Error{"`" + path.string() + "` is damaged: its checksum is wrong"};
  Expected<Safetensors> content = readSafetensors(path.string());
  if (!content)
    return content.error();
  return std::move(content->tensors);
}

Expected<CheckpointInfo> loco::readCheckpointInfo(const fs::path &path) {
  Expected<Json> json = unseal(path / infoName);
  if (!json)
    return json.error();
  return readInfo(path / infoName, *json);
}

Expected<Checkpoint> loco::readCheckpoint(const fs::path &path) {
  Expected<Json> json = unseal(path / infoName);
  if (!json)
    return json.error();
  Expected<CheckpointInfo> info = readInfo(path / infoName, *json);
  if (!info)
    return info.error();
  Json files = json->value("files", Json::object());
  if (!files.is_object())
    return Error{"`" + (path / infoName).string() + "` does not list files"};
  Expected<TensorMap> parameters = readPart(path / parametersName, files);
  if (!parameters)
    return parameters.error();
  Expected<TensorMap> state = readPart(path / stateName, files);
  if (!state)
    return state.error();
  return Checkpoint{std::move(*info), std::move(*parameters),
                    std::move(*state)};
}

/// The update a checkpoint's folder is named after, or -1 for other names.
static int64_t updateOfName(const std::string &name) {
  int64_t update = -1;
  auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), update);
  bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && std::to_string(update) == name ? update : -1;
}

std::vector<int64_t> loco::listCheckpoints(const fs::path &folder) {
  std::vector<int64_t> updates;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    int64_t update = updateOfName(entry->path().filename().string());
    if (update >= 0)
      updates.push_back(update);
  }
  std::sort(updates.begin(), updates.end());
  return updates;
}

Expected<std::optional<Checkpoint>> loco::readNewestCheckpoint(
    const fs::path &folder,
    const std::function<void(const std::string &)> &warn) {
  std::vector<int64_t> updates = listCheckpoints(folder);
  std::string lastFault;
  for (auto update = updates.rbegin(); update != updates.rend(); ++update) {
    fs::path path = folder / std::to_string(*update);
    Expected<Checkpoint> checkpoint = readCheckpoint(path);
    if (checkpoint && checkpoint->info.update == *update)
      return std::optional<Checkpoint>(std::move(*checkpoint));
    lastFault = checkpoint ? "`" + path.string() + "` says it is of update " +
                                 std::to_string(checkpoint->info.update)
                           : checkpoint.message();
    warn("checkpoint " + std::to_string(*update) +
         " cannot be used: " + lastFault);
  }
  if (updates.empty())
    return std::optional<Checkpoint>();
  return Error{"none of the " + std::to_string(updates.size()) +
               " checkpoints in `" + folder.string() +
               "` can be used: " + lastFault};
}

//===----------------------------------------------------------------------===//
// Keeping few
//===----------------------------------------------------------------------===//

/// The readable checkpoint of lowest loss, or -1.
static int64_t findBest(const fs::path &folder,
                        const std::vector<int64_t> &updates) {
  int64_t best = -1;
  double lowest = std::numeric_limits<double>::infinity();
  for (int64_t update : updates) {
    Expected<CheckpointInfo> info =
        readCheckpointInfo(folder / std::to_string(update));
    if (info && info->loss < lowest) {
      lowest = info->loss;
      best = update;
    }
  }
  return best;
}

Status loco::pruneCheckpoints(const fs::path &folder, int64_t keep) {
  removeLeftovers(folder);
  std::vector<int64_t> updates = listCheckpoints(folder);
  int64_t best = findBest(folder, updates);
  int64_t excess = int64_t(updates.size()) - std::max<int64_t>(keep, 1);
  for (int64_t i = 0; i < excess; ++i)
    if (updates[i] != best)
      if (Status failed = removeFolder(folder / std::to_string(updates[i])))
        return failed;
  return {};
}
