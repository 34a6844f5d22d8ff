//===- Passes.td - Passes from the dialect to itself -------*- tablegen -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_TRANSFORMS_PASSES_TD
#define LOCO_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def SimplifyScans : Pass<"loco-simplify-scans", "::mlir::func::FuncOp"> {
  let summary = "Removes from time loops what they need not do";
  let description = [{
    Moves what is the same in every step in front of the loop; removes stacks,
    sums and carries that nobody needs, and elements, constants and stacks that are
    there twice; reads a stack of an unchanged element from the element; puts
    constants where they are used.
  }];
  let dependentDialects = ["::loco::LocoDialect"];
}

def Fission : Pass<"loco-fission", "::mlir::func::FuncOp"> {
  let summary = "Takes large products out of the time loop where the state allows it";
  let description = [{
    A contraction of at least `threshold` multiplications a step that does not depend
    on the carries, or that no carry depends on, becomes a map over time of its
    own: one matrix product over all steps. What it needs is stacked before, what
    needs it runs in maps after it. Everything else stays in one loop. A
    contraction whose result is only summed over the steps (the gradient of a
    weight) is taken out the same way.

    Expects `loco-simplify-scans` to have run.
  }];
  let options = [Option<"threshold", "threshold", "int64_t", "4096",
                        "multiplications of a contraction worth a library call">];
  let dependentDialects = ["::loco::LocoDialect"];
}

#endif // LOCO_TRANSFORMS_PASSES_TD
