//===- Versions.h - Libraries the run-time uses -----------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_VERSIONS_H
#define LOCO_VERSIONS_H

#include <map>
#include <string>

namespace loco {

/// Versions of the libraries the run-time is linked with, as they report them
/// now, by name: for versions.json of a run.
std::map<std::string, std::string> runtimeVersions();

} // namespace loco

#endif // LOCO_VERSIONS_H
