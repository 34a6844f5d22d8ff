# O17: with its own initial values and without biases the wave-RNN is a register: after
# T steps the input of k steps ago stands at site (n - k) mod n, to the last bit.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

folder, targets = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)
program = drive.inputs / "wave_rnn_digits.loco"
rng = np.random.default_rng(8)
for sites, channels, steps in [(17, 3, 17), (33, 1, 20)]:
    values = channels * sites
    kernel = np.zeros((channels, channels, 3))
    kernel[range(channels), range(channels), 2] = 1
    weights = np.zeros((values, 1))
    weights[::sites] = 1
    x = rng.uniform(0, 1, (2, steps)).astype(np.float32).astype(float)
    size = check.settings({"sites_": sites, "channels_": channels})
    np.savez(f"{folder}/i.npz", x=x, label=np.zeros(2, np.int32))
    for target in targets:
        for precision in drive.precisions_of(target):
            options = ["--target", target, "--precision", precision]
            np.savez(f"{folder}/p.npz", **{
                "U": kernel, "U.bias": np.zeros(channels), "V": weights, "V.bias": np.zeros(values),
                "y.linear.weight": np.zeros((10, values)), "y.linear.bias": np.zeros(10)})
            check.lococ("eval", program, *size, *options, "--params", f"{folder}/p.npz",
                        "--inputs", f"{folder}/i.npz", "--out", f"{folder}/o.npz")
            h = np.load(f"{folder}/o.npz")["h"]
            for t in range(steps):
                wanted = np.zeros((2, channels, sites))
                for k in range(t + 1):
                    wanted[:, :, (sites - k) % sites] = x[:, t - k, None]
                if not np.array_equal(h[:, t], wanted.astype(h.dtype)):
                    check.fail(f"O17: {target}, {precision}, {sites} sites, step {t}")
            print(f"ok: {target}, {precision}: register of {sites} sites over {steps} steps")
