//===- LibraryCalls.cpp - What a library makes of a function --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/JIT/LibraryCalls.h"

#include "dialects/Loco/IR/LocoOps.h"
#include "dialects/Loco/Transforms/Margins.h"
#include "dialects/Loco/Transforms/MatrixProduct.h"

using namespace mlir;
using namespace loco;

bool LibraryCalls::isShared(Value value) const {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != &function.getBody().front())
    return false;
  auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                    "loco.role");
  return role && (role == "param" || role == "frozen");
}

SmallVector<unsigned> LibraryCalls::resultsOf(Value value) const {
  SmallVector<unsigned> numbers;
  for (OpOperand &use : value.getUses())
    if (isa<func::ReturnOp>(use.getOwner()))
      numbers.push_back(use.getOperandNumber());
  return numbers;
}

/// True for a sum over all samples that is a result and nothing else.
bool LibraryCalls::isSumOfSamples(Value out) const {
  if (!out.hasOneUse())
    return false;
  SmallVector<unsigned> numbers = resultsOf(out);
  return !numbers.empty() &&
         function.getResultAttr(numbers.front(), "loco.sum_samples");
}

/// True if one of the results that the value is adds samples up.
bool LibraryCalls::isAnySum(Value out) const {
  return llvm::any_of(resultsOf(out), [&](unsigned number) {
    return bool(function.getResultAttr(number, "loco.sum_samples"));
  });
}

