"""Dormand and Prince's pair with the controller and first step of scipy's `RK45`, for
one interval of a system without explicit time, written down from their papers.

`integrate` gives the state after the interval and the sizes of the accepted steps;
`replay` runs these again, also in complex numbers."""

import numpy as np

A = [[], [1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9],
     [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
     [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]]
B = np.array([35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84])
E = np.array([-71 / 57600, 0, 71 / 16695, -71 / 1920, 17253 / 339200, -22 / 525, 1 / 40])


def norm(x):
    return np.linalg.norm(x) / np.sqrt(len(x))


def attempt(f, y, k1, h):
    k = [k1]
    for row in A[1:]:
        k.append(f(y + h * sum(a * each for a, each in zip(row, k))))
    new = y + h * sum(b * each for b, each in zip(B, k))
    k.append(f(new))
    return new, k


def first_step(f, y, f0, interval, rtol, atol):
    scale = atol + np.abs(y) * rtol
    d0, d1 = norm(y / scale), norm(f0 / scale)
    h0 = 1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1
    h0 = min(h0, interval)
    d2 = norm((f(y + h0 * f0) - f0) / scale) / h0
    if d1 <= 1e-15 and d2 <= 1e-15:
        h1 = max(1e-6, h0 * 1e-3)
    else:
        h1 = (0.01 / max(d1, d2)) ** (1 / 5)
    return min(100 * h0, h1, interval)


def integrate(f, y, interval, rtol, atol):
    t, k1, steps, attempts = 0.0, f(y), [], 0
    h = first_step(f, y, k1, interval, rtol, atol)
    refused = False
    while t < interval:
        attempts += 1
        h_try = min(h, interval - t)
        new, k = attempt(f, y, k1, h_try)
        scale = atol + np.maximum(np.abs(y), np.abs(new)) * rtol
        error = norm(h_try * sum(e * each for e, each in zip(E, k)) / scale)
        if error < 1:
            factor = 10 if error == 0 else min(10, 0.9 * error ** -0.2)
            t = interval if h >= interval - t else t + h_try
            steps.append(h_try)
            y, k1, refused, h = new, k[-1], False, h_try * (min(1, factor) if refused else factor)
        else:
            h, refused = h_try * max(0.2, 0.9 * error ** -0.2), True
    return y, steps, attempts


def replay(f, y, steps):
    for h in steps:
        y, _ = attempt(f, y, f(y), h)
    return y
