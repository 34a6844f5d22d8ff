//===- Versions.cpp - Libraries the run-time uses -------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "loco/Versions.h"

#include <cairo.h>
#include <nlohmann/json.hpp>
#include <zip.h>
#include <zlib.h>

std::map<std::string, std::string> loco::runtimeVersions() {
  auto json = nlohmann::json::meta();
  return {{"cairo", cairo_version_string()},
          {"libzip", zip_libzip_version()},
          {"nlohmann-json", json["version"]["string"].get<std::string>()},
          {"zlib", zlibVersion()}};
}
