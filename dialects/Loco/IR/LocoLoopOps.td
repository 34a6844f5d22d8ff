//===- LocoLoopOps.td - Ops with a body, and ops in it -----*- tablegen -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A sum over a neighbourhood, the loop over time, the gradient of a function inside a
// step; and the ops on values that are stacked over time, whole or in segments.
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_LOOP_OPS_TD
#define LOCO_LOOP_OPS_TD

include "dialects/Loco/IR/LocoDialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

def Loco_StencilOp : Loco_Op<"stencil", [Pure, IsolatedFromAbove, SingleBlock,
    AttrSizedOperandSegments, RecursiveMemoryEffects]> {
  let summary = "sum over a neighbourhood of a function of centre and neighbour";
  let description = [{
    `result[i] = sum over d in offsets of body(centres[i], neighbours[i + d])`.
    The body takes the centre fields, then the neighbour fields moved by one
    offset, and is elementwise, with constants that are equal at all sites. `offsets` holds one displacement per `rank` numbers.
    Neighbours beyond the edge are taken around (`wrap`), or their term is left out
    (`zero`). The derivative is made of stencils over the same and the negated offsets.
  }];
  let arguments = (ins Variadic<Loco_Field>:$centres, Variadic<Loco_Field>:$neighbours,
                       DenseI64ArrayAttr:$offsets, Loco_BoundaryAttr:$boundary);
  let results = (outs Variadic<Loco_Field>:$fields);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Loco_ScanOp : Loco_Op<"scan", [Pure, IsolatedFromAbove, SingleBlock,
    AttrSizedOperandSegments, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "a loop over time";
  let description = [{
    Runs the body for steps 0 to `steps` - 1, or from the last to the first
    (`reverse`). Four kinds of operand and result, which differentiation only
    exchanges:

    - `carry`: initial values, handed from step to step; results: final values;
    - `each`: stacked values, of which a step sees its own; `stack` results collect one
      value per step;
    - `with`: values that every step sees; `sum` results add up over the steps;
    - the direction.

    `taking n` runs the first n of the `steps` only (backwards from n - 1 in `reverse`);
    stacks are zero at the others. With `while` the body itself says when to end: a
    step follows only if the condition that the one before it yields is true. The
    number of steps that were run is one more result, for the `taking` of the loop
    that goes back over them. No derivative passes through either.

    The body's arguments are the step, the carries, the elements, the constants; it
    ends in `loco.yield` of new carries, stacked values, summands. A scan
    without carries is a map over time.

    ```mlir
    %last, %all, %total = loco.scan %t below %T carry(%z = %z0 : tensor<8xf32>)
        each(%x = %xs : tensor<?x8xf32>) with(%a = %c : tensor<8xf32>)
        stack(tensor<?x8xf32>) sum(tensor<8xf32>) {
      %0 = arith.mulf %a, %z : tensor<8xf32>
      %1 = arith.addf %0, %x : tensor<8xf32>
      loco.yield carry(%1 : tensor<8xf32>) stack(%1 : tensor<8xf32>) sum(%0 : tensor<8xf32>)
    }
    ```
  }];
  let arguments = (ins Index:$steps, Variadic<Loco_Field>:$inits, Variadic<AnyRankedTensor>:$elements,
                       Variadic<AnyType>:$constants, Optional<Index>:$taken, UnitAttr:$reverse);
  let results = (outs Variadic<AnyTypeOf<[AnyRankedTensor, Index]>>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    // The body's block with its arguments is made; its ops and `yield` are left to
    // the caller. Types of stacked results are those of the stacks. `counted` adds the
    // result of a loop whose body yields a condition.
    OpBuilder<(ins "::mlir::Value":$steps, "::mlir::ValueRange":$inits,
                   "::mlir::ValueRange":$elements, "::mlir::ValueRange":$constants,
                   "::mlir::TypeRange":$stackTypes, "::mlir::TypeRange":$sumTypes,
                   CArg<"bool", "false">:$reverse, CArg<"::mlir::Value", "{}">:$taken,
                   CArg<"bool", "false">:$counted)>
  ];
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
    YieldOp getYield();

    ::mlir::BlockArgument getStep() { return getBlock()->getArgument(0); }
    ::mlir::Block::BlockArgListType getCarryArguments();
    ::mlir::Block::BlockArgListType getElementArguments();
    ::mlir::Block::BlockArgListType getConstantArguments();

    unsigned getNumStacks();
    ::mlir::ResultRange getFinals();
    ::mlir::ResultRange getStacks();
    ::mlir::ResultRange getSums();

    /// True if the body yields a condition.
    bool isCounted() {
      unsigned count = getNumResults();
      return count && getResult(count - 1).getType().isIndex();
    }
    /// The number of steps that were run; null if the body yields no condition.
    ::mlir::Value getCount() {
      return isCounted() ? getResult(getNumResults() - 1) : ::mlir::Value();
    }
    /// True if the loop may end before its last step.
    bool isPartial() { return getTaken() || isCounted(); }
  }];
}

