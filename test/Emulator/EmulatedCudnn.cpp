//===- EmulatedCudnn.cpp - A cuDNN for the emulated device ----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of cuDNN that loco calls, as its documents describe them, for
// the memory and the streams of the emulated driver. Shapes that do not belong
// together are refused, as are algorithms that may add up in any order, math
// that may round, and work without the workspace that was asked for. The
// workspace is overwritten: what was in it is lost.
//
//===----------------------------------------------------------------------===//

#include "test/Emulator/EmulatedLibrary.h"

#include <vector>

using loco::emulation::getDriver;

namespace {
enum Status { success = 0, notInitialized = 1, badParameter = 3, failed = 8 };

struct Handle {
  void *stream = nullptr;
};

/// A tensor or a filter: [rows, channels, sites...].
struct Tensor {
  int type = -1;
  std::vector<int> extents;

  size_t elements() const {
    size_t count = 1;
    for (int extent : extents)
      count *= size_t(extent);
    return count;
  }
  bool isInside(uint64_t address) const {
    return getDriver().isInside(address, elements() * (type == 1 ? 8 : 4));
  }
};

struct Form {
  int type = -1, groups = 1, math = 0;
  std::vector<int> margins, strides;
};

/// One convolution of the three forms: which of the arrays is the result, of
/// the kernel (0), the field (1) or the output (2).
struct Call {
  void *stream;
  Tensor kernel, field, output;
  Form form;
  uint64_t kernelData, fieldData, outputData, workspace;
  size_t bytes;
  int result;
  double scale, keep;

  bool fits() const;
  template <typename T>
  int run() const;
};
} // namespace

static size_t workspaceFor(const Tensor &output) {
  return 64 + output.elements();
}

bool Call::fits() const {
  size_t axes = kernel.extents.size();
  if (axes < 4 || field.extents.size() != axes ||
      output.extents.size() != axes || form.strides.size() != axes - 2 ||
      form.math != 3)
    return false;
  if (kernel.type != field.type || kernel.type != output.type ||
      kernel.type != form.type)
    return false;
  if (field.extents[0] != output.extents[0] ||
      output.extents[1] != kernel.extents[0] ||
      field.extents[1] != kernel.extents[1] * form.groups ||
      kernel.extents[0] % form.groups)
    return false;
  for (size_t i = 0; i + 2 < axes; ++i)
    if (output.extents[i + 2] !=
        (field.extents[i + 2] + 2 * form.margins[i] - kernel.extents[i + 2]) /
                form.strides[i] +
            1)
      return false;
  return true;
}

/// The next coordinates below `extents`; false behind the last ones.
static bool advance(std::vector<int> &at, const std::vector<int> &extents) {
  for (size_t i = at.size(); i-- > 0;) {
    if (++at[i] < extents[i])
      return true;
    at[i] = 0;
  }
  return false;
}

static size_t placeOf(const std::vector<int> &at,
                      const std::vector<int> &extents) {
  size_t place = 0;
  for (size_t i = 0; i < at.size(); ++i)
    place = place * size_t(extents[i]) + size_t(at[i]);
  return place;
}

template <typename T>
int Call::run() const {
  if (!kernel.isInside(kernelData) || !field.isInside(fieldData) ||
      !output.isInside(outputData) || !getDriver().isInside(workspace, bytes))
    return badParameter;
  for (size_t i = 0; i < bytes; ++i)
    reinterpret_cast<unsigned char *>(workspace)[i] = 0xff;
  T *arrays[] = {reinterpret_cast<T *>(kernelData),
                 reinterpret_cast<T *>(fieldData),
                 reinterpret_cast<T *>(outputData)};
  const Tensor *tensors[] = {&kernel, &field, &output};
  std::vector<double> sums(tensors[result]->elements());
  size_t axes = form.strides.size();
  int outputsOfGroup = kernel.extents[0] / form.groups;
  std::vector<int> at(output.extents.size(), 0);
  do {
    std::vector<int> tap(axes + 1, 0),
        window(kernel.extents.begin() + 1, kernel.extents.end());
    size_t o = placeOf(at, output.extents);
    do {
      std::vector<int> from = {
          at[0], at[1] / outputsOfGroup * kernel.extents[1] + tap[0]};
      bool isInside = true;
      for (size_t i = 0; i < axes; ++i) {
        int site = at[i + 2] * form.strides[i] + tap[i + 1] - form.margins[i];
        isInside &= site >= 0 && site < field.extents[i + 2];
        from.push_back(site);
      }
      if (!isInside)
        continue;
      std::vector<int> of = {at[1]};
      of.insert(of.end(), tap.begin(), tap.end());
      size_t places[] = {placeOf(of, kernel.extents),
                         placeOf(from, field.extents), o};
      double product = 1;
      for (int i = 0; i < 3; ++i)
        if (i != result)
          product *= double(arrays[i][places[i]]);
      sums[places[result]] += product;
    } while (advance(tap, window));
  } while (advance(at, output.extents));
  for (size_t i = 0; i < sums.size(); ++i) {
    T &place = arrays[result][i];
    place = T(scale * sums[i]) + (keep != 0 ? T(keep) * place : T(0));
  }
  return 0;
}

/// Checks what can be checked now, and gives the work to the stream.
static int give(void *handle, Call call, const void *scale, const void *keep,
                int algorithm) {
  call.stream = static_cast<Handle *>(handle)->stream;
  if (!call.stream || !getDriver().give)
    return notInitialized;
  if (!call.fits() || algorithm != 1 || call.bytes < workspaceFor(call.output))
    return badParameter;
  bool isWide = call.kernel.type == 1;
  auto read = [&](const void *number) {
    return isWide ? *static_cast<const double *>(number)
                  : *static_cast<const float *>(number);
  };
  call.scale = read(scale);
  call.keep = read(keep);
  auto work = [call, isWide] {
    return isWide ? call.run<double>() : call.run<float>();
  };
  return getDriver().give(call.stream, work) ? failed : success;
}

