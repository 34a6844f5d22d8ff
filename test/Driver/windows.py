# Truncated back-propagation against NumPy, which runs every window by itself and takes
# gradients by complex steps: losses that look ahead, lengths, results that are fed back,
# states that are kept from sequence to sequence. Resumed runs are bitwise the same.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S/Inputs/windows.loco

import json
import os
import shutil
import struct
import subprocess
import sys

import numpy as np

PROGRAM = sys.argv[1]
random = np.random.default_rng(5)
RATE, MOMENTUM = 0.1, 0.5


def run(model, out, *more, code=0):
    done = subprocess.run(["lococ", "run", PROGRAM, "--only", model, "--precision", "f64", "--out", out,
                           "--quiet", "--threads", "2", *map(str, more)], capture_output=True, text=True)
    if done.returncode != code:
        sys.exit(f"{model}: exit code {done.returncode}, {done.stderr}")
    return done.stderr


def checkpoint(out, model, update, name="params"):
    """The tensors of a checkpoint's file."""
    with open(os.path.join(out, model, "checkpoints", str(update), name + ".safetensors"), "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])]).reshape(entry["shape"])
            for name, entry in header.items()}


def losses(out, model):
    with open(os.path.join(out, model, "metrics.jsonl")) as file:
        return np.array([json.loads(line)["loss"] for line in file])


def close(what, found, wanted, bound=1e-10):
    error = np.linalg.norm(np.subtract(found, wanted)) / max(np.linalg.norm(wanted), 1e-3)
    if not error <= bound:
        sys.exit(f"{what}: off by {error}: {found}, expected {wanted}")


#===-----------------------------------------------------------------------===#
# O23
#===-----------------------------------------------------------------------===#

# The loss is h at the end of each window of 3 of the 6 steps; its mean is over 3 steps.
ends = np.array([0, 0, 1, 0, 0, 1.0])
np.savez("linear.npz", x=np.ones((2, 6)), w=np.stack([ends, ends]))
run("Linear", "linear", "--set", "updates_=4")
gradient = (1 - 0.9**3) / (1 - 0.9) / 3
close("O23", checkpoint("linear", "Linear", 4)["b"], 0.5 - 4 * 0.01 * gradient, 1e-12)


#===-----------------------------------------------------------------------===#
# Networks
#===-----------------------------------------------------------------------===#

def window_loss(p, x, start, first, steps, ahead, length, feed_after):
    """Mean loss of one sample's steps first to first + steps - 1, and what they leave."""
    h, k, fed = start
    terms = []
    for t in range(first, first + steps):
        if t >= length:
            break
        given = fed if feed_after is not None and t >= feed_after else x[t]
        old = h
        h = np.tanh(p["W"] @ h + p["V"] @ given + p["V.bias"] + k)
        k = 0.5 * old if np.any(k) else k
        y = p["y.linear.weight"] @ h + p["y.linear.bias"]
        fed = y
        if t + ahead < min(length, len(x)):
            terms.append(np.sum((y - (x[t + 1] if ahead else given)) ** 2))
    return (sum(terms) / max(len(terms), 1) if terms else 0.0), (h, k, fed)


def train(p, x, windows, updates, ahead=1, lengths=None, feed_after=None, k=0.0, carries=False):
    """Losses of all updates, and the parameters after them."""
    p = {name: value.copy() for name, value in p.items()}
    lengths = np.full(len(x), x.shape[1]) if lengths is None else lengths
    begin = (np.full(3, 0.1), np.full(3, k), np.zeros(2))
    speed = {name: np.zeros_like(value) for name, value in p.items()}
    states, found = [begin] * len(x), []
    for update in range(updates):
        first, steps = windows[update % len(windows)]
        if first == 0:
            states = [(state[0], *begin[1:]) if carries and update else begin for state in states]

        def loss(values):
            return np.mean([window_loss(values, x[i], states[i], first, steps, ahead, lengths[i],
                                        feed_after)[0] for i in range(len(x))])

        found.append(loss(p))
        gradient = {}
        for name, value in p.items():
            gradient[name] = np.zeros_like(value)
            for index in np.ndindex(value.shape):
                moved = value.astype(complex)
                moved[index] += 1e-30j
                gradient[name][index] = np.imag(loss({**p, name: moved})) / 1e-30
        states = [window_loss(p, x[i], states[i], first, steps, ahead, lengths[i], feed_after)[1]
                  for i in range(len(x))]
        for name in p:
            speed[name] = MOMENTUM * speed[name] + gradient[name]
            p[name] -= RATE * speed[name]
    return found, p


def draw():
    shapes = {"W": (3, 3), "V": (3, 2), "V.bias": (3,), "y.linear.weight": (2, 3), "y.linear.bias": (2,)}
    return {name: 0.5 * random.normal(size=shape) for name, shape in shapes.items()}


def compare(model, x, windows, updates, window, **how):
    start = draw()
    np.savez("start.npz", **start)
    out = f"{model}-{window}"
    run(model, out, "--init", "start.npz", "--set", f"updates_={updates}", "--set", f"window_={window}")
    wanted, parameters = train(start, x, windows, updates, **how)
    close(f"{out}: losses", losses(out, model), wanted)
    found = checkpoint(out, model, updates)
    for name, value in parameters.items():
        close(f"{out}: `{name}`", found[name], value)
    return out


