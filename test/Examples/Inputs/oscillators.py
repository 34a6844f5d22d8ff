"""Holds the probes of the examples with oscillators to what is known of them."""

import json
import os
import sys

import numpy as np

what, folder, *rest = sys.argv[1:]
results = json.load(open(f"{folder}/results.json"))["simulation"]
model = {"crowd": "Crowd", "ring": "Ring", "sheet": "Sheet", "chain": "Chain"}[what]
probes = np.load(f"{folder}/{model}/probes.npz")
numbers = results[model]["probes"]


def figures(*names):
    for name in names:
        assert os.path.getsize(f"{folder}/figures/{name}_{model}.png") > 1000, name


def turns(theta):
    """Around a ring, from one row of phases."""
    steps = np.diff(np.append(theta, theta[..., :1], axis=-1))
    return np.sum((steps + np.pi) % (2 * np.pi) - np.pi, axis=-1) / (2 * np.pi)


if what == "crowd":
    strength = float(rest[0])
    order = probes["order"][0]
    assert order.shape == (200,)
    assert numbers["order"]["final"] == order[-1]
    settled = order[100:].mean()
    wanted = np.sqrt(1 - 1 / strength) if strength > 1 else 0
    print(settled, wanted)
    assert abs(settled - wanted) < (0.02 if strength > 1 else 0.06)
    figures("order")
elif what == "ring":
    before, after = turns(probes["theta"][0, 0]), turns(probes["theta"][0, -1])
    print(before, after)
    assert probes["theta"].shape == (1, 200, 40)
    assert abs(before - int(rest[0])) < 1e-3 or rest[1] == "decays"
    if rest[1] == "stays":
        assert abs(after - int(rest[0])) < 1e-3
        assert abs(probes["winding"][0, -1] - int(rest[0])) < 1e-3
    else:
        assert abs(after) < 10 and abs(after - round(after)) < 1e-3
    figures("winding", "theta")
elif what == "sheet":
    def vortices(theta):
        corners = np.stack([theta, np.roll(theta, -1, 0), np.roll(theta, (-1, -1), (0, 1)),
                            np.roll(theta, -1, 1)], axis=-1)
        return np.sum(np.abs(np.round(turns(corners))))
    theta = probes["theta"][0]
    assert theta.shape == (120, 24, 24)
    counts = [vortices(theta[i]) for i in (0, 20, 119)]
    print(counts)
    assert counts[0] > counts[1] > counts[2] >= 0 and counts[2] % 2 == 0
    assert np.allclose(probes["order"][0, -1], abs(np.exp(1j * theta[-1].astype(float)).mean()), atol=1e-5)
    figures("order", "theta")
else:
    spread = probes["spread"][0]
    print(spread[0], spread[-100:].max())
    assert (spread[-100:].max() < 1e-2) == (rest[0] == "locked")
    if rest[0] == "locked":
        # The local wave number is asin(partial sum / K).
        partial = np.cumsum(0.1 * (np.arange(20) - 9.5))[:-1]
        lags = np.diff(probes["theta"][0, -1].astype(float))
        assert np.allclose(np.sin(lags), -partial / 5.05, atol=2e-2)
    figures("spread", "theta")
