// Loops whose state is multiplied by a matrix, at sizes that fill neither a
// fragment nor a tile: on a GPU some samples advance together, with the weights
// on chip (cuda-products.test).
// RUN: loco-test-kernels %s
// RUN: loco-test-kernels %s --samples=1 --steps=1

// h <- tanh(W h + V x + b) of 33 units, and back: the gradient by all of them.
func.func @recurrent(%w: tensor<33x33xf32> {loco.role = "param"}, %v: tensor<33x3xf32> {loco.role = "param"}, %b: tensor<33xf32> {loco.role = "param"},
                     %x: tensor<?x3xf32> {loco.role = "input"}, %T: index)
    -> (tensor<?x33xf32>, tensor<33xf32>, tensor<f32>, tensor<33x33xf32> {loco.sum_samples}, tensor<33x3xf32> {loco.sum_samples}, tensor<33xf32> {loco.sum_samples}) {
  %zero = arith.constant dense<0.0> : tensor<33xf32>
  %scale = arith.constant dense<0.25> : tensor<33x33xf32>
  %small = arith.mulf %w, %scale : tensor<33x33xf32>
  %h, %hs, %before, %total = loco.scan %t below %T carry(%h0 = %zero : tensor<33xf32>) each(%xt = %x : tensor<?x3xf32>)
      with(%m = %small : tensor<33x33xf32>, %n = %v : tensor<33x3xf32>, %c = %b : tensor<33xf32>) stack(tensor<?x33xf32>, tensor<?x33xf32>) sum(tensor<f32>) {
    %0 = loco.contract "oi,i->o" %m, %h0 : tensor<33x33xf32>, tensor<33xf32> to tensor<33xf32>
    %1 = loco.contract "oi,i->o" %n, %xt : tensor<33x3xf32>, tensor<3xf32> to tensor<33xf32>
    %2 = arith.addf %0, %1 : tensor<33xf32>
    %3 = arith.addf %2, %c : tensor<33xf32>
    %4 = math.tanh %3 : tensor<33xf32>
    %5 = loco.reduce sum %4 over [0] : tensor<33xf32> to tensor<f32>
    loco.yield carry(%4 : tensor<33xf32>) stack(%4, %h0 : tensor<33xf32>, tensor<33xf32>) sum(%5 : tensor<f32>)
  }
  %g, %gw, %gv, %gb = loco.scan reverse %t below %T carry(%g0 = %h : tensor<33xf32>)
      each(%a = %hs : tensor<?x33xf32>, %hb = %before : tensor<?x33xf32>, %xt = %x : tensor<?x3xf32>)
      with(%m = %small : tensor<33x33xf32>) sum(tensor<33x33xf32>, tensor<33x3xf32>, tensor<33xf32>) {
    %one = arith.constant dense<1.0> : tensor<33xf32>
    %0 = arith.mulf %a, %a : tensor<33xf32>
    %1 = arith.subf %one, %0 : tensor<33xf32>
    %2 = arith.mulf %1, %g0 : tensor<33xf32>
    %3 = loco.contract "oi,o->i" %m, %2 : tensor<33x33xf32>, tensor<33xf32> to tensor<33xf32>
    %4 = loco.contract "o,i->oi" %2, %hb : tensor<33xf32>, tensor<33xf32> to tensor<33x33xf32>
    %5 = loco.contract "o,i->oi" %2, %xt : tensor<33xf32>, tensor<3xf32> to tensor<33x3xf32>
    loco.yield carry(%3 : tensor<33xf32>) sum(%4, %5, %2 : tensor<33x33xf32>, tensor<33x3xf32>, tensor<33xf32>)
  }
  %gs = arith.mulf %gw, %scale : tensor<33x33xf32>
  return %hs, %g, %total, %gs, %gv, %gb : tensor<?x33xf32>, tensor<33xf32>, tensor<f32>, tensor<33x33xf32>, tensor<33x3xf32>, tensor<33xf32>
}

// Gates of 17 units each: three rows of weights for every unit, and a second
// product of what the first one gates. Noise is every sample's own.
func.func @gates(%u: tensor<2x17x17xf32> {loco.role = "param"}, %w: tensor<17x17xf32> {loco.role = "param"}, %x: tensor<?x2x17xf32> {loco.role = "input"},
                 %label: tensor<i32> {loco.role = "input", loco.classes = 17 : i64}, %T: index, %key: !loco.random_key)
    -> (tensor<17xf32>, tensor<f32>) {
  %zero = arith.constant dense<0.0> : tensor<17xf32>
  %one = arith.constant dense<1.0> : tensor<17xf32>
  %h = loco.scan %t below %T carry(%h0 = %zero : tensor<17xf32>) each(%xt = %x : tensor<?x2x17xf32>)
      with(%m = %u : tensor<2x17x17xf32>, %n = %w : tensor<17x17xf32>, %ones = %one : tensor<17xf32>, %k = %key : !loco.random_key) {
    %0 = loco.contract "cij,j->ci" %m, %h0 : tensor<2x17x17xf32>, tensor<17xf32> to tensor<2x17xf32>
    %1 = arith.addf %0, %xt : tensor<2x17xf32>
    %2 = loco.sigmoid %1 : tensor<2x17xf32>
    %r1 = loco.slice %2 at [0, 0] : tensor<2x17xf32> to tensor<1x17xf32>
    %z1 = loco.slice %2 at [1, 0] : tensor<2x17xf32> to tensor<1x17xf32>
    %r = loco.reshape %r1 : tensor<1x17xf32> to tensor<17xf32>
    %z = loco.reshape %z1 : tensor<1x17xf32> to tensor<17xf32>
    %kept = arith.mulf %r, %h0 : tensor<17xf32>
    %3 = loco.contract "ij,i->j" %n, %kept : tensor<17x17xf32>, tensor<17xf32> to tensor<17xf32>
    %noise = loco.random uniform %k at %t stream 3 : tensor<17xf32>
    %4 = arith.addf %3, %noise : tensor<17xf32>
    %5 = math.tanh %4 : tensor<17xf32>
    %6 = arith.mulf %z, %h0 : tensor<17xf32>
    %7 = arith.subf %ones, %z : tensor<17xf32>
    %8 = arith.mulf %7, %5 : tensor<17xf32>
    %9 = arith.addf %6, %8 : tensor<17xf32>
    loco.yield carry(%9 : tensor<17xf32>)
  }
  %target = loco.one_hot %label : tensor<i32> to tensor<17xf32>
  %d = arith.subf %h, %target : tensor<17xf32>
  %loss = loco.contract "i,i->" %d, %d : tensor<17xf32>, tensor<17xf32> to tensor<f32>
  return %h, %loss : tensor<17xf32>, tensor<f32>
}
