// Every op with a derivative, in small functions.
// RUN: loco-test-derivatives %s | FileCheck %s
// CHECK-NOT: WRONG
// CHECK: all derivatives agree

func.func @arithmetic(%a: tensor<3x5xf64>, %b: tensor<3x5xf64>) -> tensor<3x5xf64> {
  %one = arith.constant dense<1.5> : tensor<3x5xf64>
  %0 = arith.mulf %b, %b : tensor<3x5xf64>
  %1 = arith.addf %0, %one : tensor<3x5xf64>
  %2 = arith.divf %a, %1 : tensor<3x5xf64>
  %3 = arith.subf %2, %b : tensor<3x5xf64>
  %4 = arith.negf %3 : tensor<3x5xf64>
  return %4 : tensor<3x5xf64>
}

func.func @choices(%a: tensor<17xf64>, %b: tensor<17xf64>) -> tensor<17xf64> {
  %0 = arith.maximumf %a, %b : tensor<17xf64>
  %1 = arith.minimumf %a, %0 : tensor<17xf64>
  %2 = math.absf %1 : tensor<17xf64>
  %c = arith.cmpf olt, %a, %b : tensor<17xf64>
  %3 = arith.select %c, %2, %b : tensor<17xi1>, tensor<17xf64>
  %4 = arith.mulf %3, %0 : tensor<17xf64>
  return %4 : tensor<17xf64>
}

func.func @functions(%a: tensor<7xf64>, %b: tensor<7xf64>) -> tensor<7xf64> {
  %c2 = arith.constant dense<2.0> : tensor<7xf64>
  %0 = math.tanh %a : tensor<7xf64>
  %1 = math.exp %0 : tensor<7xf64>
  %2 = math.log %1 : tensor<7xf64>
  %3 = math.sin %2 : tensor<7xf64>
  %4 = math.cos %b : tensor<7xf64>
  %5 = arith.addf %3, %c2 : tensor<7xf64>
  %6 = math.sqrt %5 : tensor<7xf64>
  %7 = math.rsqrt %5 : tensor<7xf64>
  %8 = math.powf %5, %4 : tensor<7xf64>
  %9 = math.atan2 %6, %8 : tensor<7xf64>
  %10 = loco.sigmoid %9 : tensor<7xf64>
  %11 = loco.softplus %10 : tensor<7xf64>
  %12 = math.log1p %11 : tensor<7xf64>
  %13 = math.expm1 %12 : tensor<7xf64>
  %14 = arith.mulf %13, %7 : tensor<7xf64>
  return %14 : tensor<7xf64>
}

func.func @shapes(%a: tensor<3x4xf64>) -> (tensor<f64>, tensor<2x6xf64>, tensor<4xf64>) {
  %0 = loco.reduce sum %a over [0] : tensor<3x4xf64> to tensor<4xf64>
  %1 = loco.broadcast %0 along [0] : tensor<4xf64> to tensor<3x4xf64>
  %2 = arith.mulf %1, %a : tensor<3x4xf64>
  %3 = loco.transpose %2 by [1, 0] : tensor<3x4xf64> to tensor<4x3xf64>
  %4 = loco.reshape %3 : tensor<4x3xf64> to tensor<2x6xf64>
  %5 = loco.slice %4 at [0, 1] : tensor<2x6xf64> to tensor<2x3xf64>
  %6 = loco.pad %5 at [1, 2] : tensor<2x3xf64> to tensor<3x6xf64>
  %7 = loco.slice %6 at [1, 0] : tensor<3x6xf64> to tensor<2x6xf64>
  %8 = loco.concat %5, %5 axis 1 : tensor<2x3xf64>, tensor<2x3xf64> to tensor<2x6xf64>
  %9 = arith.mulf %7, %8 : tensor<2x6xf64>
  %10 = loco.roll %9 axis 1 by 2 wrap : tensor<2x6xf64>
  %11 = loco.roll %10 axis 0 by -1 zero : tensor<2x6xf64>
  %12 = arith.mulf %10, %4 : tensor<2x6xf64>
  %13 = loco.reduce max %a over [0] : tensor<3x4xf64> to tensor<4xf64>
  %14 = loco.reduce sum %12 over [0, 1] : tensor<2x6xf64> to tensor<f64>
  return %14, %11, %13 : tensor<f64>, tensor<2x6xf64>, tensor<4xf64>
}

