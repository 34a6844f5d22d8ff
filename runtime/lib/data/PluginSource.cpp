//===- PluginSource.cpp - Sources from shared libraries -------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `plugin("libx.so", ...)` passes everything behind the file's name to the
// source that the library exports. `hdf5` is one that comes with loco: in a
// library of its own, so that only programs that read HDF5 load libhdf5.
//
//===----------------------------------------------------------------------===//

#include "runtime/lib/data/PluginSource.h"

#include "runtime/lib/files/Bytes.h"

#include <cstdio>
#include <dlfcn.h>
#include <filesystem>

using namespace loco;
using namespace loco::data;
using files::ticked;

Status loco::data::checkInterface(const LocoDataInterface &functions) {
  if (functions.version != LOCO_DATA_VERSION)
    return Error{"the data source was made for version " +
                 std::to_string(functions.version) +
                 " of the interface, expected " +
                 std::to_string(LOCO_DATA_VERSION)};
  if (!functions.name || !*functions.name || !functions.open ||
      !functions.describe || !functions.length || !functions.readRange ||
      !functions.close)
    return Error{"the data source lacks its name or one of its functions"};
  return {};
}

/// The interface that a library exports. Libraries stay loaded: what they
/// registered with others may be called later.
static Expected<const LocoDataInterface *>
loadInterface(const std::string &path) {
  void *library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return Error{"cannot load " + ticked(path) + ": " + ::dlerror()};
  void *symbol = ::dlsym(library, LOCO_DATA_PLUGIN_SYMBOL);
  if (!symbol)
    return Error{ticked(path) + " is no data source: it exports no `" +
                 LOCO_DATA_PLUGIN_SYMBOL + "`"};
  auto *functions = reinterpret_cast<LocoDataPlugin>(symbol)();
  if (!functions)
    return Error{ticked(path) + " gives no data source"};
  if (Status failed = checkInterface(*functions))
    return Error{ticked(path) + ": " + failed.message()};
  return functions;
}

namespace {
/// An open source of a library.
struct Opened {
  const LocoDataInterface *functions;
  void *source;
};
} // namespace

static int refuse(const std::string &text, char *message, size_t size) {
  if (size > 0)
    std::snprintf(message, size, "%s", text.c_str());
  return 1;
}

static int openWith(const std::string &path, const LocoDataOption &call,
                    uint64_t seed, void **source, char *message, size_t size) {
  Expected<const LocoDataInterface *> functions = loadInterface(path);
  if (!functions)
    return refuse(functions.message(), message, size);
  auto opened = std::make_unique<Opened>();
  opened->functions = *functions;
  if ((*functions)
          ->open((*functions)->context, &call, seed, &opened->source, message,
                 size) != 0)
    return 1;
  *source = opened.release();
  return 0;
}

static int openPlugin(void *, const LocoDataOption *call, uint64_t seed,
                      void **source, char *message, size_t size) {
  const LocoDataOption *file = call->numArguments ? call->arguments : nullptr;
  if (!file || *file->name || file->kind != LOCO_DATA_TEXT)
    return refuse("`plugin` needs the file of a shared library first, as in "
                  "`plugin(\"./libmine.so\", ...)`",
                  message, size);
  // Without a folder the loader would look in the system's.
  std::string path = file->text;
  if (path.find('/') == std::string::npos)
    path = "./" + path;
  LocoDataOption rest = *call;
  rest.arguments = call->arguments + 1;
  rest.numArguments = call->numArguments - 1;
  return openWith(path, rest, seed, source, message, size);
}

/// `context` is the library's file name, in the folder of this library.
static int openBeside(void *context, const LocoDataOption *call, uint64_t seed,
                      void **source, char *message, size_t size) {
  Dl_info self;
  auto *name = static_cast<const char *>(context);
  if (!::dladdr(reinterpret_cast<void *>(&openBeside), &self))
    return refuse("cannot find loco's own libraries", message, size);
  auto path = std::filesystem::path(self.dli_fname).parent_path() / name;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return refuse(
        std::string("this loco was built without what `") + call->text +
            "` needs (docs/Dependencies.md); convert the file to `.npz`",
        message, size);
  return openWith(path.string(), *call, seed, source, message, size);
}

static void describeOpened(void *source, LocoDataDescription *description) {
  auto *opened = static_cast<Opened *>(source);
  opened->functions->describe(opened->source, description);
}

static int64_t lengthOfOpened(void *source) {
  auto *opened = static_cast<Opened *>(source);
  return opened->functions->length(opened->source);
}

static int readOpened(void *source, uint64_t first, int64_t count,
                      void *const *buffers, char *message, size_t size) {
  auto *opened = static_cast<Opened *>(source);
  return opened->functions->readRange(opened->source, first, count, buffers,
                                      message, size);
}

static void closeOpened(void *source) {
  auto *opened = static_cast<Opened *>(source);
  opened->functions->close(opened->source);
  delete opened;
}

LocoDataInterface loco::data::pluginInterface() {
  return {LOCO_DATA_VERSION, "plugin",       nullptr,    openPlugin,
          describeOpened,    lengthOfOpened, readOpened, closeOpened};
}

LocoDataInterface loco::data::besideInterface(const char *name,
                                              const char *library) {
  return {LOCO_DATA_VERSION, name,           const_cast<char *>(library),
          openBeside,        describeOpened, lengthOfOpened,
          readOpened,        closeOpened};
}
