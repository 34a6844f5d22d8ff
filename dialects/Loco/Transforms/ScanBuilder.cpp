//===- ScanBuilder.cpp - Making a scan from parts of another --------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Loco/Transforms/ScanBuilder.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace loco;

ScanOp loco::buildScan(OpBuilder &builder, Location loc, const ScanParts &parts,
                       ArrayRef<Operation *> ops) {
  SmallVector<Value> inits, elements, constants;
  for (const ScanParts::Carry &carry : parts.carries)
    inits.push_back(carry.init);
  for (auto &[value, outside] : parts.elements)
    elements.push_back(outside);
  for (auto &[value, outside] : parts.constants)
    constants.push_back(outside);
  SmallVector<Type> stackTypes, sumTypes;
  for (Value value : parts.stacks)
    stackTypes.push_back(getStackedType(value.getType()));
  for (Value value : parts.sums)
    sumTypes.push_back(value.getType());
  auto scan = ScanOp::create(builder, loc, parts.steps, inits, elements,
                             constants, stackTypes, sumTypes, parts.reverse,
                             parts.taken, parts.condition != nullptr);

  IRMapping mapping;
  mapping.map(parts.step, scan.getStep());
  for (auto [carry, argument] :
       llvm::zip(parts.carries, scan.getCarryArguments()))
    mapping.map(carry.argument, argument);
  for (auto [element, argument] :
       llvm::zip(parts.elements, scan.getElementArguments()))
    mapping.map(element.first, argument);
  for (auto [constant, argument] :
       llvm::zip(parts.constants, scan.getConstantArguments()))
    mapping.map(constant.first, argument);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(scan.getBlock());
  for (Operation *op : ops)
    builder.clone(*op, mapping);
  SmallVector<Value> next, stacks, sums;
  for (const ScanParts::Carry &carry : parts.carries)
    next.push_back(mapping.lookup(carry.next));
  for (Value value : parts.stacks)
    stacks.push_back(mapping.lookup(value));
  for (Value value : parts.sums)
    sums.push_back(mapping.lookup(value));
  YieldOp::create(builder, loc, next, stacks, sums,
                  mapping.lookupOrNull(parts.condition));
  return scan;
}

ScanParts loco::partsOf(ScanOp scan) {
  ScanParts parts;
  parts.steps = scan.getSteps();
  parts.reverse = scan.getReverse();
  parts.step = scan.getStep();
  parts.taken = scan.getTaken();
  parts.condition = scan.getYield().getCondition();
  YieldOp yield = scan.getYield();
  for (auto [argument, init, next] :
       llvm::zip(scan.getCarryArguments(), scan.getInits(), yield.getCarries()))
    parts.carries.push_back({argument, init, next});
  for (auto [argument, operand] :
       llvm::zip(scan.getElementArguments(), scan.getElements()))
    parts.elements.insert({argument, operand});
  for (auto [argument, operand] :
       llvm::zip(scan.getConstantArguments(), scan.getConstants()))
    parts.constants.insert({argument, operand});
  llvm::append_range(parts.stacks, yield.getStacks());
  llvm::append_range(parts.sums, yield.getSums());
  return parts;
}
