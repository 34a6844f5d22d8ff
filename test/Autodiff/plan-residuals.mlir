// What a carry is after a step is stored as what it is before the next one. A loop that goes
// back reads it where that saves storing something: the side of a kink, a `tanh` that is the
// new state. It is not read where it saves nothing.
// RUN: loco-opt %s --pass-pipeline="builtin.module(loco-create-vjp{function=relu arguments=0,1 name=d},func.func(loco-plan-residuals,canonicalize,cse))" | FileCheck %s --check-prefix=RELU
// RUN: loco-opt %s --pass-pipeline="builtin.module(loco-create-vjp{function=relu arguments=0,1 name=d},func.func(loco-plan-residuals{policy=recompute},canonicalize,cse))" | FileCheck %s --check-prefix=RELU
// RUN: loco-opt %s --pass-pipeline="builtin.module(loco-create-vjp{function=squashed arguments=0,1 name=d},func.func(loco-plan-residuals,canonicalize,cse))" | FileCheck %s --check-prefix=TANH
// RUN: loco-opt %s --pass-pipeline="builtin.module(loco-create-vjp{function=first_wins arguments=0,1 name=d},func.func(loco-plan-residuals,canonicalize,cse))" | FileCheck %s --check-prefix=FIRST
// RUN: loco-opt %s --pass-pipeline="builtin.module(loco-create-vjp{function=damped arguments=0,1 name=d},func.func(loco-plan-residuals,canonicalize,cse))" | FileCheck %s --check-prefix=DAMPED
// Every plan gives the bits of the derivative that is not planned.
// RUN: loco-test-derivatives %s --steps=5 | FileCheck %s --check-prefix=SAME
// RUN: loco-test-derivatives %s --steps=2 | FileCheck %s --check-prefix=SAME
// SAME-NOT: WRONG
// SAME: all derivatives agree

// RELU-LABEL: func.func @d
// RELU: %[[LOOP:.*]]:2 = loco.scan
// RELU: loco.yield carry(%{{.*}} : tensor<4xf64>) stack(%{{[^,]*}} : tensor<4xf64>)
// RELU: loco.scan reverse
// RELU: carry({{.*}}, %[[AFTER:.*]] = %[[LOOP]]#0 : tensor<4xf64>)
// RELU: each(%[[BEFORE:.*]] = %[[LOOP]]#1 : tensor<?x4xf64>
// RELU-NOT: contract "oi,i->o"
// RELU: arith.cmpf ole, %[[AFTER]],
// RELU: loco.yield carry({{.*}}, %[[BEFORE]] :
func.func @relu(%w: tensor<4x4xf64>, %xs: tensor<?x4xf64>, %T: index {loco.role = "steps"}) -> tensor<f64> {
  %zero = arith.constant dense<0.0> : tensor<4xf64>
  %last = loco.scan %t below %T carry(%h = %zero : tensor<4xf64>)
      each(%x = %xs : tensor<?x4xf64>) with(%a = %w : tensor<4x4xf64>) {
    %c = arith.constant dense<0.0> : tensor<4xf64>
    %0 = loco.contract "oi,i->o" %a, %h : tensor<4x4xf64>, tensor<4xf64> to tensor<4xf64>
    %1 = arith.addf %0, %x : tensor<4xf64>
    %2 = arith.cmpf ole, %1, %c : tensor<4xf64>
    %3 = arith.select %2, %c, %1 : tensor<4xi1>, tensor<4xf64>
    loco.yield carry(%3 : tensor<4xf64>)
  }
  %sum = loco.reduce sum %last over [0] : tensor<4xf64> to tensor<f64>
  return %sum : tensor<f64>
}

