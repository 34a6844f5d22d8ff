//===- loco-opt.cpp - Runs passes on IR -----------------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipelines/Pipelines.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  loco::registerLocoDialects(registry);
  loco::registerLocoPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "loco's optimizer driver\n", registry));
}
