//===- Outcome.h - A status and its message ------------------- -*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_CAPI_OUTCOME_H
#define COMPILER_CAPI_OUTCOME_H

#include "loco-c/loco.h"

#include <string>
#include <utility>

namespace loco {

/// What a function of the C API answers. Tests true when something went wrong,
/// like Status.
class [[nodiscard]] Outcome {
public:
  Outcome() = default;
  Outcome(LocoStatus status, std::string text)
      : code(status), message(std::move(text)) {}

  explicit operator bool() const { return code != LOCO_OK; }
  LocoStatus status() const { return code; }
  const std::string &text() const { return message; }

private:
  LocoStatus code = LOCO_OK;
  std::string message;
};

} // namespace loco

#endif // COMPILER_CAPI_OUTCOME_H
