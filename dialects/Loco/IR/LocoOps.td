//===- LocoOps.td - Operations of the loco dialect ---------*- tablegen -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_OPS_TD
#define LOCO_OPS_TD

include "dialects/Loco/IR/LocoDialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Loco_Op<string mnemonic, list<Trait> traits = []> :
    Op<Loco_Dialect, mnemonic, traits>;

def Loco_Float : AnyTypeOf<[F32, F64]>;
def Loco_Field : RankedTensorOf<[F32, F64]>;

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

class Loco_ElementwiseOp<string mnemonic> :
    Loco_Op<mnemonic, [Pure, SameOperandsAndResultType] # ElementwiseMappable.traits> {
  let arguments = (ins Loco_Field:$operand);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}

def Loco_SigmoidOp : Loco_ElementwiseOp<"sigmoid"> {
  let summary = "logistic function";
  let description = [{
    `1 / (1 + exp(-x))`, accurate in both tails. Its derivative is `s (1 - s)`.
  }];
}

def Loco_SoftplusOp : Loco_ElementwiseOp<"softplus"> {
  let summary = "log(1 + exp(x))";
  let description = [{
    Never overflows: `max(x, 0) + log(1 + exp(-|x|))`. Its derivative is the
    sigmoid.
  }];
}

def Loco_StopGradientOp : Loco_Op<"stop_gradient", [Pure, SameOperandsAndResultType]> {
  let summary = "the operand, held constant in every derivative";
  let arguments = (ins Loco_Field:$operand);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

def Loco_BroadcastOp : Loco_Op<"broadcast", [Pure]> {
  let summary = "repeats a field along new axes";
  let description = [{
    `axes` lists, in increasing order, the axes of the result that are new; the
    others are those of the operand, in order. Transpose: `loco.reduce sum` over
    the same axes.

    ```mlir
    %1 = loco.broadcast %0 along [0] : tensor<54xf32> to tensor<24x54xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32, F64, I1]>:$operand, DenseI64ArrayAttr:$axes);
  let results = (outs RankedTensorOf<[F32, F64, I1]>:$result);
  let assemblyFormat = "$operand `along` $axes attr-dict `:` type($operand) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Loco_ReductionKind : I32EnumAttr<"ReductionKind", "how a reduction combines", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Max", 1, "max">]> {
  let cppNamespace = "::loco";
  let genSpecializedAttr = 0;
}
def Loco_ReductionKindAttr : EnumAttr<Loco_Dialect, Loco_ReductionKind, "reduction">;

def Loco_ReduceOp : Loco_Op<"reduce", [Pure]> {
  let summary = "sum or maximum over axes";
  let description = [{
    Removes the axes that `axes` lists in increasing order.

    ```mlir
    %1 = loco.reduce sum %0 over [0, 1] : tensor<36x36xf32> to tensor<f32>
    ```
  }];
  let arguments = (ins Loco_ReductionKindAttr:$kind, Loco_Field:$operand,
                       DenseI64ArrayAttr:$axes);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = [{
    `` $kind $operand `over` $axes attr-dict `:` type($operand) `to` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Loco_FirstMaxOp : Loco_Op<"first_max", [Pure, SameOperandsAndResultType]> {
  let summary = "marks the first maximum over axes";
  let description = [{
    1 at the first site (in row-major order over `axes`) that holds the maximum
    over these axes, 0 elsewhere: the derivative of `loco.reduce max`.
  }];
  let arguments = (ins Loco_Field:$operand, DenseI64ArrayAttr:$axes);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = "$operand `over` $axes attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Loco_ReshapeOp : Loco_Op<"reshape", [Pure]> {
  let summary = "the same elements, in row-major order, under another shape";
  let arguments = (ins Loco_Field:$operand);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = "$operand attr-dict `:` type($operand) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Loco_TransposeOp : Loco_Op<"transpose", [Pure, SameOperandsAndResultElementType]> {
  let summary = "permutes axes";
  let description = [{ Axis `i` of the result is axis `permutation[i]` of the operand. }];
  let arguments = (ins Loco_Field:$operand, DenseI64ArrayAttr:$permutation);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = [{
    $operand `by` $permutation attr-dict `:` type($operand) `to` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Loco_SliceOp : Loco_Op<"slice", [Pure, SameOperandsAndResultElementType]> {
  let summary = "a box of a field";
  let description = [{
    Starts at `offsets`, extends as far as the result's shape says. Transpose:
    `loco.pad` with low padding `offsets`.
  }];
  let arguments = (ins Loco_Field:$operand, DenseI64ArrayAttr:$offsets);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = "$operand `at` $offsets attr-dict `:` type($operand) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Loco_PadOp : Loco_Op<"pad", [Pure, SameOperandsAndResultElementType]> {
  let summary = "a field inside a larger one that is zero elsewhere";
  let description = [{ Puts the operand at `offsets`. Transpose: `loco.slice`. }];
  let arguments = (ins Loco_Field:$operand, DenseI64ArrayAttr:$offsets);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = "$operand `at` $offsets attr-dict `:` type($operand) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Loco_ConcatOp : Loco_Op<"concat", [Pure, SameOperandsAndResultElementType]> {
  let summary = "joins fields along an axis";
  let arguments = (ins Variadic<Loco_Field>:$operands, I64Attr:$axis);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = [{
    $operands `axis` $axis attr-dict `:` type($operands) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Loco_Boundary : I32EnumAttr<"Boundary", "what lies beyond the edge of a lattice", [
    I32EnumAttrCase<"Wrap", 0, "wrap">, I32EnumAttrCase<"Zero", 1, "zero">]> {
  let cppNamespace = "::loco";
  let genSpecializedAttr = 0;
}
def Loco_BoundaryAttr : EnumAttr<Loco_Dialect, Loco_Boundary, "boundary">;

def Loco_RollOp : Loco_Op<"roll", [Pure, SameOperandsAndResultType]> {
  let summary = "moves a field along an axis";
  let description = [{
    `result[i] = operand[i - distance]` along `axis`. What enters at the edge is
    what left at the other one (`wrap`) or zero (`zero`). Transpose: the roll by
    `-distance`. Along the leading axis of a stacked value this is a shift in time.
  }];
  let arguments = (ins Loco_Field:$operand, I64Attr:$axis, I64Attr:$distance,
                       Loco_BoundaryAttr:$boundary);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = [{
    $operand `axis` $axis `by` $distance `` $boundary attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

def Loco_ZerosOp : Loco_Op<"zeros", [Pure]> {
  let summary = "zero over time";
  let description = [{ A stacked value of `steps` steps that is zero. }];
  let arguments = (ins Index:$steps);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = "$steps attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Loco_CoordinateOp : Loco_Op<"coordinate", [Pure]> {
  let summary = "the index of each site along an axis, as a number";
  let arguments = (ins I64Attr:$axis);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = "$axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Loco_FromIndexOp : Loco_Op<"from_index", [Pure]> {
  let summary = "a step number or count as a scalar";
  let arguments = (ins Index:$operand);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = "$operand attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Loco_OneHotOp : Loco_Op<"one_hot", [Pure]> {
  let summary = "1 at the class that a label names, 0 elsewhere";
  let description = [{ A label outside the result's range gives all zeros. }];
  let arguments = (ins 0DTensorOf<[I32]>:$label);
  let results = (outs 1DTensorOf<[F32, F64]>:$result);
  let assemblyFormat = "$label attr-dict `:` type($label) `to` type($result)";
}

def Loco_Distribution : I32EnumAttr<"Distribution", "law of a random draw", [
    I32EnumAttrCase<"Uniform", 0, "uniform">, I32EnumAttrCase<"Normal", 1, "normal">]> {
  let cppNamespace = "::loco";
  let genSpecializedAttr = 0;
}
def Loco_DistributionAttr : EnumAttr<Loco_Dialect, Loco_Distribution, "distribution">;

def Loco_RandomOp : Loco_Op<"random", [Pure]> {
  let summary = "independent draws at every site";
  let description = [{
    Uniform on [0, 1) or standard normal, from Philox4x32-10: the key is the seed
    and `stream`, the counter is made of update, sample, `step` and site
    (`loco-c/random.h`). Pure: the same key, step and stream give the same numbers on
    every target and in recomputation. Has no derivative.
  }];
  let arguments = (ins Loco_DistributionAttr:$distribution, Loco_RandomKeyType:$key,
                       Index:$step, I64Attr:$stream);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = [{
    `` $distribution $key `at` $step `stream` $stream attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Bilinear forms
//===----------------------------------------------------------------------===//

def Loco_ContractOp : Loco_Op<"contract", [Pure, SameOperandsAndResultElementType]> {
  let summary = "sum of products over shared axes";
  let description = [{
    `equation` names the axes of both operands and of the result, one letter an
    axis: a letter that is missing in the result is summed over. Every letter
    of an operand stands in the other operand or in the result, and
    none twice in one tensor, so that the derivative by either operand is a contraction again.

    ```mlir
    %y = loco.contract "oi,i->o" %W, %x : tensor<8x5xf32>, tensor<5xf32> to tensor<8xf32>
    ```
  }];
  let arguments = (ins StrAttr:$equation, Loco_Field:$lhs, Loco_Field:$rhs);
  let results = (outs Loco_Field:$result);
  let assemblyFormat = [{
    $equation $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `to` type($result)
  }];
  let hasVerifier = 1;
}

class Loco_ConvBase<string mnemonic> :
    Loco_Op<mnemonic, [Pure, SameOperandsAndResultElementType]> {
  let results = (outs Loco_Field:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs `` $boundary `strides` $strides `low` $low (`groups` $groups^)? attr-dict
      `:` type($lhs) `,` type($rhs) `to` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Types of the three arguments of the trilinear form, whichever of them the
    /// result is.
    ::mlir::RankedTensorType getKernelType();
    ::mlir::RankedTensorType getFieldType();
    ::mlir::RankedTensorType getOutputType();
  }];
}

// The three share the attributes; the operands differ.
defvar convAttributes = (ins Loco_BoundaryAttr:$boundary, DenseI64ArrayAttr:$strides,
                             DenseI64ArrayAttr:$low, DefaultValuedAttr<I64Attr, "1">:$groups);

def Loco_ConvOp : Loco_ConvBase<"conv"> {
  let summary = "cross-correlation of a kernel with a field";
  let description = [{
    Derivative by the output of the trilinear form

        f(g, k, x) = sum over o, c, i, t of g[o, i] k[o, c, t] x[c, i * stride + t - low]

    that `conv_transpose` (derivative by the field) and `conv_outer` (by the
    kernel) share; each is the derivative of the others. Sites outside the
    field are taken around (`wrap`) or as zero (`zero`).

    Shapes: kernel `[out, in / groups, window...]`, field `[in, sites...]`, output
    `[out, sites...]`; without channels kernel `[window...]`, field `[sites...]`.

    ```mlir
    %y = loco.conv %k, %z wrap strides [1, 1] low [1, 1]
           : tensor<3x3xf32>, tensor<36x36xf32> to tensor<36x36xf32>
    ```
  }];
  let arguments = !con((ins Loco_Field:$lhs, Loco_Field:$rhs), convAttributes);
}

def Loco_ConvTransposeOp : Loco_ConvBase<"conv_transpose"> {
  let summary = "transposed cross-correlation";
  let description = [{ Operands: kernel and output-shaped field. See `loco.conv`. }];
  let arguments = !con((ins Loco_Field:$lhs, Loco_Field:$rhs), convAttributes);
}

def Loco_ConvOuterOp : Loco_ConvBase<"conv_outer"> {
  let summary = "gradient of a cross-correlation by its kernel";
  let description = [{ Operands: output-shaped field and field. See `loco.conv`. }];
  let arguments = !con((ins Loco_Field:$lhs, Loco_Field:$rhs), convAttributes);
}

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

#endif // LOCO_OPS_TD
