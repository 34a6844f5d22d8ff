// RUN: loco-test-kernels %s
// RUN: loco-test-kernels %s --samples=1 --steps=1
// RUN: loco-test-kernels %s --samples=7 --pool=1 --block=3
// RUN: env LOCO_BLAS=own loco-test-kernels %s --samples=4
// RUN: loco-test-kernels %s --emit=explain | FileCheck %s

// The encoder leaves the loop before the lattice, the decoder after it; backwards too.
// CHECK: level {{.*}} loco.scan as matrix product
// CHECK: level {{.*}} loco.scan
// CHECK: level {{.*}} loco.scan as matrix product
func.func @encoder(%we: tensor<9x10x60xf32> {loco.role = "param"}, %be: tensor<9x10xf32> {loco.role = "param"},
                   %wd: tensor<60x9x10xf32> {loco.role = "param"}, %k: tensor<3x3xf32> {loco.role = "param"},
                   %x: tensor<?x6x10xf32> {loco.role = "input"}, %T: index)
    -> (tensor<f32>, tensor<?x60xf32>, tensor<9x10x60xf32> {loco.sum_samples}, tensor<60x9x10xf32> {loco.sum_samples}, tensor<9x10xf32>) {
  %zero = arith.constant dense<0.0> : tensor<9x10xf32>
  %z, %ys, %zs, %us, %loss = loco.scan %t below %T carry(%z0 = %zero : tensor<9x10xf32>) each(%xt = %x : tensor<?x6x10xf32>)
      with(%w = %we : tensor<9x10x60xf32>, %b = %be : tensor<9x10xf32>, %d = %wd : tensor<60x9x10xf32>, %kk = %k : tensor<3x3xf32>)
      stack(tensor<?x60xf32>, tensor<?x9x10xf32>, tensor<?x60xf32>) sum(tensor<f32>) {
    %0 = loco.reshape %xt : tensor<6x10xf32> to tensor<60xf32>
    %1 = loco.contract "abi,i->ab" %w, %0 : tensor<9x10x60xf32>, tensor<60xf32> to tensor<9x10xf32>
    %2 = arith.addf %1, %b : tensor<9x10xf32>
    %3 = loco.conv %kk, %z0 wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<9x10xf32> to tensor<9x10xf32>
    %4 = arith.addf %2, %3 : tensor<9x10xf32>
    %z1 = math.tanh %4 : tensor<9x10xf32>
    %5 = loco.contract "oab,ab->o" %d, %z1 : tensor<60x9x10xf32>, tensor<9x10xf32> to tensor<60xf32>
    %6 = loco.sigmoid %5 : tensor<60xf32>
    %7 = arith.subf %6, %0 : tensor<60xf32>
    %8 = arith.mulf %7, %7 : tensor<60xf32>
    %9 = loco.reduce sum %8 over [0] : tensor<60xf32> to tensor<f32>
    loco.yield carry(%z1 : tensor<9x10xf32>) stack(%6, %z1, %0 : tensor<60xf32>, tensor<9x10xf32>, tensor<60xf32>) sum(%9 : tensor<f32>)
  }
  %gz, %gw, %gd = loco.scan reverse %t below %T carry(%g0 = %zero : tensor<9x10xf32>)
      each(%y = %ys : tensor<?x60xf32>, %z1 = %zs : tensor<?x9x10xf32>, %u = %us : tensor<?x60xf32>)
      with(%d = %wd : tensor<60x9x10xf32>, %kk = %k : tensor<3x3xf32>)
      sum(tensor<9x10x60xf32>, tensor<60x9x10xf32>) {
    %0 = arith.subf %y, %u : tensor<60xf32>
    %1 = loco.contract "oab,o->ab" %d, %0 : tensor<60x9x10xf32>, tensor<60xf32> to tensor<9x10xf32>
    %2 = arith.addf %1, %g0 : tensor<9x10xf32>
    %3 = arith.mulf %2, %z1 : tensor<9x10xf32>
    %4 = loco.conv_transpose %kk, %3 wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<9x10xf32> to tensor<9x10xf32>
    %5 = loco.contract "ab,i->abi" %3, %u : tensor<9x10xf32>, tensor<60xf32> to tensor<9x10x60xf32>
    %6 = loco.contract "o,ab->oab" %0, %z1 : tensor<60xf32>, tensor<9x10xf32> to tensor<60x9x10xf32>
    loco.yield carry(%4 : tensor<9x10xf32>) sum(%5, %6 : tensor<9x10x60xf32>, tensor<60x9x10xf32>)
  }
  return %loss, %ys, %gw, %gd, %gz : tensor<f32>, tensor<?x60xf32>, tensor<9x10x60xf32>, tensor<60x9x10xf32>, tensor<9x10xf32>
}

