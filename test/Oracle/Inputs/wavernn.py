"""The wave-RNN in NumPy: h <- relu(u * h + V x + b), h_0 = 0.

h has c channels on a ring of n sites; u mixes channels; b is the sum of V's bias
and the convolution's, one number per channel.
"""

import numpy as np

import layers


class WaveRNN:
    """task: "copy" (a class per step in, a class per step out) or "digits" (a
    number per step in, one class per sample out)."""

    def __init__(self, channels, sites, task, classes=10):
        self.channels, self.sites, self.task, self.classes = channels, sites, task, classes
        self.num_inputs = classes if task == "copy" else 1
        self.num_values = channels * sites

    def shapes(self):
        return {"U": (self.channels, self.channels, 3), "U.bias": (self.channels,),
                "V": (self.num_values, self.num_inputs), "V.bias": (self.num_values,),
                "y.linear.weight": (self.classes, self.num_values),
                "y.linear.bias": (self.classes,)}

    def draw(self, rng):
        values = {name: rng.normal(0, 0.4, shape) for name, shape in self.shapes().items()}
        values["U"] /= np.sqrt(self.channels)
        return values

    def draw_inputs(self, rng, batch, steps):
        if self.task == "copy":
            return {"x": rng.integers(0, self.classes, (batch, steps)).astype(np.int32),
                    "target": rng.integers(0, self.classes, (batch, steps)).astype(np.int32)}
        return {"x": rng.normal(size=(batch, steps)),
                "label": rng.integers(0, self.classes, batch).astype(np.int32)}

    def draw_random(self, rng, batch, steps):
        return {}

    def forward(self, p, inputs, random):
        x = inputs["x"]
        batch, steps = x.shape
        drive = layers.one_hot(x, self.classes) if self.task == "copy" else x[..., None]
        h = np.zeros((batch, self.channels, self.sites), dtype=p["V"].dtype)
        states = [h]
        for t in range(steps):
            pushed = layers.linear(p["V"], p["V.bias"], drive[:, t])
            h = layers.relu(layers.correlate(p["U"], h) + p["U.bias"][:, None]
                            + pushed.reshape(h.shape))
            states.append(h)
        stacked = np.stack(states[1:], 1)
        seen = stacked if self.task == "copy" else stacked[:, -1]
        flat = seen.reshape(seen.shape[: 2 if self.task == "copy" else 1] + (-1,))
        y = layers.linear(p["y.linear.weight"], p["y.linear.bias"], flat)
        if self.task == "copy":
            losses = layers.cross_entropy(y, inputs["target"]).mean(1)
        else:
            losses = layers.cross_entropy(y, inputs["label"])
        kept = {"states": states, "drive": drive, "flat": flat, "y": y}
        return {"h": stacked, "y": y, "loss.samples": losses, "loss": losses.mean()}, kept

    def gradients(self, p, inputs, random):
        _, kept = self.forward(p, inputs, random)
        batch, steps = inputs["x"].shape
        g = {name: np.zeros(shape) for name, shape in self.shapes().items()}
        label = inputs["target"] if self.task == "copy" else inputs["label"]
        dy = (layers.softmax(kept["y"]) - layers.one_hot(label, self.classes)) / label.size
        g["y.linear.weight"], g["y.linear.bias"], dflat = layers.linear_back(
            p["y.linear.weight"], kept["flat"], dy)
        lattice = (batch, self.channels, self.sites)
        dh = np.zeros(lattice)
        dx = np.zeros((batch, steps))
        for t in reversed(range(steps)):
            if self.task == "copy":
                dh = dh + dflat[:, t].reshape(lattice)
            elif t == steps - 1:
                dh = dflat.reshape(lattice)
            dh = dh * layers.relu_slope(kept["states"][t + 1])
            flat = dh.reshape(batch, -1)
            dweight, dbias, ddrive = layers.linear_back(p["V"], kept["drive"][:, t], flat)
            g["V"] += dweight
            g["V.bias"] += dbias
            g["U.bias"] += dh.sum((0, 2))
            if self.task == "digits":
                dx[:, t] = ddrive[:, 0]
            dkernel, dh = layers.correlate_back(p["U"], kept["states"][t], dh)
            g["U"] += dkernel
        if self.task == "digits":
            g["x"] = dx
        return g
