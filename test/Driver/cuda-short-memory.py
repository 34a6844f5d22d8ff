# Arrays between kernels and libraries are those of a whole batch. Where a budget of device
# memory has no room for them, kernels of our own answer, which need less: the same numbers, by
# a library or not, in as little memory as without one.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S %loco_libraries

import os
import re
import subprocess
import sys

import numpy

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, fail, finish, program

FOLDER = sys.argv[2]
LIBRARIES = {"LOCO_CUBLAS": FOLDER + "/libLocoEmulatedCublas.so", "LOCO_CUDNN": "none"}
NONE = {"LOCO_CUBLAS": "none", "LOCO_CUDNN": "none"}


def grad(settings, *arguments, code=0):
    """What `lococ grad` writes, or its message."""
    done = subprocess.run(["lococ", "grad", program("batch_layers"), "--inputs", "in.npz", "--precision", "f32",
                           "--out", "out.npz", *arguments],
                          env=dict(os.environ, LOCO_CUDA_DRIVER=FOLDER + "/libLocoEmulatedCuda.so", **settings),
                          capture_output=True, text=True)
    if done.returncode != code:
        fail(f"grad {arguments} {settings}: exit code {done.returncode}\n{done.stderr}")
    return done.stderr if code else dict(numpy.load("out.npz"))


def onGPU(settings, memory, code=0):
    return grad(settings, "--target", "cuda", "--memory", str(memory), code=code)


def equal(one, other):
    return all(numpy.array_equal(one[name], other[name]) for name in one)


random = numpy.random.default_rng(3)
numpy.savez("in.npz", x=random.normal(size=(24, 9, 131)), seen=random.normal(size=(24, 131)))
reference = grad(NONE)
need = re.compile(r"need (\d+) bytes of device memory, more than the memory budget of 1000")
least = {name: int(need.search(onGPU(settings, 1000, code=1)).group(1))
         for name, settings in (("library", LIBRARIES), ("own", NONE))}
if least["library"] != least["own"]:
    fail(f"least memory: {least}")

own, library = onGPU(NONE, 1 << 30), onGPU(LIBRARIES, 1 << 30)
short, shortOwn = onGPU(LIBRARIES, least["own"]), onGPU(NONE, least["own"])
for name, found in (("own", own), ("library", library), ("short", short)):
    for tensor in reference:
        close(f"{name}: {tensor}", found[tensor], reference[tensor], 1e-4)
# The emulated library adds up in f64, so bits say who was asked.
if equal(library, own):
    fail("with room, the library was not asked")
if not equal(short, shortOwn):
    fail("without room, it was not our own kernels that answered")
# A library that is there and does not start.
if not equal(onGPU(LIBRARIES | {"EMULATED_CUBLAS_REFUSES": "1"}, 1 << 30), own):
    fail("the library does not start, and it was not our own kernels that answered")
finish()
