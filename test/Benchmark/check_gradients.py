#!/usr/bin/env python3
"""Holds the baselines to the same mathematics: loss and gradients of small batches, from the
same parameters, inputs and draws, in loco, PyTorch and JAX.

    check_gradients.py --lococ build/release/bin/lococ --python venv/bin/python [A B ...]

The exit code is 1 if a relative 2-norm is above 1e-4 (of the scalars as one tensor).
"""

import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from workloads import BY_NAME, FROZEN, WORKLOADS, make_inputs, make_params

BOUND = 1e-4


def run_loco(lococ, workload, params, inputs, folder):
    """Loss and gradients by name. Samples are loco's first axis."""
    given, draws = {}, {}
    for name, value in inputs.items():
        value = np.swapaxes(value, 0, 1) if name in workload.per_step else value
        (draws if name.startswith("random") else given)[name] = value
    files = {}
    for name, values in {"params": params, "inputs": given, "random": draws}.items():
        if values:
            files[name] = os.path.join(folder, name + ".npz")
            np.savez(files[name], **values)
    out = os.path.join(folder, "loco.npz")
    command = [lococ, "grad", workload.path, "--model", workload.model, "--out", out]
    for name, file in files.items():
        command += ["--" + name, file]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = dict(np.load(out))
    gradients = {k[5:]: v for k, v in found.items() if k.startswith("grad.")}
    for name in workload.wrt:
        gradients[name] = np.swapaxes(gradients[name], 0, 1)
    return float(found["loss"]), gradients


def compare(loss, gradients, other):
    """The largest relative distance, and where it is."""
    worst = (abs(loss - float(other["loss"])) / abs(loss), "loss")
    scalars = []
    for name, expected in gradients.items():
        if name not in other:
            continue
        found = other[name].reshape(expected.shape)
        if expected.ndim == 0:
            scalars.append((found, expected))
            continue
        distance = np.linalg.norm(found - expected) / np.linalg.norm(expected)
        worst = max(worst, (distance, name))
    if scalars:
        found, expected = np.array(scalars).T
        worst = max(worst, (np.linalg.norm(found - expected) / np.linalg.norm(expected),
                            "scalars"))
    return worst


def check(options, workload):
    params = make_params(workload)
    inputs = make_inputs(workload, batch=3, steps=6, draws=True)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        loss, gradients = run_loco(options.lococ, workload, params, inputs, folder)
        missing = set(params) - set(gradients) - FROZEN
        if missing:
            sys.exit(f"{workload.name}: no gradient of {sorted(missing)}")
        numbers = os.path.join(folder, "numbers.npz")
        np.savez(numbers, **params, **inputs)
        for framework, mode in (("torch", "eager"), ("jax", "jit")):
            out = os.path.join(folder, framework + ".npz")
            command = [options.python, os.path.join(HERE, "baselines", "baseline.py"), framework,
                       mode, workload.name, "--check", numbers, out]
            failed = subprocess.run(command, stderr=subprocess.PIPE, text=True)
            if failed.returncode:
                print(f"{workload.name}: {framework} not checked: "
                      f"{failed.stderr.strip().splitlines()[-1]}")
                good = good and "ModuleNotFoundError" in failed.stderr
                continue
            distance, where = compare(loss, gradients, np.load(out))
            good = good and distance <= BOUND
            print(f"{workload.name}: {framework} {distance:.1e} ({where}) "
                  f"{'ok' if distance <= BOUND else 'TOO FAR'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lococ", default="lococ")
    parser.add_argument("--python", default=sys.executable, help="one that has PyTorch and JAX")
    parser.add_argument("workloads", nargs="*", default=[w.name for w in WORKLOADS])
    options = parser.parse_args()
    results = [check(options, BY_NAME[name]) for name in options.workloads]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
