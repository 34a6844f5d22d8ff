# The learned energy of std.energies, trained through leapfrog, against NumPy.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import drive
from formula import Formula

SIZE, HIDDEN, DT = 2, 4, 0.2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Energies(Formula):
    name = "Small"

    def compute(self, p, inputs):
        def part(net, x):
            """The network's value, and its slope."""
            weights = [p[f"H.{net}.{layer}.weight"] for layer in ("linear", "linear2", "linear3")]
            biases = [p[f"H.{net}.{layer}.bias"] for layer in ("linear", "linear2", "linear3")]
            slopes = []
            for w, b in zip(weights[:2], biases[:2]):
                x = x @ w.T + b
                s = sigmoid(x)
                slopes.append(s + x * s * (1 - s))
                x = x * s
            back = weights[2][0]
            for w, slope in zip(weights[1::-1], slopes[::-1]):
                back = (back * slope) @ w
            return (x @ weights[2].T + biases[2])[:, 0], back
        x = inputs["x"]
        q, v = x[:, 0, :SIZE], x[:, 0, SIZE:]
        found = {name: [] for name in ("q", "p", "y", "learned")}
        for t in range(x.shape[1]):
            v = v - DT / 2 * part("energy", q)[1]
            q = q + DT * part("energy2", v)[1]
            v = v - DT / 2 * part("energy", q)[1]
            for name, value in [("q", q), ("p", v), ("y", np.concatenate([q, v], axis=1)),
                                ("learned", part("energy", q)[0] + part("energy2", v)[0])]:
                found[name].append(value)
        values = {name: np.stack(frames, axis=1) for name, frames in found.items()}
        errors = (values["y"][:, :-1] - x[:, 1:])**2
        return {**values, "loss.samples": errors.mean(axis=(1, 2))}

    def draw_inputs(self, rng, batch, steps):
        return {"x": rng.normal(size=(batch, steps, 2 * SIZE))}


shapes = {}
for net in ("energy", "energy2"):
    for layer, (rows, columns) in [("linear", (HIDDEN, SIZE)), ("linear2", (HIDDEN, HIDDEN)),
                                   ("linear3", (1, HIDDEN))]:
        shapes[f"H.{net}.{layer}.weight"] = (rows, columns)
        shapes[f"H.{net}.{layer}.bias"] = (rows,)
program = pathlib.Path(__file__).parent / "Inputs" / "energies.loco"
drive.compare_all([("energies", program, Energies(shapes, {}), {}, 2, 6)])
