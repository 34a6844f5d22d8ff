// A dense recurrence in segments: its samples advance together, products of several
// segments add up to one gradient, and what is made of parameters alone is there once for
// all samples. Segments that divide the steps, and do not; of one step, and of all.
// RUN: loco-opt %s --pass-pipeline="builtin.module(loco-create-vjp{function=f arguments=0,1,2 name=df},func.func(loco-segment-loops,loco-plan-residuals,canonicalize,cse))" -o %t.mlir
// RUN: loco-test-kernels %t.mlir --samples=5 --steps=11 --block=1 --segment=4 | FileCheck %s
// RUN: loco-test-kernels %t.mlir --samples=5 --steps=11 --block=2 --segment=4 | FileCheck %s
// RUN: loco-test-kernels %t.mlir --samples=5 --steps=12 --block=4 --segment=4 | FileCheck %s
// RUN: loco-test-kernels %t.mlir --samples=5 --steps=3 --block=3 --segment=1 | FileCheck %s
// RUN: loco-test-kernels %t.mlir --samples=2 --steps=1 --block=2 --segment=9 | FileCheck %s
// The same on a GPU.
// RUN: loco-test-kernels --cuda %t.mlir --samples=2 --steps=7 --segment=3 | FileCheck %s
// RUN: loco-test-kernels --cuda %t.mlir --samples=1 --steps=1 --segment=9 | FileCheck %s
// CHECK-NOT: differs
// CHECK: f: 2 results agree
// CHECK: df: 5 results agree

func.func @f(%w: tensor<128x128xf32> {loco.role = "param"}, %b: tensor<256xf32> {loco.role = "param"},
             %xs: tensor<?x128xf32>, %T: index {loco.role = "steps"}) -> (tensor<f32>, tensor<?x128xf32>) {
  %z0 = arith.constant dense<0.1> : tensor<128xf32>
  %b0 = loco.slice %b at [0] : tensor<256xf32> to tensor<128xf32>
  %b1 = loco.slice %b at [128] : tensor<256xf32> to tensor<128xf32>
  %z, %v, %all, %sum = loco.scan %t below %T
      carry(%z1 = %z0 : tensor<128xf32>, %v1 = %z0 : tensor<128xf32>)
      each(%x = %xs : tensor<?x128xf32>)
      with(%a = %w : tensor<128x128xf32>, %c0 = %b0 : tensor<128xf32>, %c1 = %b1 : tensor<128xf32>)
      stack(tensor<?x128xf32>) sum(tensor<f32>) {
    %0 = loco.contract "oi,i->o" %a, %z1 : tensor<128x128xf32>, tensor<128xf32> to tensor<128xf32>
    %small = arith.constant dense<0.05> : tensor<128xf32>
    %1 = arith.mulf %0, %small : tensor<128xf32>
    %2 = arith.addf %1, %x : tensor<128xf32>
    %3 = arith.addf %2, %c0 : tensor<128xf32>
    %4 = math.tanh %3 : tensor<128xf32>
    %5 = arith.mulf %c1, %v1 : tensor<128xf32>
    %6 = arith.mulf %5, %small : tensor<128xf32>
    %v2 = arith.addf %4, %6 : tensor<128xf32>
    %7 = arith.mulf %v2, %small : tensor<128xf32>
    %z2 = arith.addf %z1, %7 : tensor<128xf32>
    %8 = arith.mulf %z2, %z2 : tensor<128xf32>
    %9 = loco.reduce sum %8 over [0] : tensor<128xf32> to tensor<f32>
    loco.yield carry(%z2, %v2 : tensor<128xf32>, tensor<128xf32>) stack(%4 : tensor<128xf32>) sum(%9 : tensor<f32>)
  }
  %10 = arith.mulf %z, %z : tensor<128xf32>
  %11 = loco.reduce sum %10 over [0] : tensor<128xf32> to tensor<f32>
  %12 = arith.addf %sum, %11 : tensor<f32>
  return %12, %all : tensor<f32>, tensor<?x128xf32>
}
