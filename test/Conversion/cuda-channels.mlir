// Couplings that mix channels on a GPU: where all sites of a thread are channels of one place, what the
// place reads is read once for all of them; derivatives by weights several at a time. Places that fill
// threads, leave some idle, are divided between blocks, and such that fit no number of threads.
// RUN: loco-test-kernels --cuda %s | FileCheck %s
// RUN: loco-test-kernels --cuda %s --samples=1 --steps=1 | FileCheck %s
// RUN: loco-test-kernels --cuda %s --function=rings --steps=2 --arch=sm_80 --grid=3
// RUN: loco-test-kernels --cuda %s --function=zeros --together=2
// RUN: loco-test-kernels --cuda %s --function=sheets --steps=2 --samples=2 --arch=sm_80
// CHECK: rings: 4 results agree
// CHECK: zeros: 3 results agree
// CHECK: odd: 3 results agree
// CHECK: sheets: 3 results agree
//
// RUN: loco-test-kernels --cuda --emit=explain %s --function=rings | FileCheck %s --check-prefix=RINGS
// RUN: loco-test-kernels --cuda --emit=explain %s --function=zeros | FileCheck %s --check-prefix=ZEROS
// RUN: loco-test-kernels --cuda --emit=explain %s --function=odd | FileCheck %s --check-prefix=ODD
// RUN: loco-test-kernels --cuda --emit=explain %s --function=sheets | FileCheck %s --check-prefix=SHEETS
// RINGS: sites [9, 64] {{.*}}, 3 channels of a place together
// RINGS: a warp for each result [9, 9, 3] 1 ops, weights of {{[0-9]}} channels together
// ZEROS: sites [5, 8, 16] {{.*}}, 5 channels of a place together
// ODD-NOT: of a place together
// SHEETS: a cluster of 4 blocks of 256 threads
// SHEETS: sites [10, 32, 32] {{.*}}, 10 channels of a place together

// Fewer channels in the last round than in the others; a kernel of two taps.
func.func @rings(%k: tensor<9x9x3xf32> {loco.role = "param"}, %l: tensor<9x9x2xf32> {loco.role = "param"},
                 %u: tensor<?x9x64xf32> {loco.role = "input"}, %T: index {loco.role = "steps"})
    -> (tensor<9x64xf32>, tensor<9x9x3xf32> {loco.sum_samples}, tensor<9x9x2xf32> {loco.sum_samples}, tensor<?x9x64xf32>) {
  %zero = arith.constant dense<0.0> : tensor<9x64xf32>
  %h, %s, %kg, %lg = loco.scan %t below %T carry(%h0 = %zero : tensor<9x64xf32>) each(%x = %u : tensor<?x9x64xf32>)
      with(%w = %k : tensor<9x9x3xf32>, %v = %l : tensor<9x9x2xf32>)
      stack(tensor<?x9x64xf32>) sum(tensor<9x9x3xf32>, tensor<9x9x2xf32>) {
    %0 = loco.conv %w, %h0 wrap strides [1] low [1] : tensor<9x9x3xf32>, tensor<9x64xf32> to tensor<9x64xf32>
    %1 = loco.conv %v, %h0 wrap strides [1] low [0] : tensor<9x9x2xf32>, tensor<9x64xf32> to tensor<9x64xf32>
    %2 = arith.addf %0, %1 : tensor<9x64xf32>
    %3 = arith.addf %2, %x : tensor<9x64xf32>
    %4 = math.tanh %3 : tensor<9x64xf32>
    %5 = loco.conv_transpose %w, %4 wrap strides [1] low [1] : tensor<9x9x3xf32>, tensor<9x64xf32> to tensor<9x64xf32>
    %6 = loco.conv_outer %4, %h0 wrap strides [1] low [1] : tensor<9x64xf32>, tensor<9x64xf32> to tensor<9x9x3xf32>
    %7 = loco.conv_outer %4, %h0 wrap strides [1] low [0] : tensor<9x64xf32>, tensor<9x64xf32> to tensor<9x9x2xf32>
    %8 = math.tanh %5 : tensor<9x64xf32>
    loco.yield carry(%8 : tensor<9x64xf32>) stack(%4 : tensor<9x64xf32>) sum(%6, %7 : tensor<9x9x3xf32>, tensor<9x9x2xf32>)
  }
  return %h, %kg, %lg, %s : tensor<9x64xf32>, tensor<9x9x3xf32>, tensor<9x9x2xf32>, tensor<?x9x64xf32>
}

