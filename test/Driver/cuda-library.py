# Large layers outside of loops by cuBLAS, here by an emulated one: values, gradients and trainings
# are those of our own kernels, the same bits in every run, with graphs and without.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S %loco_libraries

import shutil
import sys

import numpy as np

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, contains, fail, finish, program, run_emulated, training

LIBRARY = sys.argv[2] + "/libLocoEmulatedCublas.so"
PROGRAM = program("large_layers")


def lococ(*arguments, library="none.so", **settings):
    return run_emulated(sys.argv[2], *arguments, LOCO_CUBLAS=library, **settings)


# Products of every step and of a sample, forward, by the matrix, and its gradient.
contains("explain", lococ("explain", PROGRAM, "--target", "cuda", library=LIBRARY),
         "8 by cuBLAS, between 4 kernels",
         "a product by cuBLAS, 126 to 143, rows of all steps and samples",
         "a product by cuBLAS, 143 to 126, rows of all samples",
         "a product by cuBLAS, 143 by 126, summed over rows, rows of all steps and samples",
         "a product by cuBLAS, 126 by 143, summed over rows, rows of all samples")
contains("explain without", lococ("explain", PROGRAM, "--target", "cuda"),
         "by kernels of our own: there is no cuBLAS: `none.so` cannot be opened")
for precision in "f32", "f64":
    for samples, steps in (1, 1), (3, 5):
        contains("verify", lococ("verify", PROGRAM, "--target", "cuda", "--precision", precision, "--samples",
                                 str(samples), "--steps", str(steps), library=LIBRARY), "all tensors agree")

# All results and gradients, those by inputs among them: the emulated library adds up in f64, so
# bits say who was asked.
np.savez("in.npz", x=np.random.default_rng(5).normal(size=(2, 3, 9, 14)))
found = {}
for name, library in ("own", "none.so"), ("library", LIBRARY):
    lococ("grad", PROGRAM, "--target", "cuda", "--inputs", "in.npz", "--out", name + ".npz", library=library)
    found[name] = dict(np.load(name + ".npz"))
if all(np.array_equal(found["own"][name], found["library"][name]) for name in found["own"]):
    fail("grad: the library was not asked")


def train(out, *arguments, file=PROGRAM, **settings):
    lococ("run", file, "--quiet", "--precision", "f64", "--out", out, *arguments, **settings)
    return training(out)[0]


wanted = train("cpu")
close("trained by own kernels", train("own", "--target", "cuda"), wanted, 1e-11)
close("trained by a library", train("library", "--target", "cuda", library=LIBRARY), wanted, 1e-11)
for out, settings in {"again": {}, "plain": {"EMULATED_CUDA_NO_GRAPHS": "1"}}.items():
    train(out, "--target", "cuda", library=LIBRARY, **settings)
    if training(out)[1] != training("library")[1]:
        fail(f"{out}: other parameters")

# Products of the batch itself, which is at two places in turn.
np.savez("data.npz", x=np.random.default_rng(3).normal(size=(25, 3, 131)),
         seen=np.random.default_rng(4).normal(size=(25, 131)))
shutil.copy(program("batch_layers"), "batch.loco")
contains("explain the batch", lococ("explain", "batch.loco", "--target", "cuda", library=LIBRARY),
         "131 to 127, rows of all steps and samples", "131 to 127, rows of all samples")
wanted = train("batch-cpu", file="batch.loco")
close("of the batch", train("batch-cuda", "--target", "cuda", file="batch.loco", library=LIBRARY), wanted, 1e-11)
finish()
