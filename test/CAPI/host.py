"""The host program of examples/embedding against the closed form of a driven,
damped oscillator under symplectic Euler.

RUN: loco-embedding-host | %python %s
"""

import re
import sys

import numpy as np

DT, OMEGA, ALPHA, PUSH = 0.01, 2.0, 0.3, 1.5


def propagate(z, v, drive, steps):
    """The state after `steps` steps of constant drive: about its rest position
    the step is a matrix of determinant 1 - alpha dt, whose powers are a rotation
    by theta, shrunk by sqrt(1 - alpha dt)."""
    rest = drive / OMEGA**2
    step = np.array([[1 - DT**2 * OMEGA**2, DT * (1 - ALPHA * DT)],
                     [-DT * OMEGA**2, 1 - ALPHA * DT]])
    shrink = np.sqrt(1 - ALPHA * DT)
    # cos(theta) = trace / (2 shrink), which is near 1: its distance from 1 by
    # way of trace = 1 + shrink^2 - (omega dt)^2, without cancellation.
    fall = ALPHA * DT / (1 + shrink)
    theta = 2 * np.arcsin(np.sqrt(((DT * OMEGA) ** 2 - fall**2) / (4 * shrink)))
    # Cayley-Hamilton: M^n = s^n (sin(n theta) M / (s sin theta) - sin((n - 1) theta) / sin theta).
    power = shrink**steps / np.sin(theta) * (
        np.sin(steps * theta) * step / shrink - np.sin((steps - 1) * theta) * np.eye(2))
    return np.array([rest, 0]) + power @ np.array([z - rest, v])


lines = [re.fullmatch(r" *(\d+)  z = (\S+)  v = (\S+)", line.rstrip()) for line in sys.stdin]
assert len(lines) == 10 and all(lines), "the program prints something else"
for line in lines:
    step, z, v = int(line[1]), float(line[2]), float(line[3])
    pushed = propagate(0, 0, PUSH, min(step, 300))
    expected = propagate(*pushed, 0, step - 300) if step > 300 else pushed
    # Rounding of a thousand steps, where that of the matrix's powers is 1 / theta larger.
    assert np.allclose([z, v], expected, rtol=0, atol=1e-12), (step, z, v, expected)
