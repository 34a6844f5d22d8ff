//===- Hdf5Test.cpp - Arrays in HDF5 files --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes files with libhdf5 and reads them as a data source.
//
// REQUIRES: hdf5
// RUN: rm -rf %t && mkdir %t && loco-test-hdf5 %t
//
//===----------------------------------------------------------------------===//

#include "loco/DataSource.h"
#include "test/Runtime/Check.h"

#include <filesystem>
#include <fstream>
#include <hdf5.h>

using namespace loco;
using Option = DataOption;

static constexpr hsize_t samples = 6;

/// Writes a dataset of `samples` rows; with `chunk` compressed in pieces of so
/// many rows.
static void write(hid_t file, const char *name, hid_t stored, hid_t memory,
                  const void *data, std::vector<hsize_t> shape,
                  hsize_t chunk = 0) {
  hid_t space =
      H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  hid_t create = H5Pcreate(H5P_DATASET_CREATE);
  hid_t link = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(link, 1);
  if (chunk) {
    shape[0] = chunk;
    H5Pset_chunk(create, static_cast<int>(shape.size()), shape.data());
    H5Pset_deflate(create, 6);
  }
  hid_t dataset =
      H5Dcreate2(file, name, stored, space, link, create, H5P_DEFAULT);
  H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(dataset);
  H5Pclose(link);
  H5Pclose(create);
  H5Sclose(space);
}

static double valueAt(int64_t i) { return 0.5 * static_cast<double>(i) - 3; }

static void writeFile(const std::string &path) {
  hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  std::vector<double> x(samples * 6);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = valueAt(static_cast<int64_t>(i));
  write(file, "x", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, x.data(), {samples, 2, 3},
        4);
  // Big-endian, single precision, in a group.
  write(file, "deep/down/values", H5T_IEEE_F32BE, H5T_NATIVE_DOUBLE, x.data(),
        {samples, 6});
  // Half precision is a float of 16 bits, as h5py writes it.
  hid_t half = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(half, 15, 10, 5, 0, 10);
  H5Tset_size(half, 2);
  H5Tset_ebias(half, 15);
  write(file, "deep/down/halves", half, H5T_NATIVE_DOUBLE, x.data(),
        {samples, 6});
  H5Tclose(half);
  std::vector<int64_t> label(samples);
  for (size_t i = 0; i < samples; ++i)
    label[i] = static_cast<int64_t>(10 - i);
  write(file, "label", H5T_STD_U8LE, H5T_NATIVE_INT64, label.data(), {samples});
  label[3] = int64_t(1) << 40;
  write(file, "wide/label", H5T_STD_I64LE, H5T_NATIVE_INT64, label.data(),
        {samples});
  hid_t scalar = H5Screate(H5S_SCALAR);
  H5Dclose(H5Dcreate2(file, "wide/scalar", H5T_IEEE_F64LE, scalar, H5P_DEFAULT,
                      H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(scalar);
  hid_t text = H5Tcopy(H5T_C_S1);
  write(file, "wide/text", text, text, "abcdef", {samples});
  H5Tclose(text);
  H5Fclose(file);
}

static Option field(const char *name, const char *dataset) {
  return Option::ofText(dataset).as(name);
}

static Option call(const std::string &path, std::vector<Option> fields = {}) {
  fields.insert(fields.begin(), Option::ofText(path));
  return Option::ofCall("hdf5", std::move(fields));
}

/// What goes wrong in opening the source, or in reading all of it.
static std::string messageOf(const Option &option) {
  auto source = DataSource::open(option, 0);
  if (!source)
    return source.message();
  auto values = (*source)->read(0, *(*source)->length());
  return values ? "" : values.message();
}

static void testValues(const std::string &path) {
  auto source = DataSource::open(call(path), 0);
  CHECK(source);
  // The root's datasets, not those of its groups.
  CHECK((*source)->fields().size() == 2 && *(*source)->length() == samples);
  auto some = (*source)->read(2, 3);
  CHECK(some && some->at("x").shape() == Shape({3, 2, 3}));
  for (int64_t i = 0; i < 18; ++i)
    CHECK(some->at("x").as<double>()[i] == valueAt(12 + i));
  for (int64_t i = 0; i < 3; ++i)
    CHECK(some->at("label").as<int32_t>()[i] == 8 - i);

  auto named = DataSource::open(
      call(path, {field("x", "deep/down/values"), field("target", "x"),
                  field("half", "deep/down/halves")}),
      0);
  CHECK(named && (*named)->fields().size() == 3);
  auto all = (*named)->read(0, samples);
  CHECK(all && all->at("x").type() == ElementType::F32);
  CHECK(all->at("target").type() == ElementType::F64);
  for (int64_t i = 0; i < 36; ++i)
    CHECK(all->at("x").as<float>()[i] == valueAt(i) &&
          all->at("half").as<float>()[i] == valueAt(i));
}

static void testMistakes(const std::string &folder, const std::string &path) {
  auto has = [](const std::string &text, const std::string &part) {
    if (text.find(part) == std::string::npos)
      std::cerr << "message: " << text << "\n";
    return text.find(part) != std::string::npos;
  };
  CHECK(has(messageOf(call(folder + "/none.h5")), "cannot open"));
  CHECK(has(messageOf(call(path, {field("x", "nothing")})),
            "`nothing` in `" + path + "` is not there"));
  CHECK(has(messageOf(call(path, {field("x", "deep")})), "is no dataset"));
  CHECK(has(messageOf(call(path, {field("x", "wide/text")})),
            "holds no numbers"));
  CHECK(has(messageOf(call(path, {field("x", "wide/scalar")})), "is a scalar"));
  CHECK(has(messageOf(call(path, {field("x", "wide/label")})),
            "holds an integer beyond 32 bits"));
  CHECK(has(messageOf(call(path, {Option::ofText("more")})),
            "it takes one file"));
  CHECK(has(messageOf(Option::ofCall("hdf5", {})), "needs a file"));
  std::string damaged = folder + "/damaged.h5";
  std::filesystem::copy_file(path, damaged);
  std::filesystem::resize_file(damaged, std::filesystem::file_size(path) / 2);
  CHECK(has(messageOf(call(damaged)), "damaged.h5"));
  std::ofstream(folder + "/text.h5") << "no file of this kind";
  CHECK(has(messageOf(call(folder + "/text.h5")), "is not an HDF5 file"));
}

int main(int, char **arguments) {
  std::string folder = arguments[1], path = folder + "/data.h5";
  writeFile(path);
  testValues(path);
  testMistakes(folder, path);
  return checksFailed();
}
