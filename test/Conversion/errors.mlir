// RUN: not loco-test-kernels %s 2>&1 | FileCheck %s

// CHECK: error: 'loco.scan' op has a stack of stacked values, which kernels cannot hold [nested-stack]
// CHECK: error: 'loco.scan' op gives its number of steps to something else than a loop's `taking` or `with`, which cannot be compiled for the CPU [unsupported-op]
// CHECK: `nested` could not be planned
// CHECK: `count` could not be planned
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

// How many steps a loop took is known only where it ended.
func.func @count(%x: tensor<f32>, %T: index) -> tensor<f32> {
  %0, %n = loco.scan %t below %T carry(%z = %x : tensor<f32>) while {
    %1 = math.tanh %z : tensor<f32>
    %2 = arith.cmpf ogt, %1, %z : tensor<f32>
    loco.yield carry(%1 : tensor<f32>) while(%2 : tensor<i1>)
  }
  %1 = loco.from_index %n : tensor<f32>
  return %1 : tensor<f32>
}
