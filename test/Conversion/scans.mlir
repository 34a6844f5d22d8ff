// RUN: loco-test-kernels %s
// RUN: loco-test-kernels %s --samples=1 --steps=1
// RUN: loco-test-kernels %s --samples=2 --steps=12 --vector=32

// A lattice of one channel: two wrapped convs, the states stacked, a loss summed up.
func.func @lattice(%dt: tensor<f32> {loco.role = "param"}, %kz: tensor<3x3xf32> {loco.role = "param"},
                   %kv: tensor<3x3xf32> {loco.role = "param"}, %b: tensor<12x20xf32> {loco.role = "param"},
                   %u: tensor<?x12x20xf32> {loco.role = "input"}, %T: index)
    -> (tensor<f32>, tensor<?x12x20xf32>, tensor<12x20xf32>) {
  %zero = arith.constant dense<0.0> : tensor<12x20xf32>
  %z, %v, %zs, %loss = loco.scan %t below %T carry(%z0 = %zero : tensor<12x20xf32>, %v0 = %zero : tensor<12x20xf32>)
      each(%x = %u : tensor<?x12x20xf32>)
      with(%d = %dt : tensor<f32>, %wz = %kz : tensor<3x3xf32>, %wv = %kv : tensor<3x3xf32>, %bias = %b : tensor<12x20xf32>)
      stack(tensor<?x12x20xf32>) sum(tensor<f32>) {
    %0 = loco.conv %wz, %z0 wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<12x20xf32> to tensor<12x20xf32>
    %1 = loco.conv %wv, %v0 wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<12x20xf32> to tensor<12x20xf32>
    %2 = arith.addf %0, %1 : tensor<12x20xf32>
    %3 = arith.addf %2, %bias : tensor<12x20xf32>
    %4 = arith.addf %3, %x : tensor<12x20xf32>
    %5 = math.tanh %4 : tensor<12x20xf32>
    %6 = arith.subf %5, %z0 : tensor<12x20xf32>
    %7 = arith.subf %6, %v0 : tensor<12x20xf32>
    %8 = loco.broadcast %d along [0, 1] : tensor<f32> to tensor<12x20xf32>
    %9 = arith.mulf %8, %7 : tensor<12x20xf32>
    %v1 = arith.addf %v0, %9 : tensor<12x20xf32>
    %10 = arith.mulf %8, %v1 : tensor<12x20xf32>
    %z1 = arith.addf %z0, %10 : tensor<12x20xf32>
    %11 = arith.subf %z1, %x : tensor<12x20xf32>
    %12 = arith.mulf %11, %11 : tensor<12x20xf32>
    %13 = loco.reduce sum %12 over [0, 1] : tensor<12x20xf32> to tensor<f32>
    loco.yield carry(%z1, %v1 : tensor<12x20xf32>, tensor<12x20xf32>) stack(%z1 : tensor<12x20xf32>) sum(%13 : tensor<f32>)
  }
  %n = loco.from_index %T : tensor<f32>
  %mean = arith.divf %loss, %n : tensor<f32>
  return %mean, %zs, %z : tensor<f32>, tensor<?x12x20xf32>, tensor<12x20xf32>
}

