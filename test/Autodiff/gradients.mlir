// Derivatives inside of programs: expanded, differentiated, differentiated again. The
// interpreter takes finite differences of the op itself, so that expansion is held
// against something that knows no rule.
// RUN: loco-test-derivatives %s --steps=4 | FileCheck %s
// RUN: loco-test-derivatives %s --steps=1 | FileCheck %s
// RUN: loco-opt %s --loco-expand-gradients | FileCheck %s --check-prefix=EXPANDED
// EXPANDED-NOT: loco.gradient
// EXPANDED-NOT: loco.residual
// CHECK-NOT: WRONG
// CHECK: all derivatives agree

// A Hamiltonian with a coupling, by both of its arguments.
func.func @hamiltonian(%q0: tensor<5xf64>, %p0: tensor<5xf64>, %w: tensor<5x5xf64>)
    -> (tensor<5xf64>, tensor<5xf64>) {
  %g:2 = loco.gradient by(%q = %q0 : tensor<5xf64>, %p = %p0 : tensor<5xf64>)
      with(%a = %w : tensor<5x5xf64>) {
    %0 = loco.contract "oi,i->o" %a, %q : tensor<5x5xf64>, tensor<5xf64> to tensor<5xf64>
    %1 = math.tanh %0 : tensor<5xf64>
    %2 = loco.contract "i,i->" %1, %p : tensor<5xf64>, tensor<5xf64> to tensor<f64>
    %3 = loco.contract "i,i->" %p, %p : tensor<5xf64>, tensor<5xf64> to tensor<f64>
    %4 = arith.addf %2, %3 : tensor<f64>
    loco.yield sum(%4 : tensor<f64>)
  }
  return %g#0, %g#1 : tensor<5xf64>, tensor<5xf64>
}

// A second derivative: of a product of a first one. What is held outside, is not inside.
func.func @nested(%x0: tensor<3xf64>, %c: tensor<3xf64>) -> tensor<3xf64> {
  %g = loco.gradient by(%x = %x0 : tensor<3xf64>) with(%b = %c : tensor<3xf64>) {
    %h = loco.gradient by(%y = %x : tensor<3xf64>) with(%z = %x : tensor<3xf64>) {
      %0 = math.sin %y : tensor<3xf64>
      %1 = arith.mulf %0, %z : tensor<3xf64>
      %2 = arith.mulf %1, %y : tensor<3xf64>
      %3 = loco.reduce sum %2 over [0] : tensor<3xf64> to tensor<f64>
      loco.yield sum(%3 : tensor<f64>)
    }
    %4 = arith.mulf %h, %b : tensor<3xf64>
    %5 = math.exp %4 : tensor<3xf64>
    %6 = loco.reduce sum %5 over [0] : tensor<3xf64> to tensor<f64>
    loco.yield sum(%6 : tensor<f64>)
  }
  return %g : tensor<3xf64>
}

// Inside of a time loop: leapfrog with a learned potential, its force by a lattice
// coupling and by neighbours.
func.func @leapfrog(%q0: tensor<6xf64>, %p0: tensor<6xf64>, %k: tensor<3xf64>, %xs: tensor<?x6xf64>,
                    %T: index {loco.role = "steps"}) -> (tensor<6xf64>, tensor<f64>, tensor<?x6xf64>) {
  %q, %p, %all, %sum = loco.scan %t below %T carry(%a = %q0 : tensor<6xf64>, %b = %p0 : tensor<6xf64>)
      each(%x = %xs : tensor<?x6xf64>) with(%w = %k : tensor<3xf64>)
      stack(tensor<?x6xf64>) sum(tensor<f64>) {
    %force = loco.gradient by(%y = %a : tensor<6xf64>) with(%v = %w : tensor<3xf64>, %s = %x : tensor<6xf64>) {
      %0 = loco.conv %v, %y wrap strides [1] low [1] : tensor<3xf64>, tensor<6xf64> to tensor<6xf64>
      %1 = arith.mulf %0, %s : tensor<6xf64>
      %2 = loco.softplus %1 : tensor<6xf64>
      %3 = loco.stencil centre(%c = %y) neighbour(%n = %2) offsets [1, -2] wrap : tensor<6xf64> {
        %d = arith.subf %c, %n : tensor<6xf64>
        %e = math.cos %d : tensor<6xf64>
        loco.yield stack(%e : tensor<6xf64>)
      }
      %4 = loco.reduce sum %3 over [0] : tensor<6xf64> to tensor<f64>
      loco.yield sum(%4 : tensor<f64>)
    }
    %dt = arith.constant dense<0.1> : tensor<6xf64>
    %5 = arith.mulf %dt, %force : tensor<6xf64>
    %6 = arith.subf %b, %5 : tensor<6xf64>
    %7 = arith.mulf %dt, %6 : tensor<6xf64>
    %8 = arith.addf %a, %7 : tensor<6xf64>
    %9 = loco.contract "i,i->" %8, %6 : tensor<6xf64>, tensor<6xf64> to tensor<f64>
    loco.yield carry(%8, %6 : tensor<6xf64>, tensor<6xf64>) stack(%force : tensor<6xf64>) sum(%9 : tensor<f64>)
  }
  return %p, %sum, %all : tensor<6xf64>, tensor<f64>, tensor<?x6xf64>
}

// A time loop inside: the derivative of a final state by the first one.
func.func @through_time(%z0: tensor<3xf64>, %w: tensor<3x3xf64>, %T: index {loco.role = "steps"}) -> tensor<3xf64> {
  %g = loco.gradient by(%z = %z0 : tensor<3xf64>) with(%a = %w : tensor<3x3xf64>, %n = %T : index) {
    %last = loco.scan %t below %n carry(%y = %z : tensor<3xf64>) with(%b = %a : tensor<3x3xf64>) {
      %0 = loco.contract "oi,i->o" %b, %y : tensor<3x3xf64>, tensor<3xf64> to tensor<3xf64>
      %1 = math.tanh %0 : tensor<3xf64>
      loco.yield carry(%1 : tensor<3xf64>)
    }
    %2 = loco.contract "i,i->" %last, %last : tensor<3xf64>, tensor<3xf64> to tensor<f64>
    loco.yield sum(%2 : tensor<f64>)
  }
  return %g : tensor<3xf64>
}

// By what the scalar does not depend on, and by itself.
func.func @trivial(%a: tensor<f64>, %b: tensor<4xf64>) -> (tensor<f64>, tensor<4xf64>) {
  %g:2 = loco.gradient by(%x = %a : tensor<f64>, %y = %b : tensor<4xf64>) {
    loco.yield sum(%x : tensor<f64>)
  }
  return %g#0, %g#1 : tensor<f64>, tensor<4xf64>
}
