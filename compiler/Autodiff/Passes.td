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

def PlanResiduals : Pass<"loco-plan-residuals"> {
  let summary = "Decides what a reverse time loop reads instead of computing it again";
  let description = [{
    Needs the pairs of loops that `loco-create-vjp` leaves, before any other pass
    touches them; removes their marks. With the policy `store`, a value that
    the backward pass needs and that costs more than a few elementwise operations
    (a coupling, a reduction, a transcendental function, a random draw) is
    stacked by the forward loop; cheap ones are computed again from what is
    stored. With `recompute`, the reverse loop computes each step again from its
    carries.
  }];
  let options = [
    Option<"policy", "policy", "std::string", "\"store\"", "`store` or `recompute`">];
  let statistics = [Statistic<"numStored", "stored", "values stacked for the backward pass">];
  let dependentDialects = ["::loco::LocoDialect"];
}

#endif // LOCO_AUTODIFF_PASSES_TD
