"""The workloads in PyTorch, as its documentation teaches: a module's step in a loop over time,
time as the first axis, autograd for the rest. Parameters are named and shaped as loco's.

A model has `prepare(p, x)`, which gives what is done for all steps at once, `start(p, x)`, the
first state, `step(p, state, now)`, one step, and `finish(p, x, states, last)`, the loss of the
batch: the mean over samples.
"""

import torch
import torch.nn.functional as F


def wrap(field):
    """A border of one site on each side, taken around."""
    return F.pad(field, (1, 1, 1, 1), mode="circular")


class Lattice:
    """Workloads B (one channel) and C (16 channels)."""

    def __init__(self, side, channels):
        self.side, self.channels = side, channels

    def shape(self, x):
        return x.reshape(*x.shape[:2], self.channels, self.side, self.side)

    def prepare(self, p, x):
        kernel = [p[k].reshape(self.channels, self.channels, 3, 3) for k in ("Wz", "Wv")]
        drive = self.shape(x["u"]) + p["b"].reshape(self.channels, self.side, self.side)
        return {"kernel": torch.cat(kernel, 1), "drive": drive.unbind(0)}

    def start(self, p, x):
        zero = x["u"].new_zeros(x["u"].shape[1], self.channels, self.side, self.side)
        return zero, zero

    def step(self, p, state, kernel, drive):
        z, v = state
        coupled = F.conv2d(wrap(torch.cat([z, v], 1)), kernel)
        v = v + p["dt"] * (torch.tanh(coupled + drive) - p["gamma"] * z - p["alpha"] * v)
        return z + p["dt"] * v, v

    def loss(self, p, x, step):
        made = self.prepare(p, x)
        state, seen = self.start(p, x), []
        for drive in made["drive"]:
            state = step(p, state, made["kernel"], drive)
            seen.append(state[0])
        difference = torch.stack(seen) - self.shape(x["target"])
        return (difference * difference).sum() / (len(seen) * difference.shape[1])


class LocoRnn:
    """Workload A, and A-full with `gaussian`."""

    side, pixels = 36, 784

    def __init__(self, gaussian):
        self.gaussian = gaussian
        self.lattice = Lattice(self.side, 1)

    def step(self, p, state, kernel, drive):
        return self.lattice.step(p, state, kernel, drive)

    def encode(self, p, frames, x):
        """The drive of each step, the first state, and the divergence per step."""
        sites, rows = self.side**2, frames.shape[0] * frames.shape[1]
        if not self.gaussian:
            u = F.linear(frames, p["u.linear.weight"], p["u.linear.bias"])
            return u, torch.zeros_like(u[0]), 0.0
        mean, logvar = F.linear(frames, p["q.linear.weight"], p["q.linear.bias"]).chunk(2, -1)
        divergence = 0.5 * (logvar.exp() + mean * mean - 1 - logvar).sum()
        mean, deviation = mean[..., :sites], (0.5 * logvar[..., :sites]).exp()
        draw = x.get("random.0")
        draw = torch.randn_like(mean) if draw is None else draw.flatten(2)[..., :sites]
        first = x.get("random.1")
        first = torch.randn_like(mean[0]) if first is None else first.flatten(1)[..., :sites]
        u = F.layer_norm(mean + deviation * draw, (sites,))
        return u, F.layer_norm(mean[0] + deviation[0] * first, (sites,)), divergence

    def loss(self, p, x, step):
        frames = x["x"].flatten(2)
        steps, samples = frames.shape[:2]
        u, first, divergence = self.encode(p, frames, x)
        planes = (steps * samples, 1, self.side, self.side)
        drive = F.conv2d(wrap(u.reshape(planes)), p["Wx"].reshape(1, 1, 3, 3)) + p["b"]
        limited = {"dt": torch.sigmoid(p["dt.raw"])}
        for name in ("gamma", "alpha"):
            limited[name] = F.relu(p[name + ".raw"]) if self.gaussian else p[name]
        kernel = torch.stack([p["Wz"], p["Wv"]])[None]
        z = first.reshape(samples, 1, self.side, self.side)
        state, seen = (z, torch.zeros_like(z)), []
        for now in drive.reshape(steps, samples, 1, self.side, self.side).unbind(0):
            state = step(limited, state, kernel, now)
            seen.append(state[0])
        scores = F.linear(torch.stack(seen).flatten(2), p["y.linear.weight"], p["y.linear.bias"])
        wanted = torch.roll(frames, -1, 0)
        if self.gaussian:
            error = F.binary_cross_entropy_with_logits(scores, wanted, reduction="sum")
        else:
            error = ((torch.sigmoid(scores) - wanted) ** 2).sum()
        return (error + divergence) / (steps * samples)


