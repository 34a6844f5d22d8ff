# A loss of several terms is the sum of weight times term, each averaged over the
# steps that count for it; training tells each of them, changes every parameter as
# its own rate and decay say, and validates on samples that it does not learn from.
# Against NumPy, with the gradients of `lococ grad`.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S

import json
import sys

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, fail, finish, program, run
import numpy as np

rng = np.random.default_rng(3)
x, label = rng.normal(size=(7, 5, 2)), rng.integers(0, 3, size=7).astype(np.int32)
np.savez("data.npz", x=x, label=label)


def terms(p, x, label):
    """The three terms of each sample."""
    h, hs = np.zeros((len(x), 4)), []
    for t in range(x.shape[1]):
        h = np.tanh(h @ p["U"].T + x[:, t] @ p["W"].T)
        hs.append(h)
    hs = np.stack(hs, 1)
    y = hs @ p["y.linear.weight"].T + p["y.linear.bias"]
    gain = np.log1p(np.exp(p["gain.raw"]))
    main = ((gain * y[:, :-1] - x[:, 1:]) ** 2).mean(axis=(1, 2))
    scores = h @ p["loss.class.linear.weight"].T + p["loss.class.linear.bias"]
    classes = np.log(np.exp(scores).sum(1)) - scores[np.arange(len(x)), label]
    return {"main": main, "class": classes, "size": (hs ** 2).mean(axis=(1, 2))}


def total(parts, share):
    return parts["main"] + share * parts["class"] + 2 * share * parts["size"]


def read(update):
    """Parameters after so many updates: of a run that ends there."""
    run("run", program("losses"), "--out", "part", "--force", "--quiet", "--precision",
        "f64", "--set", f"train.updates={max(update, 1)}")
    with open(f"part/Terms/checkpoints/{update}/params.safetensors", "rb") as file:
        text = file.read()
    size = int.from_bytes(text[:8], "little")
    head, body = json.loads(text[8:8 + size]), text[8 + size:]
    values = {}
    for name, entry in head.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            kind = {"F32": "f4", "F64": "f8"}[entry["dtype"]]
            values[name] = np.frombuffer(body[begin:end], kind).reshape(entry["shape"])
    return values


# Value, terms and gradient.
p = {name: rng.normal(size=shape) for name, shape in {
    "W": (4, 2), "U": (4, 4), "gain.raw": (), "y.linear.weight": (2, 4),
    "y.linear.bias": (2,), "loss.class.linear.weight": (3, 4),
    "loss.class.linear.bias": (3,)}.items()}
np.savez("params.npz", **p)
for target in "interpreter", "cpu":
    run("eval", program("losses"), "--params", "params.npz", "--inputs", "data.npz",
        "--out", "out.npz", "--target", target, "--precision", "f64", "--set", "share=0.75")
    out, parts = np.load("out.npz"), terms(p, x, label)
    for name, values in parts.items():
        close(f"{target} {name}", out[f"loss.{name}"], values, 1e-12)
    close(target, np.mean(out["loss"]), np.mean(total(parts, 0.75)), 1e-12)
run("verify", program("losses"), "--inputs", "data.npz")
run("gradcheck", program("losses"), "--inputs", "data.npz")

# Each sample has steps of its own: a term that looks ahead counts one less than another.
x, lengths = rng.normal(size=(6, 5, 2)), np.array([5, 3, 1, 2, 4, 0], np.int32)
W = rng.normal(size=(3, 2))
np.savez("lengths.npz", x=x, length=lengths)
np.savez("W.npz", W=W)
run("eval", program("losses_lengths"), "--params", "W.npz", "--inputs", "lengths.npz",
    "--out", "out.npz", "--precision", "f64")
out = np.load("out.npz")
for i, length in enumerate(lengths):
    h, hs = np.zeros(3), []
    for t in range(length):
        h = np.tanh(0.5 * h + W @ x[i, t])
        hs.append(h)
    main = np.mean([((hs[t][:2] - x[i, t + 1]) ** 2).mean() for t in range(length - 1)] or [0])
    size, end = np.mean([(h ** 2).mean() for h in hs] or [0]), h.sum()
    close(f"sample {i}",
          [out["loss.main"][i], out["loss.size"][i], out["loss.end"][i], out["loss.samples"][i]],
          [main, size, end, main + 0.5 * size + 0.1 * end], 1e-12)
run("verify", program("losses_lengths"), "--inputs", "lengths.npz")
run("gradcheck", program("losses_lengths"), "--inputs", "lengths.npz")
x = np.load("data.npz")["x"]

# Training, update by update.
run("run", program("losses"), "--out", "run", "--quiet", "--precision", "f64")
metrics = [json.loads(line) for line in open("run/Terms/metrics.jsonl")]
if len(metrics) != 6:
    fail(f"{len(metrics)} lines of metrics")
before = read(0)
for line in metrics:
    after = read(line["update"])
    # The four samples that are learned from: the last three are kept.
    parts = {name: values.mean() for name, values in terms(before, x[:4], label[:4]).items()}
    close("loss", line["loss"], total(parts, 0.25), 1e-12)
    for name, value in parts.items():
        close(f"term {name}", line["terms"][name], value, 1e-12)
    np.savez("params.npz", **before)
    np.savez("four.npz", x=x[:4], label=label[:4])
    run("grad", program("losses"), "--params", "params.npz", "--inputs", "four.npz",
        "--out", "grad.npz", "--target", "interpreter")
    gradient = np.load("grad.npz")
    for name, value in before.items():
        rate = {"gain.raw": 0.02, "U": 0}.get(name, 0 if name.startswith("loss.") else 0.1)
        decay = 0 if name.startswith("y.") else 0.5
        close(f"update {line['update']} of {name}", after[name],
              value - rate * (gradient[f"grad.{name}"] + decay * value), 1e-10)
    if line["update"] % 2 == 0:
        wanted = total(terms(after, x[4:], label[4:]), 0.25).mean()
        close("validation", line["validation_loss"], wanted, 1e-12)
    elif "validation_loss" in line:
        fail("a validation that nothing asked for")
    before = after
results = json.load(open("run/results.json"))["training"]["Terms"]
close("result", results["validation_loss"], metrics[-1]["validation_loss"], 1e-15)
close("terms of the result", results["last_terms"]["size"], metrics[-1]["terms"]["size"], 1e-15)
finish()
