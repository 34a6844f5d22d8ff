# What `accuracy`, `error` and `valid_prediction_time` say, and how `--seeds` sums up
# runs, against NumPy.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S

import json
import os
import sys

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, fail, finish, program, run
import numpy as np

rng = np.random.default_rng(5)
samples, steps = 8, 7
x = rng.normal(size=(samples, steps, 3)).astype(np.float32)
per_step = rng.integers(0, 3, size=(samples, steps)).astype(np.int32)
per_step[2] = x[2].argmax(1)
label = rng.integers(0, 3, size=samples).astype(np.int32)
length = rng.integers(2, steps + 1, size=samples).astype(np.int32)
s, target = rng.normal(size=(2, samples, 3)).astype(np.float32)
np.savez("measured.npz", x=x, label=label, length=length, s=s, target=target,
         **{"class": per_step})

# Trajectories whose predictions fail somewhere, or never.
frames, trajectories = 12, 11
video = rng.uniform(0.5, 1, size=(trajectories, frames, 4)).astype(np.float32)
guess = np.roll(video, -1, axis=1).astype(np.float64)
fails = rng.integers(2, frames + 4, size=trajectories)
for i, frame in enumerate(fails):
    for t in range(frames - 1):
        size = 0.02 if t + 1 < frame else 0.6
        guess[i, t] += size * rng.choice([-1, 1], size=4)
np.savez("predicting.npz", x=video, guess=guess.astype(np.float32))

seeds = [4, 5, 6]
run("run", program("measures"), "--out", "all", "--seeds", len(seeds), "--seed", 4,
    "--quiet")
everything = json.load(open("all/results.json"))
if everything.pop("seeds") != seeds:
    fail("the seeds of the sweep")
runs = []
for seed in seeds:
    run("run", program("measures"), "--out", f"one-{seed}", "--seed", seed, "--quiet")
    text = open(f"one-{seed}/results.json").read()
    if text != open(f"all/seed-{seed}/results.json").read():
        fail(f"seed {seed} is another run alone than among others")
    runs.append(json.loads(text))


def compare(found, parts, path):
    """Mean, deviation and values of every number."""
    if isinstance(parts[0], dict):
        if list(found) != list(parts[0]):
            fail(f"{path}: has {list(found)}")
        for name in parts[0]:
            compare(found[name], [part[name] for part in parts], f"{path}/{name}")
    elif isinstance(parts[0], (int, float)):
        close(path, found["mean"], np.mean(parts), 1e-12)
        close(path, found["deviation"], np.std(parts, ddof=1), 1e-9)
        if found["values"] != parts:
            fail(f"{path}: values {found['values']}, expected {parts}")
    elif found != parts[0]:
        fail(f"{path}: {found}, expected {parts[0]}")


compare(everything, runs, "")
results = runs[0]

# Six samples; the steps that count begin at 1 and end with `length`.
counts = (np.arange(steps) >= 1) & (np.arange(steps) < length[:6, None])
right = x[:6].argmax(2) == per_step[:6]
found = results["per step"]
close("accuracy per step", found["untrained"]["accuracy"], right[counts].mean(), 1e-12)
close("whole sequences", found["untrained"]["whole_sequences"],
      (right | ~counts).all(1).mean(), 1e-12)
close("most frequent", found["most_frequent"],
      np.bincount(per_step[:6][counts]).max() / counts.sum(), 1e-12)
found = results["per sample"]
close("accuracy", found["untrained"]["accuracy"], (s[:6].argmax(1) == label[:6]).mean(), 1e-12)
found = results["distance"]
mse = np.mean((s[:6].astype(float) - target[:6]) ** 2)
close("error", found["untrained"]["squared_error"], mse, 1e-6)
close("root", found["untrained"]["root"], np.sqrt(mse), 1e-6)
close("variance", found["variance_of_target"], target[:6].astype(float).var(), 1e-6)

# The error of y is that of `shift`, the same at every site.
steps_found = results["step distance"]["untrained"]["squared_error"]
if not 1e-5 < steps_found < 0.3:
    fail(f"the error of a shift of 0.1 is {steps_found}")

# The offset is far below what decides.
error = ((guess[:, :-1] - video[:, 1:]) ** 2).sum(2) / (video[:, 1:].astype(float) ** 2).sum(2)
found = results["time"]["untrained"]
for name, first in ("after_conditioning", 3), ("after_horizon", 6):
    times = []
    for row in error:
        late = np.flatnonzero(row[first - 1:] > 0.04)
        times.append(late[0] if len(late) else frames - first)
    medians = [np.median(times[i:i + 5]) for i in (0, 5)]
    close(f"{name}, median", found[name]["median_of_five"], np.mean(medians), 1e-12)
    close(f"{name}, mean", found[name]["mean"], np.mean(times), 1e-12)
    close(f"{name}, window", found[name]["window"], frames - first, 0)
    close(f"{name}, share", found[name]["share"], np.mean(medians) / (frames - first), 1e-12)
# The same values taken for predictions of their own frame.
same = ((guess - video) ** 2).sum(2) / (video.astype(float) ** 2).sum(2) > 0.025
times = [np.flatnonzero(row)[0] if row.any() else frames for row in same]
close("own frame", results["same"]["untrained"]["after_horizon"]["mean"], np.mean(times), 1e-12)
for figure in "time.png", "same.png":
    if not os.path.getsize(f"one-4/figures/{figure}") > 2000:
        fail(f"no figure {figure}")
finish()
