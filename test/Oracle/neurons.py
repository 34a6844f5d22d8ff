# Neurons and their networks, written in loco from their equations, against closed forms
# and simulations written down here: spike counts, derivatives of spike times, e-prop
# beside back-propagation, plasticity, branching, fixed points, excitable media.
# RUN: rm -rf %t && mkdir -p %t && %python %s %t

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check

folder = pathlib.Path(sys.argv[1])
program = pathlib.Path(__file__).parent / "Inputs" / "neurons.loco"
random = np.random.default_rng(4)


def lococ(command, model, *options, steps=None, samples=1, inputs=None, settings=(), precision="f64"):
    out = folder / f"{model}.npz"
    arguments = [command, program, "--model", model, "--precision", precision, "--threads", "1",
                 "--out", out, *options]
    if inputs:
        np.savez(folder / "inputs.npz", **inputs)
        arguments += ["--inputs", folder / "inputs.npz"]
    else:
        arguments += ["--steps", str(steps), "--samples", str(samples)]
    for setting in settings:
        arguments += ["--set", setting]
    check.lococ(*arguments)
    return dict(np.load(out))


def near(what, value, wanted, tolerance):
    error = np.max(np.abs(np.asarray(value, float) - wanted))
    if not error <= tolerance:
        check.fail(f"{what}: {value}, expected {wanted} within {tolerance}")
    print(f"ok: {what}, {error:.2g} off")


def holds(condition, what):
    if not condition:
        check.fail(what)
    print(f"ok: {what}")


# Steps from spike to spike: ceil(ln(1 - 1/I) / ln(1 - dt/tau)).
currents = np.array([1.2, 1.5, 2, 3])
gaps = np.ceil(np.log(1 - 1 / currents) / np.log(1 - 0.01))
near("spikes of leaky cells", lococ("eval", "Lif", steps=600)["gap"][0, -1], gaps, 0)

# t = -tau ln((1 + sqrt(1 - 4/w)) / 2), so dt/dw is known, too.
for w in 5, 4.5, 6:
    root = np.sqrt(1 - 4 / w)
    found = lococ("grad", "FirstSpike", steps=600, settings=[f"w={w}"])
    near("first spike", found["loss"], -10 * np.log((1 + root) / 2), 1e-4)
    near("its derivative", found["grad.w"], -20 / (w * w * root * (1 + root)), 5e-4)

found = lococ("grad", "Eprop", inputs={"x": random.normal(size=(1, 12, 5)),
                                       "target": random.normal(size=(1, 12, 2))})
near("e-prop of inputs", found["gin"][0, -1] / 12, found["grad.Win"], 1e-12)
near("e-prop between cells", found["grec"][0, -1] / 12, found["grad.Wrec"], 1e-12)
holds(np.abs(found["grad.Wrec"]).max() > 1e-3, "something is learned")

for h, rate in (1, 0.475), (2, 3.261), (6, 9.163), (20, 11.087):
    near("supralinear network", lococ("eval", "Ssn", steps=4000, settings=[f"h={h}"])["r"][0, -1, 0],
         rate, 5e-4)


def axon(steps, dt=0.01):
    """Exponential Euler, gate by gate."""
    V, m, h, n, trace = -65.1, 0.05, 0.6, 0.32, []
    grow = lambda x: np.expm1(x) / x
    for _ in range(steps):
        gates = [(m, 0.1 * (V + 40) / (1 - np.exp(-(V + 40) / 10)), 4 * np.exp(-(V + 65) / 18)),
                 (h, 0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))),
                 (n, 0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10)), 0.125 * np.exp(-(V + 65) / 80))]
        leak = 120 * m**3 * h + 36 * n**4 + 0.3
        rate = 10 - 120 * m**3 * h * (V - 50) - 36 * n**4 * (V + 77) - 0.3 * (V + 54.387)
        V = V + dt * grow(-dt * leak) * rate
        m, h, n = [g + dt * grow(-dt * (a + b)) * (a * (1 - g) - b * g) for g, a, b in gates]
        trace.append(V)
    return np.array(trace)


found, wanted = lococ("eval", "Axon", steps=4000)["V"][0], axon(4000)
holds(((wanted[1:] > 0) & (wanted[:-1] <= 0)).sum() == 3, "the axon fires")
near("the axon", found, wanted, 1e-6)

# Drawn at every step, but the same draws in all that reads them.
found = lococ("eval", "Stdp", "--record-random", folder / "draws.npz", steps=300, samples=2)
draws = np.load(folder / "draws.npz")
pre, post = draws["random.0"] < 0.02, draws["random.1"] < 0.03
x = y = w = np.zeros((2, 400))
for t in range(300):
    w = w + post[:, t] * 0.01 * x - pre[:, t] * 0.012 * y
    x, y = 0.95 * x + pre[:, t], 0.95 * y + post[:, t]
near("plasticity of given spikes", found["w"][:, -1], w, 1e-12)
near("rates of drawn spikes", [pre.mean(), post.mean()], [0.02, 0.03], 1e-3)
found = lococ("eval", "Stdp", steps=6000)["drift"][0] / 6000
near("drift of weights", found, 0.02 * 0.03 * (0.01 - 0.012) * 20, 6e-6)

# Mean h / (1 - m); a tenth of the units still tells m from the slope of correlations.
found = lococ("eval", "Branching", steps=1000, samples=64, precision="f32")
near("mean of a branching network", found["A"][:, 100:].mean(), 100, 2)
seen = found["seen"][:, 100:] - found["seen"][:, 100:].mean()
lags = [(seen[:, k:] * seen[:, :seen.shape[1] - k]).mean() for k in range(7)]
slope = np.polyfit(np.arange(1, 7), np.log(lags[1:]), 1)[0]
near("its m, of every tenth unit", np.exp(slope), 0.9, 0.02)
holds(lags[1] / lags[0] < 0.6, "which neighbouring steps alone do not tell")

# 1 = overlap E[1 - tanh^2(kappa g)], g normal.
g = np.linspace(-8, 8, 4001)
weight = np.exp(-g * g / 2) / np.exp(-g * g / 2).sum()
for overlap in 1.5, 2:
    low, high = 0.01, 5
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if overlap * (weight * (1 - np.tanh(middle * g)**2)).sum() > 1 else (low, middle)
    kappas = [lococ("eval", "RankOne", "--seed", str(seed), steps=200, settings=[f"overlap={overlap}"])["kappa"][0]
              for seed in range(4)]
    near("overlap of a network of rank one", np.mean(kappas), low, 0.06)

points = lococ("eval", "Bistable", steps=400, samples=600)["point"]
distinct = np.unique(np.round(points, 3) + 0.0, axis=0)
holds(len(distinct) == 27, f"27 points where nothing moves, found {len(distinct)}")
near("the outermost", np.abs(distinct).max(), 0.957504, 1e-3)

active = lococ("eval", "Excitable", steps=40)["active"][0]
holds(np.all(active[:28] == 2) and np.all(active[31:] == 0), "two pulses meet and are gone")

basis = np.linalg.qr(random.normal(size=(4, 4)))[0]
data = random.normal(size=(8, 1500, 4)) * np.sqrt([4, 1, 0.5, 0.2]) @ basis.T
found = lococ("eval", "Oja", inputs={"x": data})["direction"]
near("Hebb's rule finds what varies most", np.abs(found @ basis[:, 0]), 1, 0.03)
