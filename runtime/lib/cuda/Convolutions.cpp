//===- Convolutions.cpp - cuDNN, opened when it is needed -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One algorithm for each of the three forms, which adds up in a fixed order and
// multiplies what it is given: an implicit product of matrices. The library is
// not asked for what it holds to be the fastest: that may round operands,
// transform them (Winograd, Fourier), or add up in any order.
//
//===----------------------------------------------------------------------===//

#include "Convolutions.h"

#include <algorithm>
#include <climits>
#include <dlfcn.h>

using namespace loco;
using namespace loco::cuda;
using namespace loco::cuda::cudnn;

using Kind = CudaConvolution::Kind;

//===----------------------------------------------------------------------===//
// The library
//===----------------------------------------------------------------------===//

Expected<const ConvolutionLibrary *> ConvolutionLibrary::open() {
  static Expected<ConvolutionLibrary> library =
      []() -> Expected<ConvolutionLibrary> {
    auto found =
        openLibrary("cuDNN", "LOCO_CUDNN", {"libcudnn.so.9", "libcudnn.so.8"});
    if (!found)
      return found.error();
    ConvolutionLibrary made;
#define LOCO_CUDNN(member, symbol, parameters)                                 \
  made.api.member =                                                            \
      reinterpret_cast<decltype(made.api.member)>(dlsym(*found, #symbol));     \
  if (!made.api.member)                                                        \
    return Error{"cuDNN has no `" #symbol "`"};
#include "ConvolutionApi.def"
#undef LOCO_CUDNN
    return made;
  }();
  if (!library)
    return library.error();
  return &*library;
}

bool loco::hasCudaConvolutions(std::string &why) {
  auto library = ConvolutionLibrary::open();
  if (!library)
    why = library.message();
  return bool(library);
}

static Status check(int error, const std::string &what) {
  if (error == 0)
    return {};
  return Error{what + ": cuDNN status " + std::to_string(error)};
}

Status ConvolutionLibrary::prepare(Device &device) const {
  if (handle)
    return {};
  if (Status failed = check(api.create(&handle), "cuDNN does not start"))
    return failed;
  return check(api.setStream(handle, device.computeStream()),
               "cuDNN cannot be set up");
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static int64_t product(const std::vector<int64_t> &extents) {
  int64_t elements = 1;
  for (int64_t extent : extents)
    elements *= extent;
  return elements;
}

int64_t CudaConvolution::kernelElements() const {
  return outputs * (inputs / groups) * product(window);
}
int64_t CudaConvolution::fieldElements() const {
  return inputs * product(field);
}
int64_t CudaConvolution::outputElements() const {
  return outputs * product(output);
}

int64_t loco::cuda::rowsOfCall(const CudaConvolution &convolution,
                               int64_t rows) {
  int64_t largest =
      std::max(convolution.fieldElements(), convolution.outputElements());
  return std::min(rows, std::max<int64_t>(1, INT_MAX / largest));
}

namespace {
/// What the library has to be told of a convolution of so many rows.
class Descriptors {
public:
  Descriptors(const ConvolutionApi &api, const CudaConvolution &from,
              int64_t rows);
  ~Descriptors();
  Descriptors(const Descriptors &) = delete;
  Descriptors &operator=(const Descriptors &) = delete;

  /// Bytes that the algorithm needs.
  int countBytes(void *handle, size_t &bytes) const;

  /// Of the first call that failed.
  int error = 0;
  void *field = nullptr, *kernel = nullptr, *output = nullptr, *form = nullptr;

private:
  void note(int result) { error = error ? error : result; }
  void setTensor(void *tensor, int64_t rows, int64_t channels,
                 const std::vector<int64_t> &sites);

  const ConvolutionApi &api;
  Kind kind;
  int type;
};
} // namespace

/// As the library wants them: of two axes at least.
static std::vector<int> axesOf(const std::vector<int64_t> &given, int filler) {
  std::vector<int> axes(given.size() < 2 ? 1 : 0, filler);
  for (int64_t number : given)
    axes.push_back(static_cast<int>(number));
  return axes;
}

void Descriptors::setTensor(void *tensor, int64_t rows, int64_t channels,
                            const std::vector<int64_t> &sites) {
  std::vector<int> extents = {static_cast<int>(rows),
                              static_cast<int>(channels)};
  for (int extent : axesOf(sites, 1))
    extents.push_back(extent);
  std::vector<int> strides(extents.size(), 1);
  for (size_t i = extents.size() - 1; i-- > 0;)
    strides[i] = strides[i + 1] * extents[i + 1];
  note(api.setTensor(tensor, type, static_cast<int>(extents.size()),
                     extents.data(), strides.data()));
}

Descriptors::Descriptors(const ConvolutionApi &api, const CudaConvolution &from,
                         int64_t rows)
    : api(api), kind(from.kind),
      type(from.type == ElementType::F64 ? typeF64 : typeF32) {
  note(api.createTensor(&field));
  note(api.createTensor(&output));
  note(api.createFilter(&kernel));
  note(api.createConvolution(&form));
  if (error)
    return;
  setTensor(field, rows, from.inputs, from.field);
  setTensor(output, rows, from.outputs, from.output);
  std::vector<int> extents = {static_cast<int>(from.outputs),
                              static_cast<int>(from.inputs / from.groups)};
  for (int extent : axesOf(from.window, 1))
    extents.push_back(extent);
  note(api.setFilter(kernel, type, formatRows, static_cast<int>(extents.size()),
                     extents.data()));
  std::vector<int> margins = axesOf(from.margins, 0),
                   strides = axesOf(from.strides, 1),
                   dilations(strides.size(), 1);
  note(api.setConvolution(form, static_cast<int>(strides.size()),
                          margins.data(), strides.data(), dilations.data(),
                          crossCorrelation, type));
  note(api.setGroups(form, static_cast<int>(from.groups)));
  note(api.setMath(form, plainMath));
}

Descriptors::~Descriptors() {
  if (field)
    api.destroyTensor(field);
  if (output)
    api.destroyTensor(output);
  if (kernel)
    api.destroyFilter(kernel);
  if (form)
    api.destroyConvolution(form);
}

int Descriptors::countBytes(void *handle, size_t &bytes) const {
  switch (kind) {
  case Kind::Forward:
    return api.forwardBytes(handle, field, kernel, form, output,
                            forwardAlgorithm, &bytes);
  case Kind::ByField:
    return api.byFieldBytes(handle, kernel, output, form, field,
                            byFieldAlgorithm, &bytes);
  case Kind::ByKernel:
    return api.byKernelBytes(handle, field, output, form, kernel,
                             byKernelAlgorithm, &bytes);
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

Expected<int64_t> ConvolutionLibrary::workspaceBytes(
    Device &device, const CudaConvolution &convolution, int64_t rows) const {
  if (Status failed = prepare(device))
    return failed.error();
  size_t most = 0;
  // The last call may have fewer rows, and another need.
  int64_t each = rowsOfCall(convolution, rows);
  for (int64_t count : {each, each ? rows % each : 0}) {
    if (count == 0)
      continue;
    Descriptors shapes(api, convolution, count);
    size_t bytes = 0;
    int error = shapes.error ? shapes.error : shapes.countBytes(handle, bytes);
    if (Status failed = check(error, "cuDNN refuses a convolution"))
      return failed.error();
    most = std::max(most, bytes);
  }
  return static_cast<int64_t>(most);
}

Status ConvolutionLibrary::convolve(Device &device,
                                    const CudaConvolution &convolution,
                                    int64_t rows, uint64_t left, uint64_t right,
                                    uint64_t out,
                                    const Workspace &workspace) const {
  if (Status failed = prepare(device))
    return failed;
  bool isF64 = convolution.type == ElementType::F64;
  double oneF64 = 1, zeroF64 = 0;
  float oneF32 = 1, zeroF32 = 0;
  const void *one = isF64 ? static_cast<void *>(&oneF64) : &oneF32;
  const void *zero = isF64 ? static_cast<void *>(&zeroF64) : &zeroF32;
  auto room = static_cast<size_t>(workspace.bytes);
  uint64_t size = isF64 ? 8 : 4,
           fieldRow = size * static_cast<uint64_t>(convolution.fieldElements()),
           outputRow =
               size * static_cast<uint64_t>(convolution.outputElements());
  int64_t each = rowsOfCall(convolution, rows);
  for (int64_t first = 0; first < rows; first += each) {
    Descriptors shapes(api, convolution, std::min(each, rows - first));
    auto from = static_cast<uint64_t>(first);
    auto call = [&] {
      switch (convolution.kind) {
      case Kind::Forward:
        return api.forward(handle, one, shapes.field, left + from * fieldRow,
                           shapes.kernel, right, shapes.form, forwardAlgorithm,
                           workspace.address, room, zero, shapes.output,
                           out + from * outputRow);
      case Kind::ByField:
        return api.byField(handle, one, shapes.kernel, right, shapes.output,
                           left + from * outputRow, shapes.form,
                           byFieldAlgorithm, workspace.address, room, zero,
                           shapes.field, out + from * fieldRow);
      case Kind::ByKernel:
        // Rows of further calls are added.
        return api.byKernel(handle, one, shapes.field, right + from * fieldRow,
                            shapes.output, left + from * outputRow, shapes.form,
                            byKernelAlgorithm, workspace.address, room,
                            first ? one : zero, shapes.kernel, out);
      }
      return 0;
    };
    if (Status failed = check(shapes.error ? shapes.error : call(),
                              "a convolution cannot be started"))
      return failed;
  }
  return {};
}
