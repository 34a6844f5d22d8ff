// RUN: loco-test-kernels %s
// RUN: loco-test-kernels %s --samples=1 --steps=1
// RUN: loco-test-kernels %s --vector=32

// Elementwise ops, broadcasts from scalars, flat loops with a remainder.
func.func @elementwise(%a: tensor<f32> {loco.role = "param"}, %x: tensor<5x7xf32> {loco.role = "input"},
                       %y: tensor<5x7xf32> {loco.role = "input"}) -> tensor<5x7xf32> {
  %0 = arith.mulf %x, %y : tensor<5x7xf32>
  %1 = loco.broadcast %a along [0, 1] : tensor<f32> to tensor<5x7xf32>
  %2 = arith.addf %0, %1 : tensor<5x7xf32>
  %3 = math.tanh %2 : tensor<5x7xf32>
  return %3 : tensor<5x7xf32>
}

func.func @comparisons(%x: tensor<17xf32>, %y: tensor<17xf32>) -> (tensor<17xf32>, tensor<17xf32>) {
  %zero = arith.constant dense<0.0> : tensor<17xf32>
  %0 = arith.cmpf ogt, %x, %y : tensor<17xf32>
  %1 = arith.select %0, %x, %zero : tensor<17xi1>, tensor<17xf32>
  %2 = arith.maximumf %y, %zero : tensor<17xf32>
  return %1, %2 : tensor<17xf32>, tensor<17xf32>
}

// Shapes: rows and columns broadcast, slices, pads, transposes, reshapes, joins, rolls.
func.func @shapes(%x: tensor<5x7xf32>, %r: tensor<7xf32>, %c: tensor<5xf32>)
    -> (tensor<5x7xf32>, tensor<3x4xf32>, tensor<9x9xf32>, tensor<7x5xf32>, tensor<35xf32>,
        tensor<10x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<7x5xf32>, tensor<5x9xf32>) {
  %0 = loco.broadcast %r along [0] : tensor<7xf32> to tensor<5x7xf32>
  %1 = loco.broadcast %c along [1] : tensor<5xf32> to tensor<5x7xf32>
  %2 = arith.addf %0, %1 : tensor<5x7xf32>
  %3 = arith.mulf %2, %x : tensor<5x7xf32>
  %4 = loco.slice %3 at [1, 2] : tensor<5x7xf32> to tensor<3x4xf32>
  %5 = loco.pad %3 at [1, 2] : tensor<5x7xf32> to tensor<9x9xf32>
  %6 = loco.transpose %3 by [1, 0] : tensor<5x7xf32> to tensor<7x5xf32>
  %7 = loco.reshape %3 : tensor<5x7xf32> to tensor<35xf32>
  %8 = loco.concat %3, %x axis 0 : tensor<5x7xf32>, tensor<5x7xf32> to tensor<10x7xf32>
  %9 = loco.roll %3 axis 1 by 2 wrap : tensor<5x7xf32>
  %10 = loco.roll %x axis 0 by -1 zero : tensor<5x7xf32>
  %11 = loco.reshape %3 : tensor<5x7xf32> to tensor<7x5xf32>
  %12 = loco.slice %x at [0, 3] : tensor<5x7xf32> to tensor<5x2xf32>
  %13 = loco.concat %12, %x axis 1 : tensor<5x2xf32>, tensor<5x7xf32> to tensor<5x9xf32>
  return %3, %4, %5, %6, %7, %8, %9, %10, %11, %13 : tensor<5x7xf32>, tensor<3x4xf32>, tensor<9x9xf32>,
    tensor<7x5xf32>, tensor<35xf32>, tensor<10x7xf32>, tensor<5x7xf32>, tensor<5x7xf32>, tensor<7x5xf32>, tensor<5x9xf32>
}

func.func @reductions(%x: tensor<3x5x18xf32>) -> (tensor<f32>, tensor<f32>, tensor<5xf32>, tensor<3x18xf32>, tensor<3x5xf32>, tensor<18xf32>, tensor<3x5x18xf32>) {
  %0 = loco.reduce sum %x over [0, 1, 2] : tensor<3x5x18xf32> to tensor<f32>
  %1 = loco.reduce max %x over [0, 1, 2] : tensor<3x5x18xf32> to tensor<f32>
  %2 = loco.reduce sum %x over [0, 2] : tensor<3x5x18xf32> to tensor<5xf32>
  %3 = loco.reduce max %x over [1] : tensor<3x5x18xf32> to tensor<3x18xf32>
  %4 = loco.reduce sum %x over [2] : tensor<3x5x18xf32> to tensor<3x5xf32>
  %5 = loco.reduce sum %x over [0, 1] : tensor<3x5x18xf32> to tensor<18xf32>
  %6 = loco.first_max %x over [1, 2] : tensor<3x5x18xf32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<f32>, tensor<f32>, tensor<5xf32>, tensor<3x18xf32>, tensor<3x5xf32>, tensor<18xf32>, tensor<3x5x18xf32>
}

