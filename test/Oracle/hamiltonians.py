# Energies as dynamics, and derivatives as expressions, against equations written out.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import drive
from formula import Formula

HERE = pathlib.Path(__file__).parent / "Inputs" / "hamiltonians.loco"


def rk4(f, y, h):
    k1 = f(y)
    k2 = f(y + h / 2 * k1)
    k3 = f(y + h / 2 * k2)
    k4 = f(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def stack(frames):
    """Frames to [sample, step, ...]."""
    return np.stack(frames, axis=1)


def total(x):
    return x.sum(axis=-1)


class Driven(Formula):
    """Inputs: numbers before the first step, and a force per step."""

    def draw_inputs(self, rng, batch, steps):
        values = {name: rng.normal(size=(batch, *shape)) for name, shape in self.inputs.items()}
        return {**values, "force": rng.normal(size=(batch, steps, *self.inputs["q0"]))}


class Pendulums(Formula):
    name = "Pendulums"

    def compute(self, p, inputs):
        y, frames = np.stack([inputs["q0"], inputs["p0"]]), []
        for t in range(inputs["drive"].shape[1]):
            field = 0.5 * inputs["drive"][:, t]

            def rates(y):
                q, v = y
                dq = v + 0.1 * q
                return np.stack([dq, -p["k"] * np.sin(q) - field - 0.1 * v - p["c"] * dq])
            y = rk4(rates, y, 0.1)
            frames.append(y)
        q, v = y
        return {"q": stack([f[0] for f in frames]), "p": stack([f[1] for f in frames]),
                "loss.samples": total(q * v) + total(q)}

    def draw_inputs(self, rng, batch, steps):
        return {"q0": rng.normal(size=(batch, 3)), "p0": rng.normal(size=(batch, 3)),
                "drive": rng.normal(size=(batch, steps, 3))}


class Learned(Driven):
    name = "Learned"
    def compute(self, p, inputs):
        def part(net, x):
            w1, b1 = p[f"H.{net}.linear.weight"], p[f"H.{net}.linear.bias"]
            w2, b2 = p[f"H.{net}.linear2.weight"], p[f"H.{net}.linear2.bias"]
            a = np.tanh(x @ w1.T + b1)
            return total(a @ w2.T + b2), ((1 - a**2) * w2[0]) @ w1
        q, v, qs, vs, energies = inputs["q0"], inputs["p0"], [], [], []
        for t in range(inputs["force"].shape[1]):
            force = inputs["force"][:, t]
            v = v - 0.05 * (part("net", q)[1] - force)
            q = q + 0.1 * part("net2", v)[1]
            v = v - 0.05 * (part("net", q)[1] - force)
            qs.append(q), vs.append(v)
            energies.append(part("net", q)[0] + part("net2", v)[0] - total(q * force))
        return {"q": stack(qs), "p": stack(vs), "energy": stack(energies),
                "loss.samples": total(q**2) + energies[-1]}


class Beside(Driven):
    name = "Beside"
    def compute(self, p, inputs):
        y, frames = np.stack([inputs["q0"], inputs["p0"], inputs["r0"]]), []

        def rates(y, force):
            q, v, r = y
            # In H both arguments of `coupled` move, as `copy` is made of q.
            return np.stack([v, force - p["w"] * q**3 - 2 * q * r, 2 * v * r - r])
        for t in range(inputs["force"].shape[1]):
            for half in range(2):
                k1 = rates(y, inputs["force"][:, t])
                y = y + 0.025 * (k1 + rates(y + 0.05 * k1, inputs["force"][:, t]))
            frames.append(y)
        names = ["q", "p", "r"]
        return {**{name: stack([f[i] for f in frames]) for i, name in enumerate(names)},
                "loss.samples": total(y[2] * y[0])}


class Descent(Formula):
    name = "Descent"

    def compute(self, p, inputs):
        w, z, found = p["w"], inputs["z0"], {n: [] for n in ("z", "bend", "held", "pulled", "by_weight")}

        def slope(z, x):
            return w * np.sin(2 * z) + 2 * total(z * x)[:, None] * x
        for t in range(inputs["x"].shape[1]):
            x = inputs["x"][:, t]
            z = z - 0.05 * slope(z, x)
            found["z"].append(z)
            found["bend"].append(w * w * 2 * np.cos(2 * z) + 2 * total(w * x)[:, None] * x)
            found["held"].append(z * w)
            found["pulled"].append(z)
            found["by_weight"].append(np.sin(z)**2)
        values = {name: stack(frames) for name, frames in found.items()}
        return {**values, "loss.samples": total(values["bend"]**2).mean(axis=1)}

    def draw_inputs(self, rng, batch, steps):
        return {"z0": rng.normal(size=(batch, 3)), "x": rng.normal(size=(batch, steps, 3))}


class Chain(Driven):
    name = "Chain"
    def compute(self, p, inputs):
        w, q, v, qs, vs = p["W"], inputs["q0"], inputs["p0"], [], []

        def coupled(x):
            return w[0] * np.roll(x, 1, -1) + w[1] * x + w[2] * np.roll(x, -1, -1)

        def transposed(y):
            return w[0] * np.roll(y, -1, -1) + w[1] * y + w[2] * np.roll(y, 1, -1)
        for t in range(inputs["force"].shape[1]):
            # Each pair of neighbours is met from both sides, with weight a half.
            slope = p["k"] * (np.sin(q - np.roll(q, 1, -1)) + np.sin(q - np.roll(q, -1, -1)))
            v = v - 0.1 * (slope + 2 * transposed(coupled(q)) - inputs["force"][:, t])
            q = q + 0.1 * v
            qs.append(q), vs.append(v)
        return {"q": stack(qs), "p": stack(vs), "loss.samples": total(q**2) + total(v)}


class Around(Formula):
    name = "Around"

    def compute(self, p, inputs):
        k, x, ys = p["y.inner.k"], inputs["x"], []
        q = v = np.full_like(x[:, 0], 0.3)
        for t in range(x.shape[1]):
            def force(q):
                return x[:, t] - k * np.sin(2 * q)
            for sub_step in range(3):
                v = v + 0.05 * force(q)
                q = q + 0.1 * v
                v = v + 0.05 * force(q)
            ys.append(q - force(q))
        return {"y": stack(ys), "loss.samples": total(stack(ys)**2).mean(axis=1)}

    def draw_inputs(self, rng, batch, steps):
        return {"x": rng.normal(size=(batch, steps, 2))}


def net(name):
    return {f"H.{name}.linear.weight": (4, 2), f"H.{name}.linear.bias": (4,),
            f"H.{name}.linear2.weight": (1, 4), f"H.{name}.linear2.bias": (1,)}


pair = {"q0": (2,), "p0": (2,)}
drive.compare_all([
    ("pendulums", HERE, Pendulums({"k": (), "c": ()}, {}), {}, 2, 4),
    ("learned", HERE, Learned({**net("net"), **net("net2")}, pair), {}, 2, 6),
    ("beside", HERE, Beside({"w": (2,)}, {**pair, "r0": (2,)}), {}, 2, 5),
    ("descent", HERE, Descent({"w": (3,)}, {}), {}, 2, 4),
    ("chain", HERE, Chain({"k": (), "W": (3,)}, {"q0": (5,), "p0": (5,)}), {}, 2, 5),
    ("around", HERE, Around({"y.inner.k": (2,)}, {}), {}, 2, 4),
])
