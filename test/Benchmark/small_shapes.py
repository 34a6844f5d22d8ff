#!/usr/bin/env python3
"""Holds what a site costs on small and odd lattices to what it costs on a large one of the same kind.

    small_shapes.py --lococ build/release/bin/lococ --threads 1

Each has more than a million sites times steps. A step of one sample cannot take less than the
operations that follow each other in it, however few its sites are: one sample of 17 sites is
held to that, not to the processor's width. The exit code is 1 if a small lattice costs more than
twice as much (`--limit`).
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

SITE_STEPS = 1.2e6
# Of each kind: space, window and channels; small ones, then the large one.
KINDS = [("torus(5, 7)", "torus(72, 72)", "3, 3", 0), ("ring(17)", "ring(2000)", "3", 0),
         ("torus(5, 7)", "torus(40, 40)", "3, 3", 3), ("ring(17)", "ring(2000)", "3", 3)]
BATCHES = [1, 3, 64]


def write(space, window, channels):
    by, mixing = (f" by channels({channels})", " mixing channels") if channels else ("", "")
    return f"""loco 1

model Small {{
  lattice sheet = {space}{by}
  input   u : field on sheet per step
  input   target : field on sheet per step
  param   b on sheet ~ uniform(-0.1, 0.1)
  param   dt = 0.125 in (0, 1)
  coupling W, R : conv({window}) on sheet{mixing} init uniform(-0.1, 0.1)
  state   z on sheet with velocity v = 0
  dynamics {{ z'' = tanh(W @ z + R @ v + b + u) - z - 0.5 * v }}
  solve   symplectic_euler(dt)
  loss    = mean((z - target)^2)
}}
"""


def units_of(space, channels):
    return math.prod(int(n) for n in space[space.index("(") + 1:-1].split(",")) * max(1, channels)


def measure(options, space, window, channels, batch, steps):
    """Nanoseconds of a step for each number of the state, forward and with the gradient."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "small.loco")
        with open(path, "w") as file:
            file.write(write(space, window, channels))
        done = subprocess.run([options.lococ, "bench", path, "--json", "--batch", str(batch), "--steps", str(steps),
                               "--threads", str(options.threads)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    count = units_of(space, channels) * batch * steps
    found = {m["direction"]: m["seconds_least"] for m in json.loads(done.stdout)["models"][0]["measurements"]}
    return {kind: seconds / count * 1e9 for kind, seconds in found.items()}


def cases(small, channels):
    """Batches and steps: few samples, and one step of many."""
    of_one = SITE_STEPS / units_of(small, channels)
    return [(batch, math.ceil(of_one / batch)) for batch in BATCHES] + [(math.ceil(of_one), 1)]


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--lococ", default="lococ")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=2)
    options = parser.parse_args()
    slow = 0
    for small, large, window, channels in KINDS:
        each = measure(options, large, window, channels, 64, math.ceil(SITE_STEPS / units_of(large, channels) / 64))
        by = f" by channels({channels})" if channels else ""
        print(f"{large}{by}: {each['forward']:.2f} ns forward, {each['forward+backward']:.2f} ns with the gradient")
        for batch, steps in cases(small, channels):
            found = measure(options, small, window, channels, batch, steps)
            ratio = found["forward+backward"] / each["forward+backward"]
            slow += ratio > options.limit
            print(f"  {small}{by}, batch {batch}, {steps} steps: {found['forward']:.2f} ns, "
                  f"{found['forward+backward']:.2f} ns, {ratio:.2f} times", flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
