// One wrong program for each rule about loops over time.
// RUN: loco-opt %s --split-input-file --verify-diagnostics

func.func @each_static(%T: index, %x: tensor<5x8xf32>) {
  // expected-error@+1 {{takes each step of 'tensor<5x8xf32>', which has no time axis}}
  loco.scan %t below %T each(%e = %x : tensor<5x8xf32>) {
    loco.yield
  }
  return
}

// -----

func.func @each_scalar(%T: index, %x: tensor<f32>) {
  // expected-error@+1 {{expected a stacked value}}
  loco.scan %t below %T each(%e = %x : tensor<f32>) {
    loco.yield
  }
  return
}

// -----

func.func @carries(%T: index, %x: tensor<8xf32>) {
  // expected-error@+1 {{has 0 yielded carries, expected 1}}
  %0 = loco.scan %t below %T carry(%z = %x : tensor<8xf32>) {
    loco.yield
  }
  return
}

// -----

func.func @carry_type(%T: index, %x: tensor<8xf32>, %y: tensor<9xf32>) {
  // expected-error@+1 {{has yielded carries of type 'tensor<9xf32>', expected 'tensor<8xf32>'}}
  %0 = loco.scan %t below %T carry(%z = %x : tensor<8xf32>) with(%c = %y : tensor<9xf32>) {
    loco.yield carry(%c : tensor<9xf32>)
  }
  return
}

// -----

func.func @carry_results(%T: index, %x: tensor<8xf32>) {
  // expected-error@+1 {{has 1 carries but 0 results}}
  "loco.scan"(%T, %x) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>}> ({
  ^bb0(%t: index, %z: tensor<8xf32>):
    "loco.yield"(%z) <{operandSegmentSizes = array<i32: 1, 0, 0, 0>}> : (tensor<8xf32>) -> ()
  }) : (index, tensor<8xf32>) -> ()
  return
}

// -----

func.func @stack_type(%T: index, %x: tensor<8xf32>) {
  // expected-error@+1 {{has results of type 'tensor<?x9xf32>', expected 'tensor<?x8xf32>'}}
  %0 = loco.scan %t below %T with(%c = %x : tensor<8xf32>) stack(tensor<?x9xf32>) {
    loco.yield stack(%c : tensor<8xf32>)
  }
  return
}

// -----

func.func @stack_static(%T: index, %x: tensor<8xf32>) {
  // expected-error@+1 {{has results of type 'tensor<4x8xf32>', expected 'tensor<?x8xf32>'}}
  %0 = loco.scan %t below %T with(%c = %x : tensor<8xf32>) stack(tensor<4x8xf32>) {
    loco.yield stack(%c : tensor<8xf32>)
  }
  return
}

// -----

func.func @sum_type(%T: index, %x: tensor<8xf32>) {
  // expected-error@+1 {{has results of type 'tensor<?x8xf32>', expected 'tensor<8xf32>'}}
  %0 = loco.scan %t below %T with(%c = %x : tensor<8xf32>) sum(tensor<?x8xf32>) {
    loco.yield sum(%c : tensor<8xf32>)
  }
  return
}

// -----

func.func @results(%T: index, %x: tensor<8xf32>) {
  // expected-error@+1 {{has 2 results, expected 1}}
  %0:2 = loco.scan %t below %T with(%c = %x : tensor<8xf32>) sum(tensor<8xf32>, tensor<8xf32>) {
    loco.yield sum(%c : tensor<8xf32>)
  }
  return
}

// -----

func.func @arguments(%T: index, %x: tensor<8xf32>) {
  // expected-error@+1 {{has 1 body arguments, expected 2}}
  "loco.scan"(%T, %x) <{operandSegmentSizes = array<i32: 1, 0, 0, 1, 0>}> ({
  ^bb0(%t: index):
    "loco.yield"() <{operandSegmentSizes = array<i32: 0, 0, 0, 0>}> : () -> ()
  }) : (index, tensor<8xf32>) -> ()
  return
}

// -----