x = random.normal(size=(3, 7, 2))
np.savez("x.npz", x=x)
# Six of the seven steps have a next one. The last window goes to the end.
compare("NextStep", x, [(0, 3), (3, 4)], 5, 3)
compare("NextStep", x, [(0, 2), (2, 2), (4, 3)], 7, 2)
compare("NextStep", x, [(0, 7)], 3, 100)
compare("FreeRunning", x, [(0, 3), (3, 4)], 5, 3, feed_after=4)
compare("FreeRunning", x, [(0, 2), (2, 2), (4, 3)], 7, 2, feed_after=4)
lengths = np.array([7, 3, 0])
np.savez("lengths.npz", x=np.where(np.arange(7)[None, :, None] < lengths[:, None, None], x, np.nan),
         length=lengths)
# The order of samples is drawn, their mean does not depend on it.
compare("Lengths", x, [(0, 3), (3, 4)], 5, 3, lengths=lengths)
np.savez("one.npz", x=x[:1])
compare("Carried", x[:1], [(0, 7)], 4, 3, ahead=0, k=0.2, carries=True)

# What stands beyond a sample's end is not blamed for a loss that is no number.
with open(PROGRAM) as file:
    wild = file.read().replace("sgd(0.1, momentum = 0.5)", "sgd(1e300)")
whole, PROGRAM = PROGRAM, "wild.loco"
with open(PROGRAM, "w") as file:
    file.write(wild)
said = run("Lengths", "wild", code=1)
if "not-finite" not in said or "the data's" in said:
    sys.exit(f"a rate that is too high: {said}")
broken = np.where(np.arange(7)[None, :, None] < lengths[:, None, None], x, np.nan)
broken[1, 2, 0] = np.inf
np.savez("lengths.npz", x=broken, length=lengths)
PROGRAM = whole
said = run("Lengths", "broken", code=1)
if "the data's `x` is not finite in sample 1" not in said:
    sys.exit(f"data that are not finite: {said}")

#===-----------------------------------------------------------------------===#
# What a sequence has once
#===-----------------------------------------------------------------------===#

PROGRAM = os.path.join(os.path.dirname(whole), "windows_draws.loco")
np.savez("draws.npz", x=random.normal(size=(4, 6)), s=random.normal(size=4))
run("Draws", "draws")
with open("draws/Draws/metrics.jsonl") as file:
    lines = [json.loads(line)["terms"] for line in file]
for name in ("drawn", "pair", "sample", "start", "each"):
    found = np.array([line[name] for line in lines]).reshape(2, 3)
    isSame = np.all(found == found[:, :1])
    if isSame != (name != "each") or found[0, 0] == found[1, 0]:
        sys.exit(f"`{name}` in the windows of two sequences: {found}")

# A mask that begins late, in steps that hold no numbers: 1 / x has no derivative at 0.
values = np.array([[np.nan, 0, np.nan, 4, 5, np.nan]])
counts = np.array([[0, 0, 0, 1, 1, 0]])
np.savez("masked.npz", x=values, m=counts)
run("Masked", "masked")
b, wanted = 1.0, []
for _ in range(2):
    h = 0.0
    for ends in ([], [4.0], [5.0]):
        # d(loss)/db of a window: the state it begins with is a number.
        h += sum(b / x for x in ends)
        wanted.append(4 * b + h if ends else 0.0)
        b -= 0.01 * (4 + sum(1 / x for x in ends)) if ends else 0.0
close("a mask that begins late", losses("masked", "Masked"), wanted)
PROGRAM = whole

#===-----------------------------------------------------------------------===#
# Resuming
#===-----------------------------------------------------------------------===#

def read(path):
    with open(path, "rb") as file:
        return file.read()


# Within a sequence (windows of 2 of 7 steps: 3 to a sequence), at its end, and a
# state that is kept between sequences.
for model, names, more in (("NextStep", ["h"], ["--set", "window_=2"]), ("Carried", ["h", "k"], [])):
    for updates in (7, 8, 9):
        whole, part = f"whole-{model}-{updates}", f"part-{model}-{updates}"
        more_ = [*more, "--set", f"updates_={updates}"]
        run(model, whole, *more_)
        # As if it had been killed before the last checkpoint.
        shutil.copytree(whole, part)
        shutil.rmtree(os.path.join(part, model, "checkpoints", str(updates)))
        run(model, part, "--resume", *more_)
        for name in ("params", "state"):
            path = os.path.join(model, "checkpoints", str(updates), name + ".safetensors")
            if read(os.path.join(whole, path)) != read(os.path.join(part, path)):
                sys.exit(f"{part}: {name} is not what the whole run has")
        state = checkpoint(part, model, updates, "state")
        for name in names:
            if "carry/" + name not in state:
                sys.exit(f"{part}: no `carry/{name}` in the checkpoint")
        if np.any(losses(part, model) != losses(whole, model)):
            sys.exit(f"{part}: losses differ")

# Another batch: the sequences begin anew, and the run says so.
with open(PROGRAM) as file:
    text = file.read()
PROGRAM = "smaller.loco"
with open(PROGRAM, "w") as file:
    file.write(text.replace("batch 3", "batch 2"))
said = run("NextStep", "part-NextStep-8", "--resume", "--force", "--set", "updates_=10", "--set", "window_=2")
if "its sequences begin anew" not in said:
    sys.exit(f"another batch: {said}")
