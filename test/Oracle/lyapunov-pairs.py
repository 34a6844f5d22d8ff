# O7: a damped lattice whose force is a gradient is conformally symplectic. The Jacobian M
# over n steps fulfils M' J M = c^n J with c = 1 - alpha dt, so its singular values, whose
# logarithms over n are finite-time Lyapunov exponents, pair: s_i s_(2N + 1 - i) = c^n.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

folder, targets = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)
rows, columns, dt, alpha = 4, 5, 0.125, 0.5
sites = rows * columns

rng = np.random.default_rng(7)
forms = np.eye(2 * sites).reshape(2 * sites, 2, rows, columns)
every = np.ones((2 * sites, 1, 1))
np.savez(f"{folder}/p.npz", K=np.array(1.5), b=rng.normal(size=(rows, columns)))
np.savez(f"{folder}/i.npz", z0=every * rng.normal(size=(rows, columns)), v0=every * rng.normal(size=(rows, columns)),
         cz=forms[:, 0], cv=forms[:, 1])
J = np.block([[np.zeros((sites, sites)), np.eye(sites)], [-np.eye(sites), np.zeros((sites, sites))]])
for target in targets:
    for steps in (1, 40):
        check.lococ("grad", drive.inputs / "gradient_coupling.loco", "--target", target, "--precision", "f64",
                    "--params", f"{folder}/p.npz", "--inputs", f"{folder}/i.npz",
                    "--steps", steps, "--out", f"{folder}/o.npz")
        out = np.load(f"{folder}/o.npz")
        # The loss is the mean over the samples.
        jacobian = 2 * sites * np.concatenate(
            [out["grad.z0"].reshape(2 * sites, -1), out["grad.v0"].reshape(2 * sites, -1)], 1)
        wanted = steps * np.log1p(-alpha * dt)
        error = check.relative(jacobian.T @ J @ jacobian, np.exp(wanted) * J)
        if not error <= 1e-11:
            check.fail(f"O7: after {steps} steps the Jacobian is off a conformally symplectic one by {error:.1e}")
        logs = np.log(np.linalg.svd(jacobian, compute_uv=False))
        pairs = abs(logs + logs[::-1] - wanted).max()
        if not pairs <= 1e-8:
            check.fail(f"O7: after {steps} steps pairs of exponents are off by {pairs:.1e}")
        if not logs[0] - logs[-1] > 0.01:
            check.fail(f"all exponents are equal after {steps} steps: nothing was tested")
        print(f"ok: {target}, {steps} steps: form {error:.1e}, pairs {pairs:.1e}")
