# The class of the next step as a target, with and without the first step after the last:
# a network that says what comes next.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import drive
import layers
from formula import Formula

folder, _ = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)
CLASSES, UNITS = 4, 3


def program(name, target):
    path = pathlib.Path(folder) / f"{name}.loco"
    path.write_text(f"""loco 1
model M {{
  lattice hidden = set({UNITS})
  input x : class({CLASSES}) per step
  coupling U : dense on hidden
  coupling V : dense(x -> hidden) bias
  coupling W : dense(hidden -> class({CLASSES}))
  state h on hidden = 0
  step {{ h <- tanh(U @ h + V @ x) }}
  decode y = W @ h
  loss = cross_entropy(y, {target}) + mean((V @ {target})^2)
}}
""")
    return path


def compute(p, inputs, wraps):
    x = inputs["x"]
    batch, steps = x.shape
    seen = layers.one_hot(x, CLASSES)
    h = np.zeros((batch, UNITS), dtype=p["U"].dtype)
    states = []
    for t in range(steps):
        h = np.tanh(h @ p["U"].T + seen[:, t] @ p["V"].T + p["V.bias"])
        states.append(h)
    h = np.stack(states, 1)
    y = h @ p["W"].T
    target = np.roll(x, -1, 1)
    losses = layers.cross_entropy(y, target)
    pushed = layers.one_hot(target, CLASSES) @ p["V"].T + p["V.bias"]
    losses = losses + (pushed**2).mean(2)
    return {"y": y, "h": h, "loss.samples": losses[:, :steps if wraps else -1].mean(1)}


shapes = {"U": (UNITS, UNITS), "V": (UNITS, CLASSES), "V.bias": (UNITS,), "W": (CLASSES, UNITS)}
drive.compare_all(
    (name, program(name, target),
     Formula(shapes, {}, per_step=True, classes={"x": CLASSES},
             compute=lambda p, inputs, wraps=wraps: compute(p, inputs, wraps)), {}, 3, 5)
    for name, target, wraps in [("next", "next(x)", False), ("wrap", "next(x, wrap)", True)])
