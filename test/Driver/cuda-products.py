# What products of tensor cores lose: two tf32 numbers for one are as good as f32 in
# values and gradients, one is not. The reference is the f64 interpreter.
#
# RUN: env LOCO_CUDA_DRIVER=%loco_libraries/libLocoEmulatedCuda.so %python %s %examples

import re
import subprocess
import sys


def errors(examples, products):
    """Relative error of each of the GPU's values and gradients."""
    text = subprocess.run(
        ["lococ", "verify", examples + "/cornn_adding.loco", "--target", "cuda",
         "--samples", "3", "--steps", "12", "--set", "units=65", "--products", products],
        capture_output=True, text=True).stdout
    found = re.findall(r"^\s+(\S+)\s+(value|gradient)\s+cuda\s+(\S+)", text, re.M)
    return {(name, kind): float(error) for name, kind, error in found}


exact, split, single = (errors(sys.argv[1], p) for p in ("f32", "tf32x3", "tf32"))
assert len(exact) >= 10 and exact.keys() == split.keys() == single.keys(), exact
for name, error in split.items():
    # f32 errors of single tensors differ by chance from one order of sums to another.
    assert error <= max(2 * exact[name], 3e-7), (name, error, exact[name])
assert single["W", "gradient"] > 20 * exact["W", "gradient"], single
assert single["y", "value"] > 3 * exact["y", "value"], single