func.func @layernorm(%x: tensor<54xf64>) -> tensor<54xf64> {
  %n = arith.constant dense<54.0> : tensor<f64>
  %eps = arith.constant dense<1.0e-5> : tensor<f64>
  %0 = loco.reduce sum %x over [0] : tensor<54xf64> to tensor<f64>
  %mean = arith.divf %0, %n : tensor<f64>
  %1 = loco.broadcast %mean along [0] : tensor<f64> to tensor<54xf64>
  %2 = arith.subf %x, %1 : tensor<54xf64>
  %3 = arith.mulf %2, %2 : tensor<54xf64>
  %4 = loco.reduce sum %3 over [0] : tensor<54xf64> to tensor<f64>
  %5 = arith.divf %4, %n : tensor<f64>
  %6 = arith.addf %5, %eps : tensor<f64>
  %7 = math.rsqrt %6 : tensor<f64>
  %8 = loco.broadcast %7 along [0] : tensor<f64> to tensor<54xf64>
  %9 = arith.mulf %2, %8 : tensor<54xf64>
  return %9 : tensor<54xf64>
}

func.func @contractions(%w: tensor<10x33xf32> {loco.role = "param"}, %x: tensor<33xf32>, %g: tensor<10xf32>,
                        %k: tensor<3x4x5xf32>, %q: tensor<5x4xf32>)
    -> (tensor<10xf32>, tensor<33xf32>, tensor<10x33xf32>, tensor<f32>, tensor<3xf32>, tensor<3x4x4xf32>) {
  %0 = loco.contract "oi,i->o" %w, %x : tensor<10x33xf32>, tensor<33xf32> to tensor<10xf32>
  %1 = loco.contract "oi,o->i" %w, %g : tensor<10x33xf32>, tensor<10xf32> to tensor<33xf32>
  %2 = loco.contract "o,i->oi" %g, %x : tensor<10xf32>, tensor<33xf32> to tensor<10x33xf32>
  %3 = loco.contract "i,i->" %x, %x : tensor<33xf32>, tensor<33xf32> to tensor<f32>
  %4 = loco.contract "abc,cb->a" %k, %q : tensor<3x4x5xf32>, tensor<5x4xf32> to tensor<3xf32>
  %5 = loco.contract "abc,cd->adb" %k, %q : tensor<3x4x5xf32>, tensor<5x4xf32> to tensor<3x4x4xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<10xf32>, tensor<33xf32>, tensor<10x33xf32>, tensor<f32>, tensor<3xf32>, tensor<3x4x4xf32>
}

func.func @sources(%label: tensor<i32> {loco.classes = 10 : i64}, %key: !loco.random_key) -> (tensor<10xf32>, tensor<4x6xf32>, tensor<21xf32>, tensor<21xf64>) {
  %0 = loco.one_hot %label : tensor<i32> to tensor<10xf32>
  %1 = loco.coordinate 1 : tensor<4x6xf32>
  %2 = loco.coordinate 0 : tensor<4x6xf32>
  %3 = arith.mulf %1, %2 : tensor<4x6xf32>
  %t = arith.constant 2 : index
  %4 = loco.random normal %key at %t stream 5 : tensor<21xf32>
  %5 = loco.random uniform %key at %t stream 6 : tensor<21xf64>
  return %0, %3, %4, %5 : tensor<10xf32>, tensor<4x6xf32>, tensor<21xf32>, tensor<21xf64>
}

// One number of a field with a halo, which is not dense in memory.
func.func @number_of_padded(%k: tensor<3xf32> {loco.role = "param"}, %x: tensor<1xf32>) -> (tensor<1xf32>, tensor<f32>) {
  %0 = arith.mulf %x, %x : tensor<1xf32>
  %1 = loco.conv %k, %0 zero strides [1] low [1] : tensor<3xf32>, tensor<1xf32> to tensor<1xf32>
  %2 = loco.reshape %0 : tensor<1xf32> to tensor<f32>
  return %1, %2 : tensor<1xf32>, tensor<f32>
}
