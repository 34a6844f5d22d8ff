// A pair of loops is divided; what the pair keeps lasts for a segment. A loop
// that ends early is not divided, and stores nothing but its carries.
// RUN: loco-opt %s --pass-pipeline="builtin.module(loco-create-vjp{function=f arguments=0,1,2 name=df},func.func(loco-segment-loops,loco-plan-residuals,canonicalize,cse))" | FileCheck %s

// CHECK-LABEL: func.func @df
// CHECK: %[[LENGTH:.*]], %[[COUNT:.*]] = loco.segment %[[STEPS:.*]]
// CHECK: loco.scan %{{.*}} below %[[COUNT]]
// CHECK: carry(
// CHECK: stack(tensor<?x4xf64>)
// CHECK:   %[[FIRST:.*]] = arith.muli
// CHECK:   %[[REST:.*]] = arith.subi %{{.*}}, %[[FIRST]]
// CHECK:   %[[EXTENT:.*]] = arith.minsi %{{.*}}, %[[REST]]
// CHECK:   loco.window %{{.*}} from %[[FIRST]] for %[[EXTENT]]
// CHECK:   loco.scan %{{.*}} below %[[EXTENT]]
// CHECK:   loco.place_window %{{.*}} from %[[FIRST]] of
// CHECK: loco.scan reverse %{{.*}} below %[[COUNT]]
// CHECK:   loco.scan %{{.*}} below
// CHECK:     math.tanh
// CHECK:     loco.yield carry({{.*}}) stack(%{{[^,]*}} : tensor<4xf64>)
// CHECK:   loco.scan reverse
// CHECK-NOT: math.tanh
// CHECK: return
func.func @f(%z0: tensor<4xf64>, %xs: tensor<?x4xf64>, %a: tensor<4xf64>, %T: index {loco.role = "steps"})
    -> (tensor<?x4xf64>, tensor<f64>) {
  %last, %all, %sum = loco.scan %t below %T carry(%z = %z0 : tensor<4xf64>)
      each(%x = %xs : tensor<?x4xf64>) with(%b = %a : tensor<4xf64>)
      stack(tensor<?x4xf64>) sum(tensor<f64>) {
    %0 = arith.mulf %b, %z : tensor<4xf64>
    %1 = arith.addf %0, %x : tensor<4xf64>
    %2 = math.tanh %1 : tensor<4xf64>
    %3 = loco.reduce sum %2 over [0] : tensor<4xf64> to tensor<f64>
    loco.yield carry(%2 : tensor<4xf64>) stack(%0 : tensor<4xf64>) sum(%3 : tensor<f64>)
  }
  return %all, %sum : tensor<?x4xf64>, tensor<f64>
}
