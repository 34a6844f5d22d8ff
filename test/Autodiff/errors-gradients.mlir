// RUN: loco-opt %s --split-input-file --loco-expand-gradients --verify-diagnostics
// RUN: loco-opt %s --split-input-file -o /dev/null

func.func @no_rule(%a: tensor<4xf64>) -> tensor<4xf64> {
  %g = loco.gradient by(%x = %a : tensor<4xf64>) {
    // expected-error@+1 {{`math.erf` has no derivative}}
    %0 = math.erf %x : tensor<4xf64>
    %1 = loco.reduce sum %0 over [0] : tensor<4xf64> to tensor<f64>
    loco.yield sum(%1 : tensor<f64>)
  }
  return %g : tensor<4xf64>
}

// -----

// Not of what is held.
func.func @held(%a: tensor<4xf64>) -> tensor<4xf64> {
  %g = loco.gradient by(%x = %a : tensor<4xf64>) with(%c = %a : tensor<4xf64>) {
    %0 = math.erf %c : tensor<4xf64>
    %1 = arith.mulf %0, %x : tensor<4xf64>
    %2 = loco.reduce sum %1 over [0] : tensor<4xf64> to tensor<f64>
    loco.yield sum(%2 : tensor<f64>)
  }
  return %g : tensor<4xf64>
}
