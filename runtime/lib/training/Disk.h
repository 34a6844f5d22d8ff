//===- Disk.h - Folders that survive a crash --------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_TRAINING_DISK_H
#define LOCO_RUNTIME_TRAINING_DISK_H

#include "loco/Expected.h"

#include <filesystem>
#include <string>

namespace loco {

/// "cannot <verb> `path`: <what errno says>".
Error diskError(const std::string &verb, const std::filesystem::path &path,
                int number);

/// Makes a folder and its parents; one that exists is fine.
Status makeFolder(const std::filesystem::path &path);

/// Removes a file or a folder with all it holds; nothing there is fine.
Status removeAll(const std::filesystem::path &path);

/// Takes a folder out of sight in one step, then removes it.
Status removeFolder(const std::filesystem::path &path);

/// Renames; the target must not exist.
Status renamePath(const std::filesystem::path &from,
                  const std::filesystem::path &to);

/// Returns when the names in the folder are on the disk.
Status syncFolder(const std::filesystem::path &path);

/// Removes from a folder what writers that are no longer alive have left in
/// it: folders that were being filled or removed, files being written. With a
/// name, only what was to become a folder of that name.
void removeLeftovers(const std::filesystem::path &folder,
                     const std::string &name = "");

/// A sibling of `path` to fill before it is renamed to it, empty.
Expected<std::filesystem::path> makeAside(const std::filesystem::path &path);

/// Renames a folder that was filled aside to its final name, on the disk when
/// this returns. What has that name already goes away after the new one has
/// come.
Status replaceFolder(const std::filesystem::path &aside,
                     const std::filesystem::path &path);

} // namespace loco

#endif // LOCO_RUNTIME_TRAINING_DISK_H