// Forward and backward of the same, as differentiation writes it.
func.func @gradient(%kz: tensor<3x3xf32> {loco.role = "param"}, %b: tensor<5x7xf32> {loco.role = "param"},
                    %u: tensor<?x5x7xf32> {loco.role = "input"}, %T: index)
    -> (tensor<3x3xf32> {loco.sum_samples}, tensor<5x7xf32> {loco.sum_samples}, tensor<?x5x7xf32>, tensor<f32> {loco.sum_samples}) {
  %zero = arith.constant dense<0.0> : tensor<5x7xf32>
  %z, %before, %acts, %loss = loco.scan %t below %T carry(%z0 = %zero : tensor<5x7xf32>)
      each(%x = %u : tensor<?x5x7xf32>) with(%w = %kz : tensor<3x3xf32>, %bias = %b : tensor<5x7xf32>)
      stack(tensor<?x5x7xf32>, tensor<?x5x7xf32>) sum(tensor<f32>) {
    %0 = loco.conv %w, %z0 wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<5x7xf32> to tensor<5x7xf32>
    %1 = arith.addf %0, %bias : tensor<5x7xf32>
    %2 = arith.addf %1, %x : tensor<5x7xf32>
    %3 = math.tanh %2 : tensor<5x7xf32>
    %4 = arith.mulf %3, %3 : tensor<5x7xf32>
    %5 = loco.reduce sum %4 over [0, 1] : tensor<5x7xf32> to tensor<f32>
    loco.yield carry(%3 : tensor<5x7xf32>) stack(%z0, %3 : tensor<5x7xf32>, tensor<5x7xf32>) sum(%5 : tensor<f32>)
  }
  %gz, %gu, %gk, %gb = loco.scan reverse %t below %T carry(%g0 = %zero : tensor<5x7xf32>)
      each(%zb = %before : tensor<?x5x7xf32>, %a = %acts : tensor<?x5x7xf32>) with(%w = %kz : tensor<3x3xf32>)
      stack(tensor<?x5x7xf32>) sum(tensor<3x3xf32>, tensor<5x7xf32>) {
    %one = arith.constant dense<1.0> : tensor<5x7xf32>
    %two = arith.constant dense<2.0> : tensor<5x7xf32>
    %0 = arith.mulf %two, %a : tensor<5x7xf32>
    %1 = arith.addf %0, %g0 : tensor<5x7xf32>
    %2 = arith.mulf %a, %a : tensor<5x7xf32>
    %3 = arith.subf %one, %2 : tensor<5x7xf32>
    %d = arith.mulf %1, %3 : tensor<5x7xf32>
    %gk1 = loco.conv_outer %d, %zb wrap strides [1, 1] low [1, 1] : tensor<5x7xf32>, tensor<5x7xf32> to tensor<3x3xf32>
    %g1 = loco.conv_transpose %w, %d wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<5x7xf32> to tensor<5x7xf32>
    loco.yield carry(%g1 : tensor<5x7xf32>) stack(%d : tensor<5x7xf32>) sum(%gk1, %d : tensor<3x3xf32>, tensor<5x7xf32>)
  }
  return %gk, %gb, %gu, %loss : tensor<3x3xf32>, tensor<5x7xf32>, tensor<?x5x7xf32>, tensor<f32>
}

// Channels on a ring of 17 sites, zero boundary, groups, strides.
func.func @convs(%k: tensor<6x3x3xf32> {loco.role = "param"}, %kg: tensor<6x1x3xf32> {loco.role = "param"}, %x: tensor<3x17xf32>,
                 %ks: tensor<4x4xf32> {loco.role = "param"}, %y: tensor<8x12xf32>, %g: tensor<6x17xf32>, %gs: tensor<4x6xf32>)
    -> (tensor<6x17xf32>, tensor<6x17xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<3x17xf32>, tensor<8x12xf32>, tensor<8x12xf32>,
        tensor<6x3x3xf32>, tensor<6x1x3xf32>, tensor<4x4xf32>, tensor<5x9xf32>) {
  %0 = loco.conv %k, %x zero strides [1] low [1] : tensor<6x3x3xf32>, tensor<3x17xf32> to tensor<6x17xf32>
  %1 = loco.conv %kg, %x wrap strides [1] low [2] groups 3 : tensor<6x1x3xf32>, tensor<3x17xf32> to tensor<6x17xf32>
  %2 = loco.conv %ks, %y zero strides [2, 2] low [1, 1] : tensor<4x4xf32>, tensor<8x12xf32> to tensor<4x6xf32>
  %3 = loco.conv %ks, %y wrap strides [2, 2] low [3, 0] : tensor<4x4xf32>, tensor<8x12xf32> to tensor<4x6xf32>
  %4 = loco.conv_transpose %k, %g zero strides [1] low [1] : tensor<6x3x3xf32>, tensor<6x17xf32> to tensor<3x17xf32>
  %5 = loco.conv_transpose %ks, %gs zero strides [2, 2] low [1, 1] : tensor<4x4xf32>, tensor<4x6xf32> to tensor<8x12xf32>
  %6 = loco.conv_transpose %ks, %gs wrap strides [2, 2] low [3, 0] : tensor<4x4xf32>, tensor<4x6xf32> to tensor<8x12xf32>
  %7 = loco.conv_outer %g, %x zero strides [1] low [1] : tensor<6x17xf32>, tensor<3x17xf32> to tensor<6x3x3xf32>
  %8 = loco.conv_outer %g, %x wrap strides [1] low [2] groups 3 : tensor<6x17xf32>, tensor<3x17xf32> to tensor<6x1x3xf32>
  %9 = loco.conv_outer %gs, %y wrap strides [2, 2] low [3, 0] : tensor<4x6xf32>, tensor<8x12xf32> to tensor<4x4xf32>
  %10 = loco.conv %ks, %y zero strides [1, 1] low [0, 0] : tensor<4x4xf32>, tensor<8x12xf32> to tensor<5x9xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10 : tensor<6x17xf32>, tensor<6x17xf32>, tensor<4x6xf32>, tensor<4x6xf32>, tensor<3x17xf32>, tensor<8x12xf32>, tensor<8x12xf32>,
        tensor<6x3x3xf32>, tensor<6x1x3xf32>, tensor<4x4xf32>, tensor<5x9xf32>
}

