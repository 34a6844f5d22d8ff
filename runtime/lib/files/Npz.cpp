//===- Npz.cpp - NumPy's archives of arrays -------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Files.h"

#include "runtime/lib/files/NpyStream.h"

#include <algorithm>
#include <cctype>
#include <list>
#include <memory>
#include <zip.h>

using namespace loco;
using namespace loco::files;

namespace {
struct DiscardArchive {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};
struct CloseEntry {
  void operator()(zip_file_t *file) const { zip_fclose(file); }
};
struct FreeSource {
  void operator()(zip_source_t *source) const { zip_source_free(source); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;
using Source = std::unique_ptr<zip_source_t, FreeSource>;
} // namespace

/// Deflate never shrinks anything more than this many times.
static constexpr uint64_t largestRatio = 1032;

/// "No error" becomes "no error", "CRC error" stays.
static std::string lowerFirst(std::string text) {
  if (text.size() > 1 && !std::isupper(static_cast<unsigned char>(text[1])))
    text[0] = static_cast<char>(std::tolower(text[0]));
  return text;
}

static std::string textOf(zip_error_t *error) {
  return lowerFirst(zip_error_strerror(error));
}

/// An archive that lives in memory. The bytes outlive the archive.
static Expected<Archive> openArchive(std::string &bytes,
                                     const std::string &path) {
  // libzip takes no bytes at all for an archive without entries.
  if (bytes.empty())
    return Error{ticked(path) + " is not an .npz archive: it is empty"};
  zip_error_t error;
  zip_error_init(&error);
  Source source(
      zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error));
  Archive archive(source
                      ? zip_open_from_source(source.get(), ZIP_RDONLY, &error)
                      : nullptr);
  if (!archive) {
    Error failure{ticked(path) +
                  " is not an .npz archive, or truncated: " + textOf(&error)};
    zip_error_fini(&error);
    return failure;
  }
  source.release();
  return archive;
}

/// All bytes of an entry, its checksum verified. Memory grows with what is
/// really there, not with what the entry says.
static Expected<std::string> readEntry(zip_t *archive, const zip_stat_t &facts,
                                       const std::string &place) {
  if (facts.size / largestRatio > facts.comp_size + 1)
    return Error{place + " says it unpacks to " + std::to_string(facts.size) +
                 " bytes, which its " + std::to_string(facts.comp_size) +
                 " packed bytes cannot hold"};
  Entry entry(zip_fopen_index(archive, facts.index, 0));
  if (!entry)
    return Error{place +
                 " cannot be unpacked: " + textOf(zip_get_error(archive))};
  std::string bytes;
  while (true) {
    constexpr size_t most = size_t(1) << 24;
    size_t before = bytes.size();
    // One byte more than announced, so that the end, and with it the
    // checksum, is seen.
    size_t chunk =
        std::min<uint64_t>(most, facts.size > before ? facts.size - before : 1);
    bytes.resize(before + chunk);
    zip_int64_t count = zip_fread(entry.get(), bytes.data() + before, chunk);
    if (count < 0)
      return Error{place +
                   " is corrupt: " + textOf(zip_file_get_error(entry.get()))};
    bytes.resize(before + static_cast<size_t>(count));
    if (count == 0)
      break;
    if (bytes.size() > facts.size)
      return Error{place + " is corrupt: it is larger than it says"};
  }
  if (bytes.size() != facts.size)
    return Error{place + " is truncated: it has " +
                 std::to_string(bytes.size()) + " bytes of " +
                 std::to_string(facts.size)};
  return bytes;
}

/// What an archive says of one of its entries.
static Expected<zip_stat_t> readFacts(zip_t *archive, zip_int64_t index,
                                      const std::string &path) {
  zip_stat_t facts;
  zip_stat_init(&facts);
  constexpr zip_uint64_t needed =
      ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
  if (zip_stat_index(archive, static_cast<zip_uint64_t>(index), 0, &facts) !=
          0 ||
      (facts.valid & needed) != needed)
    return Error{"entry " + std::to_string(index) + " of " + ticked(path) +
                 " is corrupt"};
  facts.index = static_cast<zip_uint64_t>(index);
  if (!std::string_view(facts.name).ends_with(".npy"))
    return Error{ticked(facts.name) + " in " + ticked(path) +
                 " is not an .npy array"};
  return facts;
}

static std::string getPlace(const zip_stat_t &facts, const std::string &path) {
  return ticked(facts.name) + " in " + ticked(path);
}

/// The name of an entry without `.npy`.
static std::string getArrayName(const zip_stat_t &facts) {
  std::string name = facts.name;
  return name.substr(0, name.size() - 4);
}

Expected<TensorMap> loco::readNpz(const std::string &path) {
  Expected<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.error();
  Expected<Archive> archive = openArchive(*bytes, path);
  if (!archive)
    return archive.error();
  TensorMap tensors;
  zip_int64_t count = zip_get_num_entries(archive->get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    Expected<zip_stat_t> facts = readFacts(archive->get(), i, path);
    if (!facts)
      return facts.error();
    std::string place = getPlace(*facts, path), name = getArrayName(*facts);
    Expected<std::string> content = readEntry(archive->get(), *facts, place);
    if (!content)
      return content.error();
    Expected<Tensor> tensor = parseNpy(*content, place);
    if (!tensor)
      return tensor.error();
    if (!tensors.emplace(name, std::move(*tensor)).second)
      return Error{ticked(path) + " holds " + ticked(name) + " twice"};
  }
  return tensors;
}

namespace {
/// An entry that is stored without compression, in an archive on the disk.
class EntryBytes : public ByteStream {
public:
  EntryBytes(std::shared_ptr<zip_t> archive, Entry entry, std::string place)
      : archive(std::move(archive)), entry(std::move(entry)),
        place(std::move(place)) {}

