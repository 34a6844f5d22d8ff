# A run with noise in its sub-steps ends the same for every number of threads, and
# after an interruption.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S/Inputs/stochastic.loco

import json
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np

PROGRAM = sys.argv[1]
np.savez("x.npz", x=np.random.default_rng(0).normal(size=(64, 7, 3)).astype("f4"))


def start(out, *more):
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(["lococ", "run", PROGRAM, "--out", out, "--quiet", *more], preexec_fn=heed)


def metrics(out):
    file = pathlib.Path(out, "Rates", "metrics.jsonl")
    lines = [json.loads(line) for line in file.read_text().split("\n")[:-1]] if file.exists() else []
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def parameters(out):
    folder = max(pathlib.Path(out, "Rates", "checkpoints").glob("[0-9]*"), key=lambda path: int(path.name))
    return (folder / "params.safetensors").read_bytes()


assert start("whole", "--threads", "1").wait() == 0
assert start("wide", "--threads", "3").wait() == 0
# What is summed over samples is rounded differently, the draws are the same.
for one, other in zip(metrics("whole"), metrics("wide"), strict=True):
    assert abs(one["loss"] - other["loss"]) < 1e-5 * one["loss"], (one, other)

process = start("cut", "--threads", "1")
while len(metrics("cut")) < 5 and process.poll() is None:
    time.sleep(0.002)
process.send_signal(signal.SIGINT)
process.wait()
done = len(metrics("cut"))
assert start("cut", "--threads", "1", "--resume").wait() == 0
assert metrics("cut") == metrics("whole"), "the metrics differ"
assert parameters("cut") == parameters("whole"), "the parameters differ"
print(f"interrupted after {done} of {len(metrics('whole'))} updates")
