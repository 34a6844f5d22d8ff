// RUN: loco-test-kernels %s --samples=7
// RUN: loco-test-kernels %s --samples=7 --vector=32

func.func @narrow(%x: tensor<6x33xf32>) -> (tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>) {
  %0 = math.exp %x : tensor<6x33xf32>
  %1 = math.log %0 : tensor<6x33xf32>
  %2 = math.tanh %x : tensor<6x33xf32>
  %3 = loco.sigmoid %x : tensor<6x33xf32>
  %4 = loco.softplus %x : tensor<6x33xf32>
  %5 = math.sin %x : tensor<6x33xf32>
  %6 = math.cos %x : tensor<6x33xf32>
  %7 = math.sqrt %0 : tensor<6x33xf32>
  %8 = math.log1p %0 : tensor<6x33xf32>
  %9 = math.expm1 %x : tensor<6x33xf32>
  %10 = math.powf %0, %x : tensor<6x33xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10 : tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>, tensor<6x33xf32>
}

func.func @wide(%x: tensor<6x33xf64>) -> (tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>) {
  %0 = math.exp %x : tensor<6x33xf64>
  %1 = math.log %0 : tensor<6x33xf64>
  %2 = math.tanh %x : tensor<6x33xf64>
  %3 = loco.sigmoid %x : tensor<6x33xf64>
  %4 = loco.softplus %x : tensor<6x33xf64>
  %5 = math.sin %x : tensor<6x33xf64>
  %6 = math.cos %x : tensor<6x33xf64>
  %7 = math.sqrt %0 : tensor<6x33xf64>
  %8 = math.powf %0, %x : tensor<6x33xf64>
  %9 = math.atan2 %0, %x : tensor<6x33xf64>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9 : tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>, tensor<6x33xf64>
}

// Far beyond where the functions end.
func.func @ends(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %big = arith.constant dense<1.0e30> : tensor<8xf32>
  %0 = arith.mulf %x, %big : tensor<8xf32>
  %1 = math.tanh %0 : tensor<8xf32>
  %2 = loco.sigmoid %0 : tensor<8xf32>
  return %1, %2 : tensor<8xf32>, tensor<8xf32>
}
