// One wrong program for each rule about shapes.
// RUN: loco-opt %s --split-input-file --verify-diagnostics

func.func @element_type(%x: tensor<3xi32>) {
  // expected-error@+1 {{operand #0 must be ranked tensor of 32-bit float or 64-bit float values}}
  %0 = "loco.sigmoid"(%x) : (tensor<3xi32>) -> tensor<3xi32>
  return
}

// -----

func.func @same_type(%x: tensor<3xf32>) {
  // expected-error@+1 {{requires the same type for all operands and results}}
  %0 = "loco.sigmoid"(%x) : (tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @broadcast_other_axes(%x: tensor<3xf32>) {
  // expected-error@+1 {{relates 'tensor<2x4xf32>' and 'tensor<3xf32>', which differ outside of the axes}}
  %0 = loco.broadcast %x along [0] : tensor<3xf32> to tensor<2x4xf32>
  return
}

// -----

func.func @broadcast_element(%x: tensor<3xf32>) {
  // expected-error@+1 {{which differ outside of the axes}}
  %0 = loco.broadcast %x along [0] : tensor<3xf32> to tensor<2x3xf64>
  return
}

// -----

func.func @broadcast_order(%x: tensor<3xf32>) {
  // expected-error@+1 {{lists axis 0 out of order}}
  %0 = loco.broadcast %x along [1, 0] : tensor<3xf32> to tensor<2x3x4xf32>
  return
}

// -----

func.func @broadcast_rank(%x: tensor<3xf32>) {
  // expected-error@+1 {{lists axis 2 of a value of rank 2}}
  %0 = loco.broadcast %x along [2] : tensor<3xf32> to tensor<3x4xf32>
  return
}

// -----

func.func @broadcast_unknown_extent(%x: tensor<3xf32>) {
  // expected-error@+1 {{repeats along axis 0 of 'tensor<?x3xf32>', whose extent is unknown}}
  %0 = loco.broadcast %x along [0] : tensor<3xf32> to tensor<?x3xf32>
  return
}

// -----

func.func @reduce_other_axes(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{relates 'tensor<3x4xf32>' and 'tensor<4xf32>', which differ outside of the axes}}
  %0 = loco.reduce sum %x over [1] : tensor<3x4xf32> to tensor<4xf32>
  return
}

// -----

func.func @reduce_kind(%x: tensor<3x4xf32>) {
  // expected-error@+2 {{failed to parse Loco_ReductionKindAttr}}
  // expected-error@+1 {{to be one of: sum, max}}
  %0 = loco.reduce mean %x over [1] : tensor<3x4xf32> to tensor<3xf32>
  return
}

// -----

func.func @first_max_axis(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{lists axis -1 out of order}}
  %0 = loco.first_max %x over [-1] : tensor<3x4xf32>
  return
}

// -----

func.func @reshape_elements(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{changes the elements of 'tensor<3x4xf32>' to 'tensor<5x2xf32>'}}
  %0 = loco.reshape %x : tensor<3x4xf32> to tensor<5x2xf32>
  return
}

// -----

func.func @reshape_dynamic(%x: tensor<?x4xf32>) {
  // expected-error@+1 {{changes the elements of 'tensor<?x4xf32>'}}
  %0 = loco.reshape %x : tensor<?x4xf32> to tensor<?x2x2xf32>
  return
}

// -----

func.func @transpose_permutation(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{needs a permutation of 2 axes}}
  %0 = loco.transpose %x by [0, 0] : tensor<3x4xf32> to tensor<3x3xf32>
  return
}

// -----

func.func @transpose_rank(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{needs a permutation of 2 axes}}
  %0 = loco.transpose %x by [0] : tensor<3x4xf32> to tensor<3x4xf32>
  return
}

// -----

func.func @transpose_shape(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{permutes 'tensor<3x4xf32>' to another shape than 'tensor<3x4xf32>'}}
  %0 = loco.transpose %x by [1, 0] : tensor<3x4xf32> to tensor<3x4xf32>
  return
}

