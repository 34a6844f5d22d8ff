"""Compares the optimisers of the run-time with NumPy, in double precision.

Written from PyTorch's documentation of SGD, Adam, AdamW, clip_grad_value_ and
clip_grad_norm_. Usage: optimizer_oracle.py <folder for files>
"""

import subprocess
import sys

import numpy as np

SHAPES = {"a": (3, 5), "b": (), "c.weight": (50001,), "d": (7,)}
UPDATES = 6


def oracle(values, gradients, o):
    """Values and memory after all updates, and the norms."""
    p = {k: v.astype(np.float64) for k, v in values.items()}
    learned = [k for k in p if not o.get("freeze:" + k)]
    memory = {}
    norms = []
    for t in range(UPDATES):
        g = {k: gradients[t][k].astype(np.float64) for k in learned}
        norms.append(np.sqrt(sum(np.sum(x * x) for x in g.values())))
        if o.get("clip_value"):
            g = {k: np.clip(x, -o["clip_value"], o["clip_value"]) for k, x in g.items()}
        if o.get("clip_norm"):
            norm = np.sqrt(sum(np.sum(x * x) for x in g.values()))
            g = {k: x * min(1.0, o["clip_norm"] / (norm + 1e-6)) for k, x in g.items()}
        for k in learned:
            rate = o.get("rate:" + k, o["rate"]) / (1 + t)
            x = g[k] + o.get("coupled_decay", 0) * p[k]
            p[k] = p[k] * (1 - rate * o.get("decoupled_decay", 0))
            if o["method"] == "sgd":
                mu = o.get("momentum", 0)
                if mu:
                    v = memory["velocity/" + k] = mu * memory.get("velocity/" + k, 0) + x
                    x = x + mu * v if o.get("nesterov") else v
                p[k] = p[k] - rate * x
            else:
                b1, b2 = o.get("beta1", 0.9), o.get("beta2", 0.999)
                m = memory.get("first-moment/" + k, 0) * b1 + (1 - b1) * x
                s = memory.get("second-moment/" + k, 0) * b2 + (1 - b2) * x**2
                memory["first-moment/" + k], memory["second-moment/" + k] = m, s
                m_hat, s_hat = m / (1 - b1 ** (t + 1)), s / (1 - b2 ** (t + 1))
                p[k] = p[k] - rate * m_hat / (np.sqrt(s_hat) + o.get("epsilon", 1e-8))
    return p, memory, norms


CASES = [
    dict(method="sgd", rate=0.1),
    dict(method="sgd", rate=0.1, momentum=0.9),
    dict(method="sgd", rate=0.1, momentum=0.9, nesterov=1),
    dict(method="sgd", rate=0.1, momentum=0.5, coupled_decay=0.3),
    dict(method="sgd", rate=0.1, momentum=0.5, decoupled_decay=0.3),
    dict(method="sgd", rate=0.1, clip_norm=2.0, coupled_decay=0.1),
    dict(method="sgd", rate=0.1, clip_norm=1e6),
    dict(method="sgd", rate=0.1, clip_value=0.5),
    dict(method="sgd", rate=0.1, clip_value=0.5, clip_norm=3.0, momentum=0.9),
    {"method": "sgd", "rate": 0.1, "momentum": 0.9, "rate:a": 0.02, "freeze:d": 1},
    {"method": "adam", "rate": 0.01, "clip_norm": 2.0, "rate:b": 0.5, "freeze:c.weight": 1},
    dict(method="adam", rate=0.01),
    dict(method="adam", rate=0.01, beta1=0.5, beta2=0.9, epsilon=0.1),
    dict(method="adam", rate=0.01, coupled_decay=0.3),
    dict(method="adam", rate=0.01, decoupled_decay=0.3),
    dict(method="adam", rate=0.01, coupled_decay=0.2, decoupled_decay=0.3, clip_value=1.0),
]


def run(folder, values, gradients, options, threads):
    arrays = dict(values)
    for t, g in enumerate(gradients):
        arrays.update({f"{k}@{t}": x for k, x in g.items()})
    np.savez(f"{folder}/in.npz", **arrays)
    subprocess.run(
        ["loco-test-optimizer", "run", f"{folder}/in.npz", f"{folder}/out.npz", str(threads)]
        + [f"{k}={v}" for k, v in options.items()],
        check=True,
    )
    with np.load(f"{folder}/out.npz") as file:
        return {k: file[k] for k in file.files}


def distance(found, expected):
    return np.max(np.abs(found.astype(np.float64) - expected) / (np.abs(expected) + 1.0))


def main(folder):
    random = np.random.default_rng(3)
    failures = 0
    for options in CASES:
        for dtype in (np.float32, np.float64):
            values = {k: np.asarray(random.normal(size=s), dtype) for k, s in SHAPES.items()}
            gradients = [
                {k: np.asarray(random.normal(size=s), dtype) for k, s in SHAPES.items()}
                for _ in range(UPDATES)
            ]
            found = run(folder, values, gradients, options, 1)
            p, memory, norms = oracle(values, gradients, options)
            expected = dict(p, norms=np.array(norms))
            expected.update({"state:" + k: m for k, m in memory.items()})
            # Some twenty roundings per update, of numbers of order one.
            bound = 3e-6 if dtype == np.float32 else 1e-14
            # The norm is summed over 5e4 terms.
            worst = {
                k: distance(found[k], x) / (100 if k == "norms" else 1)
                for k, x in expected.items()
            }
            if set(found) != set(expected) or max(worst.values()) > bound:
                failures += 1
                print("differs:", options, dtype.__name__, worst, set(found) ^ set(expected))
            if any(found[k].dtype != dtype for k in SHAPES):
                failures += 1
                print("other precision:", options, dtype.__name__)
            again = run(folder, values, gradients, options, 3)
            if any(found[k].tobytes() != again[k].tobytes() for k in found):
                failures += 1
                print("depends on threads:", options, dtype.__name__)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
