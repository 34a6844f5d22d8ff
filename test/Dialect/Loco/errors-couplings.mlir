// One wrong program for each rule about contractions, convolutions, stencils.
// RUN: loco-opt %s --split-input-file --verify-diagnostics

func.func @contract_no_arrow(%W: tensor<8x5xf32>, %x: tensor<5xf32>) {
  // expected-error@+1 {{has equation `oi,i`, expected one such as `oi,i->o`}}
  %0 = loco.contract "oi,i" %W, %x : tensor<8x5xf32>, tensor<5xf32> to tensor<f32>
  return
}

// -----

func.func @contract_no_comma(%W: tensor<8x5xf32>, %x: tensor<f32>) {
  // expected-error@+1 {{has equation `oi->oi`}}
  %0 = loco.contract "oi->oi" %W, %x : tensor<8x5xf32>, tensor<f32> to tensor<8x5xf32>
  return
}

// -----

func.func @contract_rank(%W: tensor<8x5xf32>, %x: tensor<5xf32>) {
  // expected-error@+1 {{names the axes of 'tensor<5xf32>' `ij`}}
  %0 = loco.contract "oi,ij->o" %W, %x : tensor<8x5xf32>, tensor<5xf32> to tensor<8xf32>
  return
}

// -----

func.func @contract_repeated(%W: tensor<5x5xf32>, %x: tensor<5xf32>) {
  // expected-error@+1 {{names an axis of 'tensor<5x5xf32>' `i`, which is not a letter or stands twice}}
  %0 = loco.contract "ii,i->i" %W, %x : tensor<5x5xf32>, tensor<5xf32> to tensor<5xf32>
  return
}

// -----

func.func @contract_letter(%W: tensor<8x5xf32>, %x: tensor<5xf32>) {
  // expected-error@+1 {{names an axis of 'tensor<8x5xf32>' `1`}}
  %0 = loco.contract "1i,i->1" %W, %x : tensor<8x5xf32>, tensor<5xf32> to tensor<8xf32>
  return
}

// -----

func.func @contract_extents(%W: tensor<8x5xf32>, %x: tensor<6xf32>) {
  // expected-error@+1 {{has lengths 5 and 6 for axis `i`}}
  %0 = loco.contract "oi,i->o" %W, %x : tensor<8x5xf32>, tensor<6xf32> to tensor<8xf32>
  return
}

// -----

func.func @contract_lonely(%W: tensor<8x5xf32>, %x: tensor<5xf32>) {
  // expected-error@+1 {{has axis `o` in one tensor only}}
  %0 = loco.contract "oi,i->" %W, %x : tensor<8x5xf32>, tensor<5xf32> to tensor<f32>
  return
}

// -----

func.func @contract_element(%W: tensor<8x5xf32>, %x: tensor<5xf64>) {
  // expected-error@+1 {{requires the same element type for all operands and results}}
  %0 = loco.contract "oi,i->o" %W, %x : tensor<8x5xf32>, tensor<5xf64> to tensor<8xf32>
  return
}

// -----

func.func @conv_rank(%k: tensor<3xf32>, %z: tensor<6x6x6xf32>) {
  // expected-error@+1 {{has kernel 'tensor<3xf32>', field 'tensor<6x6x6xf32>' and output 'tensor<6x6x6xf32>'}}
  %0 = loco.conv %k, %z wrap strides [1] low [1] : tensor<3xf32>, tensor<6x6x6xf32> to tensor<6x6x6xf32>
  return
}

// -----

func.func @conv_scalar(%k: tensor<3xf32>, %z: tensor<f32>) {
  // expected-error@+1 {{has kernel 'tensor<3xf32>', field 'tensor<f32>' and output 'tensor<f32>'}}
  %0 = loco.conv %k, %z wrap strides [1] low [1] : tensor<3xf32>, tensor<f32> to tensor<f32>
  return
}

// -----

func.func @conv_dynamic(%k: tensor<3xf32>, %z: tensor<?xf32>) {
  // expected-error@+1 {{needs static shapes}}
  %0 = loco.conv %k, %z wrap strides [1] low [1] : tensor<3xf32>, tensor<?xf32> to tensor<?xf32>
  return
}

// -----

func.func @conv_element(%k: tensor<3xf64>, %z: tensor<6xf32>) {
  // expected-error@+1 {{requires the same element type for all operands and results}}
  %0 = loco.conv %k, %z wrap strides [1] low [1] : tensor<3xf64>, tensor<6xf32> to tensor<6xf32>
  return
}

