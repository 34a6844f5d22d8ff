//===- LocoGradient.cpp - Derivatives inside of programs -----------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/IR/LocoOps.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace loco;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

YieldOp GradientOp::getYield() {
  return cast<YieldOp>(getBlock()->getTerminator());
}

Block::BlockArgListType GradientOp::getVariableArguments() {
  return getBlock()->getArguments().take_front(getVariables().size());
}

Block::BlockArgListType GradientOp::getConstantArguments() {
  return getBlock()->getArguments().drop_front(getVariables().size());
}

void GradientOp::build(OpBuilder &builder, OperationState &state,
                       ValueRange variables, ValueRange constants) {
  state.addOperands(variables);
  state.addOperands(constants);
  auto &properties = state.getOrAddProperties<Properties>();
  llvm::copy(ArrayRef<int32_t>({static_cast<int32_t>(variables.size()),
                                static_cast<int32_t>(constants.size())}),
             properties.operandSegmentSizes.begin());
  state.addTypes(variables.getTypes());

  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(state.addRegion());
  for (ValueRange values : {variables, constants})
    for (Value value : values)
      block->addArgument(value.getType(), value.getLoc());
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

LogicalResult GradientOp::verify() {
  if (getVariables().empty())
    return emitOpError("has no variable");
  if (getResultTypes() != getVariables().getTypes())
    return emitOpError("needs one result of its type for each variable");
  return success();
}

LogicalResult GradientOp::verifyRegions() {
  if (getBlock()->getArgumentTypes() != getOperandTypes())
    return emitOpError("needs one body argument for each operand");
  auto yield = dyn_cast<YieldOp>(getBlock()->getTerminator());
  if (!yield || yield.getNumOperands() != 1 || yield.getSums().size() != 1)
    return emitOpError("needs a body that yields one `sum`");
  auto type = cast<RankedTensorType>(yield.getSums().front().getType());
  if (type.getRank() != 0)
    return emitOpError("takes the derivative of ")
           << type << ", which is not a scalar";
  return success();
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

void GradientOp::print(OpAsmPrinter &printer) {
  auto group = [&](StringRef keyword, OperandRange operands,
                   Block::BlockArgListType arguments) {
    printer << " " << keyword << "(";
    llvm::interleaveComma(
        llvm::zip(arguments, operands), printer, [&](auto pair) {
          auto [argument, operand] = pair;
          printer << argument << " = " << operand << " : " << operand.getType();
        });
    printer << ")";
  };
  group("by", getVariables(), getVariableArguments());
  if (!getConstants().empty())
    group("with", getConstants(), getConstantArguments());
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {getOperandSegmentSizesAttrName()});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

ParseResult GradientOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  auto parseGroup = [&] {
    return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
      return failure(parser.parseArgument(arguments.emplace_back()) ||
                     parser.parseEqual() ||
                     parser.parseOperand(operands.emplace_back()) ||
                     parser.parseColonType(types.emplace_back()));
    });
  };
  if (parser.parseKeyword("by") || parseGroup())
    return failure();
  int32_t numVariables = operands.size();
  if (succeeded(parser.parseOptionalKeyword("with")) && parseGroup())
    return failure();
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  for (auto [argument, type] : llvm::zip(arguments, types))
    argument.type = type;
  Region *body = result.addRegion();
  if (parser.resolveOperands(operands, types, parser.getNameLoc(),
                             result.operands) ||
      parser.parseRegion(*body, arguments))
    return failure();
  auto &properties = result.getOrAddProperties<Properties>();
  llvm::copy(
      ArrayRef<int32_t>(
          {numVariables, static_cast<int32_t>(operands.size()) - numVariables}),
      properties.operandSegmentSizes.begin());
  result.addTypes(ArrayRef(types).take_front(numVariables));
  return success();
}
