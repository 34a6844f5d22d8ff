//===- LocoDialect.td - The loco dialect -------------------*- tablegen -*-===//
//
// Part of loco, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LOCO_DIALECT_TD
#define LOCO_DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/DialectBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Loco_Dialect : Dialect {
  let name = "loco";
  let summary = "Trainable oscillator networks: fields, couplings and time loops";
  let description = [{
    A value is a tensor: a scalar (`tensor<f32>`), or a field over the axes of a
    space, channels first (`tensor<16x36x36xf32>`). Programs are pure, arrays stay
    arrays and time stays a loop (`loco.scan`). Functions describe one sample; the
    batch is introduced by a pass.

    Only the leading axis of a value that is stacked over time is dynamic
    (`tensor<?x36x36xf32>`). Elementwise mathematics is upstream `arith` and
    `math` on tensors of equal shape; every broadcast is written.

    The op set is closed under differentiation: the derivative of each op is made
    of ops of this set. Linear ops come with their transpose: `broadcast` and
    `reduce` sum, `slice` and `pad`, `at` and `place`, `roll` and `roll` back,
    `conv` and `conv_transpose` and `conv_outer`, `contract` and `contract`.
  }];
  let cppNamespace = "::loco";
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::math::MathDialect",
                           "mlir::func::FuncDialect"];
}

class Loco_Type<string name, string typeMnemonic> : TypeDef<Loco_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Loco_RandomKeyType : Loco_Type<"RandomKey", "random_key"> {
  let summary = "seed, update and sample: the counters of all random draws";
  let description = [{
    Known only at run time and different for every sample. Together with the
    stream and the step it determines a draw (`loco.random`), on every target.
  }];
}

class Loco_Op<string mnemonic, list<Trait> traits = []> :
    Op<Loco_Dialect, mnemonic, traits>;

def Loco_Float : AnyTypeOf<[F32, F64]>;
def Loco_Field : RankedTensorOf<[F32, F64]>;

#endif // LOCO_DIALECT_TD