// Edges of zeros, two axes, f64, other channels read than made.
func.func @zeros(%k: tensor<5x5x3x3xf64> {loco.role = "param"}, %u: tensor<?x5x8x16xf64> {loco.role = "input"},
                 %T: index {loco.role = "steps"})
    -> (tensor<5x8x16xf64>, tensor<5x5x3x3xf64> {loco.sum_samples}, tensor<?x5x8x16xf64>) {
  %zero = arith.constant dense<0.1> : tensor<5x8x16xf64>
  %h, %s, %kg = loco.scan %t below %T carry(%h0 = %zero : tensor<5x8x16xf64>) each(%x = %u : tensor<?x5x8x16xf64>)
      with(%w = %k : tensor<5x5x3x3xf64>) stack(tensor<?x5x8x16xf64>) sum(tensor<5x5x3x3xf64>) {
    %0 = loco.conv %w, %h0 zero strides [1, 1] low [1, 1] : tensor<5x5x3x3xf64>, tensor<5x8x16xf64> to tensor<5x8x16xf64>
    %1 = arith.addf %0, %x : tensor<5x8x16xf64>
    %2 = math.tanh %1 : tensor<5x8x16xf64>
    %3 = loco.conv_transpose %w, %2 zero strides [1, 1] low [1, 1] : tensor<5x5x3x3xf64>, tensor<5x8x16xf64> to tensor<5x8x16xf64>
    %4 = loco.conv_outer %2, %h0 zero strides [1, 1] low [1, 1] : tensor<5x8x16xf64>, tensor<5x8x16xf64> to tensor<5x5x3x3xf64>
    %5 = math.tanh %3 : tensor<5x8x16xf64>
    loco.yield carry(%5 : tensor<5x8x16xf64>) stack(%2 : tensor<5x8x16xf64>) sum(%4 : tensor<5x5x3x3xf64>)
  }
  return %h, %kg, %s : tensor<5x8x16xf64>, tensor<5x5x3x3xf64>, tensor<?x5x8x16xf64>
}

// 35 places: no whole number of warps.
func.func @odd(%k: tensor<3x3x3x3xf32> {loco.role = "param"}, %u: tensor<?x3x5x7xf32> {loco.role = "input"},
               %T: index {loco.role = "steps"})
    -> (tensor<3x5x7xf32>, tensor<3x3x3x3xf32> {loco.sum_samples}, tensor<?x3x5x7xf32>) {
  %zero = arith.constant dense<0.0> : tensor<3x5x7xf32>
  %h, %s, %kg = loco.scan %t below %T carry(%h0 = %zero : tensor<3x5x7xf32>) each(%x = %u : tensor<?x3x5x7xf32>)
      with(%w = %k : tensor<3x3x3x3xf32>) stack(tensor<?x3x5x7xf32>) sum(tensor<3x3x3x3xf32>) {
    %0 = loco.conv %w, %h0 wrap strides [1, 1] low [1, 1] : tensor<3x3x3x3xf32>, tensor<3x5x7xf32> to tensor<3x5x7xf32>
    %1 = arith.addf %0, %x : tensor<3x5x7xf32>
    %2 = math.tanh %1 : tensor<3x5x7xf32>
    %3 = loco.conv_outer %2, %h0 wrap strides [1, 1] low [1, 1] : tensor<3x5x7xf32>, tensor<3x5x7xf32> to tensor<3x3x3x3xf32>
    loco.yield carry(%2 : tensor<3x5x7xf32>) stack(%2 : tensor<3x5x7xf32>) sum(%3 : tensor<3x3x3x3xf32>)
  }
  return %h, %kg, %s : tensor<3x5x7xf32>, tensor<3x3x3x3xf32>, tensor<?x3x5x7xf32>
}

// More than a block holds: each has all channels of some places, more than are made at a time.
func.func @sheets(%k: tensor<10x10x1x3xf32> {loco.role = "param"}, %u: tensor<?x10x32x32xf32> {loco.role = "input"},
                  %T: index {loco.role = "steps"})
    -> (tensor<10x32x32xf32>, tensor<10x10x1x3xf32> {loco.sum_samples}, tensor<?x10x32x32xf32>) {
  %zero = arith.constant dense<0.0> : tensor<10x32x32xf32>
  %h, %s, %kg = loco.scan %t below %T carry(%h0 = %zero : tensor<10x32x32xf32>) each(%x = %u : tensor<?x10x32x32xf32>)
      with(%w = %k : tensor<10x10x1x3xf32>) stack(tensor<?x10x32x32xf32>) sum(tensor<10x10x1x3xf32>) {
    %0 = loco.conv %w, %h0 wrap strides [1, 1] low [0, 1] : tensor<10x10x1x3xf32>, tensor<10x32x32xf32> to tensor<10x32x32xf32>
    %1 = arith.addf %0, %x : tensor<10x32x32xf32>
    %2 = math.tanh %1 : tensor<10x32x32xf32>
    %3 = loco.conv_outer %2, %h0 wrap strides [1, 1] low [0, 1] : tensor<10x32x32xf32>, tensor<10x32x32xf32> to tensor<10x10x1x3xf32>
    loco.yield carry(%2 : tensor<10x32x32xf32>) stack(%2 : tensor<10x32x32xf32>) sum(%3 : tensor<10x10x1x3xf32>)
  }
  return %h, %kg, %s : tensor<10x32x32xf32>, tensor<10x10x1x3xf32>, tensor<?x10x32x32xf32>
}
