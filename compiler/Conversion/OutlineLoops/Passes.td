//===- Passes.td - Large kernels as several functions ------*- tablegen -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_OUTLINELOOPS_PASSES_TD
#define LOCO_OUTLINELOOPS_PASSES_TD

include "mlir/Pass/PassBase.td"

def OutlineLoops : Pass<"loco-outline-loops", "::mlir::ModuleOp"> {
  let summary = "Makes functions of the loop nests of a large function";
  let description = [{
    Strength reduction and register allocation take more than proportionally long
    in a function of many loops; a kernel with convolutions has hundreds. In functions of
    more than `large` ops, loop nests that carry no values become functions of their own:
    the outermost ones of at most `most` ops, and those which cannot be divided
    further. Constants are made anew in them; all other values that they use become
    arguments. A nest of less than `least` ops is not worth a call.

    ```mlir
    func.func @kernel(%p: !llvm.ptr) {
      scf.for %t = %zero to %steps step %one : i64 {
        func.call @kernel.part0(%p, %t) : (!llvm.ptr, i64) -> ()
        func.call @kernel.part1(%p, %t) : (!llvm.ptr, i64) -> ()
      }
      return
    }
    ```
  }];
  let options = [
    Option<"large", "large", "int64_t", "2000", "ops of a function that is divided">,
    Option<"most", "most", "int64_t", "300", "ops of a piece">,
    Option<"least", "least", "int64_t", "40", "ops of a piece that is worth a call">];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect"];
}

#endif // LOCO_OUTLINELOOPS_PASSES_TD
