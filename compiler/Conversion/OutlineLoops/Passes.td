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
    Strength reduction takes more than proportionally long in the terms that addresses
    are made of; a kernel with convolutions has hundreds of loops with tens of terms
    each. In functions of more than `large` ops, what stands in the bodies of loops over
    time and samples becomes functions of their own, in pieces of about `most` ops after
    which nothing of them is needed. Constants are made anew in them; all other values that
    they use become arguments: addresses as one pointer, whatever it was made of. The loops
    that stay hide the number of their turn behind an empty `llvm.inline_asm`. A
    nest is not divided if its code is mostly that of one loop inside; a piece
    of less than `least` ops is not worth a call.

    ```mlir
    func.func @kernel(%p: !llvm.ptr) {
      ...
      scf.for %t = %zero to %steps step %one : i64 {
        func.call @kernel.part0(%p0) : (!llvm.ptr) -> ()
        func.call @kernel.part1(%p1, %x) : (!llvm.ptr, f32) -> ()
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

def MergeParts : Pass<"loco-merge-parts", "::mlir::ModuleOp"> {
  let summary = "Makes one function of those that differ in numbers alone";
  let description = [{
    Private functions with one call each, as `loco-outline-loops` leaves them, that have
    the same ops in the same order become one. For the integers in which they differ
    (extents, distances between rows) it gets what they are more than those of the first
    one; numbers that are as much more have one argument. What is divided by stays known.

    ```mlir
    func.call @kernel.part0(%p, %c0) : (!llvm.ptr, i64) -> ()
    func.call @kernel.part0(%q, %c16) : (!llvm.ptr, i64) -> ()
    ```
  }];
  let statistics = [
    Statistic<"numMerged", "merged", "functions that another one replaces">];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::arith::ArithDialect"];
}

#endif // LOCO_OUTLINELOOPS_PASSES_TD
