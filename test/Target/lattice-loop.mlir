// RUN: loco-test-kernels %s --emit=asm --vector=64 > %t.avx512
// RUN: %python %S/Inputs/inner_loop.py %t.avx512 vfmadd vdivps,vrcp14ps
// RUN: loco-test-kernels %s --emit=asm --vector=32 > %t.avx2
// RUN: %python %S/Inputs/inner_loop.py %t.avx2 vfmadd vdivps,vrcp14ps

// The inner block of the lattice loop holds vector arithmetic only and no call.
func.func @lattice(%kz: tensor<3x3xf32> {loco.role = "param"}, %kv: tensor<3x3xf32> {loco.role = "param"},
                   %u: tensor<?x36x36xf32> {loco.role = "input"}, %T: index) -> tensor<36x36xf32> {
  %zero = arith.constant dense<0.0> : tensor<36x36xf32>
  %z, %v = loco.scan %t below %T carry(%z0 = %zero : tensor<36x36xf32>, %v0 = %zero : tensor<36x36xf32>)
      each(%x = %u : tensor<?x36x36xf32>) with(%wz = %kz : tensor<3x3xf32>, %wv = %kv : tensor<3x3xf32>) {
    %0 = loco.conv %wz, %z0 wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<36x36xf32> to tensor<36x36xf32>
    %1 = loco.conv %wv, %v0 wrap strides [1, 1] low [1, 1] : tensor<3x3xf32>, tensor<36x36xf32> to tensor<36x36xf32>
    %2 = arith.addf %0, %1 : tensor<36x36xf32>
    %3 = arith.addf %2, %x : tensor<36x36xf32>
    %4 = math.tanh %3 : tensor<36x36xf32>
    %5 = arith.subf %4, %v0 : tensor<36x36xf32>
    %6 = arith.addf %z0, %5 : tensor<36x36xf32>
    loco.yield carry(%6, %5 : tensor<36x36xf32>, tensor<36x36xf32>)
  }
  return %z : tensor<36x36xf32>
}
