"""The 1-D LocoRNN in NumPy: rings with a frozen kernel [0, 0, 1].

    A   = g_z S z + g_v S v + g_x S u + b,   (S z)[i] = z[i + 1]
    v  <- v + dt (tanh(A) - gamma z - alpha v)
    z  <- layer norm of (z + dt v), with a learned gain and bias

g_z, g_v, g_x are learned scalars, b is one value per place on a ring, the same for
all rings. Encoder and decoder have two hidden layers of rectified units.
"""

import numpy as np

import layers

GAINS = ("gz", "gv", "gx")


class Rings:
    def __init__(self, rings, sites, pixels, encoder, decoder):
        """encoder, decoder: the sizes of the two hidden layers of each."""
        self.lattice, self.pixels = (rings, sites), tuple(pixels)
        self.num_values, self.num_pixels = rings * sites, int(np.prod(pixels))
        # Layers are named as data flow through them.
        self.encoder = self._layers("q", self.num_pixels, encoder, 4 * self.num_values)
        self.decoder = self._layers("y", self.num_values, decoder, self.num_pixels)

    @staticmethod
    def _layers(binding, first, hidden, last):
        sizes = [first, *hidden, last]
        names = [f"{binding}.linear{i or ''}" for i in (0, 2, 3)]
        return [(name, sizes[i], sizes[i + 1]) for i, name in enumerate(names)]

    def shapes(self):
        shapes = {"dt.raw": (), "gamma.raw": (), "alpha.raw": (), "gz": (), "gv": (), "gx": (),
                  "b": self.lattice[1:],
                  "z.affine_layernorm.weight": self.lattice,
                  "z.affine_layernorm.bias": self.lattice}
        for name, inner, outer in self.encoder + self.decoder:
            shapes[name + ".weight"], shapes[name + ".bias"] = (outer, inner), (outer,)
        return shapes

    def draw(self, rng):
        values = {name: rng.normal(0, 0.3, shape) for name, shape in self.shapes().items()}
        values.update({"dt.raw": np.array(-1.5), "gamma.raw": np.array(0.9),
                       "alpha.raw": np.array(0.6), "gz": np.array(0.8), "gv": np.array(-1.2),
                       "gx": np.array(1.3)})
        values["z.affine_layernorm.weight"] += 1
        return values

    def draw_inputs(self, rng, batch, steps):
        return {"x": rng.uniform(0, 1, (batch, steps) + self.pixels)}

    def draw_random(self, rng, batch, steps):
        draws = (2,) + self.lattice
        return {"random.0": rng.normal(size=(batch, steps) + draws),
                "random.1": rng.normal(size=(batch,) + draws)}

    @staticmethod
    def _apply(p, stack, x):
        """The values before each layer, and after the last."""
        values = []
        for i, (name, _, _) in enumerate(stack):
            values.append(x)
            x = layers.linear(p[name + ".weight"], p[name + ".bias"], x)
            if i + 1 < len(stack):
                x = layers.relu(x)
        return values, x

    @staticmethod
    def _apply_back(p, stack, values, dy, g):
        for i in reversed(range(len(stack))):
            name = stack[i][0]
            g[name + ".weight"], g[name + ".bias"], dy = layers.linear_back(
                p[name + ".weight"], values[i], dy)
            if i > 0:
                dy = dy * layers.relu_slope(values[i])
        return dy

    def forward(self, p, inputs, random):
        x = inputs["x"]
        batch, steps = x.shape[:2]
        flat = x.reshape(batch * steps, -1)
        encoding, code = self._apply(p, self.encoder, flat)
        both = code.reshape((len(flat), 2, 2) + self.lattice)
        mean, log_variance = both[:, 0], both[:, 1]
        draws = random["random.0"].reshape(mean.shape)
        sampled = (mean + np.exp(log_variance / 2) * draws)[:, 0]
        first = slice(0, batch * steps, steps)
        start = (mean[first] + np.exp(log_variance[first] / 2) * random["random.1"])[:, 0]
        u = layers.layernorm(sampled, (1, 2)).reshape((batch, steps) + self.lattice)
        z, v = layers.layernorm(start, (1, 2)), np.zeros_like(start)

        dt = layers.sigmoid(p["dt.raw"])
        gamma, alpha = layers.relu(p["gamma.raw"]), layers.relu(p["alpha.raw"])
        kept = {"flat": flat, "encoding": encoding, "mean": mean, "log_variance": log_variance,
                "sampled": sampled, "start": start, "u": u,
                "z": [z], "v": [v], "phi": [], "raw": []}
        for t in range(steps):
            drive = sum(p[gain] * np.roll(field, -1, axis=-1)
                        for gain, field in zip(GAINS, (z, v, u[:, t])))
            phi = np.tanh(drive + p["b"])
            v = v + dt * (phi - gamma * z - alpha * v)
            raw = z + dt * v
            z = (p["z.affine_layernorm.weight"] * layers.layernorm(raw, (1, 2))
                 + p["z.affine_layernorm.bias"])
            for name, value in (("z", z), ("v", v), ("phi", phi), ("raw", raw)):
                kept[name].append(value)

        states = np.stack(kept["z"][1:], 1)
        decoding, logit = self._apply(p, self.decoder, states.reshape(batch * steps, -1))
        target = np.roll(x, -1, axis=1).reshape(batch * steps, -1)
        per_step = (layers.bernoulli(logit, target).sum(-1)
                    + layers.divergence(mean, log_variance).reshape(len(flat), -1).sum(-1))
        losses = per_step.reshape(batch, steps).mean(1)
        kept.update(decoding=decoding, logit=logit, target=target)
        values = {"z": states, "v": np.stack(kept["v"][1:], 1),
                  "y": layers.sigmoid(logit).reshape(x.shape),
                  "loss.samples": losses, "loss": losses.mean()}
        return values, kept

    def gradients(self, p, inputs, random):
        _, kept = self.forward(p, inputs, random)
        x = inputs["x"]
        batch, steps = x.shape[:2]
        scale = 1 / (batch * steps)
        g = {name: np.zeros(shape) for name, shape in self.shapes().items()}

        dlogit = scale * (layers.sigmoid(kept["logit"]) - kept["target"])
        dx = np.roll((-scale * kept["logit"]).reshape(x.shape), 1, axis=1).reshape(len(dlogit), -1)
        dstates = self._apply_back(p, self.decoder, kept["decoding"], dlogit, g)
        dstates = dstates.reshape((batch, steps) + self.lattice)

        dt = layers.sigmoid(p["dt.raw"])
        gamma, alpha = layers.relu(p["gamma.raw"]), layers.relu(p["alpha.raw"])
        gain = p["z.affine_layernorm.weight"]
        ddt = dgamma = dalpha = 0.0
        dz, dv = np.zeros_like(kept["z"][0]), np.zeros_like(kept["v"][0])
        du = np.zeros_like(kept["u"])
        for t in reversed(range(steps)):
            z, v, phi, raw = kept["z"][t], kept["v"][t], kept["phi"][t], kept["raw"][t]
            dz = dz + dstates[:, t]
            g["z.affine_layernorm.bias"] += dz.sum(0)
            g["z.affine_layernorm.weight"] += (dz * layers.layernorm(raw, (1, 2))).sum(0)
            dz = layers.layernorm_back(raw, (1, 2), gain * dz)
            ddt += (dz * kept["v"][t + 1]).sum()
            dv = dv + dt * dz
            ddt += (dv * (phi - gamma * z - alpha * v)).sum()
            dgamma -= dt * (dv * z).sum()
            dalpha -= dt * (dv * v).sum()
            ddrive = dt * dv * (1 - phi**2)
            g["b"] += ddrive.sum((0, 1))
            back = np.roll(ddrive, 1, axis=-1)
            for name, field in zip(GAINS, (z, v, kept["u"][:, t])):
                g[name] += (ddrive * np.roll(field, -1, axis=-1)).sum()
            dz, dv = (dz - dt * gamma * dv + p["gz"] * back,
                      dv - dt * alpha * dv + p["gv"] * back)
            du[:, t] = p["gx"] * back
        g["dt.raw"] = ddt * dt * (1 - dt)
        g["gamma.raw"] = dgamma * layers.relu_slope(p["gamma.raw"])
        g["alpha.raw"] = dalpha * layers.relu_slope(p["alpha.raw"])

        mean, log_variance = kept["mean"], kept["log_variance"]
        half = np.exp(log_variance / 2)
        draws = random["random.0"].reshape(mean.shape)
        dsampled = layers.layernorm_back(kept["sampled"], (1, 2), du.reshape(kept["sampled"].shape))
        dstart = layers.layernorm_back(kept["start"], (1, 2), dz)
        first = slice(0, batch * steps, steps)
        dmean = scale * mean
        dlog = scale * 0.5 * (np.exp(log_variance) - 1)
        dmean[:, 0] += dsampled
        dlog[:, 0] += dsampled * 0.5 * half[:, 0] * draws[:, 0]
        dmean[first, 0] += dstart
        dlog[first, 0] += dstart * 0.5 * half[first, 0] * random["random.1"][:, 0]
        dcode = np.stack([dmean, dlog], 1).reshape(len(dlogit), -1)
        dx = dx + self._apply_back(p, self.encoder, kept["encoding"], dcode, g)
        g["x"] = dx.reshape(x.shape)
        return g
