// Convolutions leave the loop for a library, which pads with as many zeros on both sides.
// RUN: loco-opt %s --loco-fission="convolutions=500" | FileCheck %s
// RUN: loco-opt %s --loco-fission | FileCheck %s --check-prefix=WHOLE
// WHOLE-NOT: loco.pad
// WHOLE-NOT: loco.concat

// More zeros behind than in front: the field gets them before. As many on both sides stay.
// CHECK-LABEL: func @zeros
// CHECK: loco.scan
// CHECK: loco.pad {{.*}} at [0, 0, 0] : tensor<8x6x8xf32> to tensor<8x7x9xf32>
// CHECK: loco.scan
// CHECK: stack(tensor<?x8x3x4xf32>) {
// CHECK-NEXT: loco.conv {{.*}} zero strides [2, 2] low [0, 0] : tensor<8x8x3x3xf32>, tensor<8x7x9xf32> to tensor<8x3x4xf32>
// CHECK-NEXT: loco.yield
// CHECK: loco.scan
// CHECK: math.tanh
// CHECK: loco.scan
// CHECK: stack(tensor<?x8x3x4xf32>) {
// CHECK-NEXT: loco.conv {{.*}} zero strides [1, 1] low [1, 1] : tensor<8x8x3x3xf32>, tensor<8x3x4xf32> to tensor<8x3x4xf32>
// CHECK-NEXT: loco.yield
func.func @zeros(%k: tensor<8x8x3x3xf32>, %l: tensor<8x8x3x3xf32>, %x: tensor<?x8x6x8xf32>, %T: index) -> tensor<?x8x3x4xf32> {
  %ys = loco.scan %t below %T each(%xt = %x : tensor<?x8x6x8xf32>)
      with(%a = %k : tensor<8x8x3x3xf32>, %b = %l : tensor<8x8x3x3xf32>) stack(tensor<?x8x3x4xf32>) {
    %0 = loco.conv %a, %xt zero strides [2, 2] low [0, 0] : tensor<8x8x3x3xf32>, tensor<8x6x8xf32> to tensor<8x3x4xf32>
    %1 = math.tanh %0 : tensor<8x3x4xf32>
    %2 = loco.conv %b, %1 zero strides [1, 1] low [1, 1] : tensor<8x8x3x3xf32>, tensor<8x3x4xf32> to tensor<8x3x4xf32>
    loco.yield stack(%2 : tensor<8x3x4xf32>)
  }
  return %ys : tensor<?x8x3x4xf32>
}

// Around a torus: what lies beyond the edge is copied there, and gradients come back.
// CHECK-LABEL: func @torus
// CHECK: loco.slice {{.*}} at [0, 4, 0] : tensor<8x5x7xf32> to tensor<8x1x7xf32>
// CHECK: loco.slice {{.*}} at [0, 0, 0] : tensor<8x5x7xf32> to tensor<8x1x7xf32>
// CHECK: loco.concat {{.*}} axis 1 : {{.*}} to tensor<8x7x7xf32>
// CHECK: loco.concat {{.*}} axis 2 : {{.*}} to tensor<8x7x9xf32>
// CHECK: loco.scan
// CHECK: sum(tensor<8x8x3x3xf32>) {
// CHECK-NEXT: loco.conv_outer {{.*}} zero strides [1, 1] low [0, 0]
// CHECK-NEXT: loco.yield
// CHECK: loco.scan
// CHECK: stack(tensor<?x8x7x9xf32>) {
// CHECK-NEXT: loco.conv_transpose {{.*}} zero strides [1, 1] low [0, 0] : {{.*}} to tensor<8x7x9xf32>
// CHECK-NEXT: loco.yield
// CHECK: loco.scan
// CHECK: %[[INNER:.*]] = loco.slice %[[ALL:.*]] at [0, 0, 1] : tensor<8x7x9xf32> to tensor<8x7x7xf32>
// CHECK: loco.pad {{.*}} at [0, 0, 6] : tensor<8x7x1xf32> to tensor<8x7x7xf32>
// CHECK: loco.pad {{.*}} at [0, 0, 0] : tensor<8x7x1xf32> to tensor<8x7x7xf32>
// CHECK: loco.pad {{.*}} at [0, 4, 0] : tensor<8x1x7xf32> to tensor<8x5x7xf32>
func.func @torus(%k: tensor<8x8x3x3xf32>, %g: tensor<?x8x5x7xf32>, %x: tensor<?x8x5x7xf32>, %T: index) -> (tensor<?x8x5x7xf32>, tensor<8x8x3x3xf32>) {
  %ys, %w = loco.scan %t below %T each(%gt = %g : tensor<?x8x5x7xf32>, %xt = %x : tensor<?x8x5x7xf32>)
      with(%a = %k : tensor<8x8x3x3xf32>) stack(tensor<?x8x5x7xf32>) sum(tensor<8x8x3x3xf32>) {
    %0 = loco.conv_outer %gt, %xt wrap strides [1, 1] low [1, 1] : tensor<8x5x7xf32>, tensor<8x5x7xf32> to tensor<8x8x3x3xf32>
    %1 = loco.conv_transpose %a, %gt wrap strides [1, 1] low [1, 1] : tensor<8x8x3x3xf32>, tensor<8x5x7xf32> to tensor<8x5x7xf32>
    loco.yield stack(%1 : tensor<8x5x7xf32>) sum(%0 : tensor<8x8x3x3xf32>)
  }
  return %ys, %w : tensor<?x8x5x7xf32>, tensor<8x8x3x3xf32>
}

// What moves the state on stays where it is.
// CHECK-LABEL: func @state
// CHECK-COUNT-1: loco.scan
// CHECK: wrap strides
// CHECK-NOT: loco.scan
func.func @state(%k: tensor<8x8x3x3xf32>, %z: tensor<8x5x7xf32>, %T: index) -> tensor<8x5x7xf32> {
  %end = loco.scan %t below %T carry(%zt = %z : tensor<8x5x7xf32>) with(%a = %k : tensor<8x8x3x3xf32>) {
    %0 = loco.conv %a, %zt wrap strides [1, 1] low [1, 1] : tensor<8x8x3x3xf32>, tensor<8x5x7xf32> to tensor<8x5x7xf32>
    loco.yield carry(%0 : tensor<8x5x7xf32>)
  }
  return %end : tensor<8x5x7xf32>
}
