//===- ObjectCache.cpp - Results of earlier compilations -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/ObjectCache.h"

#include "loco/Files.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace loco;

namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

/// The build id that the linker left in a loaded file; empty if it left none.
static std::string readBuildId(const dl_phdr_info &file) {
  for (int i = 0; i < file.dlpi_phnum; ++i) {
    const ElfW(Phdr) &header = file.dlpi_phdr[i];
    if (header.p_type != PT_NOTE)
      continue;
    auto *place =
        reinterpret_cast<const char *>(file.dlpi_addr + header.p_vaddr);
    auto *end = place + header.p_memsz;
    while (place + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, place, sizeof(note));
      const char *name = place + sizeof(note);
      const char *text = name + llvm::alignTo(note.n_namesz, 4);
      if (note.n_type == NT_GNU_BUILD_ID &&
          llvm::StringRef(name, note.n_namesz) == llvm::StringRef("GNU\0", 4))
        return llvm::toHex(llvm::StringRef(text, note.n_descsz));
      place = text + llvm::alignTo(note.n_descsz, 4);
    }
  }
  return "";
}

/// The builds of what compiles: the file that holds this code, and the
/// libraries of LLVM and of loco. Empty if one of them has no build id.
static const std::string &getBuildId() {
  static const std::string id = [] {
    struct Search {
      std::string text;
      bool isComplete = true;
    } search;
    auto visit = [](dl_phdr_info *file, size_t, void *result) {
      auto &search = *static_cast<Search *>(result);
      auto self = reinterpret_cast<uintptr_t>(&getBuildId);
      bool holdsSelf = false;
      for (int i = 0; i < file->dlpi_phnum; ++i) {
        const ElfW(Phdr) &header = file->dlpi_phdr[i];
        uintptr_t begin = file->dlpi_addr + header.p_vaddr;
        holdsSelf |= header.p_type == PT_LOAD && begin <= self &&
                     self < begin + header.p_memsz;
      }
      llvm::StringRef name = path::filename(file->dlpi_name);
      if (!holdsSelf && !name.starts_with("libLLVM") &&
          !name.starts_with("libMLIR") && !name.starts_with("libLocoRuntime"))
        return 0;
      std::string id = readBuildId(*file);
      search.isComplete &= !id.empty();
      search.text += id + ";";
      return 0;
    };
    dl_iterate_phdr(visit, &search);
    return search.isComplete ? search.text : std::string();
  }();
  return id;
}

CacheKey::CacheKey(llvm::StringRef kind) {
  add(getBuildId());
  add(kind);
}

CacheKey &CacheKey::add(llvm::StringRef text) {
  add(text.size());
  hash.update(text);
  return *this;
}

CacheKey &CacheKey::add(uint64_t number) {
  hash.update(llvm::StringRef(reinterpret_cast<const char *>(&number), 8));
  return *this;
}

std::string CacheKey::getText() const {
  llvm::BLAKE3 copy = hash;
  return llvm::toHex(copy.final(), /*LowerCase=*/true);
}

//===----------------------------------------------------------------------===//
// The folder
//===----------------------------------------------------------------------===//

ObjectCache ObjectCache::off(llvm::StringRef reason) {
  ObjectCache cache;
  cache.problem = reason.str();
  return cache;
}

ObjectCache ObjectCache::ofUser() {
  auto read = [](const char *name) {
    const char *text = std::getenv(name);
    return llvm::StringRef(text ? text : "");
  };
  llvm::SmallString<128> folder = read("LOCO_CACHE_DIR");
  if (folder.empty() && !read("XDG_CACHE_HOME").empty()) {
    folder = read("XDG_CACHE_HOME");
    path::append(folder, "loco");
  }
  if (folder.empty() && !read("HOME").empty()) {
    folder = read("HOME");
    path::append(folder, ".cache", "loco");
  }
  if (folder.empty())
    return off("neither LOCO_CACHE_DIR nor HOME is set");
  uint64_t megabytes = 512;
  if (llvm::StringRef size = read("LOCO_CACHE_SIZE");
      !size.empty() && size.getAsInteger(10, megabytes))
    return off("LOCO_CACHE_SIZE is no number of megabytes");
  return inFolder(folder, megabytes << 20);
}

