//===- File.cpp - Whole files ---------------------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Files.h"

#include "runtime/lib/files/Bytes.h"

#include <atomic>
#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

using namespace loco;
using namespace loco::files;

std::string loco::files::describeErrno(int number) {
  std::string text = std::generic_category().message(number);
  if (!text.empty())
    text[0] = static_cast<char>(std::tolower(text[0]));
  return text;
}

namespace {
/// A file descriptor that closes itself.
struct Descriptor {
  int number;
  explicit Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor &) = delete;
  ~Descriptor() {
    if (number >= 0)
      ::close(number);
  }
};
} // namespace

static Error cannot(const char *verb, const std::string &path, int number) {
  return Error{std::string("cannot ") + verb + " " + ticked(path) + ": " +
               describeErrno(number)};
}

Expected<std::string> loco::readFile(const std::string &path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0)
    return cannot("open", path, errno);
  struct stat facts;
  if (::fstat(file.number, &facts) != 0)
    return cannot("read", path, errno);
  if (S_ISDIR(facts.st_mode))
    return Error{ticked(path) + " is a folder, expected a file"};
  if (!S_ISREG(facts.st_mode))
    return Error{ticked(path) + " is not a regular file"};
  std::string bytes(static_cast<size_t>(facts.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t count =
        ::read(file.number, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return cannot("read", path, errno);
    if (count == 0)
      return Error{ticked(path) + " became shorter while it was read"};
    done += static_cast<size_t>(count);
  }
  return bytes;
}

static bool writeAll(int file, std::string_view piece) {
  while (!piece.empty()) {
    ssize_t count = ::write(file, piece.data(), piece.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return false;
    piece.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

/// Makes the rename itself survive a crash of the machine. Some file systems
/// cannot; then the rename is as safe as they make it.
static void syncFolderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  std::string folder =
      slash == std::string::npos ? "." : path.substr(0, slash + 1);
  Descriptor handle(::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  if (handle.number >= 0)
    (void)::fsync(handle.number);
}

Status loco::writeFileAtomically(const std::string &path,
                                 const std::vector<std::string_view> &pieces) {
  static std::atomic<unsigned> serial{0};
  std::string aside = path + ".writing-" + std::to_string(::getpid()) + "-" +
                      std::to_string(serial++);
  auto giveUp = [&](int number) {
    ::unlink(aside.c_str());
    return cannot("write", path, number);
  };
  Descriptor file(
      ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.number < 0)
    return cannot("write", path, errno);
  for (std::string_view piece : pieces)
    if (!writeAll(file.number, piece))
      return giveUp(errno);
  if (::fsync(file.number) != 0)
    return giveUp(errno);
  int number = std::exchange(file.number, -1);
  if (::close(number) != 0)
    return giveUp(errno);
  if (::rename(aside.c_str(), path.c_str()) != 0)
    return giveUp(errno);
  syncFolderOf(path);
  return {};
}

std::string_view loco::bytesOf(const Tensor &tensor) {
  return {static_cast<const char *>(tensor.data()), tensor.bytes()};
}

static bool endsWith(const std::string &text, const std::string &ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

Expected<TensorMap> loco::readTensors(const std::string &path) {
  if (endsWith(path, ".npz"))
    return readNpz(path);
  if (!endsWith(path, ".safetensors"))
    return Error{ticked(path) +
                 " has an unknown ending, expected `.npz` or `.safetensors`"};
  Expected<Safetensors> file = readSafetensors(path);
  if (!file)
    return file.error();
  return std::move(file->tensors);
}
