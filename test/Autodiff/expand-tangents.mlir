// RUN: not loco-opt %s --loco-expand-tangents --split-input-file 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=ERROR < %t

// The derivative stands in place of the function: results that only look at the states are
// gone, and so are differences of what is the same for a whole sequence.
// CHECK-LABEL: func.func @M.tangent
// CHECK-SAME: %[[W:[a-z0-9]+]]: tensor<f32> {loco.name = "w", loco.role = "param"}
// CHECK-SAME: %[[H:[a-z0-9]+]]: tensor<f32> {loco.name = "carry/h", loco.role = "input"}
// CHECK-SAME: %{{[a-z0-9]+}}: tensor<f32> {loco.name = "carry/first.x", loco.role = "input"}
// CHECK-SAME: %[[D:[a-z0-9]+]]: tensor<f32> {loco.name = "tangent/h", loco.role = "input"}
// CHECK-SAME: -> (tensor<f32> {loco.name = "carry/first.x", loco.role = "carry"}, tensor<f32> {loco.name = "carry/h", loco.role = "carry"}, tensor<f32> {loco.name = "tangent/h", loco.role = "carry"})
// CHECK-NOT: loco.tangents
// CHECK: %[[N:.*]] = arith.mulf %[[W]], %[[H]]
// CHECK: %[[T:.*]] = arith.mulf
// CHECK: return %{{.*}}, %[[N]], %{{.*}}
func.func @M.tangent(%w: tensor<f32> {loco.name = "w", loco.role = "param"},
                     %h: tensor<f32> {loco.name = "carry/h", loco.role = "input"},
                     %x: tensor<f32> {loco.name = "carry/first.x", loco.role = "input"})
    -> (tensor<f32> {loco.name = "h", loco.role = "state"},
        tensor<f32> {loco.name = "carry/first.x", loco.role = "carry"},
        tensor<f32> {loco.name = "carry/h", loco.role = "carry"})
    attributes {loco.tangents = ["h"]} {
  %0 = arith.mulf %w, %h : tensor<f32>
  return %h, %x, %0 : tensor<f32>, tensor<f32>, tensor<f32>
}

// -----

// ERROR: takes no `carry/` argument for one of the states in `loco.tangents`
func.func @None(%h: tensor<f32> {loco.name = "h", loco.role = "input"})
    -> (tensor<f32> {loco.name = "carry/h", loco.role = "carry"})
    attributes {loco.tangents = ["h"]} {
  return %h : tensor<f32>
}
