//===- Registry.cpp - Data sources by name --------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/DataSource.h"

#include "runtime/lib/data/BuiltinSource.h"
#include "runtime/lib/data/PluginSource.h"

#include <cstdio>
#include <map>
#include <mutex>

using namespace loco;
using namespace loco::data;

namespace {

struct Builtin {
  const char *name;
  Maker maker;
};

const Builtin builtins[] = {
    {"adding", makeAdding},
    {"arrays", makeArrays},
    {"cifar10", makeCifar10},
    {"copy", makeCopy},
    {"directed", makeDirected},
    {"gratings", makeGratings},
    {"idx", makeIdx},
    {"noise", makeNoise},
    {"npz", makeArrays},
    {"padded", makePadded},
    {"pixels", makePixels},
    {"plane_waves", makePlaneWaves},
    {"rotating", makeRotating},
    {"rows", makeRows},
    {"stored", makeStored},
    {"window", makeWindow},
};

/// An interface with a name of its own. Pointers to it stay good until it is
/// removed.
struct Entry {
  std::string name;
  LocoDataInterface functions;
};

class Registry {
public:
  Registry() {
    for (const Builtin &builtin : builtins)
      add(builtinInterface(builtin.name, &builtin.maker));
    add(pluginInterface());
    add(besideInterface("hdf5", "libLocoHdf5.so"));
  }

  bool add(const LocoDataInterface &functions) {
    std::lock_guard<std::mutex> lock(mutex);
    auto [place, isNew] = entries.try_emplace(functions.name);
    if (!isNew)
      return false;
    place->second = {functions.name, functions};
    place->second.functions.name = place->second.name.c_str();
    return true;
  }

  void remove(const std::string &name) {
    std::lock_guard<std::mutex> lock(mutex);
    entries.erase(name);
  }

  const LocoDataInterface *find(const std::string &name) {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = entries.find(name);
    return found == entries.end() ? nullptr : &found->second.functions;
  }

  std::vector<std::string> names() {
    std::lock_guard<std::mutex> lock(mutex);
    std::vector<std::string> result;
    for (const auto &[name, entry] : entries)
      result.push_back(name);
    return result;
  }

private:
  std::mutex mutex;
  std::map<std::string, Entry> entries;
};

} // namespace

/// Never destroyed: sources may outlive static objects.
static Registry &registry() {
  static Registry *instance = new Registry;
  return *instance;
}

std::vector<std::string> loco::dataSourceNames() { return registry().names(); }

static int refuse(const std::string &text, char *message, size_t size) {
  if (size > 0)
    std::snprintf(message, size, "%s", text.c_str());
  return 1;
}

int locoDataRegister(const LocoDataInterface *functions, char *message,
                     size_t messageBytes) {
  if (Status failed = checkInterface(*functions))
    return refuse(failed.message(), message, messageBytes);
  if (!registry().add(*functions))
    return refuse("there is a data source `" + std::string(functions->name) +
                      "` already",
                  message, messageBytes);
  return 0;
}

void locoDataRemove(const char *name) { registry().remove(name); }

int locoDataOpen(const LocoDataOption *call, uint64_t seed,
                 const LocoDataInterface **functions, void **source,
                 char *message, size_t messageBytes) {
  if (call->kind != LOCO_DATA_CALL || !call->text)
    return refuse("a data source is written as a call, as in "
                  "`idx(\"folder\")`",
                  message, messageBytes);
  *functions = registry().find(call->text);
  if (*functions)
    return (*functions)
        ->open((*functions)->context, call, seed, source, message,
               messageBytes);
  std::string names;
  for (const std::string &name : dataSourceNames())
    names += (names.empty() ? "`" : ", `") + name + "`";
  return refuse("there is no data source `" + std::string(call->text) +
                    "`; there are " + names,
                message, messageBytes);
}
