// A model that calls another is one loop after inlining.
// RUN: loco-opt %s --inline | FileCheck %s

// CHECK-NOT: @cell
// CHECK-LABEL: func @model
// CHECK: loco.scan
// CHECK-NOT: call
// CHECK: loco.sigmoid
// CHECK-NEXT: loco.yield
func.func private @cell(%z: tensor<5xf32>) -> tensor<5xf32> {
  %0 = loco.sigmoid %z : tensor<5xf32>
  return %0 : tensor<5xf32>
}
func.func @model(%z0: tensor<5xf32>, %T: index) -> tensor<5xf32> {
  %0 = loco.scan %t below %T carry(%z = %z0 : tensor<5xf32>) {
    %1 = func.call @cell(%z) : (tensor<5xf32>) -> tensor<5xf32>
    loco.yield carry(%1 : tensor<5xf32>)
  }
  return %0 : tensor<5xf32>
}
