"""Couplings as matrices: a model that is a recurrent network through any linear map.

    s <- tanh(M x + b + s / 2),   loss: mean over time of sum(s^2)

Each kind of coupling is one function that builds M from its parameters, site by
site, as the language's page defines it.
"""

import itertools

import numpy as np

from formula import Formula


class Mapped(Formula):
    """shapes: {parameter: shape}; build(p): matrix [out, in] and bias [out] or 0;
    frozen: names of parameters without gradient, with their values."""

    def __init__(self, from_shape, to_shape, shapes, build, frozen={}):
        super().__init__(shapes, {"x": from_shape}, frozen, per_step=True)
        self.to_shape, self.build = tuple(to_shape), build

    def compute(self, p, inputs):
        x = inputs["x"]
        batch, steps = x.shape[:2]
        matrix, bias = self.build(p)
        s = np.zeros((batch, matrix.shape[0]), dtype=np.result_type(matrix, x))
        states = []
        for t in range(steps):
            s = np.tanh(x[:, t].reshape(batch, -1) @ matrix.T + bias + 0.5 * s)
            states.append(s)
        states = np.stack(states, 1)
        return {"s": states.reshape((batch, steps) + self.to_shape),
                "loss.samples": (states**2).sum(2).mean(1)}


def conv(kernel, sites, outputs, stride, low, wraps, groups=1):
    """kernel [out, in / groups, *window] as a matrix, by the sum of the page."""
    out, in_group, *window = kernel.shape
    num_from, num_to = int(np.prod(sites)), int(np.prod(outputs))
    matrix = np.zeros((out, num_to, in_group * groups, num_from), kernel.dtype)
    for to, target in enumerate(np.ndindex(*outputs)):
        for tap in np.ndindex(*window):
            source = [i * stride + t - l for i, t, l in zip(target, tap, low)]
            if wraps:
                source = [s % n for s, n in zip(source, sites)]
            if all(0 <= s < n for s, n in zip(source, sites)):
                at = int(np.ravel_multi_index(source, sites))
                for o, i in itertools.product(range(out), range(in_group)):
                    channel = o // (out // groups) * in_group + i
                    matrix[o, to, channel, at] += kernel[(o, i) + tap]
    return matrix.reshape(out * num_to, -1)


def local(kernel, sites, wraps, channels, mixes):
    """kernel [out, in, *window, *sites], or [*window, *sites] without channels, along
    the last axes of `sites`."""
    many = max(channels, 1)
    if not channels:
        kernel = kernel[None, None]
    window = kernel.shape[2:kernel.ndim - len(sites)]
    across = len(sites) - len(window)
    matrix = np.zeros((many, int(np.prod(sites)), many, int(np.prod(sites))), kernel.dtype)
    for to, target in enumerate(np.ndindex(*sites)):
        for tap in np.ndindex(*window):
            source = list(target)
            for axis, t in enumerate(tap):
                source[across + axis] += t - window[axis] // 2
            if wraps:
                source = [s % n for s, n in zip(source, sites)]
            if all(0 <= s < n for s, n in zip(source, sites)):
                at = int(np.ravel_multi_index(source, sites))
                for o in range(many):
                    for i in range(many if mixes else 1):
                        weight = kernel[(o, i) + tap + target]
                        matrix[o, to, i if mixes else o, at] += weight
    return matrix.reshape(many * int(np.prod(sites)), -1)


def gaussian(width, sites, wraps):
    """A normalised Gaussian that ends at three widths, or where the lattice does."""
    reach = [min(int(np.ceil(3 * width)), (n - 1) // 2) for n in sites]
    offsets = list(itertools.product(*(range(-r, r + 1) for r in reach)))
    weights = np.array([np.exp(-sum(d * d for d in o) / (2 * width**2)) for o in offsets])
    weights /= weights.sum()
    matrix = np.zeros((int(np.prod(sites)),) * 2)
    for to, target in enumerate(np.ndindex(*sites)):
        for offset, weight in zip(offsets, weights):
            source = [i + d for i, d in zip(target, offset)]
            if wraps:
                source = [s % n for s, n in zip(source, sites)]
            if all(0 <= s < n for s, n in zip(source, sites)):
                matrix[to, int(np.ravel_multi_index(source, sites))] += weight
    return matrix


def near(radius, sites, wraps):
    """1 for the sites at Chebyshev distance 1 to `radius`."""
    matrix = np.zeros((int(np.prod(sites)),) * 2)
    for to, target in enumerate(np.ndindex(*sites)):
        for at, source in enumerate(np.ndindex(*sites)):
            distances = [abs(i - j) for i, j in zip(target, source)]
            if wraps:
                distances = [min(d, n - d) for d, n in zip(distances, sites)]
            matrix[to, at] = 1 <= max(distances) <= radius
    return matrix
