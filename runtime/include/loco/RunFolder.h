//===- RunFolder.h - The folder that is a run -------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   configuration.json   every option as resolved
//   versions.json        of loco and of the libraries in use
//   source/              the text of the program and its modules
//   metrics.jsonl        one line per update (Metrics.h)
//   checkpoints/<n>/     everything needed to go on after update n
//   figures/             pictures
//   results.json         what the analyses found
//
// The folder appears in one step, with configuration, versions and source in
// it; every file is written aside and renamed. So at any moment a run is
// either not there or can be resumed.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNFOLDER_H
#define LOCO_RUNFOLDER_H

#include "loco/Expected.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace loco {

class RunFolder {
public:
  enum class Mode : uint8_t {
    /// An existing folder is an error ([run-folder-exists]).
    Create,
    /// A run must be there ([run-folder-missing]); its files stay.
    Resume,
    /// A run that is there is removed first; a folder that is not a run's is
    /// left alone ([not-a-run-folder]).
    Replace,
  };

  /// What a new folder holds from the start.
  struct Contents {
    /// Text of configuration.json and versions.json.
    std::string configuration, versions;
    /// Text by path below source/: `orientation_columns.loco`.
    std::map<std::string, std::string> sources;
  };

  /// The folder belongs to this process for as long as the result, its copies
  /// and its parts live ([run-folder-busy] for others). In mode Resume nothing
  /// is written before `commit`.
  static Expected<RunFolder> open(const std::filesystem::path &path, Mode mode,
                                  const Contents &contents);

  /// After Resume, brings configuration.json, versions.json and source/ up to
  /// date; otherwise, and the second time, there is nothing to do. For when the
  /// run has been found to continue: `train` calls it.
  Status commit() const;

  /// Removes the folder if `open` made it and nothing is in it but what `open`
  /// wrote: the folder of a run that failed before it had anything to keep.
  void discardUnused() const;

  const std::filesystem::path &path() const { return root; }
  std::filesystem::path metrics() const { return root / "metrics.jsonl"; }
  std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  std::filesystem::path figures() const { return root / "figures"; }

  /// Writes (or replaces) a file below the folder, aside and renamed.
  Status write(const std::filesystem::path &name,
               const std::string &text) const;

  /// A part with its own metrics and checkpoints: for a program that trains
  /// several models. Made if it is not there.
  Expected<RunFolder> part(const std::string &name) const;

private:
  explicit RunFolder(std::filesystem::path root) : root(std::move(root)) {}

  struct Shared;
  Status lock();

  std::filesystem::path root;
  /// Of the copies and parts of one run: the lock, and what commit writes.
  std::shared_ptr<Shared> shared;
};

} // namespace loco

#endif // LOCO_RUNFOLDER_H
