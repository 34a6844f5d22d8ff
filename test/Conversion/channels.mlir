// RUN: loco-test-kernels %s
// RUN: loco-test-kernels %s --samples=1 --steps=1
// RUN: loco-test-kernels %s --vector=32
// RUN: loco-test-kernels %s --vector=16 --pool=1
// RUN: loco-test-kernels %s --function=ring --emit=explain | FileCheck %s

// Kernels that mix channels, whose lanes are channels: whole vectors, padded
// ones, several; sites that fill no tile; strides, zeros beyond the edge.

// A time loop with both directions of the kernel and its gradient.
// CHECK: tiles of 9 along axis 1
func.func @ring(%k: tensor<16x16x3xf32> {loco.role = "param"}, %b: tensor<16xf32> {loco.role = "param"},
                %u: tensor<?x16x17xf32> {loco.role = "input"}, %T: index)
    -> (tensor<16x17xf32>, tensor<16x16x3xf32> {loco.sum_samples}, tensor<16xf32> {loco.sum_samples}, tensor<?x16x17xf32>) {
  %zero = arith.constant dense<0.0> : tensor<16x17xf32>
  %h, %s, %kg, %bg = loco.scan %t below %T carry(%h0 = %zero : tensor<16x17xf32>) each(%x = %u : tensor<?x16x17xf32>)
      with(%w = %k : tensor<16x16x3xf32>, %c = %b : tensor<16xf32>)
      stack(tensor<?x16x17xf32>) sum(tensor<16x16x3xf32>, tensor<16xf32>) {
    %0 = loco.conv %w, %h0 wrap strides [1] low [1] : tensor<16x16x3xf32>, tensor<16x17xf32> to tensor<16x17xf32>
    %1 = loco.broadcast %c along [1] : tensor<16xf32> to tensor<16x17xf32>
    %2 = arith.addf %0, %1 : tensor<16x17xf32>
    %3 = arith.addf %2, %x : tensor<16x17xf32>
    %4 = math.tanh %3 : tensor<16x17xf32>
    %5 = loco.conv_transpose %w, %4 wrap strides [1] low [1] : tensor<16x16x3xf32>, tensor<16x17xf32> to tensor<16x17xf32>
    %6 = loco.conv_outer %4, %h0 wrap strides [1] low [1] : tensor<16x17xf32>, tensor<16x17xf32> to tensor<16x16x3xf32>
    %7 = loco.reduce sum %4 over [1] : tensor<16x17xf32> to tensor<16xf32>
    %8 = math.tanh %5 : tensor<16x17xf32>
    loco.yield carry(%8 : tensor<16x17xf32>) stack(%4 : tensor<16x17xf32>) sum(%6, %7 : tensor<16x16x3xf32>, tensor<16xf32>)
  }
  return %h, %kg, %bg, %s : tensor<16x17xf32>, tensor<16x16x3xf32>, tensor<16xf32>, tensor<?x16x17xf32>
}

// 27 channels in two vectors, edges of zeros.
func.func @padded(%k: tensor<27x27x3x3xf32> {loco.role = "param"}, %z: tensor<27x5x7xf32> {loco.role = "input"},
                  %g: tensor<27x5x7xf32> {loco.role = "input"})
    -> (tensor<27x5x7xf32>, tensor<27x5x7xf32>, tensor<27x27x3x3xf32> {loco.sum_samples}, tensor<5x7xf32>) {
  %0 = loco.conv %k, %z zero strides [1, 1] low [1, 1] : tensor<27x27x3x3xf32>, tensor<27x5x7xf32> to tensor<27x5x7xf32>
  %1 = loco.conv_transpose %k, %g zero strides [1, 1] low [1, 1] : tensor<27x27x3x3xf32>, tensor<27x5x7xf32> to tensor<27x5x7xf32>
  %2 = loco.conv_outer %g, %z zero strides [1, 1] low [1, 1] : tensor<27x5x7xf32>, tensor<27x5x7xf32> to tensor<27x27x3x3xf32>
  %3 = math.tanh %0 : tensor<27x5x7xf32>
  %4 = loco.reduce sum %3 over [0] : tensor<27x5x7xf32> to tensor<5x7xf32>
  return %3, %1, %2, %4 : tensor<27x5x7xf32>, tensor<27x5x7xf32>, tensor<27x27x3x3xf32>, tensor<5x7xf32>
}