func.func @argument_type(%T: index, %x: tensor<8xf32>) {
  // expected-error@+1 {{has body arguments of type 'tensor<9xf32>', expected 'tensor<8xf32>'}}
  "loco.scan"(%T, %x) <{operandSegmentSizes = array<i32: 1, 0, 0, 1, 0>}> ({
  ^bb0(%t: index, %c: tensor<9xf32>):
    "loco.yield"() <{operandSegmentSizes = array<i32: 0, 0, 0, 0>}> : () -> ()
  }) : (index, tensor<8xf32>) -> ()
  return
}

// -----

func.func @terminator(%T: index) {
  // expected-error@+1 {{needs a body that ends in `loco.yield`}}
  "loco.scan"(%T) <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 0>}> ({
  ^bb0(%t: index):
    "llvm.unreachable"() : () -> ()
  }) : (index) -> ()
  return
}

// -----

func.func @empty_body(%T: index) {
  // expected-error@+1 {{expects a non-empty block}}
  "loco.scan"(%T) <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 0>}> ({
  ^bb0(%t: index):
  }) : (index) -> ()
  return
}

// -----

func.func @no_block(%T: index) {
  // expected-error@+1 {{region with 1 blocks}}
  "loco.scan"(%T) <{operandSegmentSizes = array<i32: 1, 0, 0, 0, 0>}> ({
  }) : (index) -> ()
  return
}

// -----

func.func @captures(%T: index, %x: tensor<8xf32>) {
  // expected-note@+1 {{required by region isolation constraints}}
  %0 = loco.scan %t below %T carry(%z = %x : tensor<8xf32>) {
    // expected-error@+1 {{using value defined outside the region}}
    %1 = arith.addf %z, %x : tensor<8xf32>
    loco.yield carry(%1 : tensor<8xf32>)
  }
  return
}

// -----

func.func @yield_outside(%x: tensor<8xf32>) {
  // expected-error@+1 {{expects parent op to be one of 'loco.gradient, loco.scan, loco.stencil'}}
  loco.yield carry(%x : tensor<8xf32>)
}

// -----

func.func @carry_of_integers(%T: index, %x: tensor<i32>) {
  // expected-error@+1 {{operand #1 must be variadic of ranked tensor of 32-bit float or 64-bit float values}}
  %0 = loco.scan %t below %T carry(%z = %x : tensor<i32>) {
    loco.yield carry(%z : tensor<i32>)
  }
  return
}

// -----

func.func @empty_text(%T: index) {
  // expected-error@+1 {{expects a non-empty block}}
  loco.scan %t below %T {
  }
  return
}

// -----

func.func @two_ends(%T: index, %x: tensor<f32>, %go: tensor<i1>) {
  // expected-error@+1 {{is told how many steps to take and ends by itself}}
  %0, %n = loco.scan %t below %T taking %T carry(%z = %x : tensor<f32>) with(%c = %go : tensor<i1>) while {
    loco.yield carry(%z : tensor<f32>) while(%c : tensor<i1>)
  }
  return
}

// -----

func.func @end_of_reverse(%T: index, %x: tensor<f32>, %go: tensor<i1>) {
  // expected-error@+1 {{ends by itself, which a reverse loop cannot}}
  %0, %n = loco.scan reverse %t below %T carry(%z = %x : tensor<f32>) with(%c = %go : tensor<i1>) while {
    loco.yield carry(%z : tensor<f32>) while(%c : tensor<i1>)
  }
  return
}

// -----

func.func @condition_missing(%T: index, %x: tensor<f32>) {
  // expected-error@+1 {{has 2 results, expected 1}}
  %0, %n = loco.scan %t below %T carry(%z = %x : tensor<f32>) while {
    loco.yield carry(%z : tensor<f32>)
  }
  return
}

// -----

func.func @condition_of_many(%T: index, %x: tensor<f32>, %go: tensor<2xi1>) {
  %0, %n = loco.scan %t below %T carry(%z = %x : tensor<f32>) with(%c = %go : tensor<2xi1>) while {
    // expected-error@+1 {{operand #1 must be 0D tensor of 1-bit signless integer values}}
    loco.yield carry(%z : tensor<f32>) while(%c : tensor<2xi1>)
  }
  return
}
