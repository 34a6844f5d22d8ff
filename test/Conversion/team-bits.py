# The gradient of one sample on a team of threads is the same, bit for bit, in every
# run: sums are added up in the order of the threads, however they were scheduled.
#
# RUN: %python %s %S/Inputs/lattices.loco %t

import subprocess
import sys

import numpy as np

program, folder = sys.argv[1], sys.argv[2]
subprocess.run(["mkdir", "-p", folder], check=True)
draw = np.random.default_rng(0)
inputs = {
    name: draw.standard_normal((1, 3, 71, 67)).astype(np.float32)
    for name in ("u", "target")
}
np.savez(f"{folder}/inputs.npz", **inputs)


def gradient(threads):
    out = f"{folder}/gradient.npz"
    subprocess.run(
        ["lococ", "grad", program, "--model", "Torus", "--inputs",
         f"{folder}/inputs.npz", "--threads", str(threads), "--out", out],
        check=True, stdout=subprocess.DEVNULL)
    return {name: array.tobytes() for name, array in np.load(out).items()}


for threads in (2, 3):
    first = gradient(threads)
    for _ in range(3):
        assert gradient(threads) == first, f"{threads} threads differ"
