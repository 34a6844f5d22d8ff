# Samples of different lengths, down to none, in arrays that hold no numbers beyond: values
# and gradients are those of the samples cut to size. Batches cross blocks and threads.
# RUN: rm -rf %t && mkdir %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import subprocess

import check
import drive
import lengths

folder, targets = drive.arguments()
program = drive.inputs / "lengths.loco"
rng = np.random.default_rng(11)


def draw(model, units, samples, steps):
    parameters = {name: 0.4 * rng.normal(size=shape)
                  for name, shape in lengths.shapes(model, units).items()}
    width = units if model == "Wrapped" else 3
    inputs = {"x": rng.normal(size=(samples, steps, width))}
    if model == "Summary":
        inputs["target"] = rng.normal(size=(samples, 2))
    if model in ("Masked", "RatioMasked"):
        inputs["m"] = (rng.uniform(size=(samples, steps)) < 0.6).astype(int)
        inputs["m"][0], inputs["m"][-1] = 1, 0
        counts = inputs["m"] == 1
    else:
        inputs["length"] = rng.integers(0, steps + 1, samples)
        inputs["length"][[0, -1]] = steps, 0
        if samples > 2:
            inputs["length"][1] = 1
        counts = np.arange(steps) < inputs["length"][:, None]
    return parameters, inputs, counts


def moved(model, parameters, inputs, name, direction):
    """The derivative along a direction, by a complex step."""
    values = {**parameters, **inputs}
    values[name] = values[name] + 1e-30j * direction
    loss, _ = lengths.forward(model, {k: values[k] for k in parameters}, {k: values[k] for k in inputs})
    return np.imag(loss) / 1e-30


def compare(model, units, samples, steps, target, precision, threads):
    parameters, inputs, counts = draw(model, units, samples, steps)
    what = f"{model} {units} units, {samples} samples, {steps} steps, {target} {precision}"
    given = dict(inputs)
    given["x"] = np.where(counts[..., None], inputs["x"], np.nan)
    np.savez(f"{folder}/p.npz", **parameters)
    np.savez(f"{folder}/i.npz", **given)
    check.lococ("grad", program, "--model", model, "--set", f"units_={units}", "--target", target,
                "--precision", precision, "--threads", threads, "--params", f"{folder}/p.npz",
                "--inputs", f"{folder}/i.npz", "--out", f"{folder}/o.npz")
    found = dict(np.load(f"{folder}/o.npz"))
    bound = 1e-10 if precision == "f64" else 1e-5
    # The oracle reads only what counts; a sample without any has no derivative.
    inputs["x"] = np.where(counts[..., None], inputs["x"], 0)
    loss, results = lengths.forward(model, parameters, inputs)
    if not check.relative(found["loss"], loss) <= bound:
        check.fail(f"{what}: loss {found['loss']}, expected {loss}")
    for name in results[0]:
        wanted = np.stack([result[name] for result in results])
        if not check.relative(found[name], wanted) <= bound:
            check.fail(f"{what}: `{name}` is off by {check.relative(found[name], wanted)}")
    if np.any(found["grad.x"][~counts] != 0):
        check.fail(f"{what}: steps that do not count have a gradient")
    for name in [*parameters, "x", *(["target"] if "target" in inputs else [])]:
        gradient = found["grad." + name].astype(float)
        for _ in range(3):
            direction = rng.normal(size=gradient.shape)
            if name == "x":
                direction *= counts[..., None]
            wanted = moved(model, parameters, inputs, name, direction)
            got = np.sum(gradient * direction)
            if not abs(got - wanted) <= bound * max(np.linalg.norm(gradient), abs(wanted), 1e-3):
                check.fail(f"{what}: gradient by `{name}` is {got}, expected {wanted}")
    # What stands at other steps, as states do there, is kept.
    states = found["z" if model == "Wrapped" else "h"]
    for i, own in enumerate(counts):
        for t in range(1, steps):
            if not own[t] and np.any(states[i, t] != states[i, t - 1]):
                check.fail(f"{what}: a state moves at a step that does not count")


# Sizes on both sides of vectors and of blocks of samples.
for target in targets:
    for precision in drive.precisions_of(target):
        for model in lengths.SAMPLES:
            compare(model, 5, 3, 7, target, precision, 1)
            if target == "interpreter":
                continue
            compare(model, 33, 5, 4, target, precision, 2)
            compare(model, 17, 67, 3, target, precision, 2)
            # Large enough for matrix products over the samples of a block.
            if model != "Wrapped":
                compare(model, 72, 9, 3, target, precision, 2)
        print(f"ok: {target}, {precision}")

# What is no number of steps is refused, with the sample's number.
np.savez(f"{folder}/p.npz", **draw("NextStep", 5, 2, 4)[0])
for length, text in ((5, "holds 5 for sample 1"), (-1, "holds -1 for sample 1"), (1.5, "holds 1.5 for sample 1")):
    np.savez(f"{folder}/i.npz", x=np.zeros((2, 4, 3)), length=np.array([2, length]))
    out = subprocess.run(
        ["lococ", "eval", program, "--model", "NextStep", "--inputs", f"{folder}/i.npz"],
        capture_output=True, text=True)
    if out.returncode != 1 or text not in out.stderr or "a whole number from 0 to 4" not in out.stderr:
        check.fail(f"length {length}: {out.returncode} {out.stderr}")
