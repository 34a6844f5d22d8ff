// RUN: loco-opt %s --loco-simplify-pieces --canonicalize | FileCheck %s
// RUN: loco-test-kernels %s --samples=3

// Two gates of a cell: a piece of the product each, and no copy of all of it.
// CHECK-LABEL: func @gates
// CHECK-SAME: %[[W:.*]]: tensor<10x4xf32>{{.*}}, %[[B:.*]]: tensor<10xf32>{{.*}}, %[[X:.*]]: tensor<4xf32>
// CHECK: %[[P:.*]] = loco.contract "oi,i->o" %[[W]], %[[X]]
// CHECK-NOT: loco.reshape
// CHECK-DAG: loco.slice %[[P]] at [0] : tensor<10xf32> to tensor<5xf32>
// CHECK-DAG: loco.slice %[[P]] at [5] : tensor<10xf32> to tensor<5xf32>
// CHECK-DAG: loco.slice %[[B]] at [5] : tensor<10xf32> to tensor<5xf32>
// CHECK-NOT: loco.reshape
// CHECK: return
func.func @gates(%w: tensor<10x4xf32> {loco.role = "param"}, %b: tensor<10xf32> {loco.role = "param"}, %x: tensor<4xf32> {loco.role = "input"}) -> tensor<5xf32> {
  %0 = loco.contract "oi,i->o" %w, %x : tensor<10x4xf32>, tensor<4xf32> to tensor<10xf32>
  %1 = loco.reshape %0 : tensor<10xf32> to tensor<2x5xf32>
  %2 = loco.reshape %b : tensor<10xf32> to tensor<2x5xf32>
  %3 = arith.addf %1, %2 : tensor<2x5xf32>
  %4 = loco.slice %3 at [0, 0] : tensor<2x5xf32> to tensor<1x5xf32>
  %5 = loco.reshape %4 : tensor<1x5xf32> to tensor<5xf32>
  %6 = loco.slice %3 at [1, 0] : tensor<2x5xf32> to tensor<1x5xf32>
  %7 = loco.reshape %6 : tensor<1x5xf32> to tensor<5xf32>
  %8 = loco.sigmoid %5 : tensor<5xf32>
  %9 = math.tanh %7 : tensor<5xf32>
  %10 = arith.mulf %8, %9 : tensor<5xf32>
  return %10 : tensor<5xf32>
}

// What is wanted as a whole is computed as a whole.
// CHECK-LABEL: func @whole
// CHECK: %[[S:.*]] = arith.addf
// CHECK: loco.slice %[[S]]
func.func @whole(%a: tensor<10xf32> {loco.role = "input"}, %b: tensor<10xf32> {loco.role = "input"}) -> (tensor<10xf32>, tensor<5xf32>) {
  %0 = arith.addf %a, %b : tensor<10xf32>
  %1 = loco.slice %0 at [3] : tensor<10xf32> to tensor<5xf32>
  return %0, %1 : tensor<10xf32>, tensor<5xf32>
}

// The derivatives of gates lie beside each other; where there is none, zero.
// CHECK-LABEL: func @joined
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<3xf32>
// CHECK: loco.concat {{.*}}, {{.*}}, %[[ZERO]] axis 0 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32> to tensor<9xf32>
// CHECK-NOT: loco.pad
func.func @joined(%a: tensor<3xf32> {loco.role = "input"}, %b: tensor<3xf32> {loco.role = "input"}) -> tensor<9xf32> {
  %u = math.tanh %a : tensor<3xf32>
  %v = math.tanh %b : tensor<3xf32>
  %0 = loco.reshape %u : tensor<3xf32> to tensor<1x3xf32>
  %1 = loco.pad %0 at [1, 0] : tensor<1x3xf32> to tensor<3x3xf32>
  %2 = loco.reshape %v : tensor<3xf32> to tensor<1x3xf32>
  %3 = loco.pad %2 at [0, 0] : tensor<1x3xf32> to tensor<3x3xf32>
  %4 = arith.addf %1, %3 : tensor<3x3xf32>
  %5 = loco.reshape %4 : tensor<3x3xf32> to tensor<9xf32>
  return %5 : tensor<9xf32>
}

