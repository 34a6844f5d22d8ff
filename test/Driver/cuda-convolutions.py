# Large convolutions outside of loops by cuDNN, here by an emulated one: values, gradients and
# trainings are those of our own kernels, the same bits in every run, with graphs and without.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S %loco_libraries

import sys

import numpy as np

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, contains, fail, finish, program, run_emulated, training

LIBRARY = sys.argv[2] + "/libLocoEmulatedCudnn.so"
PROGRAM = program("large_convolutions")


def lococ(*arguments, library="none.so", **settings):
    return run_emulated(sys.argv[2], *arguments, LOCO_CUBLAS="none", LOCO_CUDNN=library, **settings)


# Images with a margin on one side, tori, strides, groups, rings; every step's and a sample's.
contains("explain", lococ("explain", PROGRAM, "--target", "cuda", library=LIBRARY),
         "16 by cuDNN, between 8 kernels",
         "a convolution by cuDNN, 43 of 7x11 to 44 of 3x5, window 3x3, rows of all steps and samples",
         "a convolution by cuDNN, 60 of 11 to 60 of 7, window 5, rows of all samples",
         "a convolution by cuDNN, 44 of 3x5 back to 44 of 5x7, window 3x3, rows of all steps and samples",
         "a convolution by cuDNN, 132 of 3x5 by 44 of 3x5, window 3x3, in 2 groups, summed over rows, rows of all samples",
         "a convolution by cuDNN, 44 of 2x3 by 44 of 3x5, window 3x3, summed over rows, rows of all steps and samples")
contains("explain without", lococ("explain", PROGRAM, "--target", "cuda"),
         "by kernels of our own: there is no cuDNN: `none.so` cannot be opened")
for precision, samples, steps in ("f32", 1, 1), ("f64", 3, 4):
    contains("verify", lococ("verify", PROGRAM, "--target", "cuda", "--precision", precision, "--samples", str(samples),
                             "--steps", str(steps), library=LIBRARY), "all tensors agree")

# Training, with a convolution of the batch itself, which is at two places in turn.
np.savez("data.npz", x=np.random.default_rng(3).normal(size=(10, 2, 44, 3, 4)),
         seen=np.random.default_rng(4).normal(size=(10, 44, 3, 4)))
with open("batch.loco", "w") as file:
    file.write("""loco 1
model Images {
  input x : image(3, 4, 44) per step
  input seen : image(3, 4, 44)
  state h on image(3, 4, 44) = 0
  let u = conv(x -> image(3, 4, 44))
  step { h <- 0.5 * h + tanh(u) }
  decode w = conv(seen -> image(3, 4, 44))
  loss = mean(mean(h^2) over time) + mean(w^2)
}
train Images {
  data arrays("data.npz")
  optimizer sgd(0.1, momentum = 0.9)
  batch 2
  updates 5
}
""")


def train(out, *arguments, **settings):
    lococ("run", "batch.loco", "--quiet", "--precision", "f64", "--out", out, *arguments, **settings)
    return training(out)[0]


contains("explain the batch", lococ("explain", "batch.loco", "--target", "cuda", library=LIBRARY), "4 by cuDNN")
wanted = train("cpu")
close("trained by own kernels", train("own", "--target", "cuda"), wanted, 1e-11)
close("trained by a library", train("library", "--target", "cuda", library=LIBRARY), wanted, 1e-11)
for out, settings in {"again": {}, "plain": {"EMULATED_CUDA_NO_GRAPHS": "1"}}.items():
    train(out, "--target", "cuda", library=LIBRARY, **settings)
    if training(out)[1] != training("library")[1]:
        fail(f"{out}: other parameters")
finish()