  Status read(uint64_t offset, void *out, uint64_t bytes) override {
    bool isThere =
        zip_fseek(entry.get(), static_cast<zip_int64_t>(offset), SEEK_SET) ==
            0 &&
        zip_fread(entry.get(), out, bytes) == static_cast<zip_int64_t>(bytes);
    if (isThere)
      return {};
    return Error{place +
                 " cannot be read: " + textOf(zip_file_get_error(entry.get()))};
  }

private:
  std::shared_ptr<zip_t> archive;
  Entry entry;
  std::string place;
};
} // namespace

/// An entry up to this size is read at once, which verifies its checksum.
static constexpr uint64_t largestAtOnce = uint64_t(256) << 20;

/// One array of an archive; a large one that is not compressed stays on the
/// disk.
static Expected<std::unique_ptr<ArrayStream>>
streamEntry(const std::shared_ptr<zip_t> &archive, const zip_stat_t &facts,
            const std::string &path) {
  std::string place = getPlace(facts, path);
  bool isStored = (facts.valid & ZIP_STAT_COMP_METHOD) &&
                  facts.comp_method == ZIP_CM_STORE &&
                  facts.size == facts.comp_size && facts.size > largestAtOnce;
  Entry entry(isStored ? zip_fopen_index(archive.get(), facts.index, 0)
                       : nullptr);
  if (entry && zip_fseek(entry.get(), 0, SEEK_SET) == 0)
    return streamNpy(
        std::make_unique<EntryBytes>(archive, std::move(entry), place),
        facts.size, place);
  Expected<std::string> content = readEntry(archive.get(), facts, place);
  if (!content)
    return content.error();
  Expected<Tensor> tensor = parseNpy(*content, place);
  if (!tensor)
    return tensor.error();
  return streamOf(std::move(*tensor));
}

Expected<ArrayStreams> loco::files::openNpz(const std::string &path) {
  // For its messages: libzip says less of what is no file, or empty.
  Expected<std::unique_ptr<RandomFile>> file = RandomFile::open(path);
  if (!file)
    return file.error();
  if ((*file)->size() == 0)
    return Error{ticked(path) + " is not an .npz archive: it is empty"};
  int code = 0;
  std::shared_ptr<zip_t> archive(zip_open(path.c_str(), ZIP_RDONLY, &code),
                                 [](zip_t *opened) {
                                   if (opened)
                                     zip_discard(opened);
                                 });
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    Error failure{ticked(path) +
                  " is not an .npz archive, or truncated: " + textOf(&error)};
    zip_error_fini(&error);
    return failure;
  }
  ArrayStreams streams;
  zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    Expected<zip_stat_t> facts = readFacts(archive.get(), i, path);
    if (!facts)
      return facts.error();
    auto stream = streamEntry(archive, *facts, path);
    if (!stream)
      return stream.error();
    if (!streams.emplace(getArrayName(*facts), std::move(*stream)).second)
      return Error{ticked(path) + " holds " + ticked(getArrayName(*facts)) +
                   " twice"};
  }
  return streams;
}

