# A transposed coupling by its definition, y . (W x) = x . (W' y), for every kind of coupling;
# its gradient; and starts whose transpose is their inverse.
# RUN: rm -rf %t && mkdir -p %t && %python %s %t

import pathlib
import subprocess
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
program = pathlib.Path(__file__).parent / "Inputs" / "transposed.loco"
random = np.random.default_rng(2)


def run(model, **inputs):
    np.savez(folder / "i.npz", **inputs)
    subprocess.run(["lococ", "eval", program, "--model", model, "--precision", "f64", "--inputs", folder / "i.npz",
                    "--out", folder / "o.npz"], check=True, stdout=subprocess.DEVNULL)
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

subprocess.run(["lococ", "gradcheck", program, "--model", "Antisymmetric", "--steps", "4"], check=True,
               stdout=subprocess.DEVNULL)