ObjectCache ObjectCache::inFolder(llvm::StringRef folder, uint64_t maxBytes) {
  if (getBuildId().empty())
    return off("this build of loco has no build id");
  if (std::error_code failed = fs::create_directories(
          folder, /*IgnoreExisting=*/true, fs::owner_all))
    return off(
        fmt::format("cannot make `{}`: {}", folder.str(), failed.message()));
  struct stat facts;
  if (::stat(folder.str().c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode))
    return off(fmt::format("`{}` is no folder", folder.str()));
  // What the system's administrator put there may be read by all.
  if (facts.st_uid != ::geteuid() && facts.st_uid != 0)
    return off(fmt::format("`{}` belongs to somebody else", folder.str()));
  if (facts.st_mode & (S_IWGRP | S_IWOTH))
    return off(fmt::format("others can write to `{}`", folder.str()));
  ObjectCache cache;
  cache.folder = folder.str();
  cache.maxBytes = maxBytes;
  return cache;
}

static constexpr llvm::StringLiteral ending = ".loco-object";

std::string ObjectCache::getPath(llvm::StringRef key) const {
  llvm::SmallString<128> file(folder);
  path::append(file, key + ending);
  return file.str().str();
}

/// Stands in front of the bytes: they are these, and belong to this key.
static std::string makeSeal(llvm::StringRef key, llvm::StringRef bytes) {
  llvm::BLAKE3 hash;
  hash.update(key);
  hash.update(bytes);
  return "loco object\n" + llvm::toHex(hash.final()) + "\n";
}

std::optional<std::string> ObjectCache::load(llvm::StringRef key) {
  if (!isOn())
    return std::nullopt;
  std::lock_guard<std::mutex> lock(*turn);
  std::string file = getPath(key);
  auto whole = readFile(file);
  size_t length = makeSeal(key, "").size();
  if (whole && whole->size() >= length) {
    std::string bytes = whole->substr(length);
    if (llvm::StringRef(*whole).take_front(length) == makeSeal(key, bytes)) {
      // What is in use stays longest.
      (void)::utimensat(AT_FDCWD, file.c_str(), nullptr, 0);
      ++numLoaded;
      return bytes;
    }
  }
  ++numMissed;
  return std::nullopt;
}

void ObjectCache::store(llvm::StringRef key, llvm::StringRef bytes) {
  if (!isOn())
    return;
  std::lock_guard<std::mutex> lock(*turn);
  if (!std::exchange(isTidy, true))
    removeOldest();
  Status failed = writeFileAtomically(
      getPath(key), {makeSeal(key, bytes), std::string_view(bytes)});
  if (failed)
    problem = failed.message();
  else
    ++numStored;
}

namespace {
struct Entry {
  std::string path;
  llvm::sys::TimePoint<> used;
  uint64_t bytes = 0;
};
} // namespace

/// Makes room down to three quarters of the bound, once the bound is reached.
/// Files that a process began and never finished count as entries.
void ObjectCache::removeOldest() {
  std::vector<Entry> entries;
  uint64_t total = 0;
  std::error_code failed;
  for (fs::directory_iterator file(folder, failed), end; file != end && !failed;
       file.increment(failed)) {
    auto facts = file->status();
    if (!llvm::StringRef(file->path()).contains(ending) || !facts)
      continue;
    entries.push_back(
        {file->path(), facts->getLastModificationTime(), facts->getSize()});
    total += facts->getSize();
  }
  if (total <= maxBytes)
    return;
  llvm::sort(entries, [](const Entry &one, const Entry &other) {
    return one.used < other.used;
  });
  for (const Entry &entry : entries) {
    if (total <= maxBytes / 4 * 3)
      break;
    (void)fs::remove(entry.path);
    total -= entry.bytes;
  }
}

std::string ObjectCache::describe() const {
  if (!isOn())
    return "off: " + problem;
  std::string text = fmt::format("{} loaded, {} made, {} stored in {}",
                                 numLoaded, numMissed, numStored, folder);
  return problem.empty() ? text : text + "; " + problem;
}
