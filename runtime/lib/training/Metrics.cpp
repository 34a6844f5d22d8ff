//===- Metrics.cpp - What a run measured, as JSON lines -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Metrics.h"

#include "loco/Files.h"
#include "runtime/lib/training/Disk.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

using namespace loco;
namespace fs = std::filesystem;

std::string loco::toJson(const MetricsLine &line) {
  // The library writes numbers that are not finite as null.
  nlohmann::ordered_json json = {{"update", line.update}};
  if (line.epoch)
    json["epoch"] = *line.epoch;
  json["loss"] = line.loss;
  if (!line.terms.empty())
    json["terms"] = line.terms;
  json["rate"] = line.rate;
  json["gradient_norm"] = line.gradientNorm;
  json["seconds"] = line.seconds;
  if (line.validationLoss)
    json["validation_loss"] = *line.validationLoss;
  if (!line.scalars.empty())
    json["scalars"] = line.scalars;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The number of the update of a line, or -1 if it is not a whole line of ours.
static int64_t updateOf(std::string_view line) {
  auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return -1;
  auto update = json.find("update");
  if (update == json.end() || !update->is_number_integer())
    return -1;
  return update->get<int64_t>();
}

/// Length of the part of the text that a run at `lastUpdate` has written.
static size_t lengthUpTo(const std::string &text, int64_t lastUpdate) {
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos)
      break;
    int64_t update =
        updateOf(std::string_view(text).substr(begin, end - begin));
    if (update < 0 || update > lastUpdate)
      break;
    begin = end + 1;
  }
  return begin;
}

Expected<MetricsWriter> MetricsWriter::open(const fs::path &path,
                                            int64_t lastUpdate) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    Expected<std::string> text = readFile(path.string());
    if (!text)
      return text.error();
    size_t length = lengthUpTo(*text, lastUpdate);
    if (length < text->size())
      if (Status failed = writeFileAtomically(
              path.string(), {std::string_view(*text).substr(0, length)}))
        return failed.error();
  }
  int descriptor =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return diskError("write", path, errno);
  return MetricsWriter(path, descriptor);
}

MetricsWriter::MetricsWriter(MetricsWriter &&other) noexcept
    : path(std::move(other.path)), descriptor(other.descriptor) {
  other.descriptor = -1;
}

MetricsWriter::~MetricsWriter() {
  if (descriptor >= 0)
    ::close(descriptor);
}

Status MetricsWriter::write(const MetricsLine &line) {
  std::string text = toJson(line) + "\n";
  for (size_t done = 0; done < text.size();) {
    ssize_t count = ::write(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return diskError("write", path, errno);
    done += count;
  }
  return {};
}

Status MetricsWriter::flush() {
  // Devices and pipes cannot be flushed and say EINVAL.
  if (::fdatasync(descriptor) < 0 && errno != EINVAL)
    return diskError("write", path, errno);
  return {};
}
