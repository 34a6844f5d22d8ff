"""The models of this folder in NumPy, f64, one sample, from their equations."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def conv(kernel, field):
    """sum_k W[k] z[i + k - c] on a torus."""
    out = np.zeros_like(field)
    for i in range(3):
        for j in range(3):
            out += kernel[i, j] * np.roll(field, (1 - i, 1 - j), (0, 1))
    return out


def sheet(p, x):
    """Loss, decoded frames, states over time."""
    dt = sigmoid(p["dt.raw"])
    gamma, alpha = max(p["gamma.raw"], 0), max(p["alpha.raw"], 0)
    z, v = np.zeros((8, 8)), np.zeros((8, 8))
    ys, zs, vs, losses = [], [], [], []
    for t in range(len(x)):
        u = (p["u.linear.weight"] @ x[t].ravel() + p["u.linear.bias"]).reshape(8, 8)
        force = np.tanh(conv(p["Wz"], z) + conv(p["Wv"], v) + conv(p["Wx"], u) + p["b"])
        v = v + dt * (force - gamma * z - alpha * v)
        z = z + dt * v
        y = sigmoid(p["y.linear.weight"] @ z.ravel() + p["y.linear.bias"]).reshape(6, 6)
        losses.append(np.sum((y - x[(t + 1) % len(x)]) ** 2))
        ys.append(y), zs.append(z), vs.append(v)
    return np.mean(losses), np.array(ys), np.array(zs), np.array(vs)


def ring(p, x, label):
    h = np.zeros((3, 12))
    hs = []
    for value in x:
        drive = np.zeros((3, 12))
        for k in range(3):
            drive += np.einsum("oc,ci->oi", p["U"][:, :, k], np.roll(h, 1 - k, 1))
        drive += p["U.bias"][:, None]
        drive += (p["V"][:, 0] * value + p["V.bias"]).reshape(3, 12)
        h = np.maximum(drive, 0)
        hs.append(h)
    y = p["y.linear.weight"] @ h.ravel() + p["y.linear.bias"]
    loss = np.log(np.sum(np.exp(y - y.max()))) + y.max() - y[label]
    return loss, y, np.array(hs)


def decay(p, target, steps):
    k, c, dt, y = np.log1p(np.exp(p["k.raw"])), p["c"], 0.1, 2.0
    ys = []
    for _ in range(steps):
        k1 = c - k * y
        k2 = c - k * (y + dt / 2 * k1)
        k3 = c - k * (y + dt / 2 * k2)
        k4 = c - k * (y + dt * k3)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        ys.append(y)
    return (y - target) ** 2, np.array(ys)


def noisy(p, x, first, each):
    """`first` and `each`: the draws of the two samples."""
    def encode(frame):
        q = p["q.linear.weight"] @ frame + p["q.linear.bias"]
        return q.reshape(2, 2, 5)

    def sample(q, draw):
        return q[0] + np.exp(0.5 * q[1]) * draw

    h = sample(encode(x[0]), first)[0]
    hs, losses = [], []
    for t in range(len(x)):
        mean, log_variance = q = encode(x[t])
        h = np.tanh(p["w"] * h + p["f"] + sample(q, each[t])[0])
        kl = 0.5 * (mean ** 2 + np.exp(log_variance) - 1 - log_variance)
        losses.append(np.sum(h ** 2) + np.sum(kl))
        hs.append(h)
    return np.mean(losses), np.array(hs)


def shared(p, x, draws):
    q = x @ p["u.linear.weight"].T + p["u.linear.bias"]
    u = q[:, :5] + np.exp(0.5 * q[:, 5:]) * draws
    h = u[0]
    losses = []
    for t in range(len(x)):
        h = np.tanh(p["w"] * h + u[t])
        losses.append(np.sum(h ** 2))
    return np.mean(losses)
