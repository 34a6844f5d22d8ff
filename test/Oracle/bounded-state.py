# O6: whatever drives it, a site stays within the l1 norm of its impulse response,
# 2.5641 at the initial scalars; a force that switches at the right steps reaches it.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

folder, targets = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)
dt, gamma, alpha, steps = 0.1246, 1.0, 0.5, 600

# z after a unit force at one step: the impulse response.
response, z, v = [], 0.0, 0.0
for t in range(steps):
    v, z = v + dt * ((t == 0) - gamma * z - alpha * v), z
    z = z + dt * v
    response.append(z)
response = np.array(response)
bound = np.abs(response).sum()
if abs(bound - 2.5641) > 5e-5:
    check.fail(f"the bound is {bound}, published 2.5641")

rng = np.random.default_rng(6)
force = 1e3 * rng.choice([-1.0, 1.0], (3, steps, 4))
force[0, :, 0] = 1e3 * np.sign(response[::-1])
zero = np.zeros((3, 4))
np.savez(f"{folder}/i.npz", z0=zero, v0=zero, force=force)
np.savez(f"{folder}/p.npz", **{"dt": np.array(dt), "gamma": np.array(gamma), "alpha": np.array(alpha)})
for target in targets:
    for precision in drive.precisions_of(target):
        check.lococ("eval", drive.inputs / "uncoupled.loco", "--target", target, "--precision", precision,
                    "--params", f"{folder}/p.npz", "--inputs", f"{folder}/i.npz", "--out", f"{folder}/o.npz")
        z = np.load(f"{folder}/o.npz")["z"].astype(float)
        slack = 1e-12 if precision == "f64" else 1e-5
        if not np.abs(z).max() <= bound * (1 + slack):
            check.fail(f"O6: {np.abs(z).max()} is more than {bound}")
        if not abs(z[0, -1, 0] - bound) <= slack * bound:
            check.fail(f"O6: the worst force reaches {z[0, -1, 0]}, not {bound}")
        print(f"ok: {target}, {precision}: at most {np.abs(z).max():.6f}, bound {bound:.6f}")
