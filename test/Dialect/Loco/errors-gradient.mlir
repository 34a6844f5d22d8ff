// One wrong program for each rule about derivatives inside of programs.
// RUN: loco-opt %s --split-input-file --verify-diagnostics

func.func @no_variable(%x: tensor<f32>) {
  // expected-error@+1 {{'loco.gradient' op has no variable}}
  loco.gradient by() with(%a = %x : tensor<f32>) {
    loco.yield sum(%a : tensor<f32>)
  }
  return
}

// -----

func.func @results(%x: tensor<f32>) {
  // expected-error@+1 {{'loco.gradient' op needs one result of its type for each variable}}
  %0 = "loco.gradient"(%x) <{operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%a: tensor<f32>):
    loco.yield sum(%a : tensor<f32>)
  }) : (tensor<f32>) -> tensor<3xf32>
  return
}

// -----

func.func @arguments(%x: tensor<f32>) {
  // expected-error@+1 {{'loco.gradient' op needs one body argument for each operand}}
  %0 = "loco.gradient"(%x, %x) <{operandSegmentSizes = array<i32: 1, 1>}> ({
  ^bb0(%a: tensor<f32>):
    loco.yield sum(%a : tensor<f32>)
  }) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @yields(%x: tensor<f32>) {
  // expected-error@+1 {{'loco.gradient' op needs a body that yields one `sum`}}
  %0 = loco.gradient by(%a = %x : tensor<f32>) {
    loco.yield sum(%a, %a : tensor<f32>, tensor<f32>)
  }
  return
}

// -----

func.func @kind(%x: tensor<f32>) {
  // expected-error@+1 {{'loco.gradient' op needs a body that yields one `sum`}}
  %0 = loco.gradient by(%a = %x : tensor<f32>) {
    loco.yield carry(%a : tensor<f32>)
  }
  return
}

// -----

func.func @scalar(%x: tensor<3xf32>) {
  // expected-error@+1 {{'loco.gradient' op takes the derivative of 'tensor<3xf32>', which is not a scalar}}
  %0 = loco.gradient by(%a = %x : tensor<3xf32>) {
    loco.yield sum(%a : tensor<3xf32>)
  }
  return
}

// -----

func.func @by_class(%x: tensor<i32>) {
  // expected-error@+1 {{operand #0 must be variadic of ranked tensor of 32-bit float or 64-bit float values, but got 'tensor<i32>'}}
  %0 = loco.gradient by(%a = %x : tensor<i32>) {
    %1 = arith.constant dense<0.0> : tensor<f32>
    loco.yield sum(%1 : tensor<f32>)
  }
  return
}
