// Simplifications that hold bit for bit, and neighbours of them that must stay.
// RUN: loco-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @identities
// CHECK-SAME: (%[[X:.*]]: tensor<3x4xf32>)
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]]
func.func @identities(%x: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>,
    tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) {
  %0 = loco.broadcast %x along [] : tensor<3x4xf32> to tensor<3x4xf32>
  %1 = loco.reduce max %x over [] : tensor<3x4xf32> to tensor<3x4xf32>
  %2 = loco.reshape %x : tensor<3x4xf32> to tensor<3x4xf32>
  %3 = loco.transpose %x by [0, 1] : tensor<3x4xf32> to tensor<3x4xf32>
  %4 = loco.slice %x at [0, 0] : tensor<3x4xf32> to tensor<3x4xf32>
  %5 = loco.pad %x at [0, 0] : tensor<3x4xf32> to tensor<3x4xf32>
  %6 = loco.roll %x axis 1 by 0 zero : tensor<3x4xf32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>,
    tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
}

// CHECK-LABEL: func @splats
// CHECK-DAG: %[[A:.*]] = arith.constant dense<2.500000e+00> : tensor<2x3xf32>
// CHECK-DAG: %[[B:.*]] = arith.constant dense<2.500000e+00> : tensor<6xf32>
// CHECK-DAG: %[[C:.*]] = arith.constant dense<2.500000e+00> : tensor<2xf32>
// CHECK-DAG: %[[M:.*]] = arith.constant dense<true> : tensor<4xi1>
// CHECK: return %[[A]], %[[B]], %[[C]], %[[M]]
func.func @splats() -> (tensor<2x3xf32>, tensor<6xf32>, tensor<2xf32>, tensor<4xi1>) {
  %c = arith.constant dense<2.5> : tensor<3xf32>
  %m = arith.constant dense<true> : tensor<i1>
  %0 = loco.broadcast %c along [0] : tensor<3xf32> to tensor<2x3xf32>
  %1 = loco.reshape %0 : tensor<2x3xf32> to tensor<6xf32>
  %2 = loco.slice %c at [1] : tensor<3xf32> to tensor<2xf32>
  %3 = loco.broadcast %m along [0] : tensor<i1> to tensor<4xi1>
  return %0, %1, %2, %3 : tensor<2x3xf32>, tensor<6xf32>, tensor<2xf32>, tensor<4xi1>
}

// CHECK-LABEL: func @reshape_of_reshape
// CHECK-SAME: (%[[X:.*]]: tensor<3x4xf32>)
// CHECK-NEXT: %[[R:.*]] = loco.reshape %[[X]] : tensor<3x4xf32> to tensor<2x6xf32>
// CHECK-NEXT: return %[[R]]
func.func @reshape_of_reshape(%x: tensor<3x4xf32>) -> tensor<2x6xf32> {
  %0 = loco.reshape %x : tensor<3x4xf32> to tensor<12xf32>
  %1 = loco.reshape %0 : tensor<12xf32> to tensor<2x6xf32>
  return %1 : tensor<2x6xf32>
}

// A square matrix transposed and a ring rolled once around are not the same text:
// only what is certainly an identity goes.
// CHECK-LABEL: func @kept
// CHECK: arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]>
// CHECK: loco.transpose
// CHECK: loco.roll
// CHECK: loco.pad
// CHECK: loco.broadcast
func.func @kept(%x: tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>, tensor<4x3xf32>, tensor<2x3xf32>) {
  %c = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %0 = loco.transpose %x by [1, 0] : tensor<3x3xf32> to tensor<3x3xf32>
  %1 = loco.roll %x axis 0 by 3 zero : tensor<3x3xf32>
  %2 = loco.pad %x at [0, 0] : tensor<3x3xf32> to tensor<4x3xf32>
  %3 = loco.broadcast %c along [0] : tensor<3xf32> to tensor<2x3xf32>
  return %0, %1, %2, %3 : tensor<3x3xf32>, tensor<3x3xf32>, tensor<4x3xf32>, tensor<2x3xf32>
}

// Unused ops go: all are pure.
// CHECK-LABEL: func @unused
// CHECK-NEXT: return
func.func @unused(%T: index, %key: !loco.random_key, %x: tensor<8xf32>) {
  %0 = loco.random normal %key at %T stream 1 : tensor<8xf32>
  %1 = loco.scan %t below %T carry(%z = %x : tensor<8xf32>) {
    %3 = math.tanh %z : tensor<8xf32>
    loco.yield carry(%3 : tensor<8xf32>)
  }
  %2 = loco.stencil centre(%a = %x) neighbour() offsets [0] wrap : tensor<8xf32> {
    loco.yield stack(%a : tensor<8xf32>)
  }
  return
}
