//===- Hdf5Source.cpp - Arrays in HDF5 files ------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `hdf5("file.h5")` gives every dataset of the root group as a field of its
// name; `hdf5("file.h5", x = "train/images", label = "train/labels")` the
// datasets that are named. Rows are read as they are asked for. A library of
// its own, see runtime/lib/data/PluginSource.cpp.
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/BuiltinSource.h"
#include "runtime/lib/files/Bytes.h"
#include "runtime/lib/files/RandomFile.h"

#include <hdf5.h>

#include <algorithm>
#include <mutex>

using namespace loco;
using namespace loco::data;
using namespace loco::files;

/// libhdf5 of Debian is not made for several threads, whatever they read.
static std::mutex &hdf5Turn() {
  static std::mutex turn;
  return turn;
}

namespace {

/// A handle of the library, closed by the function it was made for.
class Handle {
public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id(id), close(close) {}
  Handle(const Handle &) = delete;
  ~Handle() {
    if (id >= 0)
      close(id);
  }
  operator hid_t() const { return id; }
  bool isThere() const { return id >= 0; }

private:
  hid_t id;
  herr_t (*close)(hid_t);
};

/// What the library converts a dataset's elements to, and what becomes of them
/// here: integers of any width become I32.
struct Conversion {
  ElementType type;
  hid_t memory;
};

class DatasetStream : public ArrayStream {
public:
  DatasetStream(std::shared_ptr<Handle> file, std::shared_ptr<Handle> dataset,
                Conversion conversion, Shape shape, std::string place)
      : ArrayStream(conversion.type, std::move(shape)), file(std::move(file)),
        dataset(std::move(dataset)), memory(conversion.memory),
        place(std::move(place)) {}
  ~DatasetStream() override {
    std::lock_guard<std::mutex> lock(hdf5Turn());
    dataset.reset();
    file.reset();
  }

  Status read(uint64_t first, int64_t count, void *out) override {
    if (type() != ElementType::I32)
      return readRows(first, count, out);
    wide.resize(static_cast<size_t>(count * rowElements()));
    if (Status failed = readRows(first, count, wide.data()))
      return failed;
    auto *numbers = static_cast<int32_t *>(out);
    for (int64_t value : wide) {
      if (value < INT32_MIN || value > INT32_MAX)
        return Error{place + " holds an integer beyond 32 bits"};
      *numbers++ = static_cast<int32_t>(value);
    }
    return {};
  }

private:
  Status readRows(uint64_t first, int64_t count, void *out) {
    std::lock_guard<std::mutex> lock(hdf5Turn());
    std::vector<hsize_t> begin(shape().size(), 0);
    std::vector<hsize_t> extent(shape().begin(), shape().end());
    begin[0] = first;
    extent[0] = static_cast<hsize_t>(count);
    Handle target(H5Screate_simple(static_cast<int>(extent.size()),
                                   extent.data(), nullptr),
                  H5Sclose);
    Handle rows(H5Dget_space(*dataset), H5Sclose);
    if (!target.isThere() || !rows.isThere() ||
        H5Sselect_hyperslab(rows, H5S_SELECT_SET, begin.data(), nullptr,
                            extent.data(), nullptr) < 0 ||
        H5Dread(*dataset, memory, target, rows, H5P_DEFAULT, out) < 0)
      return Error{place + " cannot be read; the file may be damaged or "
                           "truncated"};
    return {};
  }

  std::shared_ptr<Handle> file, dataset;
  hid_t memory;
  std::string place;
  std::vector<int64_t> wide;
};

} // namespace

/// Nothing for elements that are no numbers.
static std::optional<Conversion> findConversion(hid_t dataset) {
  Handle type(H5Dget_type(dataset), H5Tclose);
  if (!type.isThere())
    return std::nullopt;
  switch (H5Tget_class(type)) {
  case H5T_FLOAT:
    if (H5Tget_size(type) <= 4)
      return Conversion{ElementType::F32, H5T_NATIVE_FLOAT};
    return Conversion{ElementType::F64, H5T_NATIVE_DOUBLE};
  case H5T_INTEGER:
    return Conversion{ElementType::I32, H5T_NATIVE_INT64};
  default:
    return std::nullopt;
  }
}

