# A sweep over seeds that is interrupted goes on where it was, and ends as if never
# stopped; `stop after` ends a run before its updates are done, also after resuming.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S

import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import fail, finish

# A line is fitted to noise, so that the loss on other samples soon rises.
open("fit.loco", "w").write("""loco 1
model Fit {
  input x : vector(40)
  input t : scalar
  decode y = linear(x -> scalar)
  loss = (y - t)^2
}
train Fit {
  data arrays("noise.npz"); optimizer sgd(0.004); batch 10
  updates 3000; validate 20 every 5; stop after 10; checkpoint every 50
}
analyze Fit { data arrays("noise.npz"); save "fit" = error(y, t) }
""")
import numpy as np
rng = np.random.default_rng(1)
np.savez("noise.npz", x=rng.normal(size=(60, 40)).astype(np.float32),
         t=rng.normal(size=60).astype(np.float32))


def outcome(out):
    """Results without times, and the checkpoints of all seeds."""
    results = json.load(open(f"{out}/results.json"))
    training = results["training"]["Fit"]
    for name in [name for name in training if name.startswith("seconds")]:
        del training[name]
    parts = [results]
    for seed in results["seeds"]:
        folder = f"{out}/seed-{seed}/Fit"
        for name in "checkpoints/%d/state.safetensors" % last(folder), "best.safetensors":
            parts.append(open(f"{folder}/{name}", "rb").read())
    return parts


def last(folder):
    return max(int(name) for name in os.listdir(folder + "/checkpoints") if name.isdigit())


command = ["lococ", "run", "fit.loco", "--seeds", "3", "--quiet", "--threads", "1"]
whole = subprocess.run([*command, "--out", "whole"], capture_output=True, text=True)
if whole.returncode or whole.stderr.count("no validation since update") != 3:
    fail(f"the sweep: {whole.stderr}")
wanted = outcome("whole")
updates = wanted[0]["training"]["Fit"]["updates"]["values"]
best = wanted[0]["training"]["Fit"]["best_update"]["values"]
if any(u != b + 50 for u, b in zip(updates, best)) or max(updates) >= 3000:
    fail(f"updates {updates}, the best of them {best}")

for number in range(3):
    out = f"part-{number}"
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen([*command, "--out", out], stderr=subprocess.PIPE, text=True,
                               preexec_fn=heed)
    # Inside of one of the three runs.
    while process.poll() is None and not os.path.exists(f"{out}/seed-{number}/Fit/checkpoints/50"):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate()
    if process.returncode == 1 and f"--resume --seeds 3 --out {out}" not in text:
        fail(f"does not say how to go on: {text}")
    done = subprocess.run([*command, "--out", out, "--resume"], capture_output=True, text=True)
    if done.returncode:
        fail(f"cannot go on: {done.stderr}")
    elif outcome(out) != wanted:
        fail(f"interrupted in seed {number}, the sweep ends in another way")
finish()
