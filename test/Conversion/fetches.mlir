// What a loop reads of each step and other threads see, or too much of it for registers, is copied
// ahead into shared memory: fields read at their own sites and beside them, from the first step on and
// from the last, of fewer sites than threads and of more; in a loop that ends early; in several blocks.
// RUN: loco-test-kernels --cuda %s | FileCheck %s
// RUN: loco-test-kernels --cuda %s --samples=1 --steps=1 | FileCheck %s
// RUN: loco-test-kernels --cuda %s --steps=2 --beside=3 --grid=3 | FileCheck %s
// RUN: loco-test-kernels --cuda %s --together=2 | FileCheck %s
// RUN: loco-test-kernels --cuda %s --together=2 --arch=sm_80 | FileCheck %s
// CHECK: drives: 3 results agree
// CHECK: beside: 2 results agree
// CHECK: reversed: 2 results agree
// CHECK: ends: 2 results agree
//
// Without the wait a thread finds what is not there yet.
// RUN: not loco-test-kernels --cuda %s --function=drives --break=wait | FileCheck %s --check-prefix=WAIT
// RUN: not loco-test-kernels --cuda %s --function=beside --break=wait | FileCheck %s --check-prefix=WAIT
// RUN: not loco-test-kernels --cuda %s --function=drives --together=2 --arch=sm_80 --break=wait | FileCheck %s --check-prefix=WAIT
// WAIT: loco_kernel: thread {{[0-9]+}} of block {{[0-9]+}}: reads what an asynchronous copy brings that was not waited for, at byte {{[0-9]+}} of shared memory
//
// RUN: loco-test-kernels --cuda --emit=explain %s --function=drives | FileCheck %s --check-prefix=PLAN
// PLAN: loop: {{.*}}; 3 of 5 inputs of the next step copied asynchronously
// RUN: loco-test-kernels --cuda --emit=explain %s --function=beside | FileCheck %s --check-prefix=BESIDE
// BESIDE: loop: {{.*}}; 1 of 1 inputs of the next step copied asynchronously
// Blocks of a grid copy what their own threads read; what others see, too, is brought closer to all.
// RUN: loco-test-kernels --cuda --emit=explain %s --function=drives --together=2 --arch=sm_80 | FileCheck %s --check-prefix=PLAN
// RUN: loco-test-kernels --cuda --emit=explain %s --function=beside --together=2 --arch=sm_80 | FileCheck %s --check-prefix=GRID
// GRID: a grid of 2 blocks
// GRID-NOT: copied asynchronously
// GRID: loop: {{.*}}; 1 brought into the cache
// RUN: loco-test-kernels --cuda --emit=ptx %s --function=beside --together=2 --arch=sm_80 | FileCheck %s --check-prefix=CACHE
// CACHE-NOT: cp.async
// CACHE: prefetch.global.L2
// RUN: loco-test-kernels --cuda --emit=ptx %s --function=drives --arch=sm_80 | FileCheck %s --check-prefix=PTX
// PTX: cp.async.ca.shared.global
// PTX: cp.async.commit_group
// PTX: cp.async.wait_group

func.func @drives(%a: tensor<?x5x7xf32>, %b: tensor<?x5x7xf32>, %c: tensor<?x5x7xf32>, %d: tensor<?x5x7xf32>,
                  %e: tensor<?x5x7xf32>, %T: index {loco.role = "steps"}) -> (tensor<f32>, tensor<5x7xf32>, tensor<?x5x7xf32>) {
  %z0 = arith.constant dense<0.1> : tensor<5x7xf32>
  %z, %all, %sum = loco.scan %t below %T
      carry(%z1 = %z0 : tensor<5x7xf32>)
      each(%a1 = %a : tensor<?x5x7xf32>, %b1 = %b : tensor<?x5x7xf32>, %c1 = %c : tensor<?x5x7xf32>,
           %d1 = %d : tensor<?x5x7xf32>, %e1 = %e : tensor<?x5x7xf32>)
      stack(tensor<?x5x7xf32>) sum(tensor<f32>) {
    %0 = arith.mulf %a1, %z1 : tensor<5x7xf32>
    %1 = arith.addf %0, %b1 : tensor<5x7xf32>
    %2 = loco.roll %1 axis 1 by 1 wrap : tensor<5x7xf32>
    %3 = arith.mulf %2, %c1 : tensor<5x7xf32>
    %4 = arith.addf %3, %d1 : tensor<5x7xf32>
    %5 = math.tanh %4 : tensor<5x7xf32>
    %6 = arith.mulf %5, %e1 : tensor<5x7xf32>
    %7 = loco.reduce sum %6 over [0, 1] : tensor<5x7xf32> to tensor<f32>
    loco.yield carry(%5 : tensor<5x7xf32>) stack(%6 : tensor<5x7xf32>) sum(%7 : tensor<f32>)
  }
  return %sum, %z, %all : tensor<f32>, tensor<5x7xf32>, tensor<?x5x7xf32>
}

