//===- LocoStencil.cpp - Sums over neighbourhoods ------------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace loco;

LogicalResult StencilOp::verify() {
  if (getFields().empty())
    return emitOpError("has no result");
  auto type = cast<RankedTensorType>(getFields().front().getType());
  for (Type other :
       llvm::concat<const Type>(getOperandTypes(), getResultTypes()))
    if (other != type)
      return emitOpError("has fields of types ") << type << " and " << other;
  if (type.getRank() == 0 || !type.hasStaticShape() ||
      getOffsets().size() % type.getRank())
    return emitOpError("has ") << getOffsets().size()
                               << " numbers of offsets for fields of " << type;
  return success();
}

LogicalResult StencilOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getOperandTypes())
    return emitOpError("needs one body argument for each field");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getStacks().size() != yield.getNumOperands() ||
      yield.getOperandTypes() != getResultTypes())
    return emitOpError(
        "needs a body that yields one stack value for each result");
  for (Operation &op : block.without_terminator()) {
    if (!isElementwise(&op) && !op.hasTrait<OpTrait::ConstantLike>())
      return op.emitOpError("is not elementwise, inside of a stencil");
    // The transposed stencil sees the body from the neighbour's side, where a
    // number that differs from site to site would be another one.
    SplatElementsAttr splat;
    if (op.hasTrait<OpTrait::ConstantLike>() &&
        !matchPattern(&op, m_Constant(&splat)))
      return op.emitOpError("differs from site to site, inside of a stencil");
  }
  return success();
}

void StencilOp::print(OpAsmPrinter &printer) {
  unsigned numCentres = getCentres().size();
  auto group = [&](StringRef keyword, OperandRange operands,
                   Block::BlockArgListType arguments) {
    printer << " " << keyword << "(";
    llvm::interleaveComma(
        llvm::zip(arguments, operands), printer, [&](auto pair) {
          printer << std::get<0>(pair) << " = " << std::get<1>(pair);
        });
    printer << ")";
  };
  auto arguments = getBody().getArguments();
  group("centre", getCentres(), arguments.take_front(numCentres));
  group("neighbour", getNeighbours(), arguments.drop_front(numCentres));
  printer << " offsets [" << getOffsets() << "] " << getBoundary();
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getOperandSegmentSizesAttrName(),
                            getOffsetsAttrName(), getBoundaryAttrName()});
  printer << " : " << getFields().front().getType() << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

ParseResult StencilOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  auto parseGroup = [&](StringRef keyword) -> ParseResult {
    if (parser.parseKeyword(keyword))
      return failure();
    return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
      return failure(parser.parseArgument(arguments.emplace_back()) ||
                     parser.parseEqual() ||
                     parser.parseOperand(operands.emplace_back()));
    });
  };
  if (parseGroup("centre"))
    return failure();
  int32_t numCentres = operands.size();
  SmallVector<int64_t> offsets;
  StringRef boundaryName;
  SMLoc boundaryLoc;
  Type type;
  if (parseGroup("neighbour") || parser.parseKeyword("offsets") ||
      parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Square,
          [&] { return parser.parseInteger(offsets.emplace_back()); }) ||
      parser.getCurrentLocation(&boundaryLoc) ||
      parser.parseKeyword(&boundaryName) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseColonType(type))
    return failure();
  std::optional<Boundary> boundary = symbolizeBoundary(boundaryName);
  if (!boundary)
    return parser.emitError(boundaryLoc, "expected `wrap` or `zero`");
  for (OpAsmParser::Argument &argument : arguments)
    argument.type = type;
  Region *body = result.addRegion();
  if (parser.resolveOperands(operands, type, result.operands) ||
      parser.parseRegion(*body, arguments))
    return failure();

  auto &properties = result.getOrAddProperties<Properties>();
  properties.offsets = parser.getBuilder().getDenseI64ArrayAttr(offsets);
  properties.boundary = BoundaryAttr::get(parser.getContext(), *boundary);
  llvm::copy(
      ArrayRef<int32_t>(
          {numCentres, static_cast<int32_t>(operands.size()) - numCentres}),
      properties.operandSegmentSizes.begin());
  if (!body->empty() && !body->front().empty())
    result.addTypes(
        SmallVector<Type>(body->front().back().getNumOperands(), type));
  return success();
}
