//===- Passes.td - Passes of the autodiff ------------------*- tablegen -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_AUTODIFF_PASSES_TD
#define LOCO_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

class DerivativePass<string flag, string mode> : Pass<flag, "::mlir::ModuleOp"> {
  let summary = "Adds the derivative of a function, in " # mode # " mode";
  let description = [{
    Adds the function `name` beside `function`; see `compiler/Autodiff/Autodiff.h`
    for its arguments and results. With no `arguments` given, all that are
    differentiable are taken.
  }];
  let options = [
    Option<"function", "function", "std::string", "", "function to differentiate">,
    ListOption<"arguments", "arguments", "unsigned", "positions of the arguments to differentiate by">,
    Option<"name", "name", "std::string", "", "name of the derivative">];
  let dependentDialects = ["::loco::LocoDialect"];
}

def CreateVJP : DerivativePass<"loco-create-vjp", "reverse">;
def CreateJVP : DerivativePass<"loco-create-jvp", "forward">;

def ExpandGradients : Pass<"loco-expand-gradients", "::mlir::ModuleOp"> {
  let summary = "Replaces derivatives inside of programs by the ops of reverse mode";
  let description = [{
    Comes before everything else: no other pass, and no derivative of a function, knows
    `loco.gradient`. Inner ones are expanded before those around them, so that a derivative
    of a derivative is no special case. Derivatives of the same scalar share its ops
    afterwards. An op without a derivative is an error at its place.

    ```mlir
    %g = loco.gradient by(%x = %a : tensor<f32>) with(%k = %b : tensor<f32>) {
      %0 = arith.mulf %x, %k : tensor<f32>
      loco.yield sum(%0 : tensor<f32>)
    }
    // becomes
    %one = arith.constant dense<1.0> : tensor<f32>
    %g = arith.mulf %one, %b : tensor<f32>
    ```
  }];
  let dependentDialects = ["::loco::LocoDialect"];
}

def ExpandTangents : Pass<"loco-expand-tangents", "::mlir::ModuleOp"> {
  let summary = "Lets differences between states go along where a model asks for it";
  let description = [{
    Replaces a function whose attribute `loco.tangents` names states by its derivative in
    forward mode, under the same name. Of its results only those of the role `carry` remain.
    For each state `s`, an argument `carry/s` and a result of that name, there is then an
    argument `tangent/s` and a result `tangent/s`: a small difference in the states at the
    beginning, and what it is at the end. Comes after `loco-expand-gradients`.
  }];
  let dependentDialects = ["::loco::LocoDialect"];
}

def PlanResiduals : Pass<"loco-plan-residuals"> {
  let summary = "Decides what a reverse time loop reads instead of computing it again";
  let description = [{
    Needs the pairs of loops that `loco-create-vjp` leaves, before any other pass
    touches them; removes their marks. With the policy `store`, a value that
    the backward pass needs and that costs more than a few elementwise operations
    (a coupling, a reduction, a transcendental function, a random draw) is
    stacked by the forward loop; cheap ones are computed again from what is
    stored. With `recompute`, the reverse loop computes each step again from its
    carries. With both it reads what a carry was after the step, too, where that
    tells something costly: the side of a `relu`, the value of a `tanh` that is the
    new state.
  }];
  let options = [
    Option<"policy", "policy", "std::string", "\"store\"", "`store` or `recompute`">];
  let dependentDialects = ["::loco::LocoDialect"];
}

def SegmentLoops : Pass<"loco-segment-loops"> {
  let summary = "Keeps the states of some steps only, and runs what lies between again";
  let description = [{
    Needs the pairs of loops that `loco-create-vjp` leaves, and comes before
    `loco-plan-residuals`. Both loops of a pair become loops over segments of
    `loco.segment` steps: the forward one keeps the carries at the start of every
    segment; the backward one runs a segment once more from there, then goes back over
    it. These two are a pair again, whose residuals last for a segment. A pair that is
    not divided (loops that end early, loops of a fixed number of steps) loses its
    marks, so that it stores nothing but its carries.
  }];
  let dependentDialects = ["::loco::LocoDialect"];
}

#endif // LOCO_AUTODIFF_PASSES_TD
