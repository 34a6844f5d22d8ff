# What a training asks of the driver, as the emulated one writes it down: from the fifth update on all
# launches of a step, libraries' and the optimiser's among them, are one graph; the next batch is
# copied by a stream of its own while one is worked on; memory is taken at the start, the batch's in
# one piece.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S %loco_libraries

import collections
import re
import shutil
import sys

import numpy

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import fail, finish, program, run_emulated

LIBRARY = sys.argv[2] + "/libLocoEmulatedCublas.so"
UPDATES = 8  # of the program


def trace(out, **settings):
    """The updates of a run, each from its first launch to the next one's."""
    run_emulated(sys.argv[2], "run", "batch.loco", "--quiet", "--target", "cuda", "--out", out,
                 EMULATED_CUDA_TRACE=out + ".txt", **settings)
    with open(out + ".txt") as file:
        lines = file.read().splitlines()
    updates, isBehind = [[]], False
    for line in lines:
        isStart = re.match("(kernel|clear|library|replay) ", line)
        # Results come back at an update's end.
        if isStart and isBehind:
            updates.append([])
        isBehind = line.startswith("fetch ") or isBehind and not isStart
        updates[-1].append(line)
    return updates


shutil.copy(program("batch_layers"), "batch.loco")
numpy.savez("data.npz", x=numpy.random.default_rng(3).normal(size=(40, 3, 131)),
            seen=numpy.random.default_rng(4).normal(size=(40, 131)))
for out, settings in {"own": {"LOCO_CUBLAS": "none"}, "library": {"LOCO_CUBLAS": LIBRARY}}.items():
    updates = [collections.Counter(lines) for lines in trace(out, **settings)]
    if len(updates) != UPDATES:
        fail(f"{out}: {len(updates)} updates: {updates}")
    first = updates[0]
    pieces = {name: first[name + " 0"] for name in ("clear", "kernel", "library")}
    # Of the optimiser, too, which has three kernels or more; the library makes four products.
    if pieces["kernel"] < 4 or pieces["library"] != (4 if out == "library" else 0):
        fail(f"{out}: the first update starts {pieces}")
    graphs = {line for lines in updates for line in lines if line.startswith("graph ")}
    if graphs != {f"graph of {sum(pieces.values())}, {pieces['kernel']} kernels"}:
        fail(f"{out}: an update starts {pieces}, and there are {graphs}")
    for number, lines in enumerate(updates):
        # A library's calls know the batch's place, of which there are two once another batch is known to
        # come, which may be after the first.
        if number >= 4 and (lines["replay 0"] != 1 or any(lines[name + " 0"] for name in pieces)):
            fail(f"{out}: update {number} starts {dict(lines)}")
        # A batch is two arrays and the numbers of its samples, next to each other.
        if 1 <= number < UPDATES - 1 and not lines["bring 1"]:
            fail(f"{out}: the batch after update {number} is not copied ahead")
        taken = [line for line in lines if line.startswith("memory ")]
        # Parameters, and a batch; two of them as soon as it is known that another one comes.
        if len(taken) > {0: 3, 1: 1}.get(number, 0):
            fail(f"{out}: update {number} takes {taken}")
finish()
