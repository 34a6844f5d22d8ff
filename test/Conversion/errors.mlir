// RUN: not loco-test-kernels %s 2>&1 | FileCheck %s

// CHECK: error: 'loco.scan' op has a stack of stacked values, which kernels cannot hold [nested-stack]
// CHECK: `nested` could not be planned
func.func @nested(%x: tensor<?x4xf32>, %T: index) -> tensor<f32> {
  %s = loco.scan %t below %T with(%all = %x : tensor<?x4xf32>, %n = %T : index) stack(tensor<?x?x4xf32>) {
    %0 = math.tanh %all : tensor<?x4xf32>
    loco.yield stack(%0 : tensor<?x4xf32>)
  }
  %one = arith.constant 0 : index
  %a = loco.at %s[%one] : tensor<?x?x4xf32> to tensor<?x4xf32>
  %b = loco.reduce sum %a over [0, 1] : tensor<?x4xf32> to tensor<f32>
  return %b : tensor<f32>
}
