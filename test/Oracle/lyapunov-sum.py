# O5: the Jacobian over any number of steps of a nonlinear lattice without velocity
# coupling has the determinant (1 - alpha dt)^(sites steps).
# O22: forward sensitivities (complex steps through the oracle) are the gradient.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive
import layers

folder, targets = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)
rows, columns = 4, 5
sites = rows * columns


def jacobian_by_complex_steps(p, z0, v0, steps):
    """Column by column."""
    dt = layers.sigmoid(p["dt.raw"])
    result = np.zeros((2 * sites, 2 * sites))
    for column in range(2 * sites):
        state = np.concatenate([z0.ravel(), v0.ravel()]).astype(complex)
        state[column] += 1e-30j
        z, v = state[None, :sites].reshape(1, 1, rows, columns), state[None, sites:].reshape(1, 1, rows, columns)
        for _ in range(steps):
            phi = np.tanh(layers.correlate(p["Wz"][None, None], z) + p["b"])
            v = v + dt * (phi - p["gamma"] * z - p["alpha"] * v)
            z = z + dt * v
        result[:, column] = np.concatenate([z.ravel(), v.ravel()]).imag / 1e-30
    return result


rng = np.random.default_rng(5)
p = {"dt.raw": np.array(-1.95), "gamma": np.array(1.0), "alpha": np.array(0.5),
     "b": rng.normal(size=(rows, columns)), "Wz": rng.normal(size=(3, 3))}
z0, v0 = rng.normal(size=(2, rows, columns))
dt = layers.sigmoid(p["dt.raw"])
# One sample for each row of the Jacobian.
forms = np.eye(2 * sites).reshape(2 * sites, 2, rows, columns)
every = np.ones((2 * sites, 1, 1))
np.savez(f"{folder}/p.npz", **p)
np.savez(f"{folder}/i.npz", z0=every * z0, v0=every * v0, cz=forms[:, 0], cv=forms[:, 1])
for target in targets:
    for steps in (1, 7):
        check.lococ("grad", drive.inputs / "autonomous.loco", "--target", target, "--precision", "f64",
                    "--params", f"{folder}/p.npz", "--inputs", f"{folder}/i.npz",
                    "--steps", steps, "--out", f"{folder}/o.npz")
        out = np.load(f"{folder}/o.npz")
        # The loss is the mean over the samples.
        jacobian = 2 * sites * np.concatenate(
            [out["grad.z0"].reshape(2 * sites, -1), out["grad.v0"].reshape(2 * sites, -1)], 1)
        error = check.relative(jacobian, jacobian_by_complex_steps(p, z0, v0, steps))
        if not error <= 1e-12:
            check.fail(f"O22: after {steps} steps the Jacobian is off by {error:.1e}")
        sign, log = np.linalg.slogdet(jacobian)
        wanted = steps * sites * np.log1p(-p["alpha"] * dt)
        if sign != 1 or not abs(log - wanted) <= 1e-10 * abs(wanted):
            check.fail(f"O5: after {steps} steps the log-determinant is {log}, expected {wanted}")
        print(f"ok: {target}, {steps} steps: Jacobian {error:.1e}, log-determinant {log - wanted:.1e}")
