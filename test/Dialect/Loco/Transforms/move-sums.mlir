// RUN: loco-opt %s --loco-move-sums --loco-simplify-scans --cse | FileCheck %s

// The target is read on the way back alone, and the difference made once.
// CHECK-LABEL: func @loss
// CHECK-SAME: (%[[Z:[a-z0-9]+]]: tensor<8xf32>, %[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: loco.scan
// CHECK-NOT: each
// CHECK-NOT: sum(
// CHECK: loco.yield carry({{.*}}) stack
// CHECK: %[[B:.*]]:2 = loco.scan reverse
// CHECK-SAME: below
// CHECK: each({{.*}}, {{.*}} = %[[X]] : tensor<?x8xf32>)
// CHECK-NEXT: sum(tensor<f32>)
// CHECK: %[[D:.*]] = arith.subf
// CHECK-NOT: arith.subf
// CHECK: arith.mulf %[[D]], %[[D]]
// CHECK: loco.reduce
// CHECK: arith.divf %[[B]]#1
func.func @loss(%z: tensor<8xf32>, %target: tensor<?x8xf32>, %T: index) -> (tensor<f32>, tensor<8xf32>) {
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %zT, %zs, %sum = loco.scan %t below %T carry(%z0 = %z : tensor<8xf32>)
      each(%x = %target : tensor<?x8xf32>) stack(tensor<?x8xf32>) sum(tensor<f32>) {
    %next = math.tanh %z0 : tensor<8xf32>
    %d = arith.subf %z0, %x : tensor<8xf32>
    %s = arith.mulf %d, %d : tensor<8xf32>
    %l = loco.reduce sum %s over [0] : tensor<8xf32> to tensor<f32>
    loco.yield carry(%next : tensor<8xf32>) stack(%z0 : tensor<8xf32>) sum(%l : tensor<f32>)
  }
  %n = loco.from_index %T : tensor<f32>
  %mean = arith.divf %sum, %n : tensor<f32>
  %g = loco.scan reverse %t below %T carry(%g0 = %zero : tensor<8xf32>)
      each(%z0 = %zs : tensor<?x8xf32>, %x = %target : tensor<?x8xf32>) {
    %d = arith.subf %z0, %x : tensor<8xf32>
    %g1 = arith.mulf %g0, %z0 : tensor<8xf32>
    %g2 = arith.addf %g1, %d : tensor<8xf32>
    loco.yield carry(%g2 : tensor<8xf32>)
  }
  return %mean, %g : tensor<f32>, tensor<8xf32>
}

// What the way back needs is made before it.
// CHECK-LABEL: func @needed
// CHECK: loco.scan
// CHECK: sum(tensor<f32>)
// CHECK: loco.scan reverse
// CHECK-NOT: sum(
// CHECK: return
func.func @needed(%z: tensor<8xf32>, %target: tensor<?x8xf32>, %T: index) -> tensor<8xf32> {
  %zero = arith.constant dense<0.0> : tensor<8xf32>
  %zT, %zs, %sum = loco.scan %t below %T carry(%z0 = %z : tensor<8xf32>)
      each(%x = %target : tensor<?x8xf32>) stack(tensor<?x8xf32>) sum(tensor<f32>) {
    %next = math.tanh %z0 : tensor<8xf32>
    %s = arith.mulf %x, %z0 : tensor<8xf32>
    %l = loco.reduce sum %s over [0] : tensor<8xf32> to tensor<f32>
    loco.yield carry(%next : tensor<8xf32>) stack(%z0 : tensor<8xf32>) sum(%l : tensor<f32>)
  }
  %start = loco.broadcast %sum along [0] : tensor<f32> to tensor<8xf32>
  %g = loco.scan reverse %t below %T carry(%g0 = %start : tensor<8xf32>)
      each(%z0 = %zs : tensor<?x8xf32>, %x = %target : tensor<?x8xf32>) {
    %g1 = arith.mulf %g0, %z0 : tensor<8xf32>
    %g2 = arith.addf %g1, %x : tensor<8xf32>
    loco.yield carry(%g2 : tensor<8xf32>)
  }
  return %g : tensor<8xf32>
}
