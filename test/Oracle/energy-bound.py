# The energy of coRNN, gamma |y|^2 + |z|^2, stays below units * t / eps, whatever the
# couplings are and whatever drives it, as long as dt <= eps / (eps^2 + gamma); and the
# networks of std.oscillators have as many parameters as the published ones.
# RUN: rm -rf %t && mkdir %t && %python %s %t %targets

import re
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

folder, targets = drive.arguments()
program = drive.inputs / "oscillators.loco"
rng = np.random.default_rng(53)

# Published: 33,000, 381, 131,000 and 786, thousands rounded down.
counts = {"Dense128": 2 * 128**2 + 3 * 128, "Sheet11": 381, "Dense256": 2 * 256**2 + 3 * 256,
          "Sheet16": 786, "Rings16": 3 * 256 + 2 * 3,
          "SheetBiased": 788, "RingsBiased": 3 * 256 + 2 * 4, "Uncoupled": 3 * 256 + 2}
for name, wanted in counts.items():
    text = check.lococ("explain", program, "--model", name)
    found = int(re.search(r"parameters: ([\d,]+) learned", text).group(1).replace(",", ""))
    if found != wanted:
        check.fail(f"{name} has {found} parameters, expected {wanted}")

# dt, gamma, eps of sequential, permuted digits, CIFAR, HAR-2, IMDB, adding at T = 500.
SETTINGS = [(0.042, 2.7, 4.7), (0.076, 0.4, 8.0), (0.034, 1.3, 12.7), (0.1, 0.2, 6.4),
            (0.054, 4.9, 4.8), (0.016, 94.5, 9.5)]
units, steps = 24, 400


def draw(kind):
    """Couplings that drive: at random, or always in the direction of the velocity."""
    if kind == "random":
        return {name: 10 * rng.normal(size=shape) for name, shape in
                (("W", (units, units)), ("Wd", (units, units)), ("V", (units, 2)), ("b", (units,)))}
    return {"W": np.zeros((units, units)), "Wd": 1e6 * np.eye(units), "V": np.zeros((units, 2)),
            "b": np.full(units, 1e-3)}


for target in targets:
    for precision in drive.precisions_of(target):
        slack = 1e-12 if precision == "f64" else 1e-5
        largest = 0
        for dt, gamma, eps in SETTINGS:
            if not dt <= eps / (eps**2 + gamma):
                check.fail("the setting is outside of what can be proved")
            for kind in ("random", "with the velocity"):
                np.savez(f"{folder}/p.npz", **draw(kind))
                np.savez(f"{folder}/i.npz", x=rng.choice([-1.0, 1.0], (3, steps, 2)))
                check.lococ("eval", program, "--model", "Driven", "--set", f"dt_={dt}", "--set",
                            f"gamma_={gamma}", "--set", f"eps_={eps}", "--target", target,
                            "--precision", precision, "--params", f"{folder}/p.npz",
                            "--inputs", f"{folder}/i.npz", "--out", f"{folder}/o.npz")
                found = np.load(f"{folder}/o.npz")
                y, z = found["y"].astype(float), found["z"].astype(float)
                energy = gamma * (y**2).sum(-1) + (z**2).sum(-1)
                bound = units * dt * np.arange(1, steps + 1) / eps
                ratio = (energy / bound).max()
                if not ratio <= 1 + slack:
                    check.fail(f"{target} {precision}: energy is {ratio} times the bound, {kind}, dt {dt}")
                largest = max(largest, ratio)
        # A bound that nothing comes near would be no test.
        if not largest > 0.1:
            check.fail(f"the largest energy is only {largest} of the bound")
        print(f"ok: {target}, {precision}: at most {largest:.3f} of the bound")
