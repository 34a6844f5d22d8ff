# A transposed coupling by its definition, y . (W x) = x . (W' y), for every kind of coupling;
# its gradient; starts whose transpose is their inverse; and weights that are values of a step.
# RUN: rm -rf %t && mkdir -p %t && %python %s %t

import pathlib
import subprocess
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
program = pathlib.Path(__file__).parent / "Inputs" / "transposed.loco"
random = np.random.default_rng(2)


def run(model, *options, **inputs):
    np.savez(folder / "i.npz", **inputs)
    subprocess.run(["lococ", "eval", program, "--model", model, "--precision", "f64", "--inputs", folder / "i.npz",
                    "--out", folder / "o.npz", *options], check=True, stdout=subprocess.DEVNULL)
    return dict(np.load(folder / "o.npz"))


def normal(*shape):
    return random.normal(size=(2, 3, *shape))


found = run("Transposed", x=normal(7), r=normal(9), s=normal(5, 6), t=normal(5, 6), p=normal(3, 5, 7),
            q=normal(3, 5, 7), i=normal(8, 9), o=normal(2, 4, 5))
if np.min(found.pop("size")) < 0.1:
    sys.exit("couplings of nothing")
for name, difference in found.items():
    if not np.max(np.abs(difference)) < 1e-11:
        sys.exit(f"`{name}`: y . (W x) and x . (W' y) differ by {np.max(np.abs(difference))}")

x, y = normal(5), normal(33)
found = run("Orthogonal", x=x, y=y)
for name, wanted in (("tall", x), ("wide", 9 * x), ("square", y)):
    error = np.max(np.abs(found[name] - wanted))
    if not error < 1e-12:
        sys.exit(f"orthogonal start `{name}`: off by {error}")

# Fast weights, step by step.
W, V, b, x = random.normal(size=(7, 7)), random.normal(size=(7, 3)), random.normal(size=7), normal(3)
np.savez(folder / "p.npz", W=W, V=V, **{"V.bias": b}, rate=0.5, keep=0.9)
found = run("FastWeights", "--params", folder / "p.npz", x=x)
for sample in range(2):
    h, A, B = np.full(7, 0.3), np.zeros((7, 7)), np.full((3, 7), 0.1)
    for t, given in enumerate(x[sample]):
        new = np.tanh(W @ h + V @ given + b + A @ h + B.T @ given)
        A, B = 0.9 * A + 0.5 * np.outer(h, h), 0.9 * B + 0.5 * np.outer(given, h)
        h = new
        for name, value in (("h", h), ("A", A), ("B", B), ("y", B @ h)):
            if not np.max(np.abs(found[name][sample, t] - value)) < 1e-11:
                sys.exit(f"fast weights: `{name}` after step {t} is {found[name][sample, t]}, expected {value}")
for command in ("gradcheck", "verify"):
    subprocess.run(["lococ", command, program, "--model", "FastWeights", "--steps", "4"], check=True,
                   stdout=subprocess.DEVNULL)

subprocess.run(["lococ", "gradcheck", program, "--model", "Antisymmetric", "--steps", "4"], check=True,
               stdout=subprocess.DEVNULL)
