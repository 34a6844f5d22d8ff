# What solvers promise: orders of convergence, energies that do not drift.
# RUN: rm -rf %t && %python %s %t cpu

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

folder, (target,) = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)

# Two pendulums that pull at each other: not linear, separable.
HAMILTONIAN = """
  let H = sum(p^2) / 2 + sum(1 - cos(q)) + 0.15 * (q[0] - q[1])^2
  dynamics hamiltonian(H)"""
EQUATIONS = """
  let d = 0.3 * (q[0] - q[1])
  dynamics { q'' = -sin(q) - concat(d, -d) }"""


def write(name, states, dynamics, solver):
    path = f"{folder}/{name}.loco"
    pathlib.Path(path).write_text(f"""loco 1
const dt = 0.1
model M {{
  input q0, p0 : vector(2)
  state {states}
  init q = q0, p = p0{dynamics}
  solve {solver}
}}
""")
    return path


def run(program, dt, steps, q0, p0):
    """q and p after every step, [step, 2]."""
    np.savez(f"{folder}/i.npz", q0=[q0], p0=[p0])
    check.lococ("eval", program, "--set", f"dt={dt!r}", "--target", target, "--precision", "f64",
                "--inputs", f"{folder}/i.npz", "--steps", steps, "--out", f"{folder}/o.npz")
    out = np.load(f"{folder}/o.npz")
    return out["q"][0], out["p"][0]


def exact(q, p, time, steps=20000):
    """By RK4 in very small steps."""
    y, h = np.array([q, p]), time / steps

    def rates(y):
        d = 0.3 * (y[0, 0] - y[0, 1])
        return np.array([y[1], -np.sin(y[0]) - [d, -d]])
    for _ in range(steps):
        k1 = rates(y)
        k2 = rates(y + h / 2 * k1)
        k3 = rates(y + h / 2 * k2)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + rates(y + h * k3))
    return y


def energy(q, p):
    return ((p**2).sum(-1) / 2 + (1 - np.cos(q)).sum(-1) + 0.15 * (q[:, 0] - q[:, 1])**2)


q0, p0, time = np.array([1.1, -0.4]), np.array([0.2, 0.7]), 2.0
truth = exact(q0, p0, time)
PAIRS, VELOCITIES = "q, p on vector(2)", "q on vector(2) with velocity p"
for solver, order in [("euler", 1), ("symplectic_euler", 1), ("midpoint", 2), ("heun", 2),
                      ("leapfrog", 2), ("stormer_verlet", 2), ("rk4", 4)]:
    for kind, states, dynamics in [("hamiltonian", PAIRS, HAMILTONIAN),
                                   ("equations", VELOCITIES, EQUATIONS)]:
        program = write(f"{solver}-{kind}", states, dynamics, f"{solver}(dt)")
        errors = []
        for steps in (40, 80, 160):
            q, p = run(program, time / steps, steps, q0, p0)
            errors.append(np.linalg.norm(np.array([q[-1], p[-1]]) - truth))
        orders = np.log2(np.array(errors[:-1]) / errors[1:])
        if abs(orders[1] - order) > 0.1:
            check.fail(f"{solver} of {kind} converges with orders {orders}, not {order}")
        print(f"ok: {solver} of {kind}: order {orders[1]:.3f}")

# Over 20000 steps the error of the energy swings, but does not grow; that of RK4 only grows.
steps, dt = 20000, 0.1
swing = {}
for solver in ("leapfrog", "symplectic_euler", "rk4"):
    q, p = run(f"{folder}/{solver}-hamiltonian.loco", dt, steps, q0, p0)
    error = energy(q, p) - energy(q0[None], p0[None])
    swing[solver] = np.abs(error).max()
    drift = error[-steps // 4:].mean() - error[:steps // 4].mean()
    if solver == "rk4":
        if not (error[-1] < 0 and abs(drift) > 0.4 * swing[solver]):
            check.fail(f"rk4 was to lose energy, but its error is {error[-1]} in the end")
    elif abs(drift) > 0.02 * swing[solver]:
        check.fail(f"the energy of {solver} drifts by {drift} with a swing of {swing[solver]}")
    print(f"ok: {solver}: energy within {swing[solver]:.2e}, drift {drift:.1e}")
# Leapfrog's swing is of second order.
q, p = run(f"{folder}/leapfrog-hamiltonian.loco", dt / 2, steps, q0, p0)
ratio = swing["leapfrog"] / np.abs(energy(q, p) - energy(q0[None], p0[None])).max()
if abs(ratio - 4) > 0.3:
    check.fail(f"half the step makes leapfrog's swing {ratio} times smaller, not 4 times")

# O3 for a pair: p^2 + k q^2 - dt k q p never changes under symplectic Euler.
spring = write("spring", PAIRS, """
  const k = 1.7
  let H = sum(p^2) / 2 + k * sum(q^2) / 2
  dynamics hamiltonian(H)""", "symplectic_euler(dt)")
q, p = run(spring, 0.21, 100000, q0, p0)
invariant = p**2 + 1.7 * q**2 - 0.21 * 1.7 * q * p
change = np.abs(invariant / invariant[0] - 1).max()
if change > 1e-12:
    check.fail(f"O3: the invariant of symplectic Euler changes by {change}")
print(f"ok: O3 over 100000 steps: {change:.1e}")

# There and back: leapfrog retraces its steps when momenta are turned round.
q, p = run(f"{folder}/leapfrog-hamiltonian.loco", dt, 1000, q0, p0)
back, turned = run(f"{folder}/leapfrog-hamiltonian.loco", dt, 1000, q[-1], -p[-1])
if max(np.abs(back[-1] - q0).max(), np.abs(turned[-1] + p0).max()) > 1e-9:
    check.fail("leapfrog does not come back to where it began")
