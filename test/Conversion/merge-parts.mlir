// Functions that differ in numbers alone become one, which gets what the others
// have more.
// RUN: loco-opt %s --loco-merge-parts | FileCheck %s
// RUN: loco-opt %s --loco-merge-parts | loco-opt --loco-lower | FileCheck %s --check-prefix=LLVM
// LLVM: llvm.func internal @rows

// CHECK-LABEL: func.func @kernel(
func.func @kernel(%p: !llvm.ptr, %q: !llvm.ptr) {
  // CHECK:      %[[ZERO:.*]] = arith.constant 0 : i64
  // CHECK:      %[[NONE:.*]] = arith.constant 0 : i64
  // CHECK:      call @rows(%[[P:.*]], %[[ZERO]], %[[NONE]])
  // CHECK:      %[[SITES:.*]] = arith.constant -16 : i64
  // CHECK:      %[[PITCH:.*]] = arith.constant -10 : i64
  // CHECK:      call @rows(%[[Q:.*]], %[[SITES]], %[[PITCH]])
  func.call @rows(%p) : (!llvm.ptr) -> ()
  func.call @fewer_rows(%q) : (!llvm.ptr) -> ()
  // CHECK-NEXT: call @whole(%[[P]])
  // CHECK-NEXT: call @halves(%[[Q]])
  // CHECK-NEXT: call @other_number(%[[P]])
  func.call @whole(%p) : (!llvm.ptr) -> ()
  func.call @halves(%q) : (!llvm.ptr) -> ()
  func.call @other_number(%p) : (!llvm.ptr) -> ()
  return
}

// Two neighbours in a row and one in the next: the rows are 10 sites closer.
// CHECK-LABEL: func.func private @rows(
// CHECK-SAME:    %[[X:.*]]: !llvm.ptr, %[[SITES:.*]]: i64, %[[PITCH:.*]]: i64)
// CHECK:         %[[C32:.*]] = arith.constant 32 : i64
// CHECK:         %[[END:.*]] = arith.addi %[[C32]], %[[SITES]]
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %[[END]]
// CHECK:           %[[A:.*]] = llvm.getelementptr %[[X]][%[[I]]]
// CHECK-NEXT:      llvm.getelementptr %[[A]][1]
// CHECK-NEXT:      %[[NEXT:.*]] = llvm.getelementptr %[[A]][%[[PITCH]]]
// CHECK-NEXT:      llvm.getelementptr %[[NEXT]][34]
// CHECK-NEXT:      %[[NEXT:.*]] = llvm.getelementptr %[[A]][%[[PITCH]]]
// CHECK-NEXT:      llvm.getelementptr %[[NEXT]][35]
func.func private @rows(%x: !llvm.ptr) attributes {llvm.linkage = #llvm.linkage<internal>} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %end = arith.constant 32 : i64
  scf.for %i = %zero to %end step %one : i64 {
    %a = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %b = llvm.getelementptr %a[1] : (!llvm.ptr) -> !llvm.ptr, f32
    %c = llvm.getelementptr %a[34] : (!llvm.ptr) -> !llvm.ptr, f32
    %d = llvm.getelementptr %a[35] : (!llvm.ptr) -> !llvm.ptr, f32
    %n = llvm.load %b : !llvm.ptr -> f32
    llvm.store %n, %c : f32, !llvm.ptr
    llvm.store %n, %d : f32, !llvm.ptr
  }
  return
}

// CHECK-NOT: @fewer_rows
func.func private @fewer_rows(%x: !llvm.ptr) attributes {llvm.linkage = #llvm.linkage<internal>} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %end = arith.constant 16 : i64
  scf.for %i = %zero to %end step %one : i64 {
    %a = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %b = llvm.getelementptr %a[1] : (!llvm.ptr) -> !llvm.ptr, f32
    %c = llvm.getelementptr %a[24] : (!llvm.ptr) -> !llvm.ptr, f32
    %d = llvm.getelementptr %a[25] : (!llvm.ptr) -> !llvm.ptr, f32
    %n = llvm.load %b : !llvm.ptr -> f32
    llvm.store %n, %c : f32, !llvm.ptr
    llvm.store %n, %d : f32, !llvm.ptr
  }
  return
}

// What is divided by stays known: these differ.
// CHECK-LABEL: func.func private @whole(
func.func private @whole(%x: !llvm.ptr) {
  %n = llvm.load %x : !llvm.ptr -> i64
  %by = arith.constant 1 : i64
  %m = arith.divsi %n, %by : i64
  llvm.store %m, %x : i64, !llvm.ptr
  return
}

// CHECK-LABEL: func.func private @halves(
func.func private @halves(%x: !llvm.ptr) {
  %n = llvm.load %x : !llvm.ptr -> i64
  %by = arith.constant 2 : i64
  %m = arith.divsi %n, %by : i64
  llvm.store %m, %x : i64, !llvm.ptr
  return
}

// So do other constants than integers.
// CHECK-LABEL: func.func private @other_number(
func.func private @other_number(%x: !llvm.ptr) {
  %n = arith.constant 2.0 : f32
  llvm.store %n, %x : f32, !llvm.ptr
  return
}