def Loco_GradientOp : Loco_Op<"gradient", [Pure, IsolatedFromAbove, SingleBlock,
    AttrSizedOperandSegments, RecursiveMemoryEffects]> {
  let summary = "derivative of a scalar by some of the values that it is made of";
  let description = [{
    The body computes one scalar, its `sum`, from `variables` and `constants`; result i is
    its derivative by variable i. What a constant was made of does not matter: it is held.

    ```mlir
    %dq, %dp = loco.gradient by(%q = %q0 : tensor<8xf32>, %p = %p0 : tensor<8xf32>)
        with(%k = %stiffness : tensor<8xf32>) {
      %0 = arith.mulf %k, %q : tensor<8xf32>
      %1 = loco.contract "i,i->" %0, %q : tensor<8xf32>, tensor<8xf32> to tensor<f32>
      %2 = loco.contract "i,i->" %p, %p : tensor<8xf32>, tensor<8xf32> to tensor<f32>
      %3 = arith.addf %1, %2 : tensor<f32>
      loco.yield sum(%3 : tensor<f32>)
    }
    ```

    `loco-expand-gradients` replaces it by the ops of reverse mode, before anything else;
    what it leaves can be differentiated again. The interpreter takes finite differences.
  }];
  let arguments = (ins Variadic<Loco_Field>:$variables, Variadic<AnyType>:$constants);
  let results = (outs Variadic<Loco_Field>:$gradients);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    // The body's block with its arguments is made; its ops and `yield` are left to
    // the caller.
    OpBuilder<(ins "::mlir::ValueRange":$variables, "::mlir::ValueRange":$constants)>
  ];
  let extraClassDeclaration = [{
    ::mlir::Block *getBlock() { return &getBody().front(); }
    YieldOp getYield();
    ::mlir::Block::BlockArgListType getVariableArguments();
    ::mlir::Block::BlockArgListType getConstantArguments();
  }];
}

def Loco_YieldOp : Loco_Op<"yield", [Pure, Terminator, AttrSizedOperandSegments,
    ParentOneOf<["GradientOp", "ScanOp", "StencilOp"]>]> {
  let summary = "values that the body of a scan, stencil or gradient gives";
  let description = [{
    A stencil's body yields `stack` values only: its summands. A gradient's yields one
    `sum`: the scalar to differentiate.
  }];
  let arguments = (ins Variadic<Loco_Field>:$carries, Variadic<AnyRankedTensor>:$stacks,
                       Variadic<Loco_Field>:$sums, Optional<0DTensorOf<[I1]>>:$condition);
  let builders = [
    OpBuilder<(ins "::mlir::ValueRange":$carries, "::mlir::ValueRange":$stacks,
                   "::mlir::ValueRange":$sums), [{
      build($_builder, $_state, carries, stacks, sums, ::mlir::Value());
    }]>
  ];
  let assemblyFormat = [{
    (`carry` `(` $carries^ `:` type($carries) `)`)?
    (`stack` `(` $stacks^ `:` type($stacks) `)`)?
    (`sum` `(` $sums^ `:` type($sums) `)`)?
    (`while` `(` $condition^ `:` type($condition) `)`)? attr-dict
  }];
}

def Loco_AtOp : Loco_Op<"at", [Pure]> {
  let summary = "one step of a stacked value";
  let description = [{ Transpose: `loco.place`. }];
  let arguments = (ins AnyRankedTensor:$operand, Index:$step);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $operand `[` $step `]` attr-dict `:` type($operand) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Loco_PlaceOp : Loco_Op<"place", [Pure]> {
  let summary = "a stacked value that is zero but at one step";
  let description = [{ Transpose: `loco.at`. }];
  let arguments = (ins Loco_Field:$operand, Index:$step, Index:$steps);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = [{
    $operand `at` $step `of` $steps attr-dict `:` type($operand) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Loco_WindowOp : Loco_Op<"window", [Pure]> {
  let summary = "some steps of a stacked value";
  let description = [{
    Steps `first` to `first + steps - 1`; those beyond the end are zero. Transpose:
    `loco.place_window`.
  }];
  let arguments = (ins AnyRankedTensor:$operand, Index:$first, Index:$steps);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $operand `from` $first `for` $steps attr-dict `:` type($operand) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Loco_PlaceWindowOp : Loco_Op<"place_window", [Pure]> {
  let summary = "a stacked value that is zero but at some steps";
  let description = [{
    A value of `steps` steps that is `operand` from step `first` on; what lies beyond the
    end is left out. Transpose: `loco.window`.
  }];
  let arguments = (ins Loco_Field:$operand, Index:$first, Index:$steps);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = [{
    $operand `from` $first `of` $steps attr-dict `:` type($operand) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Loco_SegmentOp : Loco_Op<"segment", [Pure]> {
  let summary = "how a loop over time is divided";
  let description = [{
    `length` is a number of steps that the execution chooses, at least 1 and, if there are
    steps, at most their number; `count` is how many segments of it `steps` make, the
    last of which may be shorter. Results of a program depend on the choice by rounding
    only. All segments of one call have the same length.
  }];
  let arguments = (ins Index:$steps);
  let results = (outs Index:$length, Index:$count);
  let assemblyFormat = "$steps attr-dict";
}

def Loco_LengthOp : Loco_Op<"length", [Pure]> {
  let summary = "number of steps of a stacked value";
  let arguments = (ins AnyRankedTensor:$operand);
  let results = (outs Index:$steps);
  let assemblyFormat = "$operand attr-dict `:` type($operand)";
  let hasVerifier = 1;
}

#endif // LOCO_LOOP_OPS_TD
