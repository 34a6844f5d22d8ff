// RUN: loco-opt %s --loco-fission | FileCheck %s
// RUN: loco-opt %s --loco-fission="threshold=100000" | FileCheck %s --check-prefix=WHOLE

// The encoder runs before the recurrence, the decoder after it; the small product stays.
// CHECK-LABEL: func @both
// CHECK: %[[U:.*]] = loco.scan
// CHECK-NEXT: each
// CHECK-NEXT: with
// CHECK-NEXT: stack(tensor<?x80xf32>) {
// CHECK-NEXT: loco.contract "oi,i->o"
// CHECK-NEXT: loco.yield stack
// CHECK: %[[CORE:.*]]:2 = loco.scan
// CHECK-NEXT: carry
// CHECK-NEXT: each({{.*}} = %[[U]] : tensor<?x80xf32>
// CHECK: loco.contract "o,o->"
// CHECK: math.tanh
// CHECK: loco.yield carry({{.*}}) stack
// CHECK: loco.scan
// CHECK-NEXT: each({{.*}} = %[[CORE]]#1 : tensor<?x80xf32>
// CHECK: loco.contract "io,o->i"
// CHECK: loco.scan
// CHECK: loco.sigmoid
// CHECK: loco.yield stack

// WHOLE-LABEL: func @both
// WHOLE-COUNT-1: loco.scan
// WHOLE-NOT: loco.scan
// WHOLE-LABEL: func @gradient
func.func @both(%w: tensor<80x90xf32>, %d: tensor<90x80xf32>, %x: tensor<?x90xf32>, %T: index) -> tensor<?x90xf32> {
  %zero = arith.constant dense<0.0> : tensor<80xf32>
  %z, %ys = loco.scan %t below %T carry(%z0 = %zero : tensor<80xf32>) each(%xt = %x : tensor<?x90xf32>)
      with(%e = %w : tensor<80x90xf32>, %f = %d : tensor<90x80xf32>) stack(tensor<?x90xf32>) {
    %0 = loco.contract "oi,i->o" %e, %xt : tensor<80x90xf32>, tensor<90xf32> to tensor<80xf32>
    %1 = loco.contract "o,o->" %z0, %z0 : tensor<80xf32>, tensor<80xf32> to tensor<f32>
    %2 = loco.broadcast %1 along [0] : tensor<f32> to tensor<80xf32>
    %3 = arith.addf %0, %2 : tensor<80xf32>
    %4 = math.tanh %3 : tensor<80xf32>
    %5 = loco.contract "io,o->i" %f, %4 : tensor<90x80xf32>, tensor<80xf32> to tensor<90xf32>
    %6 = loco.sigmoid %5 : tensor<90xf32>
    loco.yield carry(%4 : tensor<80xf32>) stack(%6 : tensor<90xf32>)
  }
  return %ys : tensor<?x90xf32>
}

// The gradient of a weight is summed up in a map of its own.
// CHECK-LABEL: func @gradient
// CHECK: loco.scan reverse
// CHECK: stack(tensor<?x80xf32>)
// CHECK: loco.scan reverse
// CHECK: sum(tensor<80x90xf32>) {
// CHECK-NEXT: loco.contract "o,i->oi"
// CHECK-NEXT: loco.yield sum
func.func @gradient(%x: tensor<?x90xf32>, %T: index) -> (tensor<80xf32>, tensor<80x90xf32>) {
  %zero = arith.constant dense<1.0> : tensor<80xf32>
  %g, %w = loco.scan reverse %t below %T carry(%g0 = %zero : tensor<80xf32>) each(%xt = %x : tensor<?x90xf32>)
      sum(tensor<80x90xf32>) {
    %0 = math.tanh %g0 : tensor<80xf32>
    %1 = loco.contract "o,i->oi" %0, %xt : tensor<80xf32>, tensor<90xf32> to tensor<80x90xf32>
    loco.yield carry(%0 : tensor<80xf32>) sum(%1 : tensor<80x90xf32>)
  }
  return %g, %w : tensor<80xf32>, tensor<80x90xf32>
}

// What the core can make again of what it reads anyway is not kept for it; what a
// product needs is.
// CHECK-LABEL: func @again
// CHECK: loco.scan
// CHECK: stack(tensor<?x64xf32>) {
// CHECK: loco.yield stack(
// CHECK: loco.contract
// CHECK: loco.scan
// CHECK: carry(
// CHECK: loco.broadcast
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @again(%m: tensor<64x64xf32>, %a: tensor<f32>, %x: tensor<?x64xf32>, %T: index) -> tensor<64xf32> {
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %z, %ys = loco.scan %t below %T carry(%z0 = %zero : tensor<64xf32>)
      each(%xt = %x : tensor<?x64xf32>) with(%w = %m : tensor<64x64xf32>, %b = %a : tensor<f32>) stack(tensor<?x64xf32>) {
    %f = loco.broadcast %b along [0] : tensor<f32> to tensor<64xf32>
    %s = arith.mulf %f, %xt : tensor<64xf32>
    %y = loco.contract "oi,i->o" %w, %s : tensor<64x64xf32>, tensor<64xf32> to tensor<64xf32>
    %0 = arith.addf %z0, %s : tensor<64xf32>
    %1 = arith.mulf %0, %xt : tensor<64xf32>
    %2 = arith.addf %1, %y : tensor<64xf32>
    loco.yield carry(%2 : tensor<64xf32>) stack(%2 : tensor<64xf32>)
  }
  return %z : tensor<64xf32>
}

// So are the two of a weight that a step uses twice, and the small rest that is added to them
// stays in the loop; what they are together is known behind it.
// CHECK-LABEL: func @twice
// CHECK: %[[CORE:.*]]:4 = loco.scan reverse
// CHECK: stack(tensor<?x80xf32>, tensor<?x80xf32>)
// CHECK: sum(tensor<80x90xf32>) {
// CHECK-NOT: loco.contract
// CHECK: %[[A:.*]] = loco.scan reverse
// CHECK: sum(tensor<80x90xf32>) {
// CHECK-NEXT: loco.contract "o,i->oi"
// CHECK: %[[B:.*]] = loco.scan reverse
// CHECK: sum(tensor<80x90xf32>) {
// CHECK-NEXT: loco.contract "o,i->oi"
// CHECK: arith.addf
// CHECK: arith.addf
// CHECK-NEXT: return
// WHOLE-LABEL: func @twice
// WHOLE-COUNT-1: loco.scan
// WHOLE-NOT: loco.scan
func.func @twice(%x: tensor<?x90xf32>, %y: tensor<?x80x90xf32>, %T: index) -> tensor<80x90xf32> {
  %zero = arith.constant dense<0.0> : tensor<80xf32>
  %d, %dw = loco.scan reverse %t below %T carry(%d0 = %zero : tensor<80xf32>)
      each(%xt = %x : tensor<?x90xf32>, %yt = %y : tensor<?x80x90xf32>) sum(tensor<80x90xf32>) {
    %0 = loco.sigmoid %d0 : tensor<80xf32>
    %1 = loco.contract "o,i->oi" %d0, %xt : tensor<80xf32>, tensor<90xf32> to tensor<80x90xf32>
    %2 = loco.contract "o,i->oi" %0, %xt : tensor<80xf32>, tensor<90xf32> to tensor<80x90xf32>
    %3 = arith.addf %1, %yt : tensor<80x90xf32>
    %4 = arith.addf %3, %2 : tensor<80x90xf32>
    loco.yield carry(%0 : tensor<80xf32>) sum(%4 : tensor<80x90xf32>)
  }
  return %dw : tensor<80x90xf32>
}