// Neighbours of a drive.
func.func @beside(%a: tensor<?x33x17xf64>, %T: index {loco.role = "steps"}) -> (tensor<33x17xf64>, tensor<f64>) {
  %z0 = arith.constant dense<0.1> : tensor<33x17xf64>
  %z, %sum = loco.scan %t below %T
      carry(%z1 = %z0 : tensor<33x17xf64>)
      each(%a1 = %a : tensor<?x33x17xf64>)
      sum(tensor<f64>) {
    %0 = loco.roll %a1 axis 0 by 1 zero : tensor<33x17xf64>
    %1 = loco.roll %a1 axis 1 by -2 wrap : tensor<33x17xf64>
    %2 = arith.subf %0, %1 : tensor<33x17xf64>
    %3 = arith.addf %z1, %2 : tensor<33x17xf64>
    %4 = math.tanh %3 : tensor<33x17xf64>
    %5 = loco.reduce sum %4 over [0, 1] : tensor<33x17xf64> to tensor<f64>
    loco.yield carry(%4 : tensor<33x17xf64>) sum(%5 : tensor<f64>)
  }
  return %z, %sum : tensor<33x17xf64>, tensor<f64>
}

// A product of what all threads read, from the last step on.
func.func @reversed(%w: tensor<45x50xf32> {loco.role = "param"}, %x: tensor<?x50xf32>, %T: index {loco.role = "steps"})
    -> (tensor<45xf32>, tensor<?x45xf32>) {
  %z0 = arith.constant dense<0.1> : tensor<45xf32>
  %z, %all = loco.scan reverse %t below %T
      carry(%z1 = %z0 : tensor<45xf32>)
      each(%x1 = %x : tensor<?x50xf32>)
      with(%v = %w : tensor<45x50xf32>)
      stack(tensor<?x45xf32>) {
    %0 = loco.contract "oi,i->o" %v, %x1 : tensor<45x50xf32>, tensor<50xf32> to tensor<45xf32>
    %1 = arith.addf %0, %z1 : tensor<45xf32>
    %2 = math.tanh %1 : tensor<45xf32>
    loco.yield carry(%2 : tensor<45xf32>) stack(%0 : tensor<45xf32>)
  }
  return %z, %all : tensor<45xf32>, tensor<?x45xf32>
}

// A loop that ends early, with a copy under way.
func.func @ends(%a: tensor<?x70xf32>, %T: index {loco.role = "steps"}) -> (tensor<70xf32>, tensor<f32>) {
  %z0 = arith.constant dense<0.1> : tensor<70xf32>
  %z, %sum, %count = loco.scan %t below %T
      carry(%z1 = %z0 : tensor<70xf32>)
      each(%a1 = %a : tensor<?x70xf32>)
      sum(tensor<f32>) while {
    %0 = loco.roll %a1 axis 0 by 3 wrap : tensor<70xf32>
    %1 = arith.addf %z1, %0 : tensor<70xf32>
    %2 = loco.reduce sum %1 over [0] : tensor<70xf32> to tensor<f32>
    %3 = loco.from_index %t : tensor<f32>
    %limit = arith.constant dense<2.0> : tensor<f32>
    %4 = arith.cmpf olt, %3, %limit : tensor<f32>
    loco.yield carry(%1 : tensor<70xf32>) sum(%2 : tensor<f32>) while(%4 : tensor<i1>)
  }
  return %z, %sum : tensor<70xf32>, tensor<f32>
}