static Expected<std::unique_ptr<ArrayStream>>
openDataset(const std::shared_ptr<Handle> &file, const std::string &name,
            const std::string &place) {
  if (H5Lexists(*file, name.c_str(), H5P_DEFAULT) <= 0)
    return Error{place + " is not there"};
  auto dataset = std::make_shared<Handle>(
      H5Dopen2(*file, name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!dataset->isThere())
    return Error{place + " is no dataset"};
  std::optional<Conversion> conversion = findConversion(*dataset);
  if (!conversion)
    return Error{place + " holds no numbers"};
  Handle space(H5Dget_space(*dataset), H5Sclose);
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 1)
    return Error{place + " is a scalar, expected an array whose first axis "
                         "counts samples"};
  std::vector<hsize_t> extents(static_cast<size_t>(rank));
  H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  Shape shape(extents.begin(), extents.end());
  if (!bytesOfShape(shape, sizeof(double)))
    return Error{place + " is larger than any memory"};
  return std::unique_ptr<ArrayStream>(std::make_unique<DatasetStream>(
      file, std::move(dataset), *conversion, std::move(shape), place));
}

/// Names of all datasets of the root group, in order.
static std::vector<std::string> listDatasets(hid_t file) {
  std::vector<std::string> names;
  auto visit = [](hid_t group, const char *name, const H5L_info_t *,
                  void *result) -> herr_t {
    Handle object(H5Oopen(group, name, H5P_DEFAULT), H5Oclose);
    if (object.isThere() && H5Iget_type(object) == H5I_DATASET)
      static_cast<std::vector<std::string> *>(result)->push_back(name);
    return 0;
  };
  H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &names);
  return names;
}

namespace {
/// A field and the dataset that it is.
struct FieldName {
  std::string field, dataset;
};
} // namespace

static Status readOptions(const LocoDataOption &call, std::string &path,
                          std::vector<FieldName> &fields) {
  for (int64_t i = 0; i < call.numArguments; ++i) {
    const LocoDataOption &option = call.arguments[i];
    if (option.kind != LOCO_DATA_TEXT || option.drawn)
      return Error{"`hdf5` takes texts only: a file, and datasets by the "
                   "field they are, as in `x = \"train/images\"`"};
    if (*option.name)
      fields.push_back({option.name, option.text});
    else if (path.empty())
      path = option.text;
    else
      return Error{"`hdf5` has no use for `\"" + std::string(option.text) +
                   "\"`; it takes one file"};
  }
  if (path.empty())
    return Error{"`hdf5` needs a file, as in `hdf5(\"digits.h5\")`"};
  return {};
}

static Expected<std::unique_ptr<BuiltinSource>>
makeHdf5(const LocoDataOption &call, uint64_t) {
  std::string path;
  std::vector<FieldName> fields;
  if (Status failed = readOptions(call, path, fields))
    return failed.error();
  // What cannot be opened at all is said as for all other files.
  if (auto plain = RandomFile::open(path); !plain)
    return plain.error();
  ArrayStreams streams;
  {
    std::lock_guard<std::mutex> lock(hdf5Turn());
    // We say what went wrong; the library would print its own stack of calls.
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    auto file = std::make_shared<Handle>(
        H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (!file->isThere())
      return Error{ticked(path) + " is not an HDF5 file, or truncated"};
    if (fields.empty())
      for (const std::string &name : listDatasets(*file))
        fields.push_back({name, name});
    for (const FieldName &field : fields) {
      auto stream = openDataset(file, field.dataset,
                                ticked(field.dataset) + " in " + ticked(path));
      if (!stream)
        return stream.error();
      streams.emplace(field.field, std::move(*stream));
    }
  }
  return makeArrays(std::move(streams), ticked(path));
}

extern "C" __attribute__((visibility("default"))) const LocoDataInterface *
locoDataPlugin() {
  static const Maker maker = makeHdf5;
  static const LocoDataInterface functions = builtinInterface("hdf5", &maker);
  return &functions;
}
