# Exponential Euler steps against NumPy, which takes the exponents by hand, and the closed
# form of what is linear; gradients through the steps.
# RUN: rm -rf %t && mkdir -p %t && %python %s %t

import pathlib
import subprocess
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
program = pathlib.Path(__file__).parent / "Inputs" / "exponential.loco"
random = np.random.default_rng(3)
samples, steps, cells = 3, 5, 9


def lococ(*arguments):
    subprocess.run(["lococ", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def phi(x):
    return np.where(np.abs(x) < 1e-12, 1, np.expm1(x) / np.where(x == 0, 1, x))


def check(what, found, wanted, bound=1e-12):
    error = np.max(np.abs(found - wanted)) / np.max(np.abs(wanted))
    if not error < bound:
        sys.exit(f"{what}: off by {error}")


kernel, drive = random.normal(size=3), random.normal(size=(samples, steps, cells))
tau_m, tau_v, dt = 0.3, 2.0, 0.7
raw = {name: np.log(np.expm1(value)) for name, value in (("tau_m", tau_m), ("tau_v", tau_v))}
np.savez(folder / "p.npz", W=kernel, **{"tau_m.raw": raw["tau_m"], "tau_v.raw": raw["tau_v"]})
np.savez(folder / "i.npz", drive=drive)
lococ("eval", program, "--model", "Cells", "--precision", "f64", "--params", folder / "p.npz", "--inputs",
      folder / "i.npz", "--out", folder / "o.npz", "--record-random", folder / "r.npz")
found, drawn = np.load(folder / "o.npz"), np.load(folder / "r.npz")
m, v, u = (drawn[f"random.{i}"] for i in range(3))
for t in range(steps):
    near = sum(kernel[k] * np.roll(v, 1 - k, axis=1) for k in range(3))
    rates = ((1 / (1 + np.exp(-2 * v)) - m) / tau_m,
             (-v - 30 * m**2 * (v - 0.5) + np.tanh(near) + drive[:, t]) / tau_v,
             np.sin(u) - u * np.abs(v) + np.maximum(u, 0) * m)
    slopes = (np.full_like(m, -1 / tau_m), (-1 - 30 * m**2) / tau_v, np.cos(u) - np.abs(v) + (u > 0) * m)
    m, v, u = (z + dt * phi(dt * a) * f for z, a, f in zip((m, v, u), slopes, rates))
    for name, value in (("m", m), ("v", v), ("u", u)):
        check(f"`{name}` after step {t}", found[name][:, t], value)

lococ("gradcheck", program, "--model", "Cells", "--steps", 3)
lococ("verify", program, "--model", "Cells", "--steps", 3)

lococ("eval", program, "--model", "Plain", "--precision", "f64", "--steps", 4, "--out", folder / "o.npz")
found = np.load(folder / "o.npz")
check("Euler's step", found["a"][:, 1:], found["a"][:, :-1] + 0.1 * found["b"][:, :-1])
check("Euler's step", found["b"][:, 1:], found["b"][:, :-1] - 0.1 * found["a"][:, :-1])