// A stencil over both boundaries.
func.func @stencils(%c: tensor<9x18xf64>, %n: tensor<9x18xf64>) -> (tensor<9x18xf64>, tensor<9x18xf64>) {
  %0 = loco.stencil centre(%a = %c) neighbour(%b = %n) offsets [-1, 0, 0, 2, 1, 1] wrap : tensor<9x18xf64> {
    %1 = arith.subf %b, %a : tensor<9x18xf64>
    %2 = math.sin %1 : tensor<9x18xf64>
    loco.yield stack(%2 : tensor<9x18xf64>)
  }
  %3 = loco.stencil centre(%a = %c) neighbour(%b = %n) offsets [-1, 0, 0, 2, 1, 1] zero : tensor<9x18xf64> {
    %1 = arith.subf %b, %a : tensor<9x18xf64>
    %2 = math.cos %1 : tensor<9x18xf64>
    loco.yield stack(%2 : tensor<9x18xf64>)
  }
  return %0, %3 : tensor<9x18xf64>, tensor<9x18xf64>
}

// Dense recurrence, random draws, time as a value; stacks used as whole values.
func.func @dense(%w: tensor<19x19xf32> {loco.role = "param"}, %x: tensor<?xf32> {loco.role = "input"}, %key: !loco.random_key, %T: index)
    -> (tensor<?x19xf32>, tensor<?x19xf32>, tensor<19xf32>, tensor<?x19xf32>, tensor<19xf32>) {
  %zero = arith.constant dense<0.1> : tensor<19xf32>
  %h, %hs = loco.scan %t below %T carry(%h0 = %zero : tensor<19xf32>) each(%xt = %x : tensor<?xf32>) with(%m = %w : tensor<19x19xf32>, %k = %key : !loco.random_key)
      stack(tensor<?x19xf32>) {
    %0 = loco.contract "oi,i->o" %m, %h0 : tensor<19x19xf32>, tensor<19xf32> to tensor<19xf32>
    %1 = loco.broadcast %xt along [0] : tensor<f32> to tensor<19xf32>
    %2 = arith.addf %0, %1 : tensor<19xf32>
    %3 = loco.random normal %k at %t stream 11 : tensor<19xf32>
    %4 = arith.addf %2, %3 : tensor<19xf32>
    %5 = math.tanh %4 : tensor<19xf32>
    loco.yield carry(%5 : tensor<19xf32>) stack(%5 : tensor<19xf32>)
  }
  %sq = arith.mulf %hs, %hs : tensor<?x19xf32>
  %rolled = loco.roll %sq axis 0 by 1 wrap : tensor<?x19xf32>
  %one = arith.constant 1 : index
  %last = arith.subi %T, %one : index
  %end = loco.at %hs[%last] : tensor<?x19xf32> to tensor<19xf32>
  %placed = loco.place %end at %last of %T : tensor<19xf32> to tensor<?x19xf32>
  %sum = loco.reduce sum %sq over [0] : tensor<?x19xf32> to tensor<19xf32>
  return %sq, %rolled, %end, %placed, %sum : tensor<?x19xf32>, tensor<?x19xf32>, tensor<19xf32>, tensor<?x19xf32>, tensor<19xf32>
}

