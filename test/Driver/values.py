# Values and gradients of `eval` and `grad` against NumPy: the equations in
# Inputs/models.py, and their finite differences.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S

import sys

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, difference, evaluate, fail, finish, run
import models
import numpy as np

random = np.random.default_rng(3)
# f64 by the interpreter and compiled; f32 holds what DESIGN's bound says.
WAYS = [(("--target", "interpreter"), 1e-12),
        (("--target", "cpu", "--precision", "f64"), 1e-10),
        (("--target", "cpu", "--precision", "f32"), 1e-5),
        (("--target", "cpu", "--precision", "f32", "--threads", "2"), 1e-5)]


def draw(*shape):
    return random.normal(size=shape)


def rounded(arrays):
    """Numbers that f32 holds, so that one bound is enough."""
    return {name: np.asarray(value, np.float32).astype(np.float64)
            for name, value in arrays.items()}


def check_gradient(what, loss, parameters, found, bound):
    """The gradient along three random directions, all parameters together."""
    for _ in range(3):
        direction = {name: draw(*np.shape(value))
                     for name, value in parameters.items()}
        wanted = difference(loss, parameters, direction)
        got = sum(np.sum(found["grad." + name] * direction[name])
                  for name in parameters)
        scale = np.sqrt(sum(np.sum(found["grad." + name] ** 2.0)
                            for name in parameters))
        if not abs(got - wanted) <= bound * max(scale, abs(wanted)):
            fail(f"{what}: gradient {got}, finite difference {wanted}")


def sheet():
    parameters = rounded({
        "dt.raw": -1.9, "gamma.raw": 0.9, "alpha.raw": 0.6, "b": 0.3 * draw(8, 8),
        "Wz": 0.4 * draw(3, 3), "Wv": 0.4 * draw(3, 3), "Wx": 0.4 * draw(3, 3),
        "u.linear.weight": 0.3 * draw(64, 36), "u.linear.bias": draw(64),
        "y.linear.weight": 0.3 * draw(36, 64), "y.linear.bias": draw(36)})
    x = rounded({"x": random.uniform(size=(3, 7, 6, 6))})["x"]
    np.savez("sheet.npz", **parameters)
    wanted = [models.sheet(parameters, sample) for sample in x]
    for way, bound in WAYS:
        found = evaluate("grad", "sheet", "--params", "sheet.npz", *way, x=x)
        what = "sheet " + " ".join(way)
        close(what + " loss", found["loss"], np.mean([w[0] for w in wanted]), bound)
        close(what + " samples", found["loss.samples"], [w[0] for w in wanted], bound)
        for index, name in enumerate(("y", "z", "v")):
            close(f"{what} {name}", found[name], [w[1 + index] for w in wanted], bound)

        def loss(p):
            return np.mean([models.sheet(p, sample)[0] for sample in p["x"]])

        check_gradient(what, loss, {**parameters, "x": x}, found, 10 * bound + 1e-9)


def ring():
    parameters = rounded({
        "U": 0.4 * draw(3, 3, 3), "U.bias": draw(3), "V": draw(36, 1),
        "V.bias": draw(36), "y.linear.weight": 0.3 * draw(4, 36),
        "y.linear.bias": draw(4)})
    np.savez("ring.npz", **parameters)
    x = rounded({"x": draw(4, 6)})["x"]
    label = np.array([0, 3, 2, 3])
    wanted = [models.ring(parameters, *pair) for pair in zip(x, label)]
    for way, bound in WAYS:
        found = evaluate("grad", "ring", "--params", "ring.npz", *way, x=x,
                         label=label)
        what = "ring " + " ".join(way)
        close(what + " samples", found["loss.samples"], [w[0] for w in wanted], bound)
        close(what + " y", found["y"], [w[1] for w in wanted], bound)
        close(what + " h", found["h"], [w[2] for w in wanted], bound)

        def loss(p):
            return np.mean([models.ring(p, a, b)[0] for a, b in zip(p["x"], label)])

        check_gradient(what, loss, {**parameters, "x": x}, found, 10 * bound + 1e-9)


def decay():
    # The range may be given as it is meant, and as it is stored.
    stored = {"k.raw": np.float64(0.7), "c": np.float64(0.4)}
    meant = {"k": np.log1p(np.exp(stored["k.raw"])), "c": stored["c"]}
    target = np.array([0.3, 1.1])
    wanted = [models.decay(stored, value, 11) for value in target]
    for parameters in (stored, meant):
        np.savez("decay.npz", **parameters)
        for way, bound in WAYS:
            found = evaluate("grad", "decay", "--params", "decay.npz", "--steps",
                             "11", *way, target=target)
            what = "decay " + " ".join(way)
            close(what + " y", found["y"], [w[1] for w in wanted], bound)

            def loss(p):
                return np.mean([models.decay(p, value, 11)[0]
                                for value in p["target"]])

            check_gradient(what, loss, {**stored, "target": target}, found,
                           10 * bound + 1e-9)


sheet()
ring()
decay()
# Without files: the model's own parameters, the same for the same seed.
first = evaluate("eval", "ring", "--seed", "5", x=np.ones((1, 3)), label=[1])
again = evaluate("eval", "ring", "--seed", "5", x=np.ones((1, 3)), label=[1])
other = evaluate("eval", "ring", "--seed", "6", x=np.ones((1, 3)), label=[1])
if first["loss"] != again["loss"] or first["loss"] == other["loss"]:
    fail("the seed does not choose the parameters")
text = run("eval", sys.argv[1] + "/Inputs/ring.loco", "--inputs", "in.npz")
if "Ring: 1 sample, 3 steps\nloss " not in text:
    fail(f"eval prints {text!r}")
finish()
