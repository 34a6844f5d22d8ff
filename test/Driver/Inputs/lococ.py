"""Runs lococ for the tests of this folder and counts what fails."""

import json
import os
import subprocess
import sys

import numpy as np

inputs = os.path.dirname(os.path.abspath(__file__))
failures = 0


def fail(text):
    global failures
    failures += 1
    print("failed:", text)


def program(name):
    return os.path.join(inputs, name + ".loco")


def run(*arguments, code=0):
    """Standard output of `lococ`; anything on standard error is a failure."""
    done = subprocess.run(["lococ", *map(str, arguments)],
                          capture_output=True, text=True)
    if done.returncode != code or done.stderr:
        fail(f"lococ {arguments}: exit code {done.returncode}, {done.stderr}")
    return done.stdout


def run_emulated(libraries, *arguments, **settings):
    """Standard output of `lococ` with the emulated GPU, which lies in the folder `libraries`, and
    what else is to be in the environment."""
    environment = dict(os.environ, LOCO_CUDA_DRIVER=libraries + "/libLocoEmulatedCuda.so",
                       **settings)
    done = subprocess.run(["lococ", *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        fail(f"{arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def contains(what, text, *parts):
    for part in parts:
        if part not in text:
            fail(f"{what}: no `{part}` in\n{text}")


def training(out):
    """Of a run of one model in the folder `out`: losses and norms of the gradient, one after the
    other, and the bytes of its last parameters."""
    folder = next(os.path.join(out, name) for name in os.listdir(out)
                  if os.path.isdir(os.path.join(out, name, "checkpoints")))
    with open(folder + "/metrics.jsonl") as file:
        lines = [json.loads(line) for line in file]
    last = max(os.listdir(folder + "/checkpoints"), key=int)
    with open(f"{folder}/checkpoints/{last}/params.safetensors", "rb") as file:
        return [line[name] for line in lines for name in ("loss", "gradient_norm")], file.read()


def evaluate(command, name, *arguments, **arrays):
    """Runs eval or grad on arrays; what it wrote."""
    np.savez("in.npz", **arrays)
    run(command, program(name), "--inputs", "in.npz", "--out", "out.npz",
        *arguments)
    with np.load("out.npz") as file:
        return dict(file)


def close(what, found, wanted, bound):
    """Relative 2-norm."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    if found.shape != wanted.shape:
        return fail(f"{what}: shape {found.shape}, expected {wanted.shape}")
    norm = np.linalg.norm(wanted) or 1.0
    error = np.linalg.norm(found.astype(float) - wanted) / norm
    if not error <= bound:
        fail(f"{what}: relative error {error:.2e}, expected at most {bound:.0e}")


def difference(function, values, direction, step=1e-5):
    """Central difference, fourth order, along a direction."""
    def at(factor):
        return function({name: value + factor * step * direction[name]
                         for name, value in values.items()})
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)


def finish():
    sys.exit(1 if failures else 0)
