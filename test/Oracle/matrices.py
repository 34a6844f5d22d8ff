# Products of matrices: a Kalman filter, each way to transpose, and least squares that learn in
# every step, against NumPy.
# RUN: rm -rf %t && mkdir -p %t && %python %s %t %targets
# RUN: lococ gradcheck %S/Inputs/matrices.loco --model Filter --steps 4
# RUN: lococ verify %S/Inputs/matrices.loco --model Filter --steps 4

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

folder, targets = drive.arguments()
program = drive.inputs / "matrices.loco"
rng = np.random.default_rng(6)
samples, steps = 3, 6
y = rng.normal(size=(samples, steps, 2))
A, C, noise = 0.4 * rng.normal(size=(4, 4)), rng.normal(size=(2, 4)), 0.3


def filtered(y):
    m, P, loss = np.zeros(4), np.eye(4), 0
    for seen in y:
        m, P = A @ m, A @ P @ A.T + noise * np.eye(4)
        S = C @ P @ C.T + np.eye(2)
        e = seen - C @ m
        K = P @ C.T @ np.linalg.inv(S)
        loss += e @ np.linalg.solve(S, e) + np.log(np.linalg.det(S))
        m, P = m + K @ e, P - K @ C @ P
    return m, P, loss / len(y)


def learned(J, feedback, x, steps, dt=0.1):
    """FORCE: what is read out after each step."""
    w, P, z, t, found = np.zeros(len(x)), np.eye(len(x)), 0.0, 0.0, []
    for _ in range(steps):
        wanted = np.sin(2 * np.pi * t / 60) + 0.5 * np.sin(4 * np.pi * t / 60)
        x = x + dt * (-x + J @ np.tanh(x) + feedback * z)
        r = np.tanh(x)
        k = P @ r
        gain = (t < 40) / (1 + r @ k)
        e = w @ r - wanted
        z = w @ r - gain * e * (r @ k)
        P, w, t = P - gain * np.outer(k, k), w - gain * e * k, t + dt
        found.append(z)
    return np.array(found)


J, feedback = 0.3 * rng.normal(size=(30, 30)), rng.uniform(-1, 1, 30)
np.savez(f"{folder}/j.npz", J=J, feedback=feedback)
np.savez(f"{folder}/p.npz", A=A, C=C, drift=noise)
np.savez(f"{folder}/i.npz", y=y)
factors = {"A": rng.normal(size=(2, 5, 3)), "B": rng.normal(size=(2, 3, 7)), "r": rng.normal(size=(2, 1, 3)),
           "s": np.array([0.3, -2])}
np.savez(f"{folder}/f.npz", **factors)
for target in targets:
    for precision in drive.precisions_of(target):
        bound = 1e-12 if precision == "f64" else 1e-5
        check.lococ("eval", program, "--model", "Filter", "--target", target, "--precision", precision,
                    "--params", f"{folder}/p.npz", "--inputs", f"{folder}/i.npz", "--out", f"{folder}/o.npz")
        out = np.load(f"{folder}/o.npz")
        for i in range(samples):
            m, P, loss = filtered(y[i])
            for what, found, wanted in (("m", out["m"][i, -1], m), ("P", out["P"][i, -1], P),
                                        ("loss", out["loss.samples"][i], loss)):
                error = check.relative(found, wanted)
                if not error <= bound:
                    check.fail(f"{target} {precision}: `{what}` of the filter is off by {error:.1e}")
        check.lococ("eval", program, "--model", "Products", "--target", target, "--precision", precision,
                    "--inputs", f"{folder}/f.npz", "--out", f"{folder}/o.npz")
        out = np.load(f"{folder}/o.npz")
        s = factors["s"]
        F, G, r = factors["A"], factors["B"], factors["r"]
        turn = lambda M: M.transpose(0, 2, 1)
        for name, wanted in (("ab", F @ G), ("tab", turn(G) @ turn(F)), ("ata", turn(F) @ F), ("aat", F @ turn(F)),
                             ("outer_", turn(r) @ r), ("row", r @ G),
                             ("list", np.stack([s, 2 + 0 * s, s * s], 1)), ("one", F.sum((1, 2))[:, None])):
            error = check.relative(out[name], wanted)
            if not error <= bound:
                check.fail(f"{target} {precision}: `{name}` is off by {error:.1e}")
        check.lococ("eval", program, "--model", "Force", "--target", target, "--precision", precision, "--steps", 600,
                    "--params", f"{folder}/j.npz", "--record-random", f"{folder}/x.npz", "--out", f"{folder}/o.npz")
        start = np.load(f"{folder}/x.npz")["random.0"][0].astype(float)
        found, wanted = np.load(f"{folder}/o.npz")["z"][0], learned(J, feedback, 0.5 * start, 600)
        # Rounding grows while the network follows, and faster when it is let go.
        error = np.max(np.abs(found[:400] - wanted[:400]))
        if not error <= (1e-9 if precision == "f64" else 0.02):
            check.fail(f"{target} {precision}: least squares in the step are off by {error:.1e}")
        print(f"ok: {target}, {precision}, {error:.1e}")
