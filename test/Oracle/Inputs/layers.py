"""Building blocks of the oracles: values and their derivatives, in NumPy.

Everything forward is analytic in the imaginary direction, so that it can be run
on complex numbers: that is how the hand-written derivatives are checked (see
`check.complex_step`). Arrays of a batch have the batch first.
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.where(x.real > 0, x, 0 * x)


def relu_slope(x):
    return (x.real > 0).astype(float)


def linear(weight, bias, x):
    """weight [out, in], x [..., in]."""
    return x @ weight.T + bias


def linear_back(weight, x, dy):
    """Derivatives by weight, bias and x."""
    flat_x, flat_dy = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return flat_dy.T @ flat_x, flat_dy.sum(0), dy @ weight


def layernorm(x, axes, eps=1e-5):
    """Over all of `axes`, biased variance, without gain and bias."""
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axes, keepdims=True) + eps)


def layernorm_back(x, axes, dy, eps=1e-5):
    centred = x - x.mean(axes, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axes, keepdims=True) + eps)
    normal = centred / deviation
    return (dy - dy.mean(axes, keepdims=True)
            - normal * (dy * normal).mean(axes, keepdims=True)) / deviation


def _taps(kernel):
    """Index of every tap of a kernel [out, in, ...] and its distance from the
    centre along each axis."""
    window = kernel.shape[2:]
    for tap in np.ndindex(*window):
        yield tap, tuple(k - n // 2 for k, n in zip(tap, window))


def _shifted(z, distance, sign):
    axes = tuple(range(z.ndim - len(distance), z.ndim))
    return np.roll(z, tuple(sign * d for d in distance), axes)


def correlate(kernel, z):
    """(W z)[i] = sum_k W[k] z[i + k - c] on rings or a torus.

    kernel [out, in, ...], or [out, 1, ...] for channels by themselves;
    z [batch, channels, ...].
    """
    mixes = kernel.shape[1] > 1 or kernel.shape[0] == 1
    result = 0
    for tap, distance in _taps(kernel):
        moved = _shifted(z, distance, -1)
        weight = kernel[(slice(None), slice(None)) + tap]
        if mixes:
            result = result + np.einsum("oi,bi...->bo...", weight, moved)
        else:
            result = result + np.einsum("o,bo...->bo...", weight[:, 0], moved)
    return result


def correlate_back(kernel, z, dy):
    """Derivatives by kernel and z."""
    mixes = kernel.shape[1] > 1 or kernel.shape[0] == 1
    dkernel, dz = np.zeros_like(kernel), np.zeros_like(z)
    sites = "xyw"[: z.ndim - 2]
    for tap, distance in _taps(kernel):
        moved = _shifted(z, distance, -1)
        back = _shifted(dy, distance, 1)
        at = (slice(None), slice(None)) + tap
        if mixes:
            dkernel[at] = np.einsum(f"bo{sites},bi{sites}->oi", dy, moved)
            dz += np.einsum("oi,bo...->bi...", kernel[at], back)
        else:
            dkernel[at] = np.einsum(f"bo{sites},bo{sites}->o", dy, moved)[:, None]
            dz += np.einsum("o,bo...->bo...", kernel[at][:, 0], back)
    return dkernel, dz


def bernoulli(logit, target):
    """Negative log likelihood of grey values under Bernoulli(sigmoid(logit))."""
    p = sigmoid(logit)
    return -(target * np.log(p) + (1 - target) * np.log(1 - p))


def divergence(mean, log_variance):
    """KL of a diagonal Gaussian from the standard normal, term by term."""
    return 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance)


def softmax(x):
    shifted = np.exp(x - x.real.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def cross_entropy(scores, label):
    """scores [..., classes], label [...]."""
    shift = scores.real.max(-1, keepdims=True)
    log_sum = np.log(np.exp(scores - shift).sum(-1)) + shift[..., 0]
    return log_sum - np.take_along_axis(scores, label[..., None], -1)[..., 0]


def one_hot(label, classes):
    return np.eye(classes)[label]
