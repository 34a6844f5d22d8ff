// RUN: loco-opt %s --loco-simplify-scans --cse | FileCheck %s

// What is the same in every step moves in front; what nobody needs goes.
// CHECK-LABEL: func @invariant
// CHECK: %[[S:.*]] = loco.sigmoid
// CHECK: %[[M:.*]] = arith.mulf %[[S]], %[[S]] : tensor<f32>
// CHECK: loco.scan
// CHECK-NEXT: carry(%[[Z:[a-z0-9]+]] = {{[^,]*}})
// CHECK-NEXT: with({{.*}} = %[[M]] : tensor<f32>)
// CHECK-NOT: stack
// CHECK-NOT: loco.sigmoid
// CHECK: loco.broadcast
// CHECK: loco.yield carry
func.func @invariant(%a: tensor<f32>, %x: tensor<?x8xf32>, %T: index) -> tensor<8xf32> {
  %zero = arith.constant dense<0.5> : tensor<8xf32>
  %z, %dead, %zs, %sum = loco.scan %t below %T carry(%z0 = %zero : tensor<8xf32>, %d0 = %zero : tensor<8xf32>)
      each(%xt = %x : tensor<?x8xf32>) with(%p = %a : tensor<f32>) stack(tensor<?x8xf32>) sum(tensor<8xf32>) {
    %0 = loco.sigmoid %p : tensor<f32>
    %1 = loco.broadcast %0 along [0] : tensor<f32> to tensor<8xf32>
    %2 = arith.mulf %1, %1 : tensor<8xf32>
    %3 = arith.mulf %2, %z0 : tensor<8xf32>
    %4 = arith.addf %d0, %xt : tensor<8xf32>
    loco.yield carry(%3, %4 : tensor<8xf32>, tensor<8xf32>) stack(%3 : tensor<8xf32>) sum(%xt : tensor<8xf32>)
  }
  return %z : tensor<8xf32>
}

// A stack of an element is the element; two stacks of one value are one.
// CHECK-LABEL: func @twice
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<?x8xf32>
// CHECK: %[[S:.*]] = loco.scan
// CHECK: return %[[X]], %[[S]], %[[S]]
func.func @twice(%x: tensor<?x8xf32>, %T: index) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %a, %b, %c = loco.scan %t below %T each(%xt = %x : tensor<?x8xf32>)
      stack(tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
    %0 = math.tanh %xt : tensor<8xf32>
    loco.yield stack(%xt, %0, %0 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  }
  return %a, %b, %c : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// What the condition needs stays; the stack of an element is not the element where
// the loop ends early.
// CHECK-LABEL: func @ends
// CHECK-SAME: (%[[X:[a-z0-9]+]]: tensor<?xf32>
// CHECK: %[[R:.*]]:4 = loco.scan
// CHECK-NEXT: carry({{.*}}, {{.*}})
// CHECK: while(
// CHECK: return %[[R]]#2
func.func @ends(%x: tensor<?xf32>, %a: tensor<f32>, %T: index) -> tensor<?xf32> {
  %z, %d, %w, %all, %n = loco.scan %t below %T carry(%z0 = %a : tensor<f32>, %d0 = %a : tensor<f32>, %w0 = %a : tensor<f32>)
      each(%xt = %x : tensor<?xf32>) stack(tensor<?xf32>) while {
    %0 = math.tanh %z0 : tensor<f32>
    %1 = math.sin %d0 : tensor<f32>
    %2 = arith.addf %0, %w0 : tensor<f32>
    %3 = arith.cmpf ogt, %w0, %0 : tensor<f32>
    loco.yield carry(%0, %1, %2 : tensor<f32>, tensor<f32>, tensor<f32>) stack(%xt : tensor<f32>) while(%3 : tensor<i1>)
  }
  return %all : tensor<?xf32>
}
