//===- LocoOps.td - Operations of the loco dialect ---------*- tablegen -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_OPS_TD
#define LOCO_OPS_TD

include "dialects/Loco/IR/LocoDialect.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

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

// The ops with a body, and those that live in it.
include "dialects/Loco/IR/LocoLoopOps.td"

#endif // LOCO_OPS_TD
