// Every op reads back as it was printed, from text and from bytecode.
// RUN: loco-opt %s --verify-roundtrip | FileCheck %s
// RUN: loco-opt %s --emit-bytecode | loco-opt | FileCheck %s
// RUN: loco-opt %s --mlir-print-op-generic | loco-opt | FileCheck %s

// CHECK-LABEL: func @elementwise
// CHECK: loco.sigmoid %{{.*}} : tensor<8xf32>
// CHECK: loco.softplus %{{.*}} : tensor<8xf32>
// CHECK: loco.stop_gradient %{{.*}} : tensor<8xf32>
func.func @elementwise(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = loco.sigmoid %x : tensor<8xf32>
  %1 = loco.softplus %0 : tensor<8xf32>
  %2 = loco.stop_gradient %1 : tensor<8xf32>
  return %2 : tensor<8xf32>
}

// CHECK-LABEL: func @shape
// CHECK: loco.broadcast %{{.*}} along [0, 2] : tensor<3xf64> to tensor<2x3x4xf64>
// CHECK: loco.broadcast %{{.*}} along [0] : tensor<3xi1> to tensor<2x3xi1>
// CHECK: loco.reduce sum %{{.*}} over [0, 2] : tensor<2x3x4xf64> to tensor<3xf64>
// CHECK: loco.reduce max %{{.*}} over [1] : tensor<2x3x4xf64> to tensor<2x4xf64>
// CHECK: loco.first_max %{{.*}} over [0, 1] : tensor<2x4xf64>
// CHECK: loco.reshape %{{.*}} : tensor<2x4xf64> to tensor<8xf64>
// CHECK: loco.transpose %{{.*}} by [2, 0, 1] : tensor<2x3x4xf64> to tensor<4x2x3xf64>
// CHECK: loco.slice %{{.*}} at [1, 0, 2] : tensor<4x2x3xf64> to tensor<3x2x1xf64>
// CHECK: loco.pad %{{.*}} at [1, 0, 2] : tensor<3x2x1xf64> to tensor<4x2x3xf64>
// CHECK: loco.concat %{{.*}}, %{{.*}} axis 1 : tensor<4x2x3xf64>, tensor<4x2x3xf64> to tensor<4x4x3xf64>
// CHECK: loco.roll %{{.*}} axis 1 by -3 wrap : tensor<4x4x3xf64>
// CHECK: loco.roll %{{.*}} axis 0 by 1 zero : tensor<4x4x3xf64>
func.func @shape(%x: tensor<3xf64>, %m: tensor<3xi1>) -> (tensor<4x4x3xf64>, tensor<8xf64>, tensor<2x3xi1>) {
  %0 = loco.broadcast %x along [0, 2] : tensor<3xf64> to tensor<2x3x4xf64>
  %1 = loco.broadcast %m along [0] : tensor<3xi1> to tensor<2x3xi1>
  %2 = loco.reduce sum %0 over [0, 2] : tensor<2x3x4xf64> to tensor<3xf64>
  %3 = loco.reduce max %0 over [1] : tensor<2x3x4xf64> to tensor<2x4xf64>
  %4 = loco.first_max %3 over [0, 1] : tensor<2x4xf64>
  %5 = loco.reshape %4 : tensor<2x4xf64> to tensor<8xf64>
  %6 = loco.transpose %0 by [2, 0, 1] : tensor<2x3x4xf64> to tensor<4x2x3xf64>
  %7 = loco.slice %6 at [1, 0, 2] : tensor<4x2x3xf64> to tensor<3x2x1xf64>
  %8 = loco.pad %7 at [1, 0, 2] : tensor<3x2x1xf64> to tensor<4x2x3xf64>
  %9 = loco.concat %6, %8 axis 1 : tensor<4x2x3xf64>, tensor<4x2x3xf64> to tensor<4x4x3xf64>
  %10 = loco.roll %9 axis 1 by -3 wrap : tensor<4x4x3xf64>
  %11 = loco.roll %10 axis 0 by 1 zero : tensor<4x4x3xf64>
  return %11, %5, %1 : tensor<4x4x3xf64>, tensor<8xf64>, tensor<2x3xi1>
}

