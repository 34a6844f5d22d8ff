"""Errors of gradients with one, two and three pieces of bf16 for a number.

REQUIRES: amx
RUN: %python %s %examples/cornn_adding.loco
"""

import subprocess
import sys


def largest_error(products):
    command = ["lococ", "verify", sys.argv[1], "--samples", "35", "--steps", "4",
               "--set", "units=96", "--products", products]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    errors = [float(line.split()[3]) for line in text.splitlines() if " gradient " in line]
    assert errors, text
    return max(errors)


three, two, one = (largest_error(p) for p in ("bf16x6", "bf16x3", "bf16"))
plain = largest_error("f32")
assert three < 2 * plain, (three, plain)
assert 2 * three < two < 1e-5, (three, two)
assert 1e-4 < one < 1e-2, one
