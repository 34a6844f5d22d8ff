//===- RunFolder.cpp - The folder that is a run ---------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/RunFolder.h"

#include "loco/Files.h"
#include "runtime/lib/training/Disk.h"

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

using namespace loco;
namespace fs = std::filesystem;

/// Present in every run folder, from the moment it appears.
static constexpr const char *configurationName = "configuration.json";
static constexpr const char *versionsName = "versions.json";

static bool isThere(const fs::path &path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

static bool isRun(const fs::path &path) {
  return isThere(path / configurationName) && isThere(path / versionsName);
}

/// Keeps other processes out of a run folder for as long as it lives.
struct RunFolder::Shared {
  fs::path root;
  int descriptor = -1;
  std::optional<Contents> pending;
  /// Made by this process.
  bool isNew = false;

  Shared() = default;
  Shared(const Shared &) = delete;
  ~Shared() {
    if (descriptor >= 0)
      ::close(descriptor);
  }
};

Status RunFolder::lock() {
  auto held = std::make_shared<Shared>();
  held->descriptor = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (held->descriptor < 0)
    return diskError("open folder", root, errno);
  // A file system without locks gives none, and another error.
  if (::flock(held->descriptor, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
    return Error{"the run in `" + root.string() +
                 "` is being worked on by another process "
                 "[run-folder-busy]"};
  held->root = root;
  shared = std::move(held);
  return {};
}

/// A path that stays below the folder it is appended to.
static Status checkInside(const fs::path &name) {
  fs::path normal = name.lexically_normal();
  if (normal.empty() || normal.is_absolute() || *normal.begin() == "..")
    return Error{"`" + name.string() +
                 "` does not name a file inside the run folder"};
  return {};
}

static Status writeInside(const fs::path &root, const fs::path &name,
                          const std::string &text) {
  if (Status failed = checkInside(name))
    return failed;
  fs::path path = root / name;
  if (Status failed = makeFolder(path.parent_path()))
    return failed;
  return writeFileAtomically(path.string(), {text});
}

static Status fill(const fs::path &root, const RunFolder::Contents &contents) {
  if (Status failed =
          writeInside(root, configurationName, contents.configuration))
    return failed;
  if (Status failed = writeInside(root, versionsName, contents.versions))
    return failed;
  for (const auto &[name, text] : contents.sources) {
    if (Status failed = checkInside(name))
      return failed;
    if (Status failed = writeInside(root, fs::path("source") / name, text))
      return failed;
  }
  for (const char *name : {"checkpoints", "figures"})
    if (Status failed = makeFolder(root / name))
      return failed;
  return {};
}

/// Fills a folder under another name and renames it.
static Status create(const fs::path &path,
                     const RunFolder::Contents &contents) {
  fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (Status failed = makeFolder(parent))
    return failed;
  removeLeftovers(parent, path.filename().string());
  Expected<fs::path> aside = makeAside(path);
  if (!aside)
    return aside.error();
  Status failed = fill(*aside, contents);
  if (!failed)
    failed = replaceFolder(*aside, path);
  if (failed)
    (void)removeAll(*aside);
  return failed;
}

/// What the mode asks of the path.
static Status checkMode(const fs::path &path, RunFolder::Mode mode) {
  std::string quoted = "`" + path.string() + "`";
  if (mode == RunFolder::Mode::Create && isThere(path))
    return Error{quoted + " already exists; give another `--out`, `--resume` "
                          "to continue the run in it, or `--force` to replace "
                          "it [run-folder-exists]"};
  if (mode == RunFolder::Mode::Resume && !isThere(path))
    return Error{"there is no run in " + quoted +
                 " to resume; start it without `--resume` "
                 "[run-folder-missing]"};
  if (mode != RunFolder::Mode::Create && isThere(path) && !isRun(path))
    return Error{quoted + " is not a run folder: it lacks `" +
                 configurationName + "` or `" + versionsName +
                 "`, so it is left as it is [not-a-run-folder]"};
  return {};
}

Expected<RunFolder> RunFolder::open(const fs::path &path, Mode mode,
                                    const Contents &contents) {
  // A trailing slash would hide the folder's name.
  fs::path root = path.lexically_normal();
  if (!root.has_filename())
    root = root.parent_path();
  if (root.empty())
    return Error{"the run folder has an empty name"};
  if (Status failed = checkMode(root, mode))
    return failed.error();
  RunFolder folder(root);
  if (isThere(root))
    if (Status failed = folder.lock())
      return failed.error();
  if (mode != Mode::Resume) {
    if (Status failed = create(root, contents))
      return failed.error();
    if (Status failed = folder.lock())
      return failed.error();
    folder.shared->isNew = true;
    return folder;
  }
  removeLeftovers(root);
  folder.shared->pending = contents;
  return folder;
}

Status RunFolder::commit() const {
  std::optional<Contents> contents = std::exchange(shared->pending, {});
  return contents ? fill(shared->root, *contents) : Status();
}

/// True if the folder holds no file beside those of `fill`, but for metrics of
/// which nothing is known yet.
static bool isUnused(const fs::path &root) {
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(root, failed), end;
       !failed && entry != end; entry.increment(failed)) {
    fs::path name = entry->path().lexically_relative(root);
    bool isEmpty = name.filename() == "metrics.jsonl" &&
                   entry->file_size(failed) == 0 && !failed;
    if (!entry->is_directory(failed) && !isEmpty && name != configurationName &&
        name != versionsName && *name.begin() != "source")
      return false;
  }
  return !failed;
}

void RunFolder::discardUnused() const {
  if (shared->isNew && isUnused(shared->root))
    (void)removeAll(shared->root);
}

Status RunFolder::write(const fs::path &name, const std::string &text) const {
  return writeInside(root, name, text);
}

Expected<RunFolder> RunFolder::part(const std::string &name) const {
  if (Status failed = checkInside(name))
    return failed.error();
  if (Status failed = makeFolder(root / name))
    return failed.error();
  RunFolder result(root / name);
  result.shared = shared;
  return result;
}