// CHECK-LABEL: func @sources
// CHECK: loco.zeros %{{.*}} : tensor<?x8xf32>
// CHECK: loco.length %{{.*}} : tensor<?x8xf32>
// CHECK: loco.coordinate 1 : tensor<4x8xf32>
// CHECK: loco.from_index %{{.*}} : tensor<f32>
// CHECK: loco.one_hot %{{.*}} : tensor<i32> to tensor<10xf32>
// CHECK: loco.random uniform %{{.*}} at %{{.*}} stream 7 : tensor<8xf32>
// CHECK: loco.random normal %{{.*}} at %{{.*}} stream -1 : tensor<4x8xf32>
func.func @sources(%n: index, %label: tensor<i32>, %key: !loco.random_key) -> tensor<4x8xf32> {
  %0 = loco.zeros %n : tensor<?x8xf32>
  %1 = loco.length %0 : tensor<?x8xf32>
  %2 = loco.coordinate 1 : tensor<4x8xf32>
  %3 = loco.from_index %1 : tensor<f32>
  %4 = loco.one_hot %label : tensor<i32> to tensor<10xf32>
  %5 = loco.random uniform %key at %n stream 7 : tensor<8xf32>
  %6 = loco.random normal %key at %n stream -1 : tensor<4x8xf32>
  return %6 : tensor<4x8xf32>
}

// CHECK-LABEL: func @couplings
// CHECK: loco.contract "oi,i->o" %{{.*}}, %{{.*}} : tensor<8x5xf32>, tensor<5xf32> to tensor<8xf32>
// CHECK: loco.conv %{{.*}}, %{{.*}} wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<6x6xf32> to tensor<6x6xf32>
// CHECK: loco.conv %{{.*}}, %{{.*}} zero strides [2, 1] low [0, 1] groups 2 : tensor<4x1x3x3xf32>, tensor<2x6x6xf32> to tensor<4x3x6xf32>
// CHECK: loco.conv_transpose %{{.*}}, %{{.*}} zero strides [2, 1] low [0, 1] groups 2 : tensor<4x1x3x3xf32>, tensor<4x3x6xf32> to tensor<2x6x6xf32>
// CHECK: loco.conv_outer %{{.*}}, %{{.*}} zero strides [2, 1] low [0, 1] groups 2 : tensor<4x3x6xf32>, tensor<2x6x6xf32> to tensor<4x1x3x3xf32>
func.func @couplings(%W: tensor<8x5xf32>, %x: tensor<5xf32>, %k: tensor<3x3xf32>, %z: tensor<6x6xf32>,
                     %K: tensor<4x1x3x3xf32>, %Z: tensor<2x6x6xf32>) -> tensor<4x1x3x3xf32> {
  %0 = loco.contract "oi,i->o" %W, %x : tensor<8x5xf32>, tensor<5xf32> to tensor<8xf32>
  %1 = loco.conv %k, %z wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<6x6xf32> to tensor<6x6xf32>
  %2 = loco.conv %K, %Z zero strides [2, 1] low [0, 1] groups 2 : tensor<4x1x3x3xf32>, tensor<2x6x6xf32> to tensor<4x3x6xf32>
  %3 = loco.conv_transpose %K, %2 zero strides [2, 1] low [0, 1] groups 2 : tensor<4x1x3x3xf32>, tensor<4x3x6xf32> to tensor<2x6x6xf32>
  %4 = loco.conv_outer %2, %3 zero strides [2, 1] low [0, 1] groups 2 : tensor<4x3x6xf32>, tensor<2x6x6xf32> to tensor<4x1x3x3xf32>
  return %4 : tensor<4x1x3x3xf32>
}