// A layer from 3 channels to 12 that halves the picture, and one of 12 to 20.
func.func @layers(%k: tensor<12x3x3x3xf32> {loco.role = "param"}, %l: tensor<20x12x3x3xf32> {loco.role = "param"},
                  %z: tensor<3x10x14xf32> {loco.role = "input"}, %g: tensor<20x5x7xf32> {loco.role = "input"})
    -> (tensor<20x5x7xf32>, tensor<12x5x7xf32>, tensor<20x12x3x3xf32> {loco.sum_samples}, tensor<12x3x3x3xf32> {loco.sum_samples}) {
  %0 = loco.conv %k, %z zero strides [2, 2] low [1, 1] : tensor<12x3x3x3xf32>, tensor<3x10x14xf32> to tensor<12x5x7xf32>
  %1 = math.tanh %0 : tensor<12x5x7xf32>
  %2 = loco.conv %l, %1 zero strides [1, 1] low [1, 1] : tensor<20x12x3x3xf32>, tensor<12x5x7xf32> to tensor<20x5x7xf32>
  %3 = loco.conv_transpose %l, %g zero strides [1, 1] low [1, 1] : tensor<20x12x3x3xf32>, tensor<20x5x7xf32> to tensor<12x5x7xf32>
  %4 = loco.conv_outer %g, %1 zero strides [1, 1] low [1, 1] : tensor<20x5x7xf32>, tensor<12x5x7xf32> to tensor<20x12x3x3xf32>
  %5 = loco.conv_outer %3, %z zero strides [2, 2] low [1, 1] : tensor<12x5x7xf32>, tensor<3x10x14xf32> to tensor<12x3x3x3xf32>
  return %2, %3, %4, %5 : tensor<20x5x7xf32>, tensor<12x5x7xf32>, tensor<20x12x3x3xf32>, tensor<12x3x3x3xf32>
}

// Back through a layer that halves the picture.
func.func @widened(%k: tensor<16x32x3x3xf32> {loco.role = "param"}, %g: tensor<16x3x4xf32> {loco.role = "input"})
    -> tensor<32x6x8xf32> {
  %0 = loco.conv_transpose %k, %g zero strides [2, 2] low [1, 1] : tensor<16x32x3x3xf32>, tensor<16x3x4xf32> to tensor<32x6x8xf32>
  %1 = math.tanh %0 : tensor<32x6x8xf32>
  return %1 : tensor<32x6x8xf32>
}

// The same around a torus, and with sites that no output reaches.
func.func @widened_torus(%k: tensor<16x16x3x3xf32> {loco.role = "param"}, %g: tensor<16x3x4xf32> {loco.role = "input"})
    -> tensor<16x6x8xf32> {
  %0 = loco.conv_transpose %k, %g wrap strides [2, 2] low [1, 1] : tensor<16x16x3x3xf32>, tensor<16x3x4xf32> to tensor<16x6x8xf32>
  return %0 : tensor<16x6x8xf32>
}

func.func @spread(%k: tensor<16x16x2x3xf32> {loco.role = "param"}, %g: tensor<16x3x7xf32> {loco.role = "input"})
    -> tensor<16x7x20xf32> {
  %0 = loco.conv_transpose %k, %g zero strides [3, 3] low [0, 1] : tensor<16x16x2x3xf32>, tensor<16x3x7xf32> to tensor<16x7x20xf32>
  return %0 : tensor<16x7x20xf32>
}
