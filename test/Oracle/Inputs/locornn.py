"""LocoRNN in NumPy, from the papers' facts: the 2-D model and its variants.

One step, with dt = sigmoid(d), gamma = relu(g), alpha = relu(a):

    A   = w_z * z + w_v * v + w_x * u + b
    v  <- v + dt (tanh(A) - gamma z - alpha v)
    z  <- z + dt v

The encoder makes u of the frame at hand; y, decoded from the new z, predicts the
next frame, after the last one the first. z_0 is the encoding of the first frame.
"""

import numpy as np

import layers


class LocoRNN:
    """sites: (rows, columns). channels: 0 for a lattice without the axis.

    gaussian: the encoder is a distribution over two values per site, of which the
    second enters the divergence only; the loss is Bernoulli's. Otherwise the
    encoder is linear and the loss the squared error.
    """

    def __init__(self, sites, pixels, gaussian, channels=0, mixes=False, window=3):
        self.sites, self.pixels = tuple(sites), tuple(pixels)
        self.gaussian, self.channels, self.mixes = gaussian, channels, mixes
        self.window = window
        self.lattice = ((channels,) if channels else ()) + self.sites
        self.num_values = int(np.prod(self.lattice))
        self.num_pixels = int(np.prod(pixels))

    def shapes(self):
        kernel = (self.window, self.window)
        if self.channels:
            kernel = (self.channels, self.channels if self.mixes else 1) + kernel
        encoded = self.num_values * (4 if self.gaussian else 1)
        encoder = "q" if self.gaussian else "u"
        return {
            "dt.raw": (), "gamma.raw": (), "alpha.raw": (),
            "b": self.lattice, "Wz": kernel, "Wv": kernel, "Wx": kernel,
            encoder + ".linear.weight": (encoded, self.num_pixels),
            encoder + ".linear.bias": (encoded,),
            "y.linear.weight": (self.num_pixels, self.num_values),
            "y.linear.bias": (self.num_pixels,),
        }

    def draw(self, rng):
        """Parameters of a size at which every nonlinearity is felt."""
        values = {name: rng.normal(0, 0.3, shape) for name, shape in self.shapes().items()}
        values["dt.raw"] = np.array(-1.95)
        values["gamma.raw"] = np.array(1.1)
        values["alpha.raw"] = np.array(0.4)
        return values

    def draw_inputs(self, rng, batch, steps):
        return {"x": rng.uniform(0, 1, (batch, steps) + self.pixels)}

    def draw_random(self, rng, batch, steps):
        if not self.gaussian:
            return {}
        draws = (2,) + self.lattice
        return {"random.0": rng.normal(size=(batch, steps) + draws),
                "random.1": rng.normal(size=(batch,) + draws)}

    def _kernel(self, p, name):
        return p[name] if self.channels else p[name][None, None]

    def _field(self, z):
        """[batch, channels, rows, columns], whatever the lattice has."""
        return z if self.channels else z[:, None]

    def _encode(self, p, x):
        """What the layer norm gets, mean and log-variance, for frames [n, pixels]."""
        n = len(x)
        if not self.gaussian:
            code = layers.linear(p["u.linear.weight"], p["u.linear.bias"], x)
            return code.reshape((n,) + self.lattice), None, None
        code = layers.linear(p["q.linear.weight"], p["q.linear.bias"], x)
        both = code.reshape((n, 2, 2) + self.lattice)
        return None, both[:, 0], both[:, 1]

    def forward(self, p, inputs, random):
        """All values over time: z, v, y [batch, steps, ...], loss.samples."""
        x = inputs["x"]
        batch, steps = x.shape[:2]
        axes = tuple(range(1, 1 + len(self.lattice)))
        flat = x.reshape(batch * steps, -1)
        code, mean, log_variance = self._encode(p, flat)
        kept = {"flat": flat, "mean": mean, "log_variance": log_variance}
        if self.gaussian:
            draws = random["random.0"].reshape(mean.shape)
            code = (mean + np.exp(log_variance / 2) * draws)[:, 0]
            first = slice(0, batch * steps, steps)
            start = (mean[first] + np.exp(log_variance[first] / 2) * random["random.1"])[:, 0]
        else:
            start = code.reshape((batch, steps) + self.lattice)[:, 0]
        u = layers.layernorm(code, axes).reshape((batch, steps) + self.lattice)
        z, v = layers.layernorm(start, axes), np.zeros_like(start)
        kept.update(code=code, start=start, u=u)

        dt = layers.sigmoid(p["dt.raw"])
        gamma, alpha = layers.relu(p["gamma.raw"]), layers.relu(p["alpha.raw"])
        kept["z"], kept["v"], kept["phi"] = [z], [v], []
        kz, kv, kx = (self._kernel(p, name) for name in ("Wz", "Wv", "Wx"))
        for t in range(steps):
            drive = (layers.correlate(kz, self._field(z)) + layers.correlate(kv, self._field(v))
                     + layers.correlate(kx, self._field(u[:, t])))
            phi = np.tanh(drive.reshape(z.shape) + p["b"])
            v = v + dt * (phi - gamma * z - alpha * v)
            z = z + dt * v
            kept["z"].append(z)
            kept["v"].append(v)
            kept["phi"].append(phi)

        states = np.stack(kept["z"][1:], 1)
        logit = layers.linear(p["y.linear.weight"], p["y.linear.bias"],
                              states.reshape(batch * steps, -1))
        target = np.roll(x, -1, axis=1).reshape(batch * steps, -1)
        y = layers.sigmoid(logit)
        if self.gaussian:
            per_step = layers.bernoulli(logit, target).sum(-1)
            per_step = per_step + layers.divergence(mean, log_variance).reshape(len(flat), -1).sum(-1)
        else:
            per_step = ((y - target) ** 2).sum(-1)
        kept.update(y=y, logit=logit, target=target)
        losses = per_step.reshape(batch, steps).mean(1)
        values = {"z": states, "v": np.stack(kept["v"][1:], 1), "y": y.reshape(x.shape),
                  "loss.samples": losses, "loss": losses.mean()}
        return values, kept

    def gradients(self, p, inputs, random):
        """Of the mean loss, by every parameter and input."""
        _, kept = self.forward(p, inputs, random)
        x = inputs["x"]
        batch, steps = x.shape[:2]
        axes = tuple(range(1, 1 + len(self.lattice)))
        flat, y, target = kept["flat"], kept["y"], kept["target"]
        scale = 1 / (batch * steps)
        g = {name: np.zeros(shape) for name, shape in self.shapes().items()}

        # The loss and the decoder. A frame is a target, too.
        if self.gaussian:
            dlogit, dtarget = scale * (y - target), -scale * kept["logit"]
        else:
            dtarget = -scale * 2 * (y - target)
            dlogit = -dtarget * y * (1 - y)
        dx = np.roll(dtarget.reshape(x.shape), 1, axis=1).reshape(flat.shape)
        states = np.stack(kept["z"][1:], 1).reshape(batch * steps, -1)
        g["y.linear.weight"], g["y.linear.bias"], dstates = layers.linear_back(
            p["y.linear.weight"], states, dlogit)
        dstates = dstates.reshape((batch, steps) + self.lattice)

        # Back through time.
        dt = layers.sigmoid(p["dt.raw"])
        gamma, alpha = layers.relu(p["gamma.raw"]), layers.relu(p["alpha.raw"])
        ddt = dgamma = dalpha = 0.0
        dz, dv = np.zeros_like(kept["z"][0]), np.zeros_like(kept["v"][0])
        du = np.zeros_like(kept["u"])
        for t in reversed(range(steps)):
            z, v, phi = kept["z"][t], kept["v"][t], kept["phi"][t]
            dz = dz + dstates[:, t]
            ddt += (dz * kept["v"][t + 1]).sum()
            dv = dv + dt * dz
            force = phi - gamma * z - alpha * v
            ddt += (dv * force).sum()
            dgamma -= dt * (dv * z).sum()
            dalpha -= dt * (dv * v).sum()
            ddrive = dt * dv * (1 - phi**2)
            g["b"] += ddrive.sum(0)
            dz_new, dv_new = dz - dt * gamma * dv, dv - dt * alpha * dv
            for name, source in (("Wz", z), ("Wv", v), ("Wx", kept["u"][:, t])):
                dkernel, dsource = layers.correlate_back(
                    self._kernel(p, name), self._field(source), self._field(ddrive))
                g[name] += dkernel.reshape(g[name].shape)
                dsource = dsource.reshape(source.shape)
                if name == "Wz":
                    dz_new = dz_new + dsource
                elif name == "Wv":
                    dv_new = dv_new + dsource
                else:
                    du[:, t] = dsource
            dz, dv = dz_new, dv_new
        g["dt.raw"] = ddt * dt * (1 - dt)
        g["gamma.raw"] = dgamma * layers.relu_slope(p["gamma.raw"])
        g["alpha.raw"] = dalpha * layers.relu_slope(p["alpha.raw"])

        # The encoder.
        dcode = layers.layernorm_back(kept["code"], axes, du.reshape(kept["code"].shape))
        dstart = layers.layernorm_back(kept["start"], axes, dz)
        first = slice(0, batch * steps, steps)
        if self.gaussian:
            encoder = "q"
            mean, log_variance = kept["mean"], kept["log_variance"]
            half = np.exp(log_variance / 2)
            dmean = scale * mean
            dlog = scale * 0.5 * (np.exp(log_variance) - 1)
            draws = random["random.0"].reshape(mean.shape)
            dmean[:, 0] += dcode
            dlog[:, 0] += dcode * 0.5 * half[:, 0] * draws[:, 0]
            dmean[first, 0] += dstart
            dlog[first, 0] += dstart * 0.5 * half[first, 0] * random["random.1"][:, 0]
            dencoded = np.stack([dmean, dlog], 1).reshape(len(flat), -1)
        else:
            encoder = "u"
            dcode[first] += dstart
            dencoded = dcode.reshape(len(flat), -1)
        g[encoder + ".linear.weight"], g[encoder + ".linear.bias"], dframe = layers.linear_back(
            p[encoder + ".linear.weight"], flat, dencoded)
        g["x"] = (dx + dframe).reshape(x.shape)
        return g
