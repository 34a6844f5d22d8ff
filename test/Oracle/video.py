# The videos' LocoRNN whole, at a small size: convolutions around a lattice that starts
# where a GRU, run backwards over the first frames, puts it.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import drive
import layers
from formula import Formula

program = pathlib.Path(__file__).resolve().parents[2] / "examples/hamiltonian_locornn.loco"
PIXELS, COLORS, SIDE, FEATURES, CAP, SHOWN = 8, 1, 3, 1, 2, 2
SITES = SIDE * SIDE


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def conv(p, name, x, stride=1):
    """SAME padding: half before, the odd one behind. x [batch, channels, n, n]."""
    kernel = p[name + ".weight"]
    n = x.shape[-1]
    count = -(-n // stride)
    total = max((count - 1) * stride + 3 - n, 0)
    before = total // 2
    padded = np.pad(x, [(0, 0), (0, 0), (before, 3), (before, 3)])
    y = 0
    for i in range(3):
        for j in range(3):
            seen = padded[:, :, i:i + count * stride:stride, j:j + count * stride:stride]
            y = y + np.einsum("oc,bcxy->boxy", kernel[:, :, i, j], seen)
    return y + p[name + ".bias"][:, None, None]


def leaky(x):
    return np.where(x.real > 0, x, 0.01 * x)


def encode(p, x):
    for block in ("first", "second", "third"):
        name = f"u.encoder.{block}.conv"
        x = leaky(conv(p, name, x, 2))
        x = leaky(conv(p, name + "2", x))
    x = conv(p, "u.encoder.third.conv3", x)
    u = layers.linear(p["u.encoder.linear.weight"], p["u.encoder.linear.bias"],
                      x.reshape(len(x), -1))
    return u


def decode(p, z, v):
    n = PIXELS // 8
    start = layers.linear(p["y.decoder.start.linear.weight"], p["y.decoder.start.linear.bias"],
                          np.concatenate([z, v], 1)).reshape(len(z), CAP, n, n)
    pictures = np.broadcast_to(p["y.decoder.pictures"], (len(z), 2, n, n))
    x = np.concatenate([pictures, start], 1)
    for block in ("first.", "second.", ""):
        name = f"y.decoder.{block}conv"
        x = leaky(conv(p, name, x.repeat(2, -1).repeat(2, -2)))
        x = leaky(conv(p, name + "2", x))
    return sigmoid(conv(p, "y.decoder.conv3", x))


def gru(p, inputs):
    """Cho's: the reset gate acts before the product."""
    h = np.zeros((len(inputs[0]), 2 * SITES), inputs[0].dtype)
    for u in inputs:
        a = layers.linear(p["init.z.chogru.W"], p["init.z.chogru.W.bias"], u).reshape(len(u), 3, -1)
        b = (h @ p["init.z.chogru.U"].T).reshape(len(u), 2, -1)
        update = sigmoid(a[:, 1] + b[:, 1])
        reset = sigmoid(a[:, 0] + b[:, 0])
        candidate = np.tanh(a[:, 2] + (reset * h) @ p["init.z.chogru.V"].T)
        h = (1 - update) * candidate + update * h
    return h


def compute(p, inputs):
    x = inputs["x"]
    batch, steps = x.shape[:2]
    u = [encode(p, x[:, t]) for t in range(steps)]
    start = gru(p, u[:SHOWN][::-1])
    sheet = (batch, 1, SIDE, SIDE)
    z, v = start[:, :SITES].reshape(sheet), start[:, SITES:].reshape(sheet)
    dt = sigmoid(p["dt.raw"])
    gamma, alpha = layers.relu(p["gamma.raw"]), layers.relu(p["alpha.raw"])
    kernels = [p[name][None, None] for name in ("Wz", "Wv", "Wx")]
    zs, vs, ys = [], [], []
    for t in range(steps):
        a = sum(layers.correlate(k, f) for k, f in zip(kernels, (z, v, u[t].reshape(sheet))))
        v = v + dt * (np.tanh(a + p["b"]) - gamma * z - alpha * v)
        z = z + dt * v
        zs.append(z[:, 0])
        vs.append(v[:, 0])
        ys.append(decode(p, z.reshape(batch, -1), v.reshape(batch, -1)))
    y = np.stack(ys, 1)
    errors = ((y[:, :-1] - x[:, 1:])**2).mean((2, 3, 4))
    return {"z": np.stack(zs, 1), "v": np.stack(vs, 1), "y": y, "loss.samples": errors.mean(1)}


def shapes():
    F, n = FEATURES, PIXELS // 8
    result = {"dt.raw": (), "gamma.raw": (), "alpha.raw": (), "b": (SIDE, SIDE),
              "Wz": (3, 3), "Wv": (3, 3), "Wx": (3, 3)}

    def add_conv(name, first, second):
        result[name + ".weight"], result[name + ".bias"] = (second, first, 3, 3), (second,)

    def add_linear(name, first, second):
        result[name + ".weight"], result[name + ".bias"] = (second, first), (second,)

    for block, first in (("first", COLORS), ("second", F), ("third", F)):
        add_conv(f"u.encoder.{block}.conv", first, F)
        add_conv(f"u.encoder.{block}.conv2", F, F)
    add_conv("u.encoder.third.conv3", F, SITES)
    add_linear("u.encoder.linear", SITES * n * n, SITES)
    result.update({"init.z.chogru.W": (6 * SITES, SITES), "init.z.chogru.W.bias": (6 * SITES,),
                   "init.z.chogru.U": (4 * SITES, 2 * SITES), "init.z.chogru.V": (2 * SITES, 2 * SITES)})
    result["y.decoder.pictures"] = (2, n, n)
    add_linear("y.decoder.start.linear", 2 * SITES, CAP * n * n)
    for block, first in (("first.", CAP + 2), ("second.", F), ("", F)):
        add_conv(f"y.decoder.{block}conv", first, F)
        add_conv(f"y.decoder.{block}conv2", F, F)
    add_conv("y.decoder.conv3", F, COLORS)
    return result


class Video(Formula):
    # The example has systems, too.
    name = "Video"

    def draw(self, rng):
        values = super().draw(rng)
        values.update({"dt.raw": np.array(-1.5), "gamma.raw": np.array(0.9),
                       "alpha.raw": np.array(0.6)})
        return values


drive.compare_all([("video", program,
                    Video(shapes(), {"x": (COLORS, PIXELS, PIXELS)}, per_step=True,
                          compute=compute),
                    {"pixels": PIXELS, "colors": COLORS, "extent": SIDE, "features": FEATURES,
                     "cap": CAP, "shown": SHOWN}, 1, 3)])
