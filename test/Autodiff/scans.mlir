// Time loops: every kind of operand and result, both directions, loops in loops.
// RUN: loco-test-derivatives %s --steps=5 | FileCheck %s
// RUN: loco-test-derivatives %s --steps=1 | FileCheck %s
// CHECK-NOT: WRONG
// CHECK: all derivatives agree

func.func @forward(%z0: tensor<3xf64>, %xs: tensor<?x3xf64>, %w: tensor<3x3xf64>, %T: index {loco.role = "steps"})
    -> (tensor<3xf64>, tensor<?x3xf64>, tensor<f64>) {
  %last, %all, %sum = loco.scan %t below %T carry(%z = %z0 : tensor<3xf64>)
      each(%x = %xs : tensor<?x3xf64>) with(%a = %w : tensor<3x3xf64>)
      stack(tensor<?x3xf64>) sum(tensor<f64>) {
    %0 = loco.contract "oi,i->o" %a, %z : tensor<3x3xf64>, tensor<3xf64> to tensor<3xf64>
    %1 = arith.addf %0, %x : tensor<3xf64>
    %2 = math.tanh %1 : tensor<3xf64>
    %3 = arith.mulf %2, %x : tensor<3xf64>
    %4 = arith.mulf %2, %2 : tensor<3xf64>
    %5 = loco.reduce sum %4 over [0] : tensor<3xf64> to tensor<f64>
    loco.yield carry(%2 : tensor<3xf64>) stack(%3 : tensor<3xf64>) sum(%5 : tensor<f64>)
  }
  return %last, %all, %sum : tensor<3xf64>, tensor<?x3xf64>, tensor<f64>
}

func.func @reverse(%z0: tensor<3xf64>, %xs: tensor<?x3xf64>, %T: index {loco.role = "steps"})
    -> (tensor<?x3xf64>, tensor<3xf64>) {
  %all:2 = loco.scan reverse %t below %T carry(%z = %z0 : tensor<3xf64>)
      each(%x = %xs : tensor<?x3xf64>) stack(tensor<?x3xf64>) {
    %1 = arith.mulf %z, %x : tensor<3xf64>
    %2 = math.sin %1 : tensor<3xf64>
    loco.yield carry(%2 : tensor<3xf64>) stack(%1 : tensor<3xf64>)
  }
  %next = loco.roll %all#1 axis 0 by -1 wrap : tensor<?x3xf64>
  %c0 = arith.constant 0 : index
  %first = loco.at %xs[%c0] : tensor<?x3xf64> to tensor<3xf64>
  %one = loco.place %first at %c0 of %T : tensor<3xf64> to tensor<?x3xf64>
  %product = arith.mulf %next, %one : tensor<?x3xf64>
  %both = arith.addf %product, %next : tensor<?x3xf64>
  return %both, %all#0 : tensor<?x3xf64>, tensor<3xf64>
}

// Two carries, of which one becomes active only through the other; a map; the step
// number in the sum.
func.func @mixed(%a: tensor<4xf64>, %xs: tensor<?x4xf64>, %T: index {loco.role = "steps"})
    -> (tensor<4xf64>, tensor<4xf64>, tensor<?x4xf64>) {
  %zero = arith.constant dense<0.25> : tensor<4xf64>
  %r:3 = loco.scan %t below %T carry(%z = %zero : tensor<4xf64>, %v = %zero : tensor<4xf64>)
      each(%x = %xs : tensor<?x4xf64>) with(%c = %a : tensor<4xf64>) sum(tensor<4xf64>) {
    %i = loco.from_index %t : tensor<f64>
    %n = loco.broadcast %i along [0] : tensor<f64> to tensor<4xf64>
    %0 = arith.mulf %v, %c : tensor<4xf64>
    %1 = arith.addf %0, %z : tensor<4xf64>
    %2 = arith.mulf %x, %z : tensor<4xf64>
    %3 = math.tanh %2 : tensor<4xf64>
    %4 = arith.mulf %n, %3 : tensor<4xf64>
    %5 = arith.mulf %4, %1 : tensor<4xf64>
    loco.yield carry(%1, %3 : tensor<4xf64>, tensor<4xf64>) sum(%5 : tensor<4xf64>)
  }
  %map = loco.scan %t below %T each(%x = %xs : tensor<?x4xf64>) with(%c = %r#0 : tensor<4xf64>)
      stack(tensor<?x4xf64>) {
    %0 = arith.mulf %x, %c : tensor<4xf64>
    loco.yield stack(%0 : tensor<4xf64>)
  }
  return %r#1, %r#2, %map : tensor<4xf64>, tensor<4xf64>, tensor<?x4xf64>
}

func.func @nested(%z0: tensor<3xf64>, %xs: tensor<?x3xf64>, %T: index {loco.role = "steps"}) -> tensor<3xf64> {
  %last = loco.scan %t below %T carry(%z = %z0 : tensor<3xf64>) with(%all = %xs : tensor<?x3xf64>, %n = %T : index) {
    %inner = loco.scan reverse %s below %n carry(%h = %z : tensor<3xf64>) each(%x = %all : tensor<?x3xf64>) {
      %0 = arith.mulf %h, %x : tensor<3xf64>
      %1 = math.cos %0 : tensor<3xf64>
      loco.yield carry(%1 : tensor<3xf64>)
    }
    %2 = arith.mulf %inner, %z : tensor<3xf64>
    loco.yield carry(%2 : tensor<3xf64>)
  }
  return %last : tensor<3xf64>
}

// A loop that ends by itself, in a loop: derivatives pass through the steps taken.
func.func @ends(%z0: tensor<3xf64>, %xs: tensor<?x3xf64>, %w: tensor<3x3xf64>, %T: index {loco.role = "steps"})
    -> (tensor<3xf64>, tensor<?x3xf64>) {
  %last, %all = loco.scan %t below %T carry(%z = %z0 : tensor<3xf64>)
      each(%x = %xs : tensor<?x3xf64>) with(%a = %w : tensor<3x3xf64>) stack(tensor<?x3xf64>) {
    %max = arith.constant 5 : index
    %y:3 = loco.scan %s below %max carry(%y0 = %z : tensor<3xf64>) with(%xt = %x : tensor<3xf64>, %b = %a : tensor<3x3xf64>, %time = %t : index)
        sum(tensor<3xf64>) while {
      %0 = loco.contract "oi,i->o" %b, %y0 : tensor<3x3xf64>, tensor<3xf64> to tensor<3xf64>
      %1 = arith.addf %0, %xt : tensor<3xf64>
      %2 = math.tanh %1 : tensor<3xf64>
      %3 = loco.from_index %s : tensor<f64>
      %4 = loco.from_index %time : tensor<f64>
      %5 = arith.cmpf olt, %3, %4 : tensor<f64>
      loco.yield carry(%2 : tensor<3xf64>) sum(%1 : tensor<3xf64>) while(%5 : tensor<i1>)
    }
    loco.yield carry(%y#0 : tensor<3xf64>) stack(%y#1 : tensor<3xf64>)
  }
  return %last, %all : tensor<3xf64>, tensor<?x3xf64>
}
