// RUN: loco-test-kernels %s
// RUN: loco-test-kernels %s --samples=1 --steps=1 --vector=32
// RUN: loco-opt %s --loco-separate-stencils | FileCheck %s

// A sum of sines of differences becomes two sums of fields; so do its
// derivatives, whose cosines are multiplied by differences.

// CHECK-LABEL: func.func @torus
// CHECK-DAG: %[[SIN:.*]] = math.sin %{{.*}} : tensor<5x7xf32>
// CHECK-DAG: %[[COS:.*]] = math.cos %{{.*}} : tensor<5x7xf32>
// CHECK: %[[SUMS:.*]]:2 = loco.stencil
// CHECK-NOT: math.sin
// CHECK: loco.yield stack
// CHECK-DAG: arith.mulf %[[COS]], %[[SUMS]]#
// CHECK-DAG: arith.mulf %[[SIN]], %[[SUMS]]#
func.func @torus(%theta: tensor<5x7xf32>) -> tensor<5x7xf32> {
  %0 = loco.stencil centre(%a = %theta) neighbour(%b = %theta) offsets [-1, 0, 1, 0, 0, -1, 0, 1] wrap : tensor<5x7xf32> {
    %1 = arith.subf %b, %a : tensor<5x7xf32>
    %2 = math.sin %1 : tensor<5x7xf32>
    loco.yield stack(%2 : tensor<5x7xf32>)
  }
  return %0 : tensor<5x7xf32>
}

// Beyond an edge there is no neighbour, and no 1 in the sum of what belongs to
// the centre alone.
func.func @line(%theta: tensor<17xf32>, %g: tensor<17xf32>) -> tensor<17xf32> {
  %0 = loco.stencil centre(%a = %theta, %c = %g) neighbour(%b = %theta, %d = %g) offsets [-2, -1, 1, 2] zero : tensor<17xf32> {
    %half = arith.constant dense<0.5> : tensor<17xf32>
    %1 = arith.subf %a, %b : tensor<17xf32>
    %2 = math.cos %1 : tensor<17xf32>
    %3 = arith.subf %d, %c : tensor<17xf32>
    %4 = arith.mulf %2, %3 : tensor<17xf32>
    %5 = arith.addf %4, %half : tensor<17xf32>
    %6 = arith.mulf %5, %half : tensor<17xf32>
    loco.yield stack(%6 : tensor<17xf32>)
  }
  return %0 : tensor<17xf32>
}

// Phases that are close: what is lost is a rounding of the phases.
// CHECK-LABEL: func.func @loop
func.func @loop(%theta: tensor<36x36xf64>, %K: tensor<f64> {loco.role = "param"}, %T: index) -> tensor<36x36xf64> {
  %0 = loco.scan %t below %T carry(%z = %theta : tensor<36x36xf64>) with(%k = %K : tensor<f64>) {
    %1 = loco.stencil centre(%a = %z) neighbour(%b = %z) offsets [-1, -1, 1, 1, 2, -2] wrap : tensor<36x36xf64> {
      %2 = arith.subf %b, %a : tensor<36x36xf64>
      %3 = math.sin %2 : tensor<36x36xf64>
      loco.yield stack(%3 : tensor<36x36xf64>)
    }
    %4 = loco.broadcast %k along [0, 1] : tensor<f64> to tensor<36x36xf64>
    %5 = arith.mulf %4, %1 : tensor<36x36xf64>
    %6 = arith.addf %z, %5 : tensor<36x36xf64>
    loco.yield carry(%6 : tensor<36x36xf64>)
  }
  return %0 : tensor<36x36xf64>
}

// A neighbour's phase through another function is left as it is.
// CHECK-LABEL: func.func @other
// CHECK: math.tanh
// CHECK: math.sin
func.func @other(%theta: tensor<5x7xf32>) -> tensor<5x7xf32> {
  %0 = loco.stencil centre(%a = %theta) neighbour(%b = %theta) offsets [1, 0, 0, 1] wrap : tensor<5x7xf32> {
    %1 = math.tanh %b : tensor<5x7xf32>
    %2 = arith.subf %1, %a : tensor<5x7xf32>
    %3 = math.sin %2 : tensor<5x7xf32>
    loco.yield stack(%3 : tensor<5x7xf32>)
  }
  return %0 : tensor<5x7xf32>
}
