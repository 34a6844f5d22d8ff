# Lyapunov exponents: of maps and solvers that they are known of, and of a driven lattice
# against NumPy; the same from the interpreter and from compiled code.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S

import json
import sys

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, fail, finish, program, run
import numpy as np

rng = np.random.default_rng(3)
samples, steps, rows, columns = 2, 250, 3, 4
driven = 0.5 * rng.normal(size=(samples, steps, rows, columns))
np.savez("driven.npz", x=driven)
np.savez("followed.npz", x=rng.normal(size=(2, 50)))


def follow_lattice(x, skip, dt=0.1, alpha=0.5):
    """Exponents of one sample, by QR of the Jacobian of every step."""
    n = rows * columns
    W = np.zeros((n, n))
    for i in range(n):
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                row, column = (i // columns + di) % rows, (i % columns + dj) % columns
                W[i, row * columns + column] += 0.15
    z, v = x[0].ravel(), np.zeros(n)
    Q, logs = np.eye(2 * n), np.zeros(2 * n)
    for t in range(steps):
        phi = np.tanh(W @ z + x[t].ravel())
        dv_dz = dt * ((1 - phi ** 2)[:, None] * W - np.eye(n))
        dv_dv = (1 - dt * alpha) * np.eye(n)
        J = np.block([[np.eye(n) + dt * dv_dz, dt * dv_dv], [dv_dz, dv_dv]])
        v = v + dt * (phi - z - alpha * v)
        z = z + dt * v
        Q, R = np.linalg.qr(J @ Q)
        if t >= skip:
            logs += np.log(np.abs(np.diag(R)))
    return logs / (steps - skip) / dt


for options in (["--precision", "f64"], ["--target", "interpreter", "--precision", "f64"], []):
    is_exact = bool(options)
    run("run", program("lyapunov"), "--out", "out", "--force", "--quiet", *options)
    results = json.load(open("out/results.json"))
    tight = 1e-10 if is_exact else 1e-5

    triangle = results["triangle"]["simulated"]
    close("linear map", triangle["exponents"], np.log([0.9, 0.5, 0.2]), 1e-9 if is_exact else 1e-4)
    close("sum", triangle["sum"], np.log(0.09), tight)
    if not 0 <= triangle["deviation"] < 1e-4 or triangle["dimension"] != 0:
        fail(f"linear map: {triangle}")

    henon = results["henon"]["simulated"]
    close("area of Henon's map", henon["sum"], np.log(0.3), tight)
    # 0.41922 (Sprott, 2003); 16,000 iterations.
    close("Henon's map", henon["largest"], 0.41922, 0.02)
    close("dimension", henon["dimension"], 1 + henon["largest"] / -henon["exponents"][1], 1e-9)

    for label in ("lattice", "lattice_finely"):
        lattice = results[label]
        # Whole windows of 7 steps are left out.
        skip = 105 if label == "lattice" else 100
        if (lattice["skip"], lattice["unit"], lattice["time_of_step"]) != (skip, "1 / time", 0.1):
            fail(f"{label}: {lattice}")
        found = lattice["untrained"]
        close("O5", found["sum"], rows * columns * np.log(1 - 0.05) / 0.1, tight)
        wanted = np.mean([follow_lattice(x, skip) for x in driven], axis=0)
        # Directions are not the same at first, and settle within the steps left out.
        close(label, found["largest"], wanted[0], 0.05)
        close(label, found["exponents"], wanted, 0.1)

    close("closed loop", results["closed"]["untrained"]["largest"], np.log(0.8), tight)
    if results["open"]["untrained"]["largest"] is not None:
        fail("without a loop nothing is left of a difference")
    close("dopri5", results["decay"]["simulated"]["largest"], -1, 1e-7 if is_exact else 1e-5)
    close("noise", results["noisy"]["simulated"]["largest"], 100 * np.log(0.99), tight)
    # m <- 0.9 m + h with h <- 0.5 h + m: eigenvalues of [[1.9, 0.5], [1, 0.5]].
    close("a model inside", results["outer"]["untrained"]["exponents"],
          np.log(np.sort(np.linalg.eigvals([[1.9, 0.5], [1, 0.5]]))[::-1]), 1e-6 if is_exact else 1e-4)
finish()