// -----

func.func @transpose_element(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{requires the same element type for all operands and results}}
  %0 = loco.transpose %x by [1, 0] : tensor<3x4xf32> to tensor<4x3xf64>
  return
}

// -----

func.func @slice_leaves(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{has a box of 'tensor<3x2xf32>' at offset 3 that leaves 'tensor<3x4xf32>'}}
  %0 = loco.slice %x at [0, 3] : tensor<3x4xf32> to tensor<3x2xf32>
  return
}

// -----

func.func @slice_huge_offset(%x: tensor<4xf32>) {
  // expected-error@+1 {{has a box of 'tensor<2xf32>' at offset 9223372036854775807}}
  %0 = loco.slice %x at [9223372036854775807] : tensor<4xf32> to tensor<2xf32>
  return
}

// -----

func.func @slice_offsets(%x: tensor<3x4xf32>) {
  // expected-error@+1 {{needs one offset for each axis of both values}}
  %0 = loco.slice %x at [0] : tensor<3x4xf32> to tensor<3x2xf32>
  return
}

// -----

func.func @slice_element(%x: tensor<4xf32>) {
  // expected-error@+1 {{requires the same element type for all operands and results}}
  %0 = loco.slice %x at [0] : tensor<4xf32> to tensor<2xf64>
  return
}

// -----

func.func @pad_leaves(%x: tensor<4xf32>) {
  // expected-error@+1 {{has a box of 'tensor<4xf32>' at offset -1 that leaves 'tensor<6xf32>'}}
  %0 = loco.pad %x at [-1] : tensor<4xf32> to tensor<6xf32>
  return
}

// -----

func.func @pad_dynamic(%x: tensor<?xf32>) {
  // expected-error@+1 {{has a box of 'tensor<?xf32>' at offset 0 that leaves 'tensor<6xf32>'}}
  %0 = loco.pad %x at [0] : tensor<?xf32> to tensor<6xf32>
  return
}

// -----

func.func @concat_nothing() {
  // expected-error@+1 {{expected 1 or more operands, but found 0}}
  %0 = "loco.concat"() {axis = 0 : i64} : () -> tensor<4xf32>
  return
}

// -----

func.func @concat_axis(%x: tensor<4xf32>) {
  // expected-error@+1 {{joins along axis 1 of 'tensor<4xf32>'}}
  %0 = loco.concat %x axis 1 : tensor<4xf32> to tensor<4xf32>
  return
}

// -----

func.func @concat_rank(%x: tensor<4xf32>) {
  // expected-error@+1 {{joins 'tensor<4xf32>' into 'tensor<4x1xf32>'}}
  %0 = loco.concat %x axis 0 : tensor<4xf32> to tensor<4x1xf32>
  return
}

// -----

func.func @concat_shape(%x: tensor<4x2xf32>, %y: tensor<4x3xf32>) {
  // expected-error@+1 {{joins 'tensor<4x3xf32>' into 'tensor<8x2xf32>'}}
  %0 = loco.concat %x, %y axis 0 : tensor<4x2xf32>, tensor<4x3xf32> to tensor<8x2xf32>
  return
}

// -----

func.func @concat_total(%x: tensor<4xf32>) {
  // expected-error@+1 {{joins a total of 8 along axis 0 into 'tensor<9xf32>'}}
  %0 = loco.concat %x, %x axis 0 : tensor<4xf32>, tensor<4xf32> to tensor<9xf32>
  return
}

// -----

func.func @roll_axis(%x: tensor<4xf32>) {
  // expected-error@+1 {{lists axis 1 of a value of rank 1}}
  %0 = loco.roll %x axis 1 by 1 wrap : tensor<4xf32>
  return
}

// -----

func.func @roll_boundary(%x: tensor<4xf32>) {
  // expected-error@+2 {{failed to parse Loco_BoundaryAttr}}
  // expected-error@+1 {{to be one of: wrap, zero}}
  %0 = loco.roll %x axis 0 by 1 mirror : tensor<4xf32>
  return
}
