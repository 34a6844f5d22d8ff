// Finite differences cannot hold a value constant: the interpreter says so.

// RUN: split-file %s %t
// RUN: not loco-interpret %t/all.mlir %t/call.txt 2>&1 | FileCheck %s
// CHECK: all.mlir:4:10: error: 'loco.stop_gradient' op inside of a derivative is unknown to the reference interpreter, which takes finite differences

//--- all.mlir
func.func @f(%a: tensor<f64>) -> tensor<f64> {
  %g = loco.gradient by(%x = %a : tensor<f64>) {
    %0 = arith.mulf %x, %x : tensor<f64>
    %1 = loco.stop_gradient %0 : tensor<f64>
    loco.yield sum(%1 : tensor<f64>)
  }
  return %g : tensor<f64>
}
//--- call.txt
call f
array : 2
