# Models that run backwards, or over a part, where only some steps count: which steps they
# call the first and the last, and how they count their own.
# RUN: rm -rf %t && mkdir -p %t && %python %s %t %targets

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np

import drive

folder, targets = drive.arguments()
program = drive.inputs / "reversed_masks.loco"
x = np.arange(1.0, 9)[None] * np.array([[1.0], [10]])


def run(model, target, **inputs):
    np.savez(f"{folder}/i.npz", **inputs)
    subprocess.run(["lococ", "eval", program, "--model", model, "--target", target, "--inputs", f"{folder}/i.npz",
                    "--out", f"{folder}/o.npz"], check=True, stdout=subprocess.DEVNULL)
    return dict(np.load(f"{folder}/o.npz"))


def backwards(steps):
    s = 0.0
    for value in steps[::-1]:
        s = 0.5 * s + value
    return {"from": steps[-1], "to": steps[0], "s": s}


def begun(steps):
    s = 10.0 * steps[-1]
    for value in steps[::-1]:
        s = 0.5 * s + value
    return {"to": s, "begun": s}


def check(what, found, wanted):
    for i, own in enumerate(wanted):
        for name, value in own.items():
            if not abs(found[name][i] - value) <= 1e-6 * abs(value):
                sys.exit(f"{what}: `{name}` of sample {i} is {found[name][i]}, expected {value}")


for target in targets:
    mask = np.array([[0, 0, 1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 0, 0, 0, 1]])
    found = run("Masked", target, x=np.where(mask == 1, x, np.nan), m=mask)
    check(f"{target}, mask", found, [backwards(own[keep == 1]) for own, keep in zip(x, mask)])
    length = np.array([3, 7])
    found = run("Counted", target, x=np.where(np.arange(8) < length[:, None], x, np.nan), length=length)
    check(f"{target}, length", found, [backwards(own[:n]) for own, n in zip(x, length)])
    kept = {"BegunMasked": ({"m": mask}, mask == 1),
            "BegunCounted": ({"length": length}, np.arange(8) < length[:, None])}
    for model, (counting, keep) in kept.items():
        found = run(model, target, x=np.where(keep, x, np.nan), **counting)
        check(f"{target}, {model}", found, [begun(own[counts]) for own, counts in zip(x, keep)])
    # Steps 2 to 5, of which the first n.
    n = np.array([2, 4])
    check(f"{target}, part", run("Part", target, x=x, n=n), [{"s": own[2:2 + k].sum()} for own, k in zip(x, n)])
