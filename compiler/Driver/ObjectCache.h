//===- ObjectCache.h - Results of earlier compilations ----------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bytes by key in files of one folder that only the user can write: what is
// kept there is executed. Nothing here is an error: an entry that is not there,
// damaged or of another build is made anew, and one that cannot be written is
// not kept. Any number of processes may share a folder: entries are written
// aside and renamed, and never changed.
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_OBJECTCACHE_H
#define COMPILER_DRIVER_OBJECTCACHE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/BLAKE3.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace loco {

/// A hash of everything that an entry depends on. Begins with the build of
/// this program and of the libraries that it compiles with.
class CacheKey {
public:
  /// `kind` keeps entries of different content apart.
  explicit CacheKey(llvm::StringRef kind);
  /// Adds a text, told apart from its neighbours.
  CacheKey &add(llvm::StringRef text);
  CacheKey &add(uint64_t number);
  /// 64 hexadecimal digits.
  std::string getText() const;

private:
  llvm::BLAKE3 hash;
};

class ObjectCache {
public:
  /// One that keeps nothing; `reason` says why, for people.
  static ObjectCache off(llvm::StringRef reason);
  /// The folder `$LOCO_CACHE_DIR`, `$XDG_CACHE_HOME/loco` or `~/.cache/loco`,
  /// of at most `$LOCO_CACHE_SIZE` megabytes (512).
  static ObjectCache ofUser();
  /// Makes the folder if it is not there. One that others can write is not
  /// used. `maxBytes`: entries that were not read for longest go first.
  static ObjectCache inFolder(llvm::StringRef folder, uint64_t maxBytes);

  bool isOn() const { return !folder.empty(); }

  /// The entry of a key's text as it was stored; nothing if it is not there or
  /// damaged.
  std::optional<std::string> load(llvm::StringRef key);
  void store(llvm::StringRef key, llvm::StringRef bytes);

  /// What happened so far, in one line for people.
  std::string describe() const;

private:
  std::string getPath(llvm::StringRef key) const;
  void removeOldest();

  /// Code of several models is made, and kept, at the same time.
  std::unique_ptr<std::mutex> turn = std::make_unique<std::mutex>();
  std::string folder;
  uint64_t maxBytes = 0;
  bool isTidy = false;
  unsigned numLoaded = 0, numMissed = 0, numStored = 0;
  /// Why it is off, or what could not be stored last.
  std::string problem;
};

} // namespace loco

#endif // COMPILER_DRIVER_OBJECTCACHE_H
