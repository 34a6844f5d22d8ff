// What goes wrong while a function runs is reported at the op, never a crash.

// RUN: split-file %s %t
// RUN: not loco-interpret %t/all.mlir %t/unknown.txt 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: 'builtin.module' op calls unknown function `missing`
// RUN: not loco-interpret %t/all.mlir %t/count.txt 2>&1 | FileCheck %s --check-prefix=COUNT
// COUNT: all.mlir:1:1: error: 'func.func' op is called with 1 arguments, expected 3
// RUN: not loco-interpret %t/all.mlir %t/shape.txt 2>&1 | FileCheck %s --check-prefix=SHAPE
// SHAPE: error: 'func.func' op gets 2 elements of shape [2] as argument 0 of type 'tensor<?x4xf64>'
// RUN: not loco-interpret %t/all.mlir %t/elements.txt 2>&1 | FileCheck %s --check-prefix=ELEMENTS
// ELEMENTS: error: 'func.func' op gets 3 elements of shape [1, 4] as argument 0
// RUN: not loco-interpret %t/all.mlir %t/kind.txt 2>&1 | FileCheck %s --check-prefix=KIND
// KIND: error: 'func.func' op gets another kind of value than 'index' as argument 2
// RUN: not loco-interpret %t/all.mlir %t/lengths.txt 2>&1 | FileCheck %s --check-prefix=LENGTHS
// LENGTHS: all.mlir:2:8: error: 'arith.addf' op combines shapes [1, 4] and [2, 4]
// RUN: not loco-interpret %t/all.mlir %t/each.txt 2>&1 | FileCheck %s --check-prefix=EACH
// EACH: error: 'loco.scan' op takes each of 3 steps from a value of 2 steps
// RUN: not loco-interpret %t/all.mlir %t/negative.txt 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// NEGATIVE: error: 'loco.scan' op runs for -1 steps
// RUN: not loco-interpret %t/all.mlir %t/at.txt 2>&1 | FileCheck %s --check-prefix=AT
// AT: error: 'loco.at' op takes step 2 of 2 steps
// RUN: not loco-interpret %t/all.mlir %t/place.txt 2>&1 | FileCheck %s --check-prefix=PLACE
// PLACE: error: 'loco.place' op takes step -1 of 2 steps
// RUN: not loco-interpret %t/all.mlir %t/zeros.txt 2>&1 | FileCheck %s --check-prefix=ZEROS
// ZEROS: error: 'loco.zeros' op is asked for -3 steps
// RUN: not loco-interpret %t/all.mlir %t/draw.txt 2>&1 | FileCheck %s --check-prefix=DRAW
// DRAW: error: 'loco.random' op draws at step -1
// RUN: not loco-interpret %t/all.mlir %t/contract.txt 2>&1 | FileCheck %s --check-prefix=CONTRACT
// CONTRACT: error: 'loco.contract' op has extents 1 and 2 for axis `t`
// RUN: not loco-interpret %t/all.mlir %t/nothing.txt 2>&1 | FileCheck %s --check-prefix=NOTHING
// NOTHING: error: 'loco.scan' op has no step that tells the extents of result 0
// RUN: not loco-interpret %t/all.mlir %t/ragged.txt 2>&1 | FileCheck %s --check-prefix=RAGGED
// RAGGED: error: 'loco.scan' op stacks values of different shapes
// RUN: not loco-interpret %t/all.mlir %t/divide.txt 2>&1 | FileCheck %s --check-prefix=DIVIDE
// DIVIDE: error: 'arith.divsi' op divides by zero
// RUN: not loco-interpret %t/all.mlir %t/recursion.txt 2>&1 | FileCheck %s --check-prefix=RECURSION
// RECURSION: error: 'func.call' op calls `recursion` recursively
// RUN: not loco-interpret %t/all.mlir %t/op.txt 2>&1 | FileCheck %s --check-prefix=OP
// OP: error: 'math.ctlz' op is unknown to the reference interpreter
// RUN: not loco-interpret %t/all.mlir %t/external.txt 2>&1 | FileCheck %s --check-prefix=EXTERNAL
// EXTERNAL: error: 'func.func' op has no body of one block to interpret

//--- all.mlir
func.func @add(%x: tensor<?x4xf64>, %y: tensor<?x4xf64>, %n: index) {
  %0 = arith.addf %x, %y : tensor<?x4xf64>
  return
}
func.func @each(%x: tensor<?x4xf64>, %n: index) {
  loco.scan %t below %n each(%e = %x : tensor<?x4xf64>) {
    loco.yield
  }
  return
}
func.func @at(%x: tensor<?x4xf64>, %n: index) {
  %0 = loco.at %x[%n] : tensor<?x4xf64> to tensor<4xf64>
  return
}
func.func @place(%x: tensor<4xf64>, %t: index, %n: index) {
  %0 = loco.place %x at %t of %n : tensor<4xf64> to tensor<?x4xf64>
  return
}
func.func @zeros(%n: index) {
  %0 = loco.zeros %n : tensor<?x4xf64>
  return
}
func.func @draw(%k: !loco.random_key, %n: index) {
  %0 = loco.random normal %k at %n stream 1 : tensor<4xf64>
  return
}
func.func @contract(%x: tensor<?x4xf64>, %y: tensor<?x4xf64>) {
  %0 = loco.contract "ti,tj->ij" %x, %y : tensor<?x4xf64>, tensor<?x4xf64> to tensor<4x4xf64>
  return
}
func.func @stacks(%n: index) {
  %0 = loco.scan %t below %n stack(tensor<?x?x4xf64>) {
    %1 = loco.zeros %t : tensor<?x4xf64>
    loco.yield stack(%1 : tensor<?x4xf64>)
  }
  return
}
func.func @divide(%n: index) {
  %c0 = arith.constant 0 : index
  %0 = arith.divsi %n, %c0 : index
  return
}
func.func @recursion() {
  func.call @recursion() : () -> ()
  return
}
func.func @op(%x: tensor<4xi32>) {
  %0 = math.ctlz %x : tensor<4xi32>
  return
}
func.func private @external()

//--- unknown.txt
call missing
//--- count.txt
call add
index 1
//--- shape.txt
call add
array 2 : 1 2
array 2 4 : 1 2 3 4 5 6 7 8
index 1
//--- elements.txt
call add
array 1 4 : 1 2 3
array 1 4 : 1 2 3 4
index 1
//--- kind.txt
call add
array 1 4 : 1 2 3 4
array 1 4 : 1 2 3 4
key 1 2 3
//--- lengths.txt
call add
array 1 4 : 1 2 3 4
array 2 4 : 1 2 3 4 5 6 7 8
index 1
//--- each.txt
call each
array 2 4 : 1 2 3 4 5 6 7 8
index 3
//--- negative.txt
call each
array 2 4 : 1 2 3 4 5 6 7 8
index -1
//--- at.txt
call at
array 2 4 : 1 2 3 4 5 6 7 8
index 2
//--- place.txt
call place
array 4 : 1 2 3 4
index -1
index 2
//--- zeros.txt
call zeros
index -3
//--- draw.txt
call draw
key 1 2 3
index -1
//--- contract.txt
call contract
array 1 4 : 1 2 3 4
array 2 4 : 1 2 3 4 5 6 7 8
//--- nothing.txt
call stacks
index 0
//--- ragged.txt
call stacks
index 3
//--- divide.txt
call divide
index 3
//--- recursion.txt
call recursion
//--- op.txt
call op
array 4 : 1 2 3 4
//--- external.txt
call external
