// One wrong program for each rule about sources and values over time.
// RUN: loco-opt %s --split-input-file --verify-diagnostics

func.func @zeros_static(%n: index) {
  // expected-error@+1 {{makes a stacked value, not 'tensor<4x8xf32>'}}
  %0 = loco.zeros %n : tensor<4x8xf32>
  return
}

// -----

func.func @zeros_scalar(%n: index) {
  // expected-error@+1 {{makes a stacked value, not 'tensor<f32>'}}
  %0 = loco.zeros %n : tensor<f32>
  return
}

// -----

func.func @length_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{counts the steps of 'tensor<f32>', which has no time axis}}
  %0 = loco.length %x : tensor<f32>
  return
}

// -----

func.func @coordinate_axis() {
  // expected-error@+1 {{lists axis 2 of a value of rank 2}}
  %0 = loco.coordinate 2 : tensor<3x4xf32>
  return
}

// -----

func.func @coordinate_dynamic() {
  // expected-error@+1 {{needs a static shape}}
  %0 = loco.coordinate 0 : tensor<?x4xf32>
  return
}

// -----

func.func @from_index_field(%n: index) {
  // expected-error@+1 {{gives a scalar, not 'tensor<3xf32>'}}
  %0 = loco.from_index %n : tensor<3xf32>
  return
}

// -----

func.func @one_hot_label(%label: tensor<3xi32>) {
  // expected-error@+1 {{operand #0 must be 0D tensor of 32-bit signless integer values}}
  %0 = loco.one_hot %label : tensor<3xi32> to tensor<10xf32>
  return
}

// -----

func.func @one_hot_classes(%label: tensor<i32>) {
  // expected-error@+1 {{result #0 must be 1D tensor of 32-bit float or 64-bit float values}}
  %0 = loco.one_hot %label : tensor<i32> to tensor<10x2xf32>
  return
}

// -----

func.func @random_dynamic(%key: !loco.random_key, %t: index) {
  // expected-error@+1 {{needs a static shape}}
  %0 = loco.random normal %key at %t stream 0 : tensor<?x4xf32>
  return
}

// -----

func.func @random_distribution(%key: !loco.random_key, %t: index) {
  // expected-error@+2 {{failed to parse Loco_DistributionAttr}}
  // expected-error@+1 {{to be one of: uniform, normal}}
  %0 = loco.random cauchy %key at %t stream 0 : tensor<4xf32>
  return
}

// -----

func.func @at_other_step(%x: tensor<?x4xf32>, %t: index) {
  // expected-error@+1 {{relates 'tensor<?x4xf32>' to steps of 'tensor<3xf32>'}}
  %0 = loco.at %x[%t] : tensor<?x4xf32> to tensor<3xf32>
  return
}

// -----

func.func @at_scalar(%x: tensor<f32>, %t: index) {
  // expected-error@+1 {{relates 'tensor<f32>' to steps of 'tensor<f32>'}}
  %0 = loco.at %x[%t] : tensor<f32> to tensor<f32>
  return
}

// -----

func.func @place_other_step(%x: tensor<4xf32>, %t: index) {
  // expected-error@+1 {{relates 'tensor<?x4xf64>' to steps of 'tensor<4xf32>'}}
  %0 = loco.place %x at %t of %t : tensor<4xf32> to tensor<?x4xf64>
  return
}

// -----

func.func @window_other_step(%x: tensor<?x4xf32>, %t: index) {
  // expected-error@+1 {{takes steps of 'tensor<?x4xf32>' to those of 'tensor<?x3xf32>'}}
  %0 = loco.window %x from %t for %t : tensor<?x4xf32> to tensor<?x3xf32>
  return
}

// -----

func.func @place_window_of_step(%x: tensor<4xf32>, %t: index) {
  // expected-error@+1 {{takes steps of 'tensor<4xf32>' to those of 'tensor<?x4xf32>'}}
  %0 = loco.place_window %x from %t of %t : tensor<4xf32> to tensor<?x4xf32>
  return
}
