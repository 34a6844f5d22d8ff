// What expansion leaves.
// RUN: loco-opt %s --loco-expand-gradients | FileCheck %s

// CHECK-LABEL: func @product
// CHECK-SAME: (%[[A:.*]]: tensor<f32>, %[[B:.*]]: tensor<f32>)
// CHECK: %[[ONE:.*]] = arith.constant dense<1.000000e+00>
// CHECK: %[[G:.*]] = arith.mulf %[[ONE]], %[[B]]
// CHECK: return %[[G]]
func.func @product(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {
  %g = loco.gradient by(%x = %a : tensor<f32>) with(%k = %b : tensor<f32>) {
    %0 = arith.mulf %x, %k : tensor<f32>
    loco.yield sum(%0 : tensor<f32>)
  }
  return %g : tensor<f32>
}

// Derivatives of one scalar by two values compute it once.
// CHECK-LABEL: func @shared
// CHECK: math.tanh
// CHECK-NOT: math.tanh
// CHECK: return
func.func @shared(%a: tensor<f32>, %b: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %g = loco.gradient by(%x = %a : tensor<f32>) with(%k = %b : tensor<f32>) {
    %0 = arith.mulf %x, %k : tensor<f32>
    %1 = math.tanh %0 : tensor<f32>
    loco.yield sum(%1 : tensor<f32>)
  }
  %h = loco.gradient by(%x = %b : tensor<f32>) with(%k = %a : tensor<f32>) {
    %0 = arith.mulf %k, %x : tensor<f32>
    %1 = math.tanh %0 : tensor<f32>
    loco.yield sum(%1 : tensor<f32>)
  }
  return %g, %h : tensor<f32>, tensor<f32>
}

// What is stopped is held: stop(x x) x, by x.
// CHECK-LABEL: func @stopped
// CHECK-SAME: (%[[A:.*]]: tensor<f32>)
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[A]], %[[A]]
// CHECK: %[[STOP:.*]] = loco.stop_gradient %[[SQUARE]]
// CHECK: %[[G:.*]] = arith.mulf %{{.*}}, %[[STOP]]
// CHECK: return %[[G]]
func.func @stopped(%a: tensor<f32>) -> tensor<f32> {
  %g = loco.gradient by(%x = %a : tensor<f32>) {
    %0 = arith.mulf %x, %x : tensor<f32>
    %1 = loco.stop_gradient %0 : tensor<f32>
    %2 = arith.mulf %1, %x : tensor<f32>
    loco.yield sum(%2 : tensor<f32>)
  }
  return %g : tensor<f32>
}
