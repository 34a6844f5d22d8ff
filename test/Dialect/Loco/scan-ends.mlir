// Loops that end early read back as they were printed, from text and bytecode.
// RUN: loco-opt %s --verify-roundtrip | FileCheck %s
// RUN: loco-opt %s --emit-bytecode | loco-opt | FileCheck %s
// RUN: loco-opt %s --mlir-print-op-generic | loco-opt | FileCheck %s

// CHECK-LABEL: func @halve
// CHECK: %[[R:.*]]:3 = loco.scan %{{.*}} below %{{.*}}
// CHECK-NEXT: carry(
// CHECK-NEXT: stack(tensor<?xf32>) while {
// CHECK: loco.yield carry(%{{.*}} : tensor<f32>) stack(%{{.*}} : tensor<f32>) while(%{{.*}} : tensor<i1>)
// CHECK: loco.scan reverse %{{.*}} below %{{.*}} taking %[[R]]#2
// CHECK-NEXT: each(
func.func @halve(%T: index, %x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %last, %all, %n = loco.scan %t below %T carry(%z = %x : tensor<f32>) stack(tensor<?xf32>) while {
    %half = arith.constant dense<0.5> : tensor<f32>
    %next = arith.mulf %z, %half : tensor<f32>
    %go = arith.cmpf ogt, %next, %half : tensor<f32>
    loco.yield carry(%next : tensor<f32>) stack(%next : tensor<f32>) while(%go : tensor<i1>)
  }
  %sum = loco.scan reverse %t below %T taking %n each(%z = %all : tensor<?xf32>) sum(tensor<f32>) {
    loco.yield sum(%z : tensor<f32>)
  }
  return %last, %sum : tensor<f32>, tensor<f32>
}