class WaveRnn:
    """Workload D."""

    channels, sites = 16, 256

    def step(self, p, h, now):
        h = F.pad(h, (1, 1), mode="circular")
        return torch.relu(F.conv1d(h, p["U"], p["U.bias"]) + now)

    def loss(self, p, x, step):
        read = F.linear(x["x"].flatten(2), p["V"], p["V.bias"])
        h = read.new_zeros(read.shape[1], self.channels, self.sites)
        for now in read.reshape(*read.shape[:2], self.channels, self.sites).unbind(0):
            h = step(p, h, now)
        scores = F.linear(h.flatten(1), p["y.linear.weight"], p["y.linear.bias"])
        return F.cross_entropy(scores, x["label"].long())


class DenseCornn:
    """Workload E."""

    dt, gamma, eps = 0.042, 2.7, 4.7

    def step(self, p, state, weight, now):
        y, z = state
        a = torch.addmm(now, torch.cat([y, z], 1), weight)
        z = z + self.dt * (torch.tanh(a) - self.gamma * y - self.eps * z)
        return y + self.dt * z, z

    def loss(self, p, x, step):
        read = F.linear(x["x"].flatten(2), p["V"], p["b"])
        weight = torch.cat([p["W"], p["Wd"]], 1).t()
        state = (torch.zeros_like(read[0]), torch.zeros_like(read[0]))
        for now in read.unbind(0):
            state = step(p, state, weight, now)
        scores = F.linear(state[0], p["out.linear.weight"], p["out.linear.bias"])
        return F.cross_entropy(scores, x["label"].long())


class Rings:
    """Workload F."""

    rings, sites = 24, 54

    def step(self, p, state, now):
        z, v = state
        coupled = p["gz"] * z.roll(-1, 2) + p["gv"] * v.roll(-1, 2)
        dt = p["dt"]
        v = v + dt * (torch.tanh(coupled + now) - p["gamma"] * z - p["alpha"] * v)
        z = F.layer_norm(z + dt * v, (self.rings, self.sites),
                         p["z.affine_layernorm.weight"], p["z.affine_layernorm.bias"])
        return z, v

    def loss(self, p, x, step):
        drive = p["gx"] * x["u"].reshape(*x["u"].shape[:2], self.rings, self.sites).roll(-1, 3)
        drive = drive + p["b"]
        p = dict(p, dt=torch.sigmoid(p["dt.raw"]))
        state, seen = (torch.zeros_like(drive[0]), torch.zeros_like(drive[0])), []
        for now in drive.unbind(0):
            state = step(p, state, now)
            seen.append(state[0])
        difference = torch.stack(seen) - x["target"].reshape(drive.shape)
        return (difference * difference).sum() / (len(seen) * drive.shape[1])


class Kuramoto:
    """Workload G. The sine of a difference is that of two sums, so a step is two sums over the
    neighbourhood."""

    interval, side = 0.1, 128

    def step(self, p, theta, around):
        sine, cosine = torch.sin(theta), torch.cos(theta)
        fields = F.pad(torch.stack([sine, cosine], 1), (2, 2, 2, 2), mode="circular")
        near = F.conv2d(fields, around, groups=2)
        pull = (near[:, 0] * cosine - near[:, 1] * sine) / 24
        return theta + self.interval * (p["omega"] + p["K"] * pull)

    def loss(self, p, x, step):
        theta = torch.pi * (2 * x["random.0"] - 1)
        around = theta.new_ones(2, 1, 5, 5)
        around[:, :, 2, 2] = 0
        for _ in range(x["x"].shape[0]):
            theta = step(p, theta, around)
        order = torch.cos(theta).mean((1, 2)) ** 2 + torch.sin(theta).mean((1, 2)) ** 2
        return order.mean()


class Lstm:
    """Workload H: PyTorch's own LSTM, of one step for `step` to be nothing."""

    def step(self, p, *state):
        return state

    def loss(self, p, x, step):
        read = x["x"].flatten(2)
        hidden = p["h.lstm.U"].shape[1]
        bias = p["h.lstm.W.bias"]
        forget = torch.zeros_like(bias)
        forget[hidden : 2 * hidden] = 1
        zero = read.new_zeros(1, read.shape[1], hidden)
        weights = [p["h.lstm.W"], p["h.lstm.U"], bias, forget]
        _, h, _ = torch.lstm(read, (zero, zero), weights, True, 1, 0.0, True, False, False)
        scores = F.linear(h[0], p["out.linear.weight"], p["out.linear.bias"])
        return F.cross_entropy(scores, x["label"].long())


MODELS = {
    "A": LocoRnn(gaussian=False),
    "A-full": LocoRnn(gaussian=True),
    "B": Lattice(72, 1),
    "B-512": Lattice(512, 1),
    "C": Lattice(32, 16),
    "D": WaveRnn(),
    "E": DenseCornn(),
    "E-768": DenseCornn(),
    "F": Rings(),
    "G": Kuramoto(),
    "G16": Kuramoto(),
    "H": Lstm(),
}