// TANH-LABEL: func.func @d
// TANH: loco.yield carry(%{{.*}} : tensor<4xf64>) stack(%{{[^,]*}} : tensor<4xf64>)
// TANH: loco.scan reverse
// TANH-NOT: math.tanh
// TANH: return
func.func @squashed(%w: tensor<4x4xf64>, %xs: tensor<?x4xf64>, %T: index {loco.role = "steps"}) -> tensor<f64> {
  %zero = arith.constant dense<0.0> : tensor<4xf64>
  %last = loco.scan %t below %T carry(%h = %zero : tensor<4xf64>)
      each(%x = %xs : tensor<?x4xf64>) with(%a = %w : tensor<4x4xf64>) {
    %0 = loco.contract "oi,i->o" %a, %h : tensor<4x4xf64>, tensor<4xf64> to tensor<4xf64>
    %1 = arith.addf %0, %x : tensor<4xf64>
    %2 = math.tanh %1 : tensor<4xf64>
    loco.yield carry(%2 : tensor<4xf64>)
  }
  %sum = loco.reduce sum %last over [0] : tensor<4xf64> to tensor<f64>
  return %sum : tensor<f64>
}

// A maximum gives ties to its first operand. Of `max(x, 1)` the state cannot tell a tie from
// a number that was replaced, so the product is stored; of `min(1, x)` it need not.
// FIRST-LABEL: func.func @d
// FIRST: loco.yield carry({{.*}}) stack(%[[H:[^,]*]], %[[G:[^,]*]], %[[STORED:[^,]*]] : tensor<4xf64>, tensor<4xf64>, tensor<4xf64>)
// FIRST: loco.scan reverse
// FIRST: return
func.func @first_wins(%w: tensor<4x4xf64>, %xs: tensor<?x4xf64>, %T: index {loco.role = "steps"}) -> tensor<f64> {
  %zero = arith.constant dense<0.0> : tensor<4xf64>
  %last:2 = loco.scan %t below %T carry(%h = %zero : tensor<4xf64>, %g = %zero : tensor<4xf64>)
      each(%x = %xs : tensor<?x4xf64>) with(%a = %w : tensor<4x4xf64>) {
    %one = arith.constant dense<1.0> : tensor<4xf64>
    %0 = loco.contract "oi,i->o" %a, %h : tensor<4x4xf64>, tensor<4xf64> to tensor<4xf64>
    %1 = arith.addf %0, %x : tensor<4xf64>
    %2 = arith.maximumf %1, %one : tensor<4xf64>
    %3 = loco.contract "oi,i->o" %a, %g : tensor<4x4xf64>, tensor<4xf64> to tensor<4xf64>
    %4 = arith.addf %3, %x : tensor<4xf64>
    %5 = arith.minimumf %one, %4 : tensor<4xf64>
    loco.yield carry(%2, %5 : tensor<4xf64>, tensor<4xf64>)
  }
  %both = arith.addf %last#0, %last#1 : tensor<4xf64>
  %sum = loco.reduce sum %both over [0] : tensor<4xf64> to tensor<f64>
  return %sum : tensor<f64>
}

// The new state does not tell the `tanh` in it.
// DAMPED-LABEL: func.func @d
// DAMPED: loco.scan %
// DAMPED: math.tanh
// DAMPED: loco.yield carry({{.*}}) stack(%[[H:[^,]*]], %[[STORED:[^,]*]] : tensor<4xf64>, tensor<4xf64>)
// DAMPED: loco.scan reverse
// DAMPED: carry(%{{[^,]*}} = %{{[^,]*}} : tensor<4xf64>)
// DAMPED: return
func.func @damped(%w: tensor<4x4xf64>, %xs: tensor<?x4xf64>, %T: index {loco.role = "steps"}) -> tensor<f64> {
  %zero = arith.constant dense<0.0> : tensor<4xf64>
  %last = loco.scan %t below %T carry(%h = %zero : tensor<4xf64>)
      each(%x = %xs : tensor<?x4xf64>) with(%a = %w : tensor<4x4xf64>) {
    %half = arith.constant dense<0.5> : tensor<4xf64>
    %0 = loco.contract "oi,i->o" %a, %h : tensor<4x4xf64>, tensor<4xf64> to tensor<4xf64>
    %1 = arith.addf %0, %x : tensor<4xf64>
    %2 = math.tanh %1 : tensor<4xf64>
    %3 = arith.mulf %half, %h : tensor<4xf64>
    %4 = arith.addf %2, %3 : tensor<4xf64>
    loco.yield carry(%4 : tensor<4xf64>)
  }
  %sum = loco.reduce sum %last over [0] : tensor<4xf64> to tensor<f64>
  return %sum : tensor<f64>
}
