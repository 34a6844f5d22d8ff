//===- ReportCollector.cpp - What MLIR reports, as one error --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/ReportCollector.h"

#include "mlir/IR/Location.h"

#include <fmt/format.h>

using namespace loco;

ReportCollector::ReportCollector(mlir::MLIRContext *context)
    : handler(context, [this](mlir::Diagnostic &diagnostic) {
        if (!text.empty())
          text += "\n";
        if (auto place = diagnostic.getLocation()
                             ->findInstanceOf<mlir::FileLineColLoc>())
          text += fmt::format("{}:{}:{}: ", place.getFilename().str(),
                              place.getLine(), place.getColumn());
        text += diagnostic.str();
      }) {}

Error ReportCollector::take(llvm::StringRef otherwise) {
  return Error{text.empty() ? otherwise.str() : text};
}
