//===- LowerDevice.h - Ops of the device dialect as instructions *- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef COMPILER_TARGET_NVPTX_LOWERDEVICE_H
#define COMPILER_TARGET_NVPTX_LOWERDEVICE_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace loco {

/// From the device dialect to the gpu, llvm and nvvm dialects.
void populateLowerDevicePatterns(mlir::RewritePatternSet &patterns);

} // namespace loco

#endif // COMPILER_TARGET_NVPTX_LOWERDEVICE_H
