"""coRNN in NumPy, on the adding task:

    z  <- z + dt (tanh(W y + W' z + V x + b) - gamma y - eps z)
    y  <- y + dt z

from y = z = 0; out is linear in the last y, the loss its squared error.
"""

import numpy as np

import layers


class CoRNN:
    def __init__(self, units, inputs=2, dt=0.06, gamma=66.0, eps=15.0, bias="V.bias"):
        self.units, self.inputs, self.bias = units, inputs, bias
        self.dt, self.gamma, self.eps = dt, gamma, eps

    def shapes(self):
        n = self.units
        return {"W": (n, n), "Wd": (n, n), "V": (n, self.inputs), self.bias: (n,),
                "out.linear.weight": (1, n), "out.linear.bias": (1,)}

    def draw(self, rng):
        return {name: rng.normal(0, 0.5, shape) for name, shape in self.shapes().items()}

    def draw_inputs(self, rng, batch, steps):
        return {"x": rng.uniform(0, 1, (batch, steps, self.inputs)),
                "target": rng.uniform(0, 2, batch)}

    def draw_random(self, rng, batch, steps):
        return {}

    def forward(self, p, inputs, random):
        x = inputs["x"]
        batch, steps = x.shape[:2]
        y = np.zeros((batch, self.units), dtype=p["W"].dtype)
        z = np.zeros_like(y)
        kept = {"y": [y], "z": [z], "phi": []}
        for t in range(steps):
            phi = np.tanh(y @ p["W"].T + z @ p["Wd"].T
                          + layers.linear(p["V"], p[self.bias], x[:, t]))
            z = z + self.dt * (phi - self.gamma * y - self.eps * z)
            y = y + self.dt * z
            for name, value in (("y", y), ("z", z), ("phi", phi)):
                kept[name].append(value)
        out = layers.linear(p["out.linear.weight"], p["out.linear.bias"], y)[:, 0]
        losses = (out - inputs["target"]) ** 2
        kept["out"] = out
        return {"y": np.stack(kept["y"][1:], 1), "z": np.stack(kept["z"][1:], 1), "out": out,
                "loss.samples": losses, "loss": losses.mean()}, kept

    def gradients(self, p, inputs, random):
        _, kept = self.forward(p, inputs, random)
        x = inputs["x"]
        batch, steps = x.shape[:2]
        g = {name: np.zeros(shape) for name, shape in self.shapes().items()}
        dout = 2 * (kept["out"] - inputs["target"]) / batch
        g["out.linear.weight"], g["out.linear.bias"], dy = layers.linear_back(
            p["out.linear.weight"], kept["y"][-1], dout[:, None])
        dz = np.zeros_like(dy)
        g["x"], g["target"] = np.zeros(x.shape), -dout
        for t in reversed(range(steps)):
            y, z, phi = kept["y"][t], kept["z"][t], kept["phi"][t]
            dz = dz + self.dt * dy
            ddrive = self.dt * dz * (1 - phi**2)
            g["W"] += ddrive.T @ y
            g["Wd"] += ddrive.T @ z
            dweight, dbias, g["x"][:, t] = layers.linear_back(p["V"], x[:, t], ddrive)
            g["V"] += dweight
            g[self.bias] += dbias
            dy, dz = (dy - self.dt * self.gamma * dz + ddrive @ p["W"],
                      dz - self.dt * self.eps * dz + ddrive @ p["Wd"])
        return g
