# What a run must know of models inside of another one: states that are kept from sequence
# to sequence, which step of a reversed run is the first, and, in a check of gradients, which
# steps its solvers took.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S

import json
import sys

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, evaluate, fail, finish, program, run
import numpy as np

np.savez("ones.npz", x=np.ones((1, 3), np.float32))
run("run", program("inner_repairs"), "--out", "run", "--quiet")
with open("run/KeepsInside/metrics.jsonl") as file:
    losses = [json.loads(line)["loss"] for line in file if '"loss"' in line]
# The mean of h over three steps, which goes on from where the sequence before ended.
close("carry in a model inside", losses, [2, 5, 8, 11], 1e-6)

x = np.random.default_rng(2).normal(size=(2, 5, 2))
for target in ("cpu", "interpreter"):
    out = evaluate("eval", "inner_repairs", "--model", "DrawsBackwards", "--target", target, x=x)
    if np.allclose(out["draws"][:, 0], out["draws"][:, -1]):
        fail("every step draws anew")
    close(f"{target}: the start of a reversed run", out["start"],
          np.repeat(out["draws"][:, -1:], 5, axis=1), 1e-6)

said = run("gradcheck", program("inner_repairs"), "--model", "LooseInside", "--steps", 3)
row = next(line.split() for line in said.splitlines() if line.strip().startswith("y.loose.k"))
# A difference that chose its steps anew would be further away.
if "all derivatives agree" not in said or float(row[-2]) > 1e-7:
    fail(f"gradcheck of a loose solver inside: {said}")
finish()
