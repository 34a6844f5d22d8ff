# Large layers outside of loops by cuBLAS, here by an emulated one: values, gradients and trainings
# are those of our own kernels, the same bits in every run, with graphs and without.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S %loco_libraries

import json
import os
import sys

import numpy as np

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, contains, fail, finish, program, run_emulated

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


def train(out, *arguments, program=PROGRAM, **settings):
    lococ("run", program, "--quiet", "--precision", "f64", "--out", out, *arguments, **settings)
    model = next(name for name in os.listdir(out) if os.path.isdir(f"{out}/{name}/checkpoints"))
    with open(f"{out}/{model}/metrics.jsonl") as file:
        lines = [json.loads(line) for line in file]
    return [number for line in lines for number in (line["loss"], line["gradient_norm"])]


def parameters(out):
    with open(out + "/Layers/checkpoints/3/params.safetensors", "rb") as file:
        return file.read()


wanted = train("cpu")
close("trained by own kernels", train("own", "--target", "cuda"), wanted, 1e-11)
close("trained by a library", train("library", "--target", "cuda", library=LIBRARY), wanted, 1e-11)
for out, settings in {"again": {}, "plain": {"EMULATED_CUDA_NO_GRAPHS": "1"}}.items():
    train(out, "--target", "cuda", library=LIBRARY, **settings)
    if parameters(out) != parameters("library"):
        fail(f"{out}: other parameters")

# Products of the batch itself, which is at two places in turn.
np.savez("data.npz", x=np.random.default_rng(3).normal(size=(25, 3, 131)),
         seen=np.random.default_rng(4).normal(size=(25, 131)))
with open("batch.loco", "w") as file:
    file.write("""loco 1
model Vectors {
  input x : vector(131) per step
  input seen : vector(131)
  state h on vector(127) = 0
  coupling W : dense(x -> h)
  step { h <- 0.5 * h + tanh(W @ x) }
  decode w = linear(seen -> vector(127))
  loss = mean(mean(h^2) over time) + mean(w^2)
}
train Vectors {
  data arrays("data.npz")
  optimizer sgd(0.1, momentum = 0.9)
  batch 5
  updates 8
}
""")
contains("explain the batch", lococ("explain", "batch.loco", "--target", "cuda", library=LIBRARY),
         "131 to 127, rows of all steps and samples", "131 to 127, rows of all samples")
wanted = train("batch-cpu", program="batch.loco")
close("of the batch", train("batch-cuda", "--target", "cuda", program="batch.loco", library=LIBRARY), wanted, 1e-11)
finish()
