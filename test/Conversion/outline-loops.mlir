// Large functions are divided where nothing of a piece is needed after it.
// RUN: loco-opt %s --loco-outline-loops='large=10 most=12 least=6' | FileCheck %s
// RUN: loco-opt %s --loco-outline-loops='large=10 most=12 least=6' | loco-opt --loco-lower | FileCheck %s --check-prefix=LLVM
// RUN: loco-opt %s --loco-outline-loops='large=1000' | FileCheck %s --check-prefix=SMALL
// SMALL-NOT: call
// LLVM: llvm.func internal @kernel.part0

// Addresses stay in front of the piece and are passed; constants are made anew.
// CHECK-LABEL: func private @kernel.part0(
// CHECK-SAME:  %[[P:[a-z0-9]+]]: !llvm.ptr
// CHECK-DAG:     arith.constant 1.0
// CHECK:         %[[X:.*]] = llvm.load %[[P]]
// CHECK:         scf.for
// CHECK:           llvm.store %[[X]]
// CHECK:         return
// CHECK-LABEL: func private @kernel.part1(
// CHECK:         scf.for
// CHECK-LABEL: func private @kernel.part2(
// CHECK:         %[[SUM:.*]] = scf.for
// CHECK:         llvm.store %[[SUM]]
// CHECK-LABEL: func @kernel(
func.func @kernel(%p: !llvm.ptr, %n: i64) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %f = arith.constant 1.0 : f32
  // The loop that carries addresses stays, and so does what it carries.
  // CHECK: scf.for {{.*}} iter_args
  %last:2 = scf.for %t = %zero to %n step %one iter_args(%a = %p, %b = %p) -> (!llvm.ptr, !llvm.ptr) : i64 {
    // The number of the turn is no term of what addresses are simplified to.
    // CHECK: %[[T:.*]] = llvm.inline_asm "", "=r,0" %
    // CHECK: %[[Q:.*]] = llvm.getelementptr %{{.*}}[%[[T]]]
    // CHECK: call @kernel.part0(%[[Q]]
    %q = llvm.getelementptr %a[%t] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %x = llvm.load %q : !llvm.ptr -> f32
    scf.for %i = %zero to %n step %one : i64 {
      %to = llvm.getelementptr %q[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      llvm.store %x, %to : f32, !llvm.ptr
      %to1 = llvm.getelementptr %to[1] : (!llvm.ptr) -> !llvm.ptr, f32
      llvm.store %f, %to1 : f32, !llvm.ptr
    }
    // CHECK: call @kernel.part1(
    scf.for %i = %zero to %n step %one : i64 {
      %to = llvm.getelementptr %b[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %y = llvm.load %to : !llvm.ptr -> f32
      %z = arith.addf %y, %f : f32
      llvm.store %z, %to : f32, !llvm.ptr
    }
    // CHECK: scf.yield
    scf.yield %b, %a : !llvm.ptr, !llvm.ptr
  }
  // What is needed later and what needs it are one piece.
  // CHECK: call @kernel.part2(
  // CHECK-NEXT: return
  %sum = scf.for %i = %zero to %n step %one iter_args(%s = %f) -> (f32) : i64 {
    %to = llvm.getelementptr %last#0[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %y = llvm.load %to : !llvm.ptr -> f32
    %z = arith.addf %y, %s : f32
    scf.yield %z : f32
  }
  scf.for %i = %zero to %n step %one : i64 {
    llvm.store %f, %p : f32, !llvm.ptr
  }
  llvm.store %sum, %p : f32, !llvm.ptr
  return
}