func.func @contractions(%w: tensor<4x5xf64>, %x: tensor<5xf64>, %b: tensor<3x4x5xf64>)
    -> (tensor<4xf64>, tensor<4x5xf64>, tensor<3x4xf64>) {
  %0 = loco.contract "oi,i->o" %w, %x : tensor<4x5xf64>, tensor<5xf64> to tensor<4xf64>
  %1 = loco.contract "o,i->oi" %0, %x : tensor<4xf64>, tensor<5xf64> to tensor<4x5xf64>
  %2 = loco.contract "bki,ki->bk" %b, %1 : tensor<3x4x5xf64>, tensor<4x5xf64> to tensor<3x4xf64>
  return %0, %1, %2 : tensor<4xf64>, tensor<4x5xf64>, tensor<3x4xf64>
}

func.func @lattice(%k: tensor<3x3xf64>, %z: tensor<5x7xf64>) -> tensor<5x7xf64> {
  %0 = loco.conv %k, %z wrap strides [1, 1] low [1, 1] : tensor<3x3xf64>, tensor<5x7xf64> to tensor<5x7xf64>
  %1 = loco.conv %k, %0 zero strides [1, 1] low [1, 1] : tensor<3x3xf64>, tensor<5x7xf64> to tensor<5x7xf64>
  %2 = loco.conv_transpose %k, %1 wrap strides [1, 1] low [1, 1] : tensor<3x3xf64>, tensor<5x7xf64> to tensor<5x7xf64>
  %3 = loco.conv_outer %2, %z wrap strides [1, 1] low [1, 1] : tensor<5x7xf64>, tensor<5x7xf64> to tensor<3x3xf64>
  %4 = loco.conv %3, %z wrap strides [1, 1] low [1, 1] : tensor<3x3xf64>, tensor<5x7xf64> to tensor<5x7xf64>
  return %4 : tensor<5x7xf64>
}

func.func @channels(%k: tensor<4x1x3x3xf64>, %z: tensor<2x6x5xf64>) -> tensor<4x3x3xf64> {
  %0 = loco.conv %k, %z zero strides [2, 2] low [1, 1] groups 2
      : tensor<4x1x3x3xf64>, tensor<2x6x5xf64> to tensor<4x3x3xf64>
  %1 = arith.mulf %0, %0 : tensor<4x3x3xf64>
  return %1 : tensor<4x3x3xf64>
}

func.func @neighbours(%theta: tensor<6x5xf64>, %c: tensor<6x5xf64>) -> (tensor<6x5xf64>, tensor<6x5xf64>) {
  %0:2 = loco.stencil centre(%a = %theta, %e = %c) neighbour(%b = %theta) offsets [0, 1, 1, 0, -1, 2] wrap : tensor<6x5xf64> {
    %1 = arith.subf %b, %a : tensor<6x5xf64>
    %2 = math.sin %1 : tensor<6x5xf64>
    %3 = arith.mulf %2, %e : tensor<6x5xf64>
    loco.yield stack(%3, %2 : tensor<6x5xf64>, tensor<6x5xf64>)
  }
  %4 = loco.stencil centre(%a = %0#0) neighbour(%b = %theta) offsets [0, 1, -2, 0] zero : tensor<6x5xf64> {
    %5 = arith.mulf %b, %a : tensor<6x5xf64>
    loco.yield stack(%5 : tensor<6x5xf64>)
  }
  return %4, %0#1 : tensor<6x5xf64>, tensor<6x5xf64>
}
