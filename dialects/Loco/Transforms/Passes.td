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

def MoveSums : Pass<"loco-move-sums", "::mlir::func::FuncOp"> {
  let summary = "Makes sums on the way back that are made of what it reads anyway";
  let description = [{
    The forward loop of a pair often sums a loss up, and reads its target for that
    alone; the reverse loop reads the target again, and computes the same difference.
    Such a sum is made in the reverse loop only, where that costs a few operations.
    Needs loops without leftovers (`loco-simplify-scans`), and leaves some.
  }];
  let dependentDialects = ["::loco::LocoDialect", "::mlir::arith::ArithDialect"];
}

def SplitSums : Pass<"loco-split-sums", "::mlir::func::FuncOp"> {
  let summary = "Divides sums over a field of a time loop that wait for another sum";
  let description = [{
    A sum of what another sum over the same sites is a factor of becomes sums that
    can be made in the same pass over the sites, and little arithmetic on numbers:
    the way back through a layer norm has a pass less.

    ```mlir
    %0 = loco.reduce sum %a over [0] : tensor<5xf32> to tensor<f32>
    %1 = loco.broadcast %0 along [0] : tensor<f32> to tensor<5xf32>
    %2 = arith.mulf %1, %b : tensor<5xf32>
    %3 = arith.addf %c, %2 : tensor<5xf32>
    %4 = loco.reduce sum %3 over [0] : tensor<5xf32> to tensor<f32>
    // becomes
    %3 = loco.reduce sum %c over [0] : tensor<5xf32> to tensor<f32>
    %4 = loco.reduce sum %b over [0] : tensor<5xf32> to tensor<f32>
    %5 = arith.mulf %0, %4 : tensor<f32>
    %6 = arith.addf %3, %5 : tensor<f32>
    ```
  }];
  let dependentDialects = ["::loco::LocoDialect", "::mlir::arith::ArithDialect"];
}

def SimplifyPieces : Pass<"loco-simplify-pieces", "::mlir::func::FuncOp"> {
  let summary = "Computes the pieces of a vector where they are used, and joins them there";
  let description = [{
    Slices of a sum become sums of slices where nothing needs the whole, a row of a
    reshaped vector a slice of the vector, and a sum of pads that lie beside each
    other a concatenation: the gates of a cell and their derivatives. A contraction
    over an axis of one element becomes a multiplication.

    ```mlir
    %0 = loco.pad %a at [0, 0] : tensor<1x3xf32> to tensor<2x3xf32>
    %1 = loco.pad %b at [1, 0] : tensor<1x3xf32> to tensor<2x3xf32>
    %2 = arith.addf %0, %1 : tensor<2x3xf32>
    // becomes
    %2 = loco.concat %a, %b axis 0 : tensor<1x3xf32>, tensor<1x3xf32> to tensor<2x3xf32>
    ```
  }];
  let dependentDialects = ["::loco::LocoDialect", "::mlir::arith::ArithDialect"];
}

def SeparateStencils : Pass<"loco-separate-stencils", "::mlir::func::FuncOp"> {
  let summary = "Makes sums over fields of sums over sines of differences";
  let description = [{
    In a stencil whose body has a sine or cosine of a difference of neighbour and
    centre, `sin(n - c)` becomes `sin(n) cos(c) - cos(n) sin(c)`, and what belongs to the
    centre leaves the sum over the neighbourhood. In place of a sine for every pair of
    sites there are two for every site. An error grows to a few roundings of
    the two phases themselves, also where they are close (docs/rationale/Stencils.md).
  }];
  let dependentDialects = ["::loco::LocoDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def Fission : Pass<"loco-fission", "::mlir::func::FuncOp"> {
  let summary = "Takes large products out of the time loop where the state allows it";
  let description = [{
    A contraction of at least `threshold` multiplications a step that does not depend
    on the carries, or that no carry depends on, becomes a map over time of its
    own: one matrix product over all steps. What it needs is stacked before, what
    needs it runs in maps after it. Everything else stays in one loop. A
    contraction whose result is only summed over the steps (the gradient of a
    weight) is taken out the same way, also where several are added up first.

    Convolutions leave the loop only where `convolutions` says so, which is for
    targets with a library of them: those with at least so many elements in
    their kernel, as that library knows them (Margins.h), in the loop and in the
    function around it.

    Expects `loco-simplify-scans` to have run.
  }];
  let options = [Option<"threshold", "threshold", "int64_t", "4096",
                        "multiplications of a contraction worth a library call">,
                 Option<"convolutions", "convolutions", "int64_t", "0",
                        "elements of a kernel whose convolution is a library's; 0: none is">];
  let dependentDialects = ["::loco::LocoDialect"];
}

#endif // LOCO_TRANSFORMS_PASSES_TD
