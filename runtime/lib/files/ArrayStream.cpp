//===- ArrayStream.cpp - Arrays that are read piece by piece --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/files/ArrayStream.h"

#include "runtime/lib/files/Bytes.h"
#include "runtime/lib/files/RandomFile.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace loco;
using namespace loco::files;

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<RandomFile>>
RandomFile::open(const std::string &path) {
  auto cannot = [&](const char *verb) {
    return Error{std::string("cannot ") + verb + " " + ticked(path) + ": " +
                 describeErrno(errno)};
  };
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return cannot("open");
  struct stat facts;
  bool isKnown = ::fstat(descriptor, &facts) == 0;
  std::unique_ptr<RandomFile> file(new RandomFile(
      path, descriptor, isKnown ? static_cast<uint64_t>(facts.st_size) : 0));
  if (!isKnown)
    return cannot("read");
  if (S_ISDIR(facts.st_mode))
    return Error{ticked(path) + " is a folder, expected a file"};
  if (!S_ISREG(facts.st_mode))
    return Error{ticked(path) + " is not a regular file"};
  return file;
}

RandomFile::~RandomFile() { ::close(descriptor); }

Status RandomFile::read(uint64_t offset, void *out, uint64_t bytes) const {
  auto *place = static_cast<char *>(out);
  while (bytes > 0) {
    ssize_t count =
        ::pread(descriptor, place, bytes, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return Error{"cannot read " + ticked(name) + ": " + describeErrno(errno)};
    if (count == 0)
      return Error{ticked(name) + " became shorter while it was read"};
    place += count;
    offset += static_cast<uint64_t>(count);
    bytes -= static_cast<uint64_t>(count);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

namespace {
class TensorStream : public ArrayStream {
public:
  explicit TensorStream(Tensor given)
      : ArrayStream(given.type(), given.shape()), tensor(std::move(given)) {}

  Status read(uint64_t first, int64_t count, void *out) override {
    size_t bytes = static_cast<size_t>(rowElements()) * sizeOf(type());
    std::memcpy(out, static_cast<const char *>(tensor.data()) + first * bytes,
                static_cast<size_t>(count) * bytes);
    return {};
  }

  int64_t heldBytes() const override {
    return static_cast<int64_t>(tensor.bytes());
  }

private:
  Tensor tensor;
};
} // namespace

std::unique_ptr<ArrayStream> loco::files::streamOf(Tensor tensor) {
  return std::make_unique<TensorStream>(std::move(tensor));
}

Expected<ArrayStreams> loco::files::openArrays(const std::string &path) {
  if (path.ends_with(".npz"))
    return openNpz(path);
  if (path.ends_with(".npy"))
    return openNpy(path);
  if (path.ends_with(".safetensors"))
    return openSafetensors(path);
  return Error{ticked(path) + " has an unknown ending, expected `.npz`, `.npy` "
                              "or `.safetensors`"};
}
