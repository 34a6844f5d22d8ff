//===- LocoScan.cpp - The time loop --------------------------------------===//
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

YieldOp ScanOp::getYield() {
  return cast<YieldOp>(getBlock()->getTerminator());
}

Block::BlockArgListType ScanOp::getCarryArguments() {
  return getBlock()->getArguments().slice(1, getInits().size());
}

Block::BlockArgListType ScanOp::getElementArguments() {
  return getBlock()->getArguments().slice(1 + getInits().size(),
                                          getElements().size());
}

Block::BlockArgListType ScanOp::getConstantArguments() {
  return getBlock()->getArguments().take_back(getConstants().size());
}

unsigned ScanOp::getNumStacks() { return getYield().getStacks().size(); }

ResultRange ScanOp::getFinals() {
  return getOutputs().take_front(getInits().size());
}

ResultRange ScanOp::getStacks() {
  return getOutputs().drop_front(getInits().size()).take_front(getNumStacks());
}

ResultRange ScanOp::getSums() {
  return getOutputs()
      .drop_front(getInits().size() + getNumStacks())
      .drop_back(isCounted());
}

void ScanOp::build(OpBuilder &builder, OperationState &state, Value steps,
                   ValueRange inits, ValueRange elements, ValueRange constants,
                   TypeRange stackTypes, TypeRange sumTypes, bool reverse,
                   Value taken, bool counted) {
  state.addOperands(steps);
  state.addOperands(inits);
  state.addOperands(elements);
  state.addOperands(constants);
  if (taken)
    state.addOperands(taken);
  auto &properties = state.getOrAddProperties<Properties>();
  llvm::copy(ArrayRef<int32_t>({1, static_cast<int32_t>(inits.size()),
                                static_cast<int32_t>(elements.size()),
                                static_cast<int32_t>(constants.size()),
                                taken ? 1 : 0}),
             properties.operandSegmentSizes.begin());
  if (reverse)
    properties.reverse = builder.getUnitAttr();
  state.addTypes(inits.getTypes());
  state.addTypes(stackTypes);
  state.addTypes(sumTypes);
  if (counted)
    state.addTypes(builder.getIndexType());

  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(state.addRegion());
  block->addArgument(builder.getIndexType(), state.location);
  for (Value init : inits)
    block->addArgument(init.getType(), init.getLoc());
  for (Value element : elements)
    block->addArgument(getStepType(element.getType()), element.getLoc());
  for (Value constant : constants)
    block->addArgument(constant.getType(), constant.getLoc());
}