/// Adds one entry; its bytes live in `contents` until the archive is closed.
static bool addEntry(zip_t *archive, const std::string &name,
                     const Tensor &tensor, std::list<std::string> &contents) {
  std::string &bytes = contents.emplace_back(npyHeader(tensor));
  bytes += bytesOf(tensor);
  zip_source_t *source =
      zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  if (!source)
    return false;
  zip_int64_t index =
      zip_file_add(archive, (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return false;
  }
  zip_uint64_t entry = static_cast<zip_uint64_t>(index);
  // The oldest date an archive can hold: equal tensors give equal files.
  constexpr zip_uint16_t firstOf1980 = 1 << 5 | 1;
  return zip_set_file_compression(archive, entry, ZIP_CM_STORE, 0) == 0 &&
         zip_file_set_dostime(archive, entry, 0, firstOf1980, 0) == 0;
}

/// The finished archive's bytes, out of the source it was written to.
static bool collect(zip_source_t *source, std::string &bytes) {
  zip_stat_t facts;
  if (zip_source_open(source) != 0 || zip_source_stat(source, &facts) != 0)
    return false;
  bytes.resize(facts.size);
  bool whole = zip_source_read(source, bytes.data(), bytes.size()) ==
               static_cast<zip_int64_t>(bytes.size());
  zip_source_close(source);
  return whole;
}

Status loco::writeNpz(const std::string &path, const TensorMap &tensors) {
  zip_error_t error;
  zip_error_init(&error);
  auto giveUp = [&](const std::string &why) {
    zip_error_fini(&error);
    return Error{"cannot write " + ticked(path) + ": " + why};
  };
  Source target(zip_source_buffer_create(nullptr, 0, 0, &error));
  if (!target)
    return giveUp(textOf(&error));
  Archive archive(zip_open_from_source(target.get(), ZIP_TRUNCATE, &error));
  if (!archive)
    return giveUp(textOf(&error));
  // The archive owns one reference from here on, we keep the other.
  zip_source_keep(target.get());
  std::list<std::string> contents;
  for (const auto &[name, tensor] : tensors)
    if (!addEntry(archive.get(), name, tensor, contents))
      return giveUp(textOf(zip_get_error(archive.get())));
  std::string bytes;
  // An archive without entries would be no archive at all for libzip: this is
  // the end record alone.
  if (tensors.empty()) {
    bytes = std::string("PK\x05\x06") + std::string(18, '\0');
    return writeFileAtomically(path, {bytes});
  }
  if (zip_close(archive.get()) != 0)
    return giveUp(textOf(zip_get_error(archive.get())));
  archive.release();
  if (!collect(target.get(), bytes))
    return giveUp("the archive could not be put together");
  return writeFileAtomically(path, {bytes});
}
