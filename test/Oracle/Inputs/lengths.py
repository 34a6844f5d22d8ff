"""The models of lengths.loco in NumPy: every sample by itself, cut to the steps that
count before anything is computed. Complex numbers pass through, for derivatives."""

import numpy as np


def dense_states(p, x):
    """h before the first step and after each."""
    h = np.full(p["W"].shape[0], 0.1, np.result_type(float, *x))
    states = [h]
    for step in x:
        h = np.tanh(p["W"] @ h + p["V"] @ step + p["V.bias"])
        states.append(h)
    return states


def read_out(p, h):
    return p["y.linear.weight"] @ h + p["y.linear.bias"]


def next_step(p, x, inputs):
    states = dense_states(p, x)
    losses = [np.sum((read_out(p, states[t + 1]) - x[t + 1]) ** 2) for t in range(len(x) - 1)]
    return sum(losses) / max(len(losses), 1), {}


def summary(p, x, inputs):
    states = dense_states(p, x)
    out = p["out.linear.weight"] @ states[-1] + p["out.linear.bias"]
    mid = sum(states[1:]) / max(len(x), 1) if len(x) else np.zeros_like(states[0])
    total = x.sum(0)
    end = x[-1] if len(x) else np.zeros(3)
    loss = (np.sum((out - inputs["target"]) ** 2) + np.sum(mid ** 2) + 0.1 * np.sum(total ** 2)
            + np.sum(end * total))
    return loss, {"out": out, "mid": mid, "all": total, "end": end}


def wrapped(p, x, inputs):
    if not len(x):
        return 0.0, {}
    z, v, loss = x[0], np.zeros(x.shape[1], x.dtype), 0.0
    for t, step in enumerate(x):
        drive = sum(p["K"][k] * np.roll(z, 1 - k) for k in range(3))
        v = v + 0.1 * (np.tanh(drive + step) - p["gamma"] * z - 0.5 * v)
        z = np.tanh(z + 0.1 * v)
        loss = loss + np.sum((z - x[(t + 1) % len(x)]) ** 2)
    return loss / len(x), {}


def masked(p, x, inputs):
    """Here x and the mask have all steps."""
    mask, h = inputs["m"], np.full(p["W"].shape[0], 0.1, x.dtype)
    losses, outputs, end = [], [], np.zeros(3, x.dtype)
    for t, step in enumerate(x):
        if not mask[t]:
            continue
        h = np.tanh(p["W"] @ h + p["V"] @ step + p["V.bias"])
        outputs.append(read_out(p, h))
        end = step
        if t + 1 < len(x) and mask[t + 1]:
            losses.append(np.sum((outputs[-1] - x[t + 1]) ** 2)
                          + 0.1 * np.sum((outputs[-1] - step) ** 2))
    mid = sum(outputs) / len(outputs) if outputs else np.zeros(3)
    return sum(losses) / max(len(losses), 1), {"end": end, "mid": mid}


def size_of(step):
    return np.sqrt(np.sum(step ** 2))


def ratio(p, x, inputs):
    states = dense_states(p, [step / size_of(step) for step in x])
    losses = [np.sum((read_out(p, states[t + 1]) - x[t + 1]) ** 2) + np.log(size_of(x[t]))
              for t in range(len(x) - 1)]
    return sum(losses) / max(len(losses), 1), {}


def ratio_masked(p, x, inputs):
    """Here x and the mask have all steps."""
    mask, h = inputs["m"], np.full(p["W"].shape[0], 0.1, x.dtype)
    losses, begin = [], None
    for t, step in enumerate(x):
        if not mask[t]:
            continue
        begin = step if begin is None else begin
        h = np.tanh(p["W"] @ h + p["V"] @ (step / size_of(step)) + p["V.bias"])
        if t + 1 < len(x) and mask[t + 1]:
            losses.append(np.sum((read_out(p, h) - x[t + 1]) ** 2) + np.log(size_of(step)))
    begin = np.ones(3) if begin is None else begin
    return sum(losses) / max(len(losses), 1), {"begin": begin}


def dense_shapes(n):
    return {"W": (n, n), "V": (n, 3), "V.bias": (n,)}


def read_out_shapes(n, name, size):
    return {f"{name}.linear.weight": (size, n), f"{name}.linear.bias": (size,)}


def shapes(model, n):
    return {"NextStep": lambda: {**dense_shapes(n), **read_out_shapes(n, "y", 3)},
            "Summary": lambda: {**dense_shapes(n), **read_out_shapes(n, "out", 2)},
            "Wrapped": lambda: {"gamma": (), "K": (3,)},
            "Masked": lambda: {**dense_shapes(n), **read_out_shapes(n, "y", 3)},
            "Ratio": lambda: {**dense_shapes(n), **read_out_shapes(n, "y", 3)},
            "RatioMasked": lambda: {**dense_shapes(n), **read_out_shapes(n, "y", 3)}}[model]()


SAMPLES = {"NextStep": next_step, "Summary": summary, "Wrapped": wrapped, "Masked": masked,
           "Ratio": ratio, "RatioMasked": ratio_masked}


def forward(model, p, inputs):
    """Mean loss, and the results of each sample."""
    losses, results = [], []
    for i in range(len(inputs["x"])):
        own = {name: value[i] for name, value in inputs.items()}
        x = own["x"] if "m" in own else own["x"][:own["length"]]
        loss, found = SAMPLES[model](p, x, own)
        losses.append(loss)
        results.append(found)
    return sum(losses) / len(losses), results