// A loop that ends by itself in every step of another one, and the loop back over
// the steps that it took; stacks read beyond them are zero.
func.func @ends(%p: tensor<f64> {loco.role = "param"}, %x: tensor<?x9xf64> {loco.role = "input"}, %T: index)
    -> (tensor<9xf64>, tensor<?x9xf64>, tensor<?xf64>, tensor<?x9xf64>) {
  %zero = arith.constant dense<0.0> : tensor<9xf64>
  %last, %sums, %counts, %firsts = loco.scan %t below %T carry(%z = %zero : tensor<9xf64>)
      each(%xt = %x : tensor<?x9xf64>) with(%a = %p : tensor<f64>)
      stack(tensor<?x9xf64>, tensor<?xf64>, tensor<?x9xf64>) {
    %max = arith.constant 12 : index
    %start = arith.addf %z, %xt : tensor<9xf64>
    %r:4 = loco.scan %s below %max carry(%y = %start : tensor<9xf64>) with(%b = %a : tensor<f64>)
        stack(tensor<?x9xf64>) sum(tensor<f64>) while {
      %one = arith.constant dense<1.0> : tensor<f64>
      %least = arith.constant dense<2.0> : tensor<f64>
      %0 = loco.sigmoid %b : tensor<f64>
      %1 = loco.broadcast %0 along [0] : tensor<f64> to tensor<9xf64>
      %2 = arith.mulf %y, %1 : tensor<9xf64>
      %3 = math.absf %2 : tensor<9xf64>
      %4 = loco.reduce sum %3 over [0] : tensor<9xf64> to tensor<f64>
      %5 = arith.cmpf ogt, %4, %least : tensor<f64>
      loco.yield carry(%2 : tensor<9xf64>) stack(%2 : tensor<9xf64>) sum(%one : tensor<f64>) while(%5 : tensor<i1>)
    }
    %back = loco.scan reverse %s below %max taking %r#3 carry(%g = %xt : tensor<9xf64>) each(%y = %r#1 : tensor<?x9xf64>) {
      %0 = math.sin %g : tensor<9xf64>
      %1 = arith.addf %0, %y : tensor<9xf64>
      loco.yield carry(%1 : tensor<9xf64>)
    }
    %eleven = arith.constant 11 : index
    %end = loco.at %r#1[%eleven] : tensor<?x9xf64> to tensor<9xf64>
    %sum = loco.reduce sum %r#1 over [0] : tensor<?x9xf64> to tensor<9xf64>
    loco.yield carry(%back : tensor<9xf64>) stack(%sum, %r#2, %end : tensor<9xf64>, tensor<f64>, tensor<9xf64>)
  }
  return %last, %sums, %counts, %firsts : tensor<9xf64>, tensor<?x9xf64>, tensor<?xf64>, tensor<?x9xf64>
}

// Terms of a sum over samples that come from a loop by way of a shape: they wait for it.
func.func @late_terms(%x: tensor<?x3xf32> {loco.role = "input"}, %T: index)
    -> (tensor<2x3xf32> {loco.sum_samples}) {
  %a, %b = loco.scan %t below %T each(%e = %x : tensor<?x3xf32>) sum(tensor<3xf32>, tensor<3xf32>) {
    %0 = arith.mulf %e, %e : tensor<3xf32>
    loco.yield sum(%e, %0 : tensor<3xf32>, tensor<3xf32>)
  }
  %0 = loco.reshape %a : tensor<3xf32> to tensor<1x3xf32>
  %1 = loco.pad %0 at [0, 0] : tensor<1x3xf32> to tensor<2x3xf32>
  %2 = loco.reshape %b : tensor<3xf32> to tensor<1x3xf32>
  %3 = loco.pad %2 at [1, 0] : tensor<1x3xf32> to tensor<2x3xf32>
  %4 = arith.addf %1, %3 : tensor<2x3xf32>
  return %4 : tensor<2x3xf32>
}
