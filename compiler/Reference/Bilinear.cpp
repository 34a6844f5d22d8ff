//===- Bilinear.cpp - Contractions and convolutions in the interpreter ----===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/Evaluation.h"
#include "dialects/Loco/IR/LocoOps.h"

using namespace mlir;
using namespace loco;
using namespace loco::reference;

//===----------------------------------------------------------------------===//
// Contraction
//===----------------------------------------------------------------------===//

namespace {
/// One letter of an equation: its extent, and its strides in lhs, rhs, result.
struct Axis {
  int64_t extent = 1;
  int64_t strides[3] = {0, 0, 0};
};
} // namespace

/// Adds up all products of the loop nest `axes`.
static void accumulate(ArrayRef<Axis> axes, const double *lhs,
                       const double *rhs, double *result) {
  if (axes.empty()) {
    *result += *lhs * *rhs;
    return;
  }
  const Axis &axis = axes.front();
  auto [l, r, o] = axis.strides;
  if (axes.size() == 1) {
    for (int64_t i = 0; i < axis.extent; ++i)
      result[i * o] += lhs[i * l] * rhs[i * r];
    return;
  }
  for (int64_t i = 0; i < axis.extent; ++i)
    accumulate(axes.drop_front(), lhs + i * l, rhs + i * r, result + i * o);
}