// Pads that lie upon each other are added.
// CHECK-LABEL: func @overlapping
// CHECK-NOT: loco.concat
func.func @overlapping(%a: tensor<3xf32> {loco.role = "input"}, %b: tensor<3xf32> {loco.role = "input"}) -> tensor<5xf32> {
  %0 = loco.pad %a at [0] : tensor<3xf32> to tensor<5xf32>
  %1 = loco.pad %b at [2] : tensor<3xf32> to tensor<5xf32>
  %2 = arith.addf %0, %1 : tensor<5xf32>
  return %2 : tensor<5xf32>
}

// One input, one number: no sum over an axis of one element.
// CHECK-LABEL: func @thin
// CHECK-NOT: loco.contract
// CHECK: return
func.func @thin(%w: tensor<7x1xf32> {loco.role = "param"}, %x: tensor<1xf32> {loco.role = "input"}, %g: tensor<7xf32> {loco.role = "input"}) -> (tensor<7xf32>, tensor<7x1xf32> {loco.sum_samples}) {
  %0 = loco.contract "oi,i->o" %w, %x : tensor<7x1xf32>, tensor<1xf32> to tensor<7xf32>
  %1 = loco.contract "o,i->oi" %g, %x : tensor<7xf32>, tensor<1xf32> to tensor<7x1xf32>
  return %0, %1 : tensor<7xf32>, tensor<7x1xf32>
}

// The axis of one element is put back after the loop, once.
// CHECK-LABEL: func @summed
// CHECK: %[[S:.*]] = loco.scan
// CHECK: sum(tensor<7xf32>)
// CHECK: loco.reshape %[[S]] : tensor<7xf32> to tensor<7x1xf32>
func.func @summed(%g: tensor<?x7xf32> {loco.role = "input"}, %x: tensor<?xf32> {loco.role = "input"}, %T: index) -> tensor<7x1xf32> {
  %s = loco.scan %t below %T each(%a = %g : tensor<?x7xf32>, %b = %x : tensor<?xf32>) sum(tensor<7x1xf32>) {
    %0 = loco.reshape %b : tensor<f32> to tensor<1xf32>
    %1 = loco.contract "o,i->oi" %a, %0 : tensor<7xf32>, tensor<1xf32> to tensor<7x1xf32>
    loco.yield sum(%1 : tensor<7x1xf32>)
  }
  return %s : tensor<7x1xf32>
}

// What becomes a field is computed as one, and its derivative, too.
// CHECK-LABEL: func @field
// CHECK: loco.reshape %{{.*}} : tensor<20xf32> to tensor<4x5xf32>
// CHECK: arith.mulf %{{.*}} : tensor<4x5xf32>
// CHECK: arith.mulf %{{.*}} : tensor<4x5xf32>
// CHECK: loco.reshape %{{.*}} : tensor<4x5xf32> to tensor<20xf32>
func.func @field(%w: tensor<20xf32> {loco.role = "param"}, %x: tensor<f32> {loco.role = "input"}, %g: tensor<4x5xf32> {loco.role = "input"}) -> (tensor<4x5xf32>, tensor<20xf32>) {
  %0 = loco.broadcast %x along [0] : tensor<f32> to tensor<20xf32>
  %1 = arith.mulf %w, %0 : tensor<20xf32>
  %2 = loco.reshape %1 : tensor<20xf32> to tensor<4x5xf32>
  %3 = math.tanh %2 : tensor<4x5xf32>
  %4 = loco.reshape %g : tensor<4x5xf32> to tensor<20xf32>
  %5 = arith.mulf %4, %0 : tensor<20xf32>
  return %3, %5 : tensor<4x5xf32>, tensor<20xf32>
}