// CHECK-LABEL: func @stencil
// CHECK: loco.stencil centre(%[[A:.*]] = %{{.*}}) neighbour(%[[B:.*]] = %{{.*}}) offsets [-1, 1] wrap : tensor<8xf32> {
// CHECK:   arith.subf %[[B]], %[[A]]
// CHECK: loco.stencil centre() neighbour(%{{.*}} = %{{.*}}) offsets [] zero : tensor<8xf32> {
func.func @stencil(%theta: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %0:2 = loco.stencil centre(%a = %theta) neighbour(%b = %theta) offsets [-1, 1] wrap : tensor<8xf32> {
    %1 = arith.subf %b, %a : tensor<8xf32>
    %2 = math.sin %1 : tensor<8xf32>
    loco.yield stack(%2, %1 : tensor<8xf32>, tensor<8xf32>)
  }
  %3 = loco.stencil centre() neighbour(%b = %0#1) offsets [] zero : tensor<8xf32> {
    loco.yield stack(%b : tensor<8xf32>)
  }
  return %0#0, %3 : tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func @scan
// CHECK: %{{.*}}:3 = loco.scan %t below %{{.*}}
// CHECK-NEXT: carry(%[[Z:.*]] = %{{.*}} : tensor<8xf32>)
// CHECK-NEXT: each(%[[X:.*]] = %{{.*}} : tensor<?x8xf32>)
// CHECK-NEXT: with(%[[C:.*]] = %{{.*}} : tensor<8xf32>, %{{.*}} = %{{.*}} : !loco.random_key)
// CHECK-NEXT: stack(tensor<?x8xf32>)
// CHECK-NEXT: sum(tensor<8xf32>) {
// CHECK: loco.yield carry(%{{.*}} : tensor<8xf32>) stack(%{{.*}} : tensor<8xf32>) sum(%{{.*}} : tensor<8xf32>)
// CHECK: loco.scan reverse %t below %{{.*}}
// CHECK-NEXT: each(%{{.*}} = %{{.*}} : tensor<?xi32>)
// CHECK: loco.scan %t below %{{[^ ]*}} attributes {loco.note = 1 : i64} {
// CHECK: loco.at %{{.*}}[%{{.*}}] : tensor<?x8xf32> to tensor<8xf32>
// CHECK: loco.place %{{.*}} at %{{.*}} of %{{.*}} : tensor<8xf32> to tensor<?x8xf32>
// CHECK: %[[LENGTH:.*]], %{{.*}} = loco.segment %{{.*}}
// CHECK: loco.window %{{.*}} from %{{.*}} for %[[LENGTH]] : tensor<?x8xf32> to tensor<?x8xf32>
// CHECK: loco.place_window %{{.*}} from %{{.*}} of %{{.*}} : tensor<?x8xf32> to tensor<?x8xf32>
func.func @scan(%T: index, %z0: tensor<8xf32>, %xs: tensor<?x8xf32>, %c: tensor<8xf32>,
                %labels: tensor<?xi32>, %key: !loco.random_key) -> tensor<?x8xf32> {
  %last, %all, %total = loco.scan %t below %T carry(%z = %z0 : tensor<8xf32>)
      each(%x = %xs : tensor<?x8xf32>) with(%a = %c : tensor<8xf32>, %k = %key : !loco.random_key)
      stack(tensor<?x8xf32>) sum(tensor<8xf32>) {
    %0 = arith.mulf %a, %z : tensor<8xf32>
    %1 = arith.addf %0, %x : tensor<8xf32>
    loco.yield carry(%1 : tensor<8xf32>) stack(%1 : tensor<8xf32>) sum(%0 : tensor<8xf32>)
  }
  %hot = loco.scan reverse %t below %T each(%label = %labels : tensor<?xi32>) stack(tensor<?x8xf32>) {
    %0 = loco.one_hot %label : tensor<i32> to tensor<8xf32>
    loco.yield stack(%0 : tensor<8xf32>)
  }
  loco.scan %t below %T attributes {loco.note = 1 : i64} {
    loco.yield
  }
  %c0 = arith.constant 0 : index
  %first = loco.at %hot[%c0] : tensor<?x8xf32> to tensor<8xf32>
  %placed = loco.place %first at %c0 of %T : tensor<8xf32> to tensor<?x8xf32>
  %length, %count = loco.segment %T
  %some = loco.window %hot from %c0 for %length : tensor<?x8xf32> to tensor<?x8xf32>
  %back = loco.place_window %some from %c0 of %T : tensor<?x8xf32> to tensor<?x8xf32>
  return %placed : tensor<?x8xf32>
}

// CHECK-LABEL: func @gradient
// CHECK: loco.gradient by(%[[Q:.*]] = %{{.*}} : tensor<8xf32>, %{{.*}} = %{{.*}} : tensor<f32>)
// CHECK-SAME: with(%[[N:.*]] = %{{.*}} : index) attributes {loco.note = 1 : i64} {
// CHECK: loco.yield sum(%{{.*}} : tensor<f32>)
// CHECK: loco.gradient by(%{{.*}} = %{{.*}} : tensor<f32>) {
func.func @gradient(%q0: tensor<8xf32>, %p0: tensor<f32>, %T: index) -> tensor<f32> {
  %g:2 = loco.gradient by(%q = %q0 : tensor<8xf32>, %p = %p0 : tensor<f32>) with(%n = %T : index)
      attributes {loco.note = 1 : i64} {
    %0 = loco.contract "i,i->" %q, %q : tensor<8xf32>, tensor<8xf32> to tensor<f32>
    %1 = loco.from_index %n : tensor<f32>
    %2 = arith.mulf %0, %1 : tensor<f32>
    loco.yield sum(%2 : tensor<f32>)
  }
  %h = loco.gradient by(%p = %g#1 : tensor<f32>) {
    loco.yield sum(%p : tensor<f32>)
  }
  return %h : tensor<f32>
}
