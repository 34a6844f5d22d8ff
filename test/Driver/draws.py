# Random draws are written and read by name: NumPy with the recorded draws gives
# the same values, and so does lococ when it reads them back.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S

import sys

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, difference, evaluate, fail, finish
import models
import numpy as np

random = np.random.default_rng(4)


def rounded(*shape):
    return random.normal(size=shape).astype(np.float32).astype(np.float64)


parameters = {"w": rounded(5), "f": rounded(5), "q.linear.weight": 0.5 * rounded(20, 3),
              "q.linear.bias": 0.5 * rounded(20)}
np.savez("parameters.npz", **parameters)
x = rounded(3, 4, 3)

for way, bound in [(("--target", "interpreter"), 1e-12),
                   (("--target", "cpu", "--precision", "f64"), 1e-10),
                   (("--target", "cpu", "--precision", "f32"), 1e-5)]:
    what = " ".join(way)
    options = ("--params", "parameters.npz", *way)
    drawn = evaluate("grad", "noisy", *options, "--seed", "8", x=x)
    recorded = evaluate("grad", "noisy", *options, "--seed", "8", "--record-random",
                        "draws.npz", x=x)
    with np.load("draws.npz") as file:
        draws = {name: file[name].astype(float) for name in file}
    if sorted(draws) != ["random.0", "random.1"]:
        fail(f"{what}: draws are named {sorted(draws)}")
    first, each = draws["random.0"], draws["random.1"]
    if first.shape != (3, 2, 5) or each.shape != (3, 4, 2, 5):
        fail(f"{what}: draws of shape {first.shape} and {each.shape}")
    if len(np.unique(each)) != each.size:
        fail(f"{what}: draws repeat")

    # The seed plays no part any more.
    given = evaluate("grad", "noisy", *options, "--seed", "9", "--random",
                     "draws.npz", x=x)
    wanted = [models.noisy(parameters, *sample) for sample in zip(x, first, each)]
    for name, found in (("drawn", drawn), ("recorded", recorded), ("given", given)):
        close(f"{what} {name} loss", found["loss.samples"], [w[0] for w in wanted], bound)
        close(f"{what} {name} h", found["h"], [w[1] for w in wanted], bound)
        if any(key.startswith(("random.", "grad.random.")) for key in found):
            fail(f"{what} {name}: draws among the results")
    for key in drawn:
        close(f"{what} {key}", given[key], drawn[key], bound)

    learned = {name: parameters[name] for name in parameters if name != "f"}
    direction = {name: random.normal(size=value.shape)
                 for name, value in learned.items()}

    def loss(p):
        return np.mean([models.noisy({**p, "f": parameters["f"]}, *sample)[0]
                        for sample in zip(x, first, each)])

    derivative = difference(loss, learned, direction)
    found = sum(np.sum(given["grad." + name] * direction[name]) for name in learned)
    if not abs(found - derivative) <= (10 * bound + 1e-8) * abs(derivative):
        fail(f"{what}: gradient {found}, finite difference {derivative}")

# A stream that the initial state shares with the loop is one array. Any numbers
# may be given.
parameters = {"w": rounded(5), "u.linear.weight": 0.5 * rounded(10, 3),
              "u.linear.bias": 0.5 * rounded(10)}
np.savez("parameters.npz", **parameters)
draws = rounded(3, 4, 5)
np.savez("draws.npz", **{"random.0": draws})
wanted = [models.shared(parameters, *sample) for sample in zip(x, draws)]
for way, bound in [(("--target", "interpreter"), 1e-12),
                   (("--target", "cpu", "--precision", "f64"), 1e-10),
                   (("--target", "cpu", "--precision", "f32"), 1e-5)]:
    found = evaluate("eval", "shared", "--params", "parameters.npz", *way,
                     "--random", "draws.npz", x=x)
    close(f"shared {way}", found["loss.samples"], wanted, bound)

finish()
