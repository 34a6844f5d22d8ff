# Training on a GPU, here on an emulated one: a run and its checkpoint go on on the other
# target, a device that is lost takes nothing with it, and graphs change no bit.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S %loco_libraries/libLocoEmulatedCuda.so

import json
import os
import subprocess
import sys

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, fail, finish, program

DRIVER = sys.argv[2]
PROGRAM = program("two_targets")


def run(out, *arguments, code=0, **settings):
    """Standard error of a run in f64."""
    environment = dict(os.environ, LOCO_CUDA_DRIVER=DRIVER, **settings)
    done = subprocess.run(["lococ", "run", PROGRAM, "--quiet", "--precision", "f64", "--out", out, *arguments],
                          env=environment, capture_output=True, text=True)
    if done.returncode != code:
        fail(f"run {out} {arguments}: exit code {done.returncode}\n{done.stderr}")
    return done.stderr


def read(path):
    with open(path, "rb") as file:
        return file.read()


def losses(out):
    with open(out + "/Sheet/metrics.jsonl") as file:
        return [json.loads(line)["loss"] for line in file]


def parameters(out, update=7):
    return read(f"{out}/Sheet/checkpoints/{update}/params.safetensors")


# Two targets, one network: what they make of it differs by rounding.
run("cpu")
run("cuda", "--target", "cuda")
close("losses", losses("cuda"), losses("cpu"), 1e-12)

# Again, with the code of the first run: the same bits; and without graphs, and with the threads
# of the device in another order.
for out, settings in {"again": {}, "plain": {"EMULATED_CUDA_NO_GRAPHS": "1"},
                      "reversed": {"EMULATED_CUDA_REVERSED": "1"}}.items():
    run(out, "--target", "cuda", **settings)
    if parameters(out) != parameters("cuda"):
        fail(f"{out}: other parameters")

# A checkpoint of the processor goes on on the GPU, and one of the GPU on the processor.
for first, second in (("cpu", "cuda"), ("cuda", "cpu")):
    out = f"{first}-then-{second}"
    run(out, "--target", first, "--set", "train.updates=4")
    if len(losses(out)) != 4:
        fail(f"{out}: {len(losses(out))} updates")
    run(out, "--resume", "--target", second)
    close("losses of " + out, losses(out), losses("cpu"), 1e-12)

# The device is lost in an update: what was reached is written, and goes on on either target.
for target in "cpu", "cuda":
    lost = "lost-" + target
    text = run(lost, "--target", "cuda", code=1, EMULATED_CUDA_LAUNCHES="60")
    if "the device is lost to this process" not in text or "is kept, go on with `--resume`" not in text:
        fail("a lost device: " + text)
    reached = len(losses(lost))
    if not 0 < reached < 7 or not os.path.isdir(f"{lost}/Sheet/checkpoints/{reached}"):
        fail(f"{reached} updates before the device was lost")
    run(lost, "--resume", "--target", target)
    close("losses after " + lost, losses(lost), losses("cpu"), 1e-12)
finish()