static ElementType elementOf(Value value) {
  return getElementTypeOrSelf(value.getType()).isF64() ? ElementType::F64
                                                       : ElementType::F32;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

std::optional<LibraryCall>
LibraryCalls::matchApply(const Candidate &from, unsigned matrix,
                         IsOfSample isOfSample) const {
  auto product = asApply(cast<ContractOp>(from.op), matrix);
  if (!product || product->size() < libraryElements ||
      !isShared(from.operands[matrix]) ||
      !isOfSample(from.operands[1 - matrix]) || isAnySum(from.out))
    return std::nullopt;
  LibraryCall call;
  call.part.kind = CudaPart::Kind::Product;
  CudaProduct &made = call.part.product;
  made.type = elementOf(from.out);
  made.isTransposed = product->transposed;
  made.inner = product->inner;
  made.outer = product->outer;
  call.left = from.operands[1 - matrix];
  call.right = from.operands[matrix];
  return call;
}

std::optional<LibraryCall>
LibraryCalls::matchOuter(const Candidate &from, IsOfSample isOfSample) const {
  auto product = asOuter(cast<ContractOp>(from.op));
  if (!product || product->size() < libraryElements ||
      !isSumOfSamples(from.out) || !isOfSample(from.operands[0]) ||
      !isOfSample(from.operands[1]))
    return std::nullopt;
  LibraryCall call;
  call.part.kind = CudaPart::Kind::Product;
  CudaProduct &made = call.part.product;
  made.type = elementOf(from.out);
  made.isOuter = true;
  made.inner = product->inner;
  made.outer = product->outer;
  call.left = from.operands[product->left];
  call.right = from.operands[1 - product->left];
  return call;
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

static std::vector<int64_t> listNumbers(ArrayRef<int64_t> numbers) {
  return {numbers.begin(), numbers.end()};
}

std::optional<LibraryCall>
LibraryCalls::matchConvolution(const Candidate &from,
                               IsOfSample isOfSample) const {
  using Kind = CudaConvolution::Kind;
  if (!isLibraryConvolution(from.op, libraryElements))
    return std::nullopt;
  ConvForm form = ConvForm::of(from.op);
  Kind kind = isa<ConvOp>(from.op)        ? Kind::Forward
              : isa<ConvOuterOp>(from.op) ? Kind::ByKernel
                                          : Kind::ByField;
  // Kernels stand first in the dialect, behind what samples have here.
  bool isSum = kind == Kind::ByKernel;
  Value left = from.operands[isSum ? 0 : 1],
        right = from.operands[isSum ? 1 : 0];
  if (!hasPlainMargins(form) || !isOfSample(left) ||
      (isSum ? !isOfSample(right) || !isSumOfSamples(from.out)
             : !isShared(right) || isAnySum(from.out)))
    return std::nullopt;
  LibraryCall call;
  call.part.kind = CudaPart::Kind::Convolution;
  CudaConvolution &made = call.part.convolution;
  made.type = elementOf(from.out);
  made.kind = kind;
  made.groups = form.groups;
  made.inputs = form.field.getDimSize(0);
  made.outputs = form.output.getDimSize(0);
  made.field = listNumbers(form.field.getShape().drop_front());
  made.output = listNumbers(form.output.getShape().drop_front());
  made.window = listNumbers(form.window());
  made.strides = listNumbers(form.strides);
  made.margins = listNumbers(form.low);
  call.left = left;
  call.right = right;
  return call;
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

/// A loop that does nothing but one such op in each of all steps: of stacks,
/// and perhaps one value that all steps share.
std::optional<LibraryCalls::Candidate>
LibraryCalls::openScan(Operation &op) const {
  auto scan = cast<ScanOp>(op);
  Block *inner = &scan.getBody().front();
  Operation *only = &inner->front();
  if (!isa<BlockArgument>(scan.getSteps()) || scan.isPartial() ||
      !scan.getInits().empty() || scan.getNumResults() != 1 ||
      inner->getOperations().size() != 2 ||
      !isa<ContractOp, ConvOp, ConvTransposeOp, ConvOuterOp>(only) ||
      inner->getTerminator()->getNumOperands() != 1 ||
      inner->getTerminator()->getOperand(0) != only->getResult(0))
    return std::nullopt;
  Candidate made{only, {}, scan.getResult(0)};
  unsigned shared = 0;
  for (Value operand : only->getOperands()) {
    Value outside;
    for (auto [argument, stack] :
         llvm::zip(scan.getElementArguments(), scan.getElements()))
      if (argument == operand)
        outside = stack;
    for (auto [argument, value] :
         llvm::zip(scan.getConstantArguments(), scan.getConstants()))
      if (argument == operand) {
        outside = value;
        ++shared;
      }
    if (!outside)
      return std::nullopt;
    made.operands.push_back(outside);
  }
  // Either every step's result is wanted, or the sum of two stacks' products.
  bool isStack = scan.getNumStacks() == 1;
  if (shared != (isStack ? 1u : 0u))
    return std::nullopt;
  return made;
}

/// True if the result is a sum over rows.
static bool isSumOfRows(const CudaPart &part) {
  return part.kind == CudaPart::Kind::Product
             ? part.product.isOuter
             : part.convolution.kind == CudaConvolution::Kind::ByKernel;
}

std::optional<LibraryCall> LibraryCalls::match(Operation &op,
                                               IsOfSample isOfSample) const {
  std::optional<Candidate> from;
  bool isScan = isa<ScanOp>(op);
  if (isScan)
    from = openScan(op);
  else if (isa<ContractOp, ConvOp, ConvTransposeOp, ConvOuterOp>(op))
    from =
        Candidate{&op, llvm::to_vector<2>(op.getOperands()), op.getResult(0)};
  if (!from)
    return std::nullopt;
  std::optional<LibraryCall> call;
  if (!isa<ContractOp>(from->op)) {
    if (libraries.convolutions)
      call = matchConvolution(*from, isOfSample);
  } else if (libraries.products) {
    for (unsigned matrix : {0u, 1u})
      if (!call)
        call = matchApply(*from, matrix, isOfSample);
    if (!call)
      call = matchOuter(*from, isOfSample);
  }
  // A loop that stacks makes rows; one that does not, a sum over them.
  if (!call || (isScan && isSumOfRows(call->part) ==
                              (cast<ScanOp>(op).getNumStacks() == 1)))
    return std::nullopt;
  call->out = from->out;
  call->part.isPerStep = isScan;
  return call;
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

static std::string describeSites(const std::vector<int64_t> &extents) {
  std::string text;
  for (int64_t extent : extents)
    text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

static std::string describeConvolution(const CudaConvolution &convolution) {
  using Kind = CudaConvolution::Kind;
  std::string field = std::to_string(convolution.inputs) + " of " +
                      describeSites(convolution.field),
              output = std::to_string(convolution.outputs) + " of " +
                       describeSites(convolution.output);
  std::string text = convolution.kind == Kind::Forward ? field + " to " + output
                     : convolution.kind == Kind::ByField
                         ? output + " back to " + field
                         : output + " by " + field;
  text += ", window " + describeSites(convolution.window);
  if (convolution.groups > 1)
    text += ", in " + std::to_string(convolution.groups) + " groups";
  return text +
         (convolution.kind == Kind::ByKernel ? ", summed over rows" : "");
}

std::string loco::describeCall(const CudaPart &part) {
  std::string text;
  if (part.kind == CudaPart::Kind::Product) {
    const CudaProduct &product = part.product;
    text = "a product by cuBLAS, " + std::to_string(product.inner) +
           (product.isOuter ? " by " : " to ") + std::to_string(product.outer) +
           (product.isOuter ? ", summed over rows" : "");
  } else {
    text = "a convolution by cuDNN, " + describeConvolution(part.convolution);
  }
  return text + (part.isPerStep ? ", rows of all steps and samples"
                                : ", rows of all samples");
}