template <typename T>
static int make(void **made) {
  *made = new T();
  return success;
}

template <typename T>
static int destroy(void *made) {
  delete static_cast<T *>(made);
  return success;
}

static const Tensor &tensorOf(void *descriptor) {
  return *static_cast<Tensor *>(descriptor);
}

static Call describe(void *kernel, uint64_t kernelData, void *field,
                     uint64_t fieldData, void *output, uint64_t outputData,
                     void *form, uint64_t workspace, size_t bytes, int result) {
  return {nullptr,
          tensorOf(kernel),
          tensorOf(field),
          tensorOf(output),
          *static_cast<Form *>(form),
          kernelData,
          fieldData,
          outputData,
          workspace,
          bytes,
          result,
          1,
          0};
}

static int countBytes(void *kernel, void *field, void *output, void *form,
                      int algorithm, size_t *bytes) {
  Call call = describe(kernel, 0, field, 0, output, 0, form, 0, 0, 0);
  *bytes = workspaceFor(call.output);
  return call.fits() && algorithm == 1 ? success : badParameter;
}

extern "C" {
int cudnnCreate(void **handle) { return make<Handle>(handle); }
int cudnnSetStream(void *handle, void *stream) {
  static_cast<Handle *>(handle)->stream = stream;
  return success;
}

int cudnnCreateTensorDescriptor(void **made) { return make<Tensor>(made); }
int cudnnDestroyTensorDescriptor(void *made) { return destroy<Tensor>(made); }
int cudnnCreateFilterDescriptor(void **made) { return make<Tensor>(made); }
int cudnnDestroyFilterDescriptor(void *made) { return destroy<Tensor>(made); }
int cudnnCreateConvolutionDescriptor(void **made) { return make<Form>(made); }
int cudnnDestroyConvolutionDescriptor(void *made) {
  return destroy<Form>(made);
}

int cudnnSetTensorNdDescriptor(void *tensor, int type, int axes,
                               const int *extents, const int *strides) {
  // Rows in a row, and nothing between them.
  int stride = 1;
  for (int i = axes; i-- > 0; stride *= extents[i])
    if (strides[i] != stride || extents[i] < 1)
      return badParameter;
  *static_cast<Tensor *>(tensor) = {type, {extents, extents + axes}};
  return success;
}

int cudnnSetFilterNdDescriptor(void *filter, int type, int format, int axes,
                               const int *extents) {
  *static_cast<Tensor *>(filter) = {type, {extents, extents + axes}};
  return format == 0 ? success : badParameter;
}

int cudnnSetConvolutionNdDescriptor(void *form, int axes, const int *margins,
                                    const int *strides, const int *dilations,
                                    int mode, int computeType) {
  auto &made = *static_cast<Form *>(form);
  made.type = computeType;
  made.margins.assign(margins, margins + axes);
  made.strides.assign(strides, strides + axes);
  for (int i = 0; i < axes; ++i)
    if (dilations[i] != 1 || strides[i] < 1 || margins[i] < 0)
      return badParameter;
  return mode == 1 ? success : badParameter;
}

int cudnnSetConvolutionGroupCount(void *form, int groups) {
  static_cast<Form *>(form)->groups = groups;
  return groups > 0 ? success : badParameter;
}

int cudnnSetConvolutionMathType(void *form, int math) {
  static_cast<Form *>(form)->math = math;
  return success;
}

int cudnnGetConvolutionForwardWorkspaceSize(void *, void *field, void *kernel,
                                            void *form, void *output,
                                            int algorithm, size_t *bytes) {
  return countBytes(kernel, field, output, form, algorithm, bytes);
}

int cudnnGetConvolutionBackwardDataWorkspaceSize(void *, void *kernel,
                                                 void *output, void *form,
                                                 void *field, int algorithm,
                                                 size_t *bytes) {
  return countBytes(kernel, field, output, form, algorithm, bytes);
}

int cudnnGetConvolutionBackwardFilterWorkspaceSize(void *, void *field,
                                                   void *output, void *form,
                                                   void *kernel, int algorithm,
                                                   size_t *bytes) {
  return countBytes(kernel, field, output, form, algorithm, bytes);
}

int cudnnConvolutionForward(void *handle, const void *scale, void *field,
                            uint64_t fieldData, void *kernel,
                            uint64_t kernelData, void *form, int algorithm,
                            uint64_t workspace, size_t bytes, const void *keep,
                            void *output, uint64_t outputData) {
  return give(handle,
              describe(kernel, kernelData, field, fieldData, output, outputData,
                       form, workspace, bytes, 2),
              scale, keep, algorithm);
}

int cudnnConvolutionBackwardData(void *handle, const void *scale, void *kernel,
                                 uint64_t kernelData, void *output,
                                 uint64_t outputData, void *form, int algorithm,
                                 uint64_t workspace, size_t bytes,
                                 const void *keep, void *field,
                                 uint64_t fieldData) {
  return give(handle,
              describe(kernel, kernelData, field, fieldData, output, outputData,
                       form, workspace, bytes, 1),
              scale, keep, algorithm);
}

int cudnnConvolutionBackwardFilter(void *handle, const void *scale, void *field,
                                   uint64_t fieldData, void *output,
                                   uint64_t outputData, void *form,
                                   int algorithm, uint64_t workspace,
                                   size_t bytes, const void *keep, void *kernel,
                                   uint64_t kernelData) {
  return give(handle,
              describe(kernel, kernelData, field, fieldData, output, outputData,
                       form, workspace, bytes, 0),
              scale, keep, algorithm);
}
}
