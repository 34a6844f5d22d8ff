//===- ReportCollector.h - What MLIR reports, as one error ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_DRIVER_REPORTCOLLECTOR_H
#define COMPILER_DRIVER_REPORTCOLLECTOR_H

#include "loco/Expected.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace loco {

/// Collects what MLIR reports, one line each with its place, while it lives.
class ReportCollector {
public:
  explicit ReportCollector(mlir::MLIRContext *context);
  /// What was collected as an error, or `otherwise` if that is nothing.
  Error take(llvm::StringRef otherwise);

private:
  std::string text;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace loco

#endif // COMPILER_DRIVER_REPORTCOLLECTOR_H
