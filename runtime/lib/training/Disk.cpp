//===- Disk.cpp - Folders that survive a crash ----------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/training/Disk.h"

#include "runtime/lib/files/Bytes.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace loco;
namespace fs = std::filesystem;

Error loco::diskError(const std::string &verb, const fs::path &path,
                      int number) {
  return Error{"cannot " + verb + " `" + path.string() +
               "`: " + files::describeErrno(number)};
}

Status loco::makeFolder(const fs::path &path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return diskError("make folder", path, error.value());
  return {};
}

Status loco::removeAll(const fs::path &path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error)
    return diskError("remove", path, error.value());
  return {};
}

Status loco::renamePath(const fs::path &from, const fs::path &to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error)
    return diskError("rename to", to, error.value());
  return {};
}

Status loco::syncFolder(const fs::path &path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return diskError("open folder", path, errno);
  int number = ::fsync(descriptor) < 0 ? errno : 0;
  ::close(descriptor);
  // Some file systems have nothing to flush for folders and say EINVAL.
  if (number && number != EINVAL)
    return diskError("flush folder", path, number);
  return {};
}

/// The folder a path lies in; "." for a bare name.
static fs::path parentOf(const fs::path &path) {
  fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

/// Names of folders that are being filled or removed: this, a word for which,
/// the final name, and the number of the process.
static constexpr const char *asidePrefix = ".aside-";
/// writeFileAtomically's names: the final name, this, the number of the
/// process, and a serial number.
static constexpr const char *writingInfix = ".writing-";

static fs::path siblingOf(const fs::path &path, const std::string &kind) {
  return parentOf(path) / (asidePrefix + kind + path.filename().string() + "-" +
                           std::to_string(::getpid()));
}

/// The process that a name of ours for unfinished work carries, or 0.
static pid_t writerOf(const std::string &name) {
  size_t number = name.rfind(writingInfix);
  if (number != std::string::npos)
    number += std::strlen(writingInfix);
  else if (name.rfind(asidePrefix, 0) == 0)
    number = name.rfind('-') + 1;
  else
    return 0;
  pid_t writer = 0;
  std::from_chars(name.data() + number, name.data() + name.size(), writer);
  return writer;
}

void loco::removeLeftovers(const fs::path &folder, const std::string &name) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string found = entry->path().filename().string();
    pid_t writer = writerOf(found);
    // "new-" and "old-" are equally long.
    size_t nameAt = std::strlen(asidePrefix) + std::strlen("new-");
    if (!name.empty() &&
        found.find(name + "-" + std::to_string(writer)) != nameAt)
      continue;
    if (writer > 0 && ::kill(writer, 0) < 0 && errno == ESRCH)
      (void)removeAll(entry->path());
  }
}

Expected<fs::path> loco::makeAside(const fs::path &path) {
  fs::path aside = siblingOf(path, "new-");
  if (Status failed = removeAll(aside))
    return failed.error();
  if (Status failed = makeFolder(aside))
    return failed.error();
  return aside;
}

Status loco::replaceFolder(const fs::path &aside, const fs::path &path) {
  if (Status failed = syncFolder(aside))
    return failed;
  fs::path old = siblingOf(path, "old-");
  bool exists = fs::exists(fs::symlink_status(path));
  if (exists) {
    if (Status failed = removeAll(old))
      return failed;
    if (Status failed = renamePath(path, old))
      return failed;
  }
  if (Status failed = renamePath(aside, path)) {
    if (exists)
      (void)renamePath(old, path);
    return failed;
  }
  if (Status failed = syncFolder(parentOf(path)))
    return failed;
  return exists ? removeAll(old) : Status();
}

Status loco::removeFolder(const fs::path &path) {
  fs::path old = siblingOf(path, "old-");
  if (Status failed = removeAll(old))
    return failed;
  if (Status failed = renamePath(path, old))
    return failed;
  return removeAll(old);
}
