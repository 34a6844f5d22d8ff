# Probes of a model after some steps each, and single sites of one axis, against NumPy.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S

import subprocess
import sys

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, evaluate, fail, finish, program, run
import numpy as np

x = np.random.default_rng(1).normal(size=(2, 7, 5))
h = np.cumsum(x, axis=1)
with open(program("probes")) as file:
    text = file.read()
for name, part in (("probes", 0), ("wrong", 1)):
    with open(name + ".loco", "w") as file:
        file.write(text if part else text[:text.index("model Wrong")])
for target in ("cpu", "interpreter"):
    np.savez("in.npz", x=x)
    run("eval", "probes.loco", "--target", target, "--inputs", "in.npz", "--out", "out.npz")
    out = np.load("out.npz")
    close("every 3 of 7", out["seldom"], h[:, 2::3], 1e-6)
    close("every 2 of 7", out["sum of x"], x.sum(2)[:, 1::2], 1e-6)
    close("states are whole", out["h"], h, 1e-6)
    close("a site", out["one"], h[:, :, 3], 1e-6)
    close("sites", out["some"], h[:, :, 1:4], 1e-6)
np.savez("in.npz", x=x[:, :2])
run("eval", "probes.loco", "--inputs", "in.npz", "--out", "out.npz")
if np.load("out.npz")["seldom"].shape != (2, 0, 5):
    fail("a sequence that is too short for a probe has nothing of it")
said = run("explain", "probes.loco")
if "every 3 steps" not in said or "every 2 steps" not in said:
    fail(f"explain: {said}")

done = subprocess.run(["lococ", "check", "wrong.loco"], capture_output=True, text=True)
if done.returncode != 1 or "error[no-steps]: `mean(x over time)` is one value for all steps" not in done.stderr \
        or "hint: leave out `every`" not in done.stderr:
    fail(f"every of one value: {done.stderr}")
finish()
