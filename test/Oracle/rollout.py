# Teacher forcing, then free running: values and gradients against NumPy, from a number of
# steps that differs between samples, from the first step on, and never.
# RUN: rm -rf %t && mkdir %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

folder, targets = drive.arguments()
program = drive.inputs / "rollout.loco"
rng = np.random.default_rng(21)


def net(p, x, after, length):
    """Loss of a sample, and what is compared besides."""
    h, fed, losses, outputs = np.full(p["W"].shape[0], 0.1), np.zeros(3), [], []
    for t in range(length):
        given = x[t] if t < after else fed
        h = np.tanh(p["W"] @ h + p["u.linear.weight"] @ given + p["u.linear.bias"])
        fed = p["y.linear.weight"] @ h + p["y.linear.bias"]
        outputs.append(fed)
        if t + 1 < length:
            losses.append(np.sum((fed - x[t + 1]) ** 2))
    return sum(losses) / max(len(losses), 1), outputs


def ring(p, x, after, length):
    z, v, losses, states = x[0], np.zeros(x.shape[1]), [], []
    fed = None
    for t in range(length):
        given = x[t] if t < after else fed
        drive_ = sum(p["K"][k] * np.roll(z, 1 - k) for k in range(3))
        v = v + 0.3 * (np.tanh(drive_ + given) - p["gamma"] * z - 0.5 * v)
        z = z + 0.3 * v
        fed = 2 * z - v
        states.append(z)
        if t + 1 < length:
            losses.append(np.mean((z - x[t + 1]) ** 2))
    return sum(losses) / max(len(losses), 1), states


MODELS = {"Net": (net, "y"), "Ring": (ring, "z")}


def shapes(model, n):
    if model == "Ring":
        return {"gamma": (), "K": (3,)}
    return {"W": (n, n), "u.linear.weight": (n, 3), "u.linear.bias": (n,), "y.linear.weight": (3, n),
            "y.linear.bias": (3,)}


def forward(model, p, x, after, length):
    found = [MODELS[model][0](p, *sample) for sample in zip(x, after, length)]
    return sum(loss for loss, _ in found) / len(x), [values for _, values in found]


def compare(model, units, samples, steps, target, precision, threads):
    what = f"{model} {units} units, {samples} samples, {steps} steps, {target} {precision}"
    p = {name: 0.5 * rng.normal(size=shape) for name, shape in shapes(model, units).items()}
    x = rng.normal(size=(samples, steps, units if model == "Ring" else 3))
    after = rng.integers(1, steps + 2, samples)
    after[0] = 1
    length = rng.integers(0, steps + 1, samples) if model == "Net" else np.full(samples, steps)
    length[0] = steps
    np.savez(f"{folder}/p.npz", **p)
    inputs = {"x": x, "rollout.after": after}
    if model == "Net":
        inputs["length"] = length
    np.savez(f"{folder}/i.npz", **inputs)
    check.lococ("grad", program, "--model", model + ".rollout", "--set", f"units_={units}", "--target",
                target, "--precision", precision, "--threads", threads, "--params", f"{folder}/p.npz",
                "--inputs", f"{folder}/i.npz", "--out", f"{folder}/o.npz")
    found = dict(np.load(f"{folder}/o.npz"))
    bound = 1e-10 if precision == "f64" else 2e-5
    loss, values = forward(model, p, x, after, length)
    if not check.relative(found["loss"], loss) <= bound:
        check.fail(f"{what}: loss {found['loss']}, expected {loss}")
    for sample, wanted in enumerate(values):
        got = found[MODELS[model][1]][sample, :len(wanted)]
        if len(wanted) and not check.relative(got, np.array(wanted)) <= bound:
            check.fail(f"{what}: sample {sample} is off by {check.relative(got, np.array(wanted))}")
    for name in [*p, "x"]:
        gradient = found["grad." + name].astype(float)
        for _ in range(3):
            direction = rng.normal(size=gradient.shape)
            moved = {**p, "x": x}
            moved[name] = moved[name] + 1e-30j * direction
            wanted = np.imag(forward(model, {k: moved[k] for k in p}, moved["x"], after, length)[0]) / 1e-30
            got = np.sum(gradient * direction)
            if not abs(got - wanted) <= bound * max(np.linalg.norm(gradient), abs(wanted), 1e-3):
                check.fail(f"{what}: gradient by `{name}` is {got}, expected {wanted}")


for target in targets:
    for precision in drive.precisions_of(target):
        for model in MODELS:
            compare(model, 5, 3, 6, target, precision, 1)
            if target == "interpreter":
                continue
            compare(model, 33, 5, 1, target, precision, 2)
            compare(model, 17, 67, 5, target, precision, 2)
            compare(model, 72, 9, 4, target, precision, 2)
        print(f"ok: {target}, {precision}")

# Without a word the block's number holds, and the model itself is not rolled out.
x = rng.normal(size=(2, 7, 5))
p = {name: 0.5 * rng.normal(size=shape) for name, shape in shapes("Ring", 5).items()}
np.savez(f"{folder}/p.npz", **p)
np.savez(f"{folder}/i.npz", x=x)
for name, after in (("Ring.rollout", 2), ("Ring", 7)):
    check.lococ("eval", program, "--model", name, "--precision", "f64", "--params", f"{folder}/p.npz",
                "--inputs", f"{folder}/i.npz", "--out", f"{folder}/o.npz")
    wanted = forward("Ring", p, x, [after] * 2, [7] * 2)[0]
    if not check.relative(np.load(f"{folder}/o.npz")["loss"], wanted) <= 1e-10:
        check.fail(f"{name}: another loss than with {after} steps given")
