//===- PluginSource.h - Sources from shared libraries -------------*- C++
//-*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_RUNTIME_DATA_PLUGINSOURCE_H
#define LOCO_RUNTIME_DATA_PLUGINSOURCE_H

#include "loco-c/data.h"
#include "loco/Expected.h"

namespace loco::data {

/// Checks the version of an interface, and that nothing is missing.
Status checkInterface(const LocoDataInterface &functions);

/// `plugin("libx.so", ...)`.
LocoDataInterface pluginInterface();

/// A source of loco's that lives in a library of its own, of the file name
/// `library`, beside the run-time's.
LocoDataInterface besideInterface(const char *name, const char *library);

} // namespace loco::data

#endif // LOCO_RUNTIME_DATA_PLUGINSOURCE_H
