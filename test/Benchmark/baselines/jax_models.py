"""The workloads in JAX, as its documentation teaches: a step for `jax.lax.scan` over the time
axis, which is the first, and `jax.jit` of `jax.value_and_grad`. Parameters are named and
shaped as loco's. Each function gives the loss of the batch: the mean over samples.
"""

from itertools import product

import jax
import jax.numpy as jnp
from jax import lax


def wrap(field):
    return jnp.pad(field, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap")


def conv(field, kernel):
    return lax.conv_general_dilated(wrap(field), kernel, (1, 1), "VALID")


def mix(field, kernel):
    """The same with many channels: a matrix for each tap. XLA's convolution of 16 channels by
    16 takes 3.5 times as long on a processor, forward and backward; one matrix for all taps
    half as long again."""
    axes = tuple(range(2, field.ndim))
    taps = product(*(range(size) for size in kernel.shape[2:]))
    return sum(jnp.einsum("oc,bc...->bo...", kernel[(..., *tap)],
                          jnp.roll(field, [1 - k for k in tap], axes)) for tap in taps)


def oscillate(z, v, a, dt, gamma, alpha):
    v = v + dt * (jnp.tanh(a) - gamma * z - alpha * v)
    return z + dt * v, v


def lattice(side, channels):
    """Workloads B and C. `jax.checkpoint` lets the way back compute what is inside of a step
    again: twice as fast here as keeping it. With one channel sums of moved copies in place of
    the convolution, and of slices, are four times slower."""
    couple = conv if channels == 1 else mix

    def loss(p, x):
        u = x["u"].reshape(*x["u"].shape[:2], channels, side, side)
        target = x["target"].reshape(u.shape)
        b = p["b"].reshape(channels, side, side)
        kernel = [p[k].reshape(channels, channels, 3, 3) for k in ("Wz", "Wv")]

        @jax.checkpoint
        def step(state, now):
            z, v = state
            drive, wanted = now
            a = couple(z, kernel[0]) + couple(v, kernel[1]) + drive + b
            z, v = oscillate(z, v, a, p["dt"], p["gamma"], p["alpha"])
            return (z, v), ((z - wanted) ** 2).sum()

        _, losses = lax.scan(step, (jnp.zeros_like(u[0]),) * 2, (u, target))
        return losses.sum() / (u.shape[0] * u.shape[1])

    return loss


def layer_norm(x, axes):
    mean = x.mean(axes, keepdims=True)
    return (x - mean) * lax.rsqrt(x.var(axes, keepdims=True) + 1e-5)


def locornn(gaussian):
    side, sites = 36, 36 * 36

    def encode(p, frames, x):
        if not gaussian:
            u = frames @ p["u.linear.weight"].T + p["u.linear.bias"]
            return u, jnp.zeros_like(u[0]), 0.0
        q = frames @ p["q.linear.weight"].T + p["q.linear.bias"]
        mean, logvar = jnp.split(q, 2, -1)
        divergence = 0.5 * (jnp.exp(logvar) + mean**2 - 1 - logvar).sum()
        mean, deviation = mean[..., :sites], jnp.exp(0.5 * logvar[..., :sites])
        if "random.0" in x:
            draw = x["random.0"].reshape(*mean.shape[:2], -1)[..., :sites]
            first = x["random.1"].reshape(mean.shape[1], -1)[..., :sites]
        else:
            keys = jax.random.split(jax.random.key(0))
            draw = jax.random.normal(keys[0], mean.shape)
            first = jax.random.normal(keys[1], mean.shape[1:])
        u = layer_norm(mean + deviation * draw, -1)
        return u, layer_norm(mean[0] + deviation[0] * first, -1), divergence

    def loss(p, x):
        frames = x["x"].reshape(*x["x"].shape[:2], -1)
        steps, samples = frames.shape[:2]
        u, first, divergence = encode(p, frames, x)

        def couple(field, kernel):
            return conv(field, kernel.reshape(1, 1, 3, 3))

        drive = couple(u.reshape(steps * samples, 1, side, side), p["Wx"]) + p["b"]
        drive = drive.reshape(steps, samples, 1, side, side)
        dt = jax.nn.sigmoid(p["dt.raw"])
        gamma, alpha = (jax.nn.relu(p[n + ".raw"]) if gaussian else p[n]
                        for n in ("gamma", "alpha"))

        def step(state, now):
            z, v = state
            a = couple(z, p["Wz"]) + couple(v, p["Wv"]) + now
            z, v = oscillate(z, v, a, dt, gamma, alpha)
            return (z, v), z

        z = first.reshape(samples, 1, side, side)
        _, seen = lax.scan(step, (z, jnp.zeros_like(z)), drive)
        scores = seen.reshape(steps, samples, sites) @ p["y.linear.weight"].T
        scores = scores + p["y.linear.bias"]
        wanted = jnp.roll(frames, -1, 0)
        if gaussian:
            error = (jax.nn.softplus(scores) - wanted * scores).sum()
        else:
            error = ((jax.nn.sigmoid(scores) - wanted) ** 2).sum()
        return (error + divergence) / (steps * samples)

    return loss


def cross_entropy(scores, label):
    chosen = jnp.take_along_axis(scores, label[:, None], 1)[:, 0]
    return (jax.nn.logsumexp(scores, 1) - chosen).mean()


def wave_rnn(p, x):
    frames = x["x"].reshape(*x["x"].shape[:2], 1)

    def step(h, now):
        drive = (now @ p["V"].T + p["V.bias"]).reshape(h.shape)
        return jax.nn.relu(mix(h, p["U"]) + p["U.bias"][:, None] + drive), None

    h, _ = lax.scan(step, jnp.zeros((frames.shape[1], 16, 256)), frames)
    scores = h.reshape(len(h), -1) @ p["y.linear.weight"].T + p["y.linear.bias"]
    return cross_entropy(scores, x["label"])


def dense_cornn(p, x):
    frames = x["x"].reshape(*x["x"].shape[:2], 1)
    dt, gamma, eps = 0.042, 2.7, 4.7
    weight = jnp.concatenate([p["W"], p["Wd"]], 1).T

    def step(state, now):
        y, z = state
        a = jnp.concatenate(state, 1) @ weight + now @ p["V"].T + p["b"]
        z = z + dt * (jnp.tanh(a) - gamma * y - eps * z)
        return (y + dt * z, z), None

    zero = jnp.zeros((frames.shape[1], len(p["b"])))
    (y, _), _ = lax.scan(step, (zero, zero), frames)
    return cross_entropy(y @ p["out.linear.weight"].T + p["out.linear.bias"], x["label"])


def rings(p, x):
    u = x["u"].reshape(*x["u"].shape[:2], 24, 54)
    dt = jax.nn.sigmoid(p["dt.raw"])

    def shift(field):
        return jnp.roll(field, -1, -1)

    def step(state, now):
        z, v = state
        drive, wanted = now
        a = p["gz"] * shift(z) + p["gv"] * shift(v) + p["gx"] * shift(drive) + p["b"]
        z, v = oscillate(z, v, a, dt, p["gamma"], p["alpha"])
        z = p["z.affine_layernorm.weight"] * layer_norm(z, (1, 2))
        z = z + p["z.affine_layernorm.bias"]
        return (z, v), ((z - wanted) ** 2).sum()

    target = x["target"].reshape(u.shape)
    _, losses = lax.scan(step, (jnp.zeros_like(u[0]),) * 2, (u, target))
    return losses.sum() / (u.shape[0] * u.shape[1])


def kuramoto(p, x):
    def near(field):
        """The sum over 5 x 5 sites, rows first, without the site itself."""
        rows = sum(jnp.roll(field, k, 1) for k in range(-2, 3))
        return sum(jnp.roll(rows, k, 2) for k in range(-2, 3)) - field

    def step(theta, _):
        sine, cosine = jnp.sin(theta), jnp.cos(theta)
        pull = (near(sine) * cosine - near(cosine) * sine) / 24
        return theta + 0.1 * (p["omega"] + p["K"] * pull), None

    theta, _ = lax.scan(step, jnp.pi * (2 * x["random.0"] - 1), x["x"][:, 0])
    order = jnp.cos(theta).mean((1, 2)) ** 2 + jnp.sin(theta).mean((1, 2)) ** 2
    return order.mean()


def lstm(p, x):
    frames = x["x"].reshape(*x["x"].shape[:2], 1)
    hidden = p["h.lstm.U"].shape[1]

    def step(state, now):
        h, c = state
        gates = now @ p["h.lstm.W"].T + h @ p["h.lstm.U"].T + p["h.lstm.W.bias"]
        put, forget, candidate, out = jnp.split(gates, 4, 1)
        c = jax.nn.sigmoid(forget + 1) * c + jax.nn.sigmoid(put) * jnp.tanh(candidate)
        return (jax.nn.sigmoid(out) * jnp.tanh(c), c), None

    zero = jnp.zeros((frames.shape[1], hidden))
    (h, _), _ = lax.scan(step, (zero, zero), frames)
    return cross_entropy(h @ p["out.linear.weight"].T + p["out.linear.bias"], x["label"])


MODELS = {
    "A": locornn(gaussian=False),
    "A-full": locornn(gaussian=True),
    "B": lattice(72, 1),
    "B-512": lattice(512, 1),
    "C": lattice(32, 16),
    "D": wave_rnn,
    "E": dense_cornn,
    "E-768": dense_cornn,
    "F": rings,
    "G": kuramoto,
    "G16": kuramoto,
    "H": lstm,
}