static LogicalResult evaluateContract(Evaluation &evaluation) {
  auto [inputs, output] =
      evaluation.getOp<ContractOp>().getEquation().split("->");
  auto [first, second] = inputs.split(',');
  const Array &lhs = evaluation.getArray(0), &rhs = evaluation.getArray(1);

  std::map<char, int64_t> extents;
  for (auto [letters, array] :
       {std::pair(first, &lhs), std::pair(second, &rhs)})
    for (auto [letter, extent] : llvm::zip(letters, array->shape)) {
      auto [known, isNew] = extents.try_emplace(letter, extent);
      if (known->second != extent)
        return evaluation.emitError()
               << "has extents " << known->second << " and " << extent
               << " for axis `" << Twine(letter) << "`";
    }
  SmallVector<int64_t> shape;
  for (char letter : output)
    shape.push_back(extents.at(letter));
  Array result = makeArray(shape);

  // The largest of the three tensors is walked in its order in memory.
  struct Tensor {
    StringRef letters;
    ArrayRef<int64_t> shape;
  } tensors[] = {
      {first, lhs.shape}, {second, rhs.shape}, {output, result.shape}};
  std::map<char, Axis> axes;
  for (auto [i, tensor] : llvm::enumerate(tensors))
    for (auto [letter, stride] :
         llvm::zip(tensor.letters, getStrides(tensor.shape)))
      axes[letter].strides[i] = stride;
  for (auto [letter, extent] : extents)
    axes[letter].extent = extent;
  auto isSmaller = [](const Tensor &a, const Tensor &b) {
    return getSize(a.shape) < getSize(b.shape);
  };
  std::swap(tensors[0], *llvm::max_element(tensors, isSmaller));
  SmallVector<Axis> nest;
  std::string seen;
  for (const Tensor &tensor : tensors)
    for (char letter : tensor.letters)
      if (!StringRef(seen).contains(letter)) {
        seen.push_back(letter);
        nest.push_back(axes.at(letter));
      }
  accumulate(nest, lhs.values.data(), rhs.values.data(), result.values.data());
  return evaluation.setResult(0, std::move(result));
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

namespace {
/// A term of the trilinear form within one pair of channels: output site, place
/// in the window, field site.
struct Term {
  int64_t output, window, field;
};

/// What the three ops of the family share (see `loco.conv`).
struct Convolution {
  ArrayRef<int64_t> outputShape, windowShape, fieldShape;
  int64_t outputChannels = 1, fieldChannels = 1, groups = 1;
  Boundary boundary;
  ArrayRef<int64_t> strides, low;

  template <typename OpTy>
  explicit Convolution(OpTy op)
      : outputShape(op.getOutputType().getShape()),
        windowShape(op.getKernelType().getShape()),
        fieldShape(op.getFieldType().getShape()), groups(op.getGroups()),
        boundary(op.getBoundary()), strides(op.getStrides()), low(op.getLow()) {
    if (windowShape.size() == fieldShape.size())
      return;
    outputChannels = outputShape.front();
    fieldChannels = fieldShape.front();
    outputShape = outputShape.drop_front();
    fieldShape = fieldShape.drop_front();
    windowShape = windowShape.drop_front(2);
  }

  /// Adds the terms that extend a term over the axes before `axis`.
  void extend(Term term, size_t axis, std::vector<Term> &terms) const {
    if (axis == outputShape.size()) {
      terms.push_back(term);
      return;
    }
    int64_t extent = fieldShape[axis];
    for (int64_t i = 0; i < outputShape[axis]; ++i)
      for (int64_t t = 0; t < windowShape[axis]; ++t) {
        int64_t site = i * strides[axis] + t - low[axis];
        if (boundary == Boundary::Wrap)
          site = ((site % extent) + extent) % extent;
        if (site < 0 || site >= extent)
          continue;
        extend({term.output * outputShape[axis] + i,
                term.window * windowShape[axis] + t,
                term.field * extent + site},
               axis + 1, terms);
      }
  }

  /// Calls `body` with the places of every term in output, kernel and field.
  template <typename Body>
  void forEachTerm(Body body) const {
    std::vector<Term> terms;
    extend({0, 0, 0}, 0, terms);
    int64_t sites = getSize(outputShape), window = getSize(windowShape),
            fieldSites = getSize(fieldShape);
    int64_t perGroup = fieldChannels / groups,
            outPerGroup = outputChannels / groups;
    for (int64_t o = 0; o < outputChannels; ++o)
      for (int64_t c = 0; c < perGroup; ++c) {
        int64_t output = o * sites, kernel = (o * perGroup + c) * window,
                field = (o / outPerGroup * perGroup + c) * fieldSites;
        for (const Term &term : terms)
          body(output + term.output, kernel + term.window, field + term.field);
      }
  }
};
} // namespace

/// Evaluates one of the three ops: each product of the two operands goes to the
/// place of the third argument of the form.
template <typename OpTy, typename Product>
static LogicalResult evaluateConvolution(Evaluation &evaluation,
                                         Product product) {
  auto op = evaluation.getOp<OpTy>();
  const double *lhs = evaluation.getArray(0).values.data(),
               *rhs = evaluation.getArray(1).values.data();
  Array result = makeArray(op.getResult().getType().getShape());
  double *values = result.values.data();
  Convolution(op).forEachTerm(
      [&](int64_t output, int64_t kernel, int64_t field) {
        product(lhs, rhs, values, output, kernel, field);
      });
  return evaluation.setResult(0, std::move(result));
}

static LogicalResult evaluateConv(Evaluation &evaluation) {
  return evaluateConvolution<ConvOp>(
      evaluation,
      [](const double *kernel, const double *field, double *result, int64_t o,
         int64_t k, int64_t x) { result[o] += kernel[k] * field[x]; });
}

static LogicalResult evaluateConvTranspose(Evaluation &evaluation) {
  return evaluateConvolution<ConvTransposeOp>(
      evaluation,
      [](const double *kernel, const double *output, double *result, int64_t o,
         int64_t k, int64_t x) { result[x] += kernel[k] * output[o]; });
}

static LogicalResult evaluateConvOuter(Evaluation &evaluation) {
  return evaluateConvolution<ConvOuterOp>(
      evaluation,
      [](const double *output, const double *field, double *result, int64_t o,
         int64_t k, int64_t x) { result[k] += output[o] * field[x]; });
}

void reference::addBilinearHandlers(HandlerTable &table, MLIRContext *context) {
  addHandler<ContractOp>(table, context, evaluateContract);
  addHandler<ConvOp>(table, context, evaluateConv);
  addHandler<ConvTransposeOp>(table, context, evaluateConvTranspose);
  addHandler<ConvOuterOp>(table, context, evaluateConvOuter);
}
