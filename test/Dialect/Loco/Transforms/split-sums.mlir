// RUN: loco-opt %s --loco-split-sums --canonicalize --cse | FileCheck %s

// What the first sum is a factor of is summed in the same pass over the sites.
// CHECK-LABEL: func @norm
// CHECK: each(%[[A:[a-z0-9]+]] =
// CHECK: with(%[[B:[a-z0-9]+]] =
// CHECK-DAG: %[[SA:.*]] = loco.reduce sum %[[A]]
// CHECK-DAG: %[[SB:.*]] = loco.reduce sum %[[B]]
// CHECK: %[[P:.*]] = arith.mulf %[[SA]], %[[SB]] : tensor<f32>
// CHECK: arith.subf %[[SB]], %[[P]] : tensor<f32>
// CHECK-NOT: loco.reduce
func.func @norm(%as: tensor<?x5xf32>, %c: tensor<5xf32>, %T: index) -> tensor<?x5xf32> {
  %out = loco.scan %t below %T each(%a = %as : tensor<?x5xf32>)
      with(%b = %c : tensor<5xf32>) stack(tensor<?x5xf32>) {
    %0 = loco.reduce sum %a over [0] : tensor<5xf32> to tensor<f32>
    %1 = loco.broadcast %0 along [0] : tensor<f32> to tensor<5xf32>
    %2 = arith.mulf %1, %b : tensor<5xf32>
    %3 = arith.subf %b, %2 : tensor<5xf32>
    %4 = loco.reduce sum %3 over [0] : tensor<5xf32> to tensor<f32>
    %5 = loco.broadcast %4 along [0] : tensor<f32> to tensor<5xf32>
    %6 = arith.addf %3, %5 : tensor<5xf32>
    loco.yield stack(%6 : tensor<5xf32>)
  }
  return %out : tensor<?x5xf32>
}

// A square of what waits for a sum does wait, and so does a sum that only leaves
// the loop: it is made where its field is.
// CHECK-LABEL: func @variance
// CHECK: loco.reduce
// CHECK: %[[D:.*]] = arith.subf
// CHECK: %[[S:.*]] = arith.mulf %[[D]], %[[D]]
// CHECK: loco.reduce sum %[[S]]
// CHECK: %[[L:.*]] = arith.addf
// CHECK: loco.reduce sum %[[L]]
// CHECK-NOT: loco.reduce
func.func @variance(%as: tensor<?x5xf32>, %c: tensor<5xf32>, %T: index) -> (tensor<?x5xf32>, tensor<f32>) {
  %out, %sum = loco.scan %t below %T each(%a = %as : tensor<?x5xf32>)
      with(%b = %c : tensor<5xf32>) stack(tensor<?x5xf32>) sum(tensor<f32>) {
    %0 = loco.reduce sum %a over [0] : tensor<5xf32> to tensor<f32>
    %1 = loco.broadcast %0 along [0] : tensor<f32> to tensor<5xf32>
    %2 = arith.subf %a, %1 : tensor<5xf32>
    %3 = arith.mulf %2, %2 : tensor<5xf32>
    %4 = loco.reduce sum %3 over [0] : tensor<5xf32> to tensor<f32>
    %5 = loco.broadcast %4 along [0] : tensor<f32> to tensor<5xf32>
    %6 = arith.addf %2, %5 : tensor<5xf32>
    %7 = loco.reduce sum %6 over [0] : tensor<5xf32> to tensor<f32>
    loco.yield stack(%6 : tensor<5xf32>) sum(%7 : tensor<f32>)
  }
  return %out, %sum : tensor<?x5xf32>, tensor<f32>
}
