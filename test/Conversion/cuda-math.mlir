// RUN: loco-test-kernels --cuda %s

// Functions that a GPU has no instruction for and the CPU leaves to libm.
func.func @angle(%x: tensor<40xf64> {loco.role="input"}, %y: tensor<40xf64> {loco.role="input"}) -> tensor<40xf64> {
  %0 = math.atan2 %x, %y : tensor<40xf64>
  return %0 : tensor<40xf64>
}
func.func @angle32(%x: tensor<40xf32> {loco.role="input"}, %y: tensor<40xf32> {loco.role="input"}) -> tensor<40xf32> {
  %0 = math.atan2 %x, %y : tensor<40xf32>
  return %0 : tensor<40xf32>
}
func.func @power(%x: tensor<40xf64> {loco.role="input"}, %y: tensor<40xf64> {loco.role="input"}) -> tensor<40xf64> {
  %a = math.absf %x : tensor<40xf64>
  %0 = math.powf %a, %y : tensor<40xf64>
  return %0 : tensor<40xf64>
}
func.func @large(%x: tensor<40xf32> {loco.role="input"}) -> (tensor<40xf32>, tensor<40xf32>) {
  %c = arith.constant dense<3.0e8> : tensor<40xf32>
  %a = arith.mulf %x, %c : tensor<40xf32>
  %0 = math.sin %a : tensor<40xf32>
  %1 = math.cos %a : tensor<40xf32>
  return %0, %1 : tensor<40xf32>, tensor<40xf32>
}
