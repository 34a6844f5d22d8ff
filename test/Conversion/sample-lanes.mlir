// RUN: loco-test-kernels %s --many-samples --samples=19
// RUN: loco-test-kernels %s --many-samples --samples=16 --steps=1 --pool=1
// RUN: loco-test-kernels %s --many-samples --samples=3 --vector=32
// RUN: loco-test-kernels %s --many-samples --samples=9 --vector=16
// RUN: loco-test-kernels %s --many-samples --vector=64 --function=torus --emit=loops | FileCheck %s
// RUN: loco-test-kernels --random=20 --first-seed=320 --many-samples --samples=19
// RUN: loco-test-kernels --random=15 --first-seed=400 --many-samples --samples=17 --derivatives --f32
// RUN: loco-test-kernels --random=15 --first-seed=500 --many-samples --samples=3 --derivatives --plan=checkpoint --segment=2

// Lanes that are samples: nothing of a loop over sites is masked, gathered or
// added up along its lanes; the caller's arrays are turned.
// CHECK-LABEL: func.func @kernel
// CHECK: vector.shuffle
// CHECK: scf.for
// CHECK-NOT: masked
// CHECK: math.fma {{.*}} vector<16xf32>
// CHECK-NOT: masked
// CHECK: vector.extract_strided_slice
func.func @torus(%k: tensor<3x3xf32> {loco.role = "param"}, %u: tensor<?x5x7xf32> {loco.role = "input"}, %T: index)
    -> (tensor<5x7xf32>, tensor<3x3xf32> {loco.sum_samples}, tensor<?x5x7xf32>) {
  %zero = arith.constant dense<0.0> : tensor<5x7xf32>
  %h, %s, %kg = loco.scan %t below %T carry(%h0 = %zero : tensor<5x7xf32>) each(%x = %u : tensor<?x5x7xf32>)
      with(%w = %k : tensor<3x3xf32>) stack(tensor<?x5x7xf32>) sum(tensor<3x3xf32>) {
    %0 = loco.conv %w, %h0 wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<5x7xf32> to tensor<5x7xf32>
    %1 = arith.addf %0, %x : tensor<5x7xf32>
    %2 = math.tanh %1 : tensor<5x7xf32>
    %3 = loco.conv_outer %2, %h0 wrap strides [1, 1] low [1, 1] : tensor<5x7xf32>, tensor<5x7xf32> to tensor<3x3xf32>
    loco.yield carry(%2 : tensor<5x7xf32>) stack(%2 : tensor<5x7xf32>) sum(%3 : tensor<3x3xf32>)
  }
  return %h, %kg, %s : tensor<5x7xf32>, tensor<3x3xf32>, tensor<?x5x7xf32>
}

// Strides, channels that fill no vector, and a sum over some axes of what the
// caller gives, which has loops of its own.
func.func @strides(%k: tensor<2x3x3x3xf32> {loco.role = "param"}, %z: tensor<3x6x10xf32> {loco.role = "input"},
                   %g: tensor<2x3x5xf32> {loco.role = "input"})
    -> (tensor<2x3x5xf32>, tensor<3x6x10xf32>, tensor<2x3x3x3xf32> {loco.sum_samples}, tensor<6x10xf32>, tensor<3x6xf32>) {
  %0 = loco.conv %k, %z zero strides [2, 2] low [1, 1] : tensor<2x3x3x3xf32>, tensor<3x6x10xf32> to tensor<2x3x5xf32>
  %1 = loco.conv_transpose %k, %g zero strides [2, 2] low [1, 1] : tensor<2x3x3x3xf32>, tensor<2x3x5xf32> to tensor<3x6x10xf32>
  %2 = loco.conv_outer %g, %z zero strides [2, 2] low [1, 1] : tensor<2x3x5xf32>, tensor<3x6x10xf32> to tensor<2x3x3x3xf32>
  %3 = loco.reduce sum %z over [0] : tensor<3x6x10xf32> to tensor<6x10xf32>
  %4 = loco.reduce max %z over [2] : tensor<3x6x10xf32> to tensor<3x6xf32>
  return %0, %1, %2, %3, %4 : tensor<2x3x5xf32>, tensor<3x6x10xf32>, tensor<2x3x3x3xf32>, tensor<6x10xf32>, tensor<3x6xf32>
}
