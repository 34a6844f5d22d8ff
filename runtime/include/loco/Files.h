//===- Files.h - Arrays in files --------------------------------*- C++ -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Readers check everything a file says against the size it has before memory
// is taken; whatever is wrong is an error that names the file. Writers write
// aside and rename: a file is either the old one or the new one, whole.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_FILES_H
#define LOCO_FILES_H

#include "loco/Expected.h"
#include "loco/Tensor.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace loco {

/// All bytes of a regular file.
Expected<std::string> readFile(const std::string &path);

/// Writes the pieces, one after the other, to a new file in the same folder,
/// waits until they are on the disk, and renames it to `path`. On failure (a
/// full disk, no such folder) the old file is as it was and nothing is left.
Status writeFileAtomically(const std::string &path,
                           const std::vector<std::string_view> &pieces);

/// The bytes of a tensor's elements, as a piece to write.
std::string_view bytesOf(const Tensor &tensor);

/// NumPy's .npy, versions 1 to 3, either byte order, rows or columns first.
/// f4 becomes F32, f8 F64; integers and booleans become I32, an integer that
/// I32 cannot hold is an error.
Expected<Tensor> readNpy(const std::string &path);
Status writeNpy(const std::string &path, const Tensor &tensor);

/// NumPy's .npz, stored or compressed; names without `.npy`. Written without
/// compression and without times: equal tensors give equal files.
Expected<TensorMap> readNpz(const std::string &path);
Status writeNpz(const std::string &path, const TensorMap &tensors);

/// What a .safetensors file holds.
struct Safetensors {
  TensorMap tensors;
  /// Free text by key (`__metadata__`).
  std::map<std::string, std::string> metadata;
};

/// Tensors by name that stay where they are.
using TensorViews = std::map<std::string, const Tensor *>;
TensorViews viewAll(const TensorMap &tensors);

/// .safetensors with elements F32, F64 and I32.
Expected<Safetensors> readSafetensors(const std::string &path);
Status
writeSafetensors(const std::string &path, const TensorViews &tensors,
                 const std::map<std::string, std::string> &metadata = {});
Status
writeSafetensors(const std::string &path, const TensorMap &tensors,
                 const std::map<std::string, std::string> &metadata = {});

/// Tensors by name from a .npz or .safetensors file, told apart by the ending.
Expected<TensorMap> readTensors(const std::string &path);

/// Unsigned bytes with a shape, as MNIST's files hold them.
struct IdxArray {
  Shape shape;
  std::vector<uint8_t> values;
};

/// An IDX file of unsigned bytes, plain or gzip-compressed (told apart by the
/// content).
Expected<IdxArray> readIdx(const std::string &path);

} // namespace loco

#endif // LOCO_FILES_H