void ScanOp::getAsmBlockArgumentNames(Region &region,
                                      OpAsmSetValueNameFn setName) {
  setName(region.getArgument(0), "t");
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

LogicalResult ScanOp::verify() {
  for (Value element : getElements()) {
    auto type = cast<RankedTensorType>(element.getType());
    if (type.getRank() == 0 || !type.isDynamicDim(0))
      return emitOpError("takes each step of ")
             << type << ", which has no time axis";
  }
  if (getNumResults() < getInits().size())
    return emitOpError("has ") << getInits().size() << " carries but "
                               << getNumResults() << " results";
  if (isCounted() && getTaken())
    return emitOpError("is told how many steps to take and ends by itself");
  if (isCounted() && getReverse())
    return emitOpError("ends by itself, which a reverse loop cannot");
  return success();
}

/// Checks that values of `what` match the types that the op's operands imply.
static LogicalResult verifyTypes(ScanOp op, StringRef what, TypeRange found,
                                 TypeRange expected) {
  if (found.size() != expected.size())
    return op.emitOpError("has ")
           << found.size() << " " << what << ", expected " << expected.size();
  for (auto [have, want] : llvm::zip(found, expected))
    if (have != want)
      return op.emitOpError("has ")
             << what << " of type " << have << ", expected " << want;
  return success();
}

LogicalResult ScanOp::verifyRegions() {
  SmallVector<Type> arguments = {IndexType::get(getContext())};
  llvm::append_range(arguments, getInits().getTypes());
  for (Value element : getElements())
    arguments.push_back(getStepType(element.getType()));
  llvm::append_range(arguments, getConstants().getTypes());
  if (failed(verifyTypes(*this, "body arguments",
                         getBlock()->getArgumentTypes(), arguments)))
    return failure();

  auto yield = dyn_cast<YieldOp>(getBlock()->getTerminator());
  if (!yield)
    return emitOpError("needs a body that ends in `loco.yield`");
  SmallVector<Type> results(getInits().getTypes());
  for (Value stack : yield.getStacks())
    results.push_back(getStackedType(stack.getType()));
  llvm::append_range(results, yield.getSums().getTypes());
  if (yield.getCondition())
    results.push_back(IndexType::get(getContext()));
  if (failed(verifyTypes(*this, "yielded carries",
                         yield.getCarries().getTypes(), getInits().getTypes())))
    return failure();
  return verifyTypes(*this, "results", getResultTypes(), results);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// Prints `keyword(%argument = %operand : type, ...)`, or nothing.
static void printBindings(OpAsmPrinter &printer, StringRef keyword,
                          Block::BlockArgListType arguments,
                          OperandRange operands) {
  if (operands.empty())
    return;
  printer.printNewline();
  printer << "    " << keyword << "(";
  llvm::interleaveComma(
      llvm::zip(arguments, operands), printer, [&](auto pair) {
        auto [argument, operand] = pair;
        printer << argument << " = " << operand << " : " << operand.getType();
      });
  printer << ")";
}

/// Prints `keyword(type, ...)`, or nothing.
static void printTypes(OpAsmPrinter &printer, StringRef keyword,
                       TypeRange types) {
  if (types.empty())
    return;
  printer.printNewline();
  printer << "    " << keyword << "(" << types << ")";
}

void ScanOp::print(OpAsmPrinter &printer) {
  printer << (getReverse() ? " reverse " : " ") << getStep() << " below "
          << getSteps();
  if (getTaken())
    printer << " taking " << getTaken();
  printBindings(printer, "carry", getCarryArguments(), getInits());
  printBindings(printer, "each", getElementArguments(), getElements());
  printBindings(printer, "with", getConstantArguments(), getConstants());
  printTypes(printer, "stack", getStacks().getTypes());
  printTypes(printer, "sum", getSums().getTypes());
  if (isCounted())
    printer << " while";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getOperandSegmentSizesAttrName(), getReverseAttrName()});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

namespace {
/// What stands between the brackets of `carry(...)`, `each(...)`, `with(...)`.
struct Bindings {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
};
} // namespace

static ParseResult parseBindings(OpAsmParser &parser, StringRef keyword,
                                 bool stacked, Bindings &bindings) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Paren, [&]() -> ParseResult {
        OpAsmParser::Argument &argument = bindings.arguments.emplace_back();
        if (parser.parseArgument(argument) || parser.parseEqual() ||
            parser.parseOperand(bindings.operands.emplace_back()) ||
            parser.parseColonType(bindings.types.emplace_back()))
          return failure();
        argument.type = bindings.types.back();
        auto tensor = dyn_cast<RankedTensorType>(argument.type);
        if (stacked && (!tensor || tensor.getRank() == 0))
          return parser.emitError(parser.getNameLoc(),
                                  "expected a stacked value");
        if (stacked)
          argument.type = getStepType(tensor);
        return success();
      });
}

static ParseResult parseTypes(OpAsmParser &parser, StringRef keyword,
                              SmallVectorImpl<Type> &types) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
    return parser.parseType(types.emplace_back());
  });
}

ParseResult ScanOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  Type index = builder.getIndexType();
  bool reverse = succeeded(parser.parseOptionalKeyword("reverse"));
  OpAsmParser::Argument step;
  OpAsmParser::UnresolvedOperand steps, taken;
  Bindings carries, elements, constants;
  SmallVector<Type> stacks, sums;
  if (parser.parseArgument(step) || parser.parseKeyword("below") ||
      parser.parseOperand(steps))
    return failure();
  bool takes = succeeded(parser.parseOptionalKeyword("taking"));
  if ((takes && parser.parseOperand(taken)) ||
      parseBindings(parser, "carry", /*stacked=*/false, carries) ||
      parseBindings(parser, "each", /*stacked=*/true, elements) ||
      parseBindings(parser, "with", /*stacked=*/false, constants) ||
      parseTypes(parser, "stack", stacks) || parseTypes(parser, "sum", sums))
    return failure();
  bool counted = succeeded(parser.parseOptionalKeyword("while"));
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  step.type = index;

  SmallVector<OpAsmParser::Argument> arguments = {step};
  if (parser.resolveOperand(steps, index, result.operands))
    return failure();
  for (Bindings *bindings : {&carries, &elements, &constants}) {
    llvm::append_range(arguments, bindings->arguments);
    if (parser.resolveOperands(bindings->operands, bindings->types,
                               parser.getNameLoc(), result.operands))
      return failure();
  }
  if (takes && parser.resolveOperand(taken, index, result.operands))
    return failure();
  if (parser.parseRegion(*result.addRegion(), arguments))
    return failure();

  auto &properties = result.getOrAddProperties<Properties>();
  llvm::copy(
      ArrayRef<int32_t>({1, static_cast<int32_t>(carries.operands.size()),
                         static_cast<int32_t>(elements.operands.size()),
                         static_cast<int32_t>(constants.operands.size()),
                         takes ? 1 : 0}),
      properties.operandSegmentSizes.begin());
  if (reverse)
    properties.reverse = builder.getUnitAttr();
  result.addTypes(carries.types);
  result.addTypes(stacks);
  result.addTypes(sums);
  if (counted)
    result.addTypes(index);
  return success();
}