// -----

func.func @conv_groups(%k: tensor<4x1x3xf32>, %z: tensor<3x6xf32>) {
  // expected-error@+1 {{has 2 groups for 3 and 4 channels}}
  %0 = loco.conv %k, %z wrap strides [1] low [1] groups 2 : tensor<4x1x3xf32>, tensor<3x6xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @conv_groups_positive(%k: tensor<4x1x3xf32>, %z: tensor<3x6xf32>) {
  // expected-error@+1 {{has 0 groups for 3 and 4 channels}}
  %0 = loco.conv %k, %z wrap strides [1] low [1] groups 0 : tensor<4x1x3xf32>, tensor<3x6xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @conv_channels(%k: tensor<4x3x3xf32>, %z: tensor<2x6xf32>) {
  // expected-error@+1 {{has kernel 'tensor<4x3x3xf32>' for 2 to 4 channels}}
  %0 = loco.conv %k, %z wrap strides [1] low [1] : tensor<4x3x3xf32>, tensor<2x6xf32> to tensor<4x6xf32>
  return
}

// -----

func.func @conv_groups_without_channels(%k: tensor<3xf32>, %z: tensor<6xf32>) {
  // expected-error@+1 {{has groups without channels}}
  %0 = loco.conv %k, %z wrap strides [1] low [1] groups 2 : tensor<3xf32>, tensor<6xf32> to tensor<6xf32>
  return
}

// -----

func.func @conv_strides(%k: tensor<3x3xf32>, %z: tensor<6x6xf32>) {
  // expected-error@+1 {{needs one stride and one low padding per axis of the window}}
  %0 = loco.conv %k, %z wrap strides [1] low [1, 1] : tensor<3x3xf32>, tensor<6x6xf32> to tensor<6x6xf32>
  return
}

// -----

func.func @conv_stride(%k: tensor<3xf32>, %z: tensor<6xf32>) {
  // expected-error@+1 {{has stride 0 and low padding 1 for a window of 3}}
  %0 = loco.conv %k, %z wrap strides [0] low [1] : tensor<3xf32>, tensor<6xf32> to tensor<6xf32>
  return
}

// -----

func.func @conv_low(%k: tensor<3xf32>, %z: tensor<6xf32>) {
  // expected-error@+1 {{has stride 1 and low padding 3 for a window of 3}}
  %0 = loco.conv %k, %z wrap strides [1] low [3] : tensor<3xf32>, tensor<6xf32> to tensor<6xf32>
  return
}

// -----

func.func @conv_wrap(%k: tensor<3xf32>, %z: tensor<6xf32>) {
  // expected-error@+1 {{wraps 6 sites to 2 outputs}}
  %0 = loco.conv %k, %z wrap strides [2] low [1] : tensor<3xf32>, tensor<6xf32> to tensor<2xf32>
  return
}

// -----

func.func @conv_wrap_divides(%k: tensor<3xf32>, %z: tensor<7xf32>) {
  // expected-error@+1 {{wraps 7 sites to 3 outputs}}
  %0 = loco.conv %k, %z wrap strides [2] low [1] : tensor<3xf32>, tensor<7xf32> to tensor<3xf32>
  return
}

// -----

func.func @conv_zero(%k: tensor<3xf32>, %z: tensor<6xf32>) {
  // expected-error@+1 {{has an output beyond the field's 6 sites}}
  %0 = loco.conv %k, %z zero strides [2] low [1] : tensor<3xf32>, tensor<6xf32> to tensor<5xf32>
  return
}

// -----

// The other two of the family obey the same rules for their own arguments.
func.func @conv_transpose_wrap(%k: tensor<3xf32>, %g: tensor<3xf32>) {
  // expected-error@+1 {{wraps 7 sites to 3 outputs}}
  %0 = loco.conv_transpose %k, %g wrap strides [2] low [1] : tensor<3xf32>, tensor<3xf32> to tensor<7xf32>
  return
}

// -----

func.func @conv_outer_low(%g: tensor<6xf32>, %z: tensor<6xf32>) {
  // expected-error@+1 {{has stride 1 and low padding 2 for a window of 2}}
  %0 = loco.conv_outer %g, %z wrap strides [1] low [2] : tensor<6xf32>, tensor<6xf32> to tensor<2xf32>
  return
}

// -----

func.func @stencil_types(%x: tensor<8xf32>, %y: tensor<9xf32>) {
  // expected-error@+1 {{has fields of types}}
  %0 = "loco.stencil"(%x, %y) <{boundary = #loco<boundary wrap>, offsets = array<i64: 1>, operandSegmentSizes = array<i32: 1, 1>}> ({
  ^bb0(%a: tensor<8xf32>, %b: tensor<9xf32>):
    "loco.yield"(%a) <{operandSegmentSizes = array<i32: 0, 1, 0, 0>}> : (tensor<8xf32>) -> ()
  }) : (tensor<8xf32>, tensor<9xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @stencil_offsets(%x: tensor<4x8xf32>) {
  // expected-error@+1 {{has 3 numbers of offsets for fields of 'tensor<4x8xf32>'}}
  %0 = loco.stencil centre(%a = %x) neighbour(%b = %x) offsets [0, 1, 2] wrap : tensor<4x8xf32> {
    loco.yield stack(%b : tensor<4x8xf32>)
  }
  return
}

// -----

func.func @stencil_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{has 0 numbers of offsets for fields of 'tensor<f32>'}}
  %0 = loco.stencil centre(%a = %x) neighbour() offsets [] wrap : tensor<f32> {
    loco.yield stack(%a : tensor<f32>)
  }
  return
}

// -----

func.func @stencil_result(%x: tensor<8xf32>) {
  // expected-error@+1 {{has no result}}
  loco.stencil centre(%a = %x) neighbour() offsets [0] wrap : tensor<8xf32> {
    loco.yield
  }
  return
}

// -----

func.func @stencil_body(%x: tensor<8xf32>) {
  %0 = loco.stencil centre(%a = %x) neighbour() offsets [0] wrap : tensor<8xf32> {
    // expected-error@+1 {{is not elementwise, inside of a stencil}}
    %1 = loco.roll %a axis 0 by 1 wrap : tensor<8xf32>
    loco.yield stack(%1 : tensor<8xf32>)
  }
  return
}

// -----

func.func @stencil_yield(%x: tensor<8xf32>) {
  // expected-error@+1 {{needs a body that yields one stack value for each result}}
  %0 = loco.stencil centre(%a = %x) neighbour() offsets [0] wrap : tensor<8xf32> {
    loco.yield sum(%a : tensor<8xf32>)
  }
  return
}

// -----

func.func @stencil_arguments(%x: tensor<8xf32>) {
  // expected-error@+1 {{needs one body argument for each field}}
  %0 = "loco.stencil"(%x) <{boundary = #loco<boundary wrap>, offsets = array<i64: 1>, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%a: tensor<8xf32>, %b: tensor<8xf32>):
    "loco.yield"(%a) <{operandSegmentSizes = array<i32: 0, 1, 0, 0>}> : (tensor<8xf32>) -> ()
  }) : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @stencil_boundary(%x: tensor<8xf32>) {
  // expected-error@+1 {{expected `wrap` or `zero`}}
  %0 = loco.stencil centre(%a = %x) neighbour() offsets [0] mirror : tensor<8xf32> {
    loco.yield stack(%a : tensor<8xf32>)
  }
  return
}

// -----

func.func @stencil_captures(%x: tensor<8xf32>) {
  // expected-note@+1 {{required by region isolation constraints}}
  %0 = loco.stencil centre(%a = %x) neighbour() offsets [0] wrap : tensor<8xf32> {
    // expected-error@+1 {{using value defined outside the region}}
    %1 = arith.addf %a, %x : tensor<8xf32>
    loco.yield stack(%1 : tensor<8xf32>)
  }
  return
}

// -----

func.func @stencil_empty(%x: tensor<8xf32>) {
  // expected-error@+1 {{cannot name an operation with no results}}
  %0 = loco.stencil centre(%a = %x) neighbour() offsets [0] wrap : tensor<8xf32> {
  }
  return
}

// -----

func.func @stencil_constant(%x: tensor<2xf32>) {
  %0 = loco.stencil centre(%a = %x) neighbour() offsets [0] wrap : tensor<2xf32> {
    // expected-error@+1 {{differs from site to site, inside of a stencil}}
    %1 = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
    loco.yield stack(%1 : tensor<2xf32>)
  }
  return
}
