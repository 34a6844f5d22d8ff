//===- SourceLines.cpp - Lines of the source in PTX -----------------------===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A profiler of GPU code shows lines of the source where PTX says `.loc`. LLVM
// writes it for instructions that have a place within a function known to
// debuggers, which generated kernels are not yet.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/NVPTX/NVPTXTarget.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/Support/Path.h"

using namespace mlir;

/// The line that an op was made from; none for what the compiler added.
static FileLineColLoc findLine(Location location) {
  if (auto line = dyn_cast<FileLineColLoc>(location))
    return line;
  if (auto name = dyn_cast<NameLoc>(location))
    return findLine(name.getChildLoc());
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return findLine(call.getCallee());
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (FileLineColLoc line = findLine(part))
        return line;
  return {};
}

static LLVM::DIFileAttr fileOf(MLIRContext *context, StringRef path) {
  return LLVM::DIFileAttr::get(context, llvm::sys::path::filename(path),
                               llvm::sys::path::parent_path(path));
}

void loco::addSourceLines(gpu::GPUModuleOp module) {
  MLIRContext *context = module.getContext();
  // The file of most ops is that of the functions; others are named beside
  // their lines.
  LLVM::DIFileAttr mainFile;
  module.walk([&](Operation *op) {
    if (FileLineColLoc line = findLine(op->getLoc()); line && !mainFile)
      mainFile = fileOf(context, line.getFilename());
  });
  if (!mainFile)
    return;
  auto unit = LLVM::DICompileUnitAttr::get(
      DistinctAttr::create(UnitAttr::get(context)), llvm::dwarf::DW_LANG_C,
      mainFile, StringAttr::get(context, "loco"), /*isOptimized=*/true,
      LLVM::DIEmissionKind::DebugDirectivesOnly);
  auto type = LLVM::DISubroutineTypeAttr::get(context, {});
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    if (function.isExternal())
      continue;
    auto program = LLVM::DISubprogramAttr::get(
        context, DistinctAttr::create(UnitAttr::get(context)), unit, mainFile,
        function.getNameAttr(), function.getNameAttr(), mainFile, /*line=*/1,
        /*scopeLine=*/1,
        LLVM::DISubprogramFlags::Definition |
            LLVM::DISubprogramFlags::Optimized,
        type, /*retainedNodes=*/{}, /*annotations=*/{});
    auto start = FileLineColLoc::get(mainFile.getName(), 1, 1);
    function->setLoc(FusedLoc::get(context, {start}, program));
    function.getBody().walk([&](Operation *op) {
      FileLineColLoc line = findLine(op->getLoc());
      if (!line)
        return op->setLoc(UnknownLoc::get(context));
      LLVM::DIFileAttr file = fileOf(context, line.getFilename());
      if (file == mainFile)
        return op->setLoc(line);
      auto other = LLVM::DILexicalBlockFileAttr::get(program, file, 0);
      op->setLoc(FusedLoc::get(context, {line}, other));
    });
  }
}