// A recurrence through a large matrix: the samples of a block advance together.
func.func @recurrent(%w: tensor<80x80xf32> {loco.role = "param"}, %v: tensor<80xf32> {loco.role = "param"}, %x: tensor<?xf32> {loco.role = "input"}, %T: index)
    -> (tensor<?x80xf32>, tensor<80xf32>, tensor<f32>, tensor<80x80xf32> {loco.sum_samples}, tensor<80xf32> {loco.sum_samples}) {
  %zero = arith.constant dense<0.0> : tensor<80xf32>
  %h, %hs, %before, %total = loco.scan %t below %T carry(%h0 = %zero : tensor<80xf32>) each(%xt = %x : tensor<?xf32>)
      with(%m = %w : tensor<80x80xf32>, %b = %v : tensor<80xf32>) stack(tensor<?x80xf32>, tensor<?x80xf32>) sum(tensor<f32>) {
    %0 = loco.contract "oi,i->o" %m, %h0 : tensor<80x80xf32>, tensor<80xf32> to tensor<80xf32>
    %1 = loco.broadcast %xt along [0] : tensor<f32> to tensor<80xf32>
    %2 = arith.mulf %1, %b : tensor<80xf32>
    %3 = arith.addf %0, %2 : tensor<80xf32>
    %4 = math.tanh %3 : tensor<80xf32>
    %5 = loco.reduce sum %4 over [0] : tensor<80xf32> to tensor<f32>
    loco.yield carry(%4 : tensor<80xf32>) stack(%4, %h0 : tensor<80xf32>, tensor<80xf32>) sum(%5 : tensor<f32>)
  }
  %g, %gw, %gb = loco.scan reverse %t below %T carry(%g0 = %h : tensor<80xf32>) each(%a = %hs : tensor<?x80xf32>, %hb = %before : tensor<?x80xf32>, %xt = %x : tensor<?xf32>)
      with(%m = %w : tensor<80x80xf32>) sum(tensor<80x80xf32>, tensor<80xf32>) {
    %one = arith.constant dense<1.0> : tensor<80xf32>
    %0 = arith.mulf %a, %a : tensor<80xf32>
    %1 = arith.subf %one, %0 : tensor<80xf32>
    %2 = arith.mulf %1, %g0 : tensor<80xf32>
    %3 = loco.contract "oi,o->i" %m, %2 : tensor<80x80xf32>, tensor<80xf32> to tensor<80xf32>
    %4 = loco.contract "o,i->oi" %2, %hb : tensor<80xf32>, tensor<80xf32> to tensor<80x80xf32>
    %5 = loco.broadcast %xt along [0] : tensor<f32> to tensor<80xf32>
    %6 = arith.mulf %5, %2 : tensor<80xf32>
    loco.yield carry(%3 : tensor<80xf32>) sum(%4, %6 : tensor<80x80xf32>, tensor<80xf32>)
  }
  return %hs, %g, %total, %gw, %gb : tensor<?x80xf32>, tensor<80xf32>, tensor<f32>, tensor<80x80xf32>, tensor<80xf32>
}

// Outside of a loop: rows are samples; the gradient is summed up where it goes.
func.func @layer(%w: tensor<70x80xf64> {loco.role = "param"}, %s: tensor<f64> {loco.role = "param"}, %x: tensor<80xf64> {loco.role = "input"})
    -> (tensor<70xf64>, tensor<80xf64>, tensor<70x80xf64> {loco.sum_samples}) {
  %scale = loco.sigmoid %s : tensor<f64>
  %all = loco.broadcast %scale along [0] : tensor<f64> to tensor<70xf64>
  %0 = loco.contract "oi,i->o" %w, %x : tensor<70x80xf64>, tensor<80xf64> to tensor<70xf64>
  %1 = arith.mulf %0, %all : tensor<70xf64>
  %2 = loco.contract "oi,o->i" %w, %1 : tensor<70x80xf64>, tensor<70xf64> to tensor<80xf64>
  %3 = loco.contract "o,i->oi" %1, %x : tensor<70xf64>, tensor<80xf64> to tensor<70x80xf64>
  %4 = loco.contract "o,i->oi" %0, %2 : tensor<70xf64>, tensor<80xf64> to tensor<70x80xf64>
  %5 = arith.addf %3, %4 : tensor<70x80xf64>
  return %1, %2, %5 : tensor<70xf64>, tensor<80xf64>, tensor<70x80xf64>
}
