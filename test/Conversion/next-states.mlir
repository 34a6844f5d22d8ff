// Loops back over time that read what the state is after a step: from the stack that the
// state lives in, a step further on, where that is possible; a small readout stands between
// the loops, so that a sample goes through both before the next one begins. Channels and a
// field without them; all steps kept, and segments; one step, and one sample.
// RUN: loco-opt %s --pass-pipeline="builtin.module(loco-create-vjp{function=waves arguments=0,1,2 name=dwaves},loco-create-vjp{function=ring arguments=0,1 name=dring},func.func(loco-plan-residuals,canonicalize,cse))" -o %t.mlir
// RUN: loco-opt %s --pass-pipeline="builtin.module(loco-create-vjp{function=waves arguments=0,1,2 name=dwaves},loco-create-vjp{function=ring arguments=0,1 name=dring},func.func(loco-segment-loops,loco-plan-residuals,canonicalize,cse))" -o %t.segments.mlir
// RUN: loco-test-kernels %t.mlir --samples=3 --steps=7 | FileCheck %s
// RUN: loco-test-kernels %t.mlir --samples=5 --steps=6 --block=2 | FileCheck %s
// RUN: loco-test-kernels %t.mlir --samples=2 --steps=1 | FileCheck %s
// RUN: loco-test-kernels %t.mlir --samples=3 --steps=4 --vector=32 | FileCheck %s
// RUN: loco-test-kernels %t.segments.mlir --samples=3 --steps=7 --segment=3 | FileCheck %s
// RUN: loco-test-kernels %t.segments.mlir --samples=2 --steps=6 --segment=1 --block=2 | FileCheck %s
// CHECK-NOT: differs
// CHECK-DAG: dwaves: {{.*}} results agree
// CHECK-DAG: dring: {{.*}} results agree

// What is kept of the steps is kept of one sample.
// RUN: loco-test-kernels %t.mlir --function=dwaves --emit=explain | FileCheck %s --check-prefix=ARENA
// ARENA: arena {{[0-9]+}} + 0 samples + {{[0-9]+}} steps + 0 samples steps bytes

func.func @waves(%k: tensor<12x12x3xf32> {loco.role = "param"}, %read: tensor<10x528xf32> {loco.role = "param"},
                 %xs: tensor<?x12x44xf32>, %T: index {loco.role = "steps"}) -> tensor<10xf32> {
  %zero = arith.constant dense<0.0> : tensor<12x44xf32>
  %last = loco.scan %t below %T carry(%h = %zero : tensor<12x44xf32>)
      each(%x = %xs : tensor<?x12x44xf32>) with(%w = %k : tensor<12x12x3xf32>) {
    %c = arith.constant dense<0.0> : tensor<12x44xf32>
    %0 = loco.conv %w, %h wrap strides [1] low [1] : tensor<12x12x3xf32>, tensor<12x44xf32> to tensor<12x44xf32>
    %1 = arith.addf %0, %x : tensor<12x44xf32>
    %2 = arith.cmpf ole, %1, %c : tensor<12x44xf32>
    %3 = arith.select %2, %c, %1 : tensor<12x44xi1>, tensor<12x44xf32>
    loco.yield carry(%3 : tensor<12x44xf32>)
  }
  %row = loco.reshape %last : tensor<12x44xf32> to tensor<528xf32>
  %out = loco.contract "oi,i->o" %read, %row : tensor<10x528xf32>, tensor<528xf32> to tensor<10xf32>
  return %out : tensor<10xf32>
}

func.func @ring(%k: tensor<3x3xf32> {loco.role = "param"}, %xs: tensor<?x9x37xf32>, %T: index {loco.role = "steps"}) -> tensor<9x37xf32> {
  %zero = arith.constant dense<0.0> : tensor<9x37xf32>
  %last = loco.scan %t below %T carry(%h = %zero : tensor<9x37xf32>)
      each(%x = %xs : tensor<?x9x37xf32>) with(%w = %k : tensor<3x3xf32>) {
    %0 = loco.conv %w, %h wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<9x37xf32> to tensor<9x37xf32>
    %1 = arith.addf %0, %x : tensor<9x37xf32>
    %2 = math.tanh %1 : tensor<9x37xf32>
    loco.yield carry(%2 : tensor<9x37xf32>)
  }
  return %last : tensor<9x37xf32>
}
