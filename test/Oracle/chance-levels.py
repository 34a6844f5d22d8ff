# O36: what the memory tasks cost without memory, on the data of `lococ run`.
#
# Copying: a network that knows only when to speak, not what, pays 10 ln 8 / (length +
# 10) nats per position. The wave-RNN is made into such a network: a symbol 9 sets site 1,
# which keeps itself and, a step later, sets site 0; that one turns the scores from
# "blank" to "any of the eight".
# Adding: always to answer 1 costs the variance of the sum of two uniform numbers, 1/6.
# RUN: rm -rf %t && %python %s %t %targets

import json
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

folder, targets = drive.arguments()
folder = pathlib.Path(folder)
folder.mkdir(parents=True)
examples = pathlib.Path(__file__).resolve().parents[2] / "examples"


def first_loss(program, model, *options):
    """The loss of the first batch, before its update."""
    check.lococ("run", program, *options, "--only", "train", "--out", folder / "run", "--force")
    metrics = (folder / "run" / model / "metrics.jsonl").read_text().splitlines()
    return json.loads(metrics[0])["loss"]


def copying(target, length):
    sites = 5
    kernel = np.zeros((1, 1, 3))
    kernel[0, 0, 1:] = 1        # h[i] <- h[i] + h[i + 1]
    drive_ = np.zeros((sites, 10))
    drive_[1, 9] = 1
    scores, rest = np.zeros((10, sites)), np.zeros(10)
    rest[0], rest[9] = 60, -60
    scores[0, 0] = -120
    np.savez(folder / "p.npz", **{
        "U": kernel, "U.bias": np.zeros(1), "V": drive_, "V.bias": np.zeros(sites),
        "y.linear.weight": scores, "y.linear.bias": rest})
    sizes = {"num_sites": sites, "num_channels": 1, "length": length, "updates_to_run": 1}
    found = first_loss(examples / "wave_rnn_copy.loco", "WaveRNN", *check.settings(sizes),
                       "--target", target, "--init", folder / "p.npz")
    wanted = 10 * np.log(8) / (length + 10)
    if not abs(found - wanted) <= 1e-6 * wanted:
        check.fail(f"O36: copying over {length} costs {found}, expected {wanted}")
    print(f"ok: {target}: copying over {length} costs {found:.6f}")


def adding(target):
    found = first_loss(drive.inputs / "adding_chance.loco", "Chance", "--target", target)
    # 20,000 samples: the standard error of their mean is 0.8 % of it.
    if not abs(found - 1 / 6) <= 0.03 / 6:
        check.fail(f"O36: always to answer 1 costs {found}, expected 1/6")
    print(f"ok: {target}: adding costs {found:.4f}")


for target in targets:
    for length in (12, 20):
        copying(target, length)
    adding(target)
