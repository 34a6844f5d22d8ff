//===- CudaTimes.h - What the kernels of a GPU took -------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_CUDATIMES_H
#define LOCO_CUDATIMES_H

namespace loco {

/// Seconds that the kernels of the process's last batch took on the GPU,
/// without the copies before and after them, by the device's clock; 0 if there
/// was none.
double cudaKernelSeconds();

} // namespace loco

#endif // LOCO_CUDATIMES_H
