# Solvers: sub-steps, adaptive steps and their gradients, noise.
# RUN: rm -rf %t && %python %s %t %targets

import subprocess, sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import dopri
import drive

folder, targets = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)
STIFFNESS, FRICTION = 1.3, 0.2


def is_close(what, found, wanted, bound):
    error = check.relative(found, wanted)
    if not error <= bound:
        check.fail(f"{what}: off by {error:.2e}, at most {bound:.0e}")
    print(f"ok: {what}: {error:.1e}")


def run(verb, program, model, inputs, target, settings=(), precision="f64", more=()):
    np.savez(f"{folder}/i.npz", **inputs)
    check.lococ(verb, drive.inputs / program, "--model", model, *settings, *more,
                "--target", target, "--precision", precision,
                "--inputs", f"{folder}/i.npz", "--out", f"{folder}/o.npz")
    return dict(np.load(f"{folder}/o.npz"))


def pendulum(drive_, stiffness=STIFFNESS, friction=FRICTION):
    return lambda y: np.array([y[1], -stiffness * np.sin(y[0]) - friction * y[1] + drive_])


def starts(samples, steps, seed=0):
    rng = np.random.default_rng(seed)
    return {"q0": rng.normal(0, 1, samples), "p0": rng.normal(0, 2, samples),
            "drive": rng.normal(0, 1, (samples, steps))}


def rk4(f, y, dt):
    k1 = f(y); k2 = f(y + dt / 2 * k1); k3 = f(y + dt / 2 * k2); k4 = f(y + dt * k3)
    return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def sub_steps(target):
    inputs = starts(3, 4)
    out = run("eval", "solvers.loco", "Fixed", inputs, target)
    for s in range(3):
        y, wanted = np.array([inputs["q0"][s], inputs["p0"][s]]), []
        for u in inputs["drive"][s]:
            for _ in range(10):
                y = rk4(pendulum(u), y, 0.01)
            wanted.append(y)
        is_close(f"sub-steps of sample {s}", np.stack([out["q"][s], out["p"][s]], 1), np.array(wanted), 1e-13)


def orders(target):
    """The error of rk4 falls with the fourth power of the step."""
    inputs = starts(2, 1, seed=4)
    y = [np.array([inputs["q0"][s], inputs["p0"][s]]) for s in range(2)]
    exact = [dopri.integrate(pendulum(inputs["drive"][s, 0]), y[s], 1.0, 1e-13, 1e-14)[0] for s in range(2)]
    errors = []
    for steps in (8, 16, 32):
        out = run("eval", "solvers.loco", "Fixed", inputs, target, check.settings({"dt": 1, "steps": steps}))
        errors.append(np.linalg.norm([out["q"][:, -1], out["p"][:, -1]] - np.array(exact).T))
    for a, b in zip(errors, errors[1:]):
        if not 3.7 < np.log2(a / b) < 4.3:
            check.fail(f"the order of rk4 is {np.log2(a / b):.2f}")
    # What dopri5 is off by is in proportion to its tolerance: of order 5, it controls the
    # error of order 4.
    tolerances, errors = [1e-4, 1e-7, 1e-10], []
    for tolerance in tolerances:
        out = run("eval", "solvers.loco", "Adaptive", inputs, target,
                  check.settings({"dt": 1, "tolerance": tolerance}))
        errors.append(np.linalg.norm([out["q"][:, -1], out["p"][:, -1]] - np.array(exact).T))
        if not errors[-1] < 10 * tolerance:
            check.fail(f"with a tolerance of {tolerance} dopri5 is off by {errors[-1]}")
    slope = np.polyfit(np.log(tolerances), np.log(errors), 1)[0]
    if not 0.85 < slope < 1.15:
        check.fail(f"the error of dopri5 goes with the {slope:.2f}th power of its tolerance")
    print("ok: orders")


def adaptive(target):
    """States to rounding, gradients with the accepted steps held."""
    inputs = starts(3, 5, seed=1)
    for dt, tolerance in ((0.1, 1e-6), (2.0, 1e-6), (2.0, 1e-3)):
        settings = check.settings({"dt": dt, "tolerance": tolerance})
        out = run("grad", "solvers.loco", "Adaptive", inputs, target, settings)
        accepted, attempts = 0, 0

        def solve(s, stiffness, friction, q0, p0, recorded=None):
            nonlocal accepted, attempts
            y, states, record = np.array([q0, p0]), [], []
            for t, u in enumerate(inputs["drive"][s]):
                f = pendulum(u, stiffness, friction)
                if recorded:
                    y = dopri.replay(f, y, recorded[t])
                else:
                    y, steps, tries = dopri.integrate(f, y, dt, tolerance, tolerance * 0.01)
                    record.append(steps)
                    accepted, attempts = accepted + len(steps), attempts + tries
                states.append(y)
            return np.array(states), record, y[0] * y[1] + y[0]

        gradients = np.zeros(2)
        for s in range(3):
            q0, p0 = inputs["q0"][s], inputs["p0"][s]
            states, record, loss = solve(s, STIFFNESS, FRICTION, q0, p0)
            name = f"dopri5 {dt} {tolerance}, sample {s}"
            is_close(name, np.stack([out["q"][s], out["p"][s]], 1), states, 1e-11)
            tiny = 1e-30j
            at = [(STIFFNESS + tiny, FRICTION, q0, p0), (STIFFNESS, FRICTION + tiny, q0, p0),
                  (STIFFNESS, FRICTION, q0 + tiny, p0), (STIFFNESS, FRICTION, q0, p0 + tiny)]
            by = [solve(s, *each, recorded=record)[2].imag / 1e-30 for each in at]
            gradients += np.array(by[:2]) / 3
            is_close(name + ", gradient by the start",
                     [out["grad.q0"][s], out["grad.p0"][s]], np.array(by[2:]) / 3, 1e-9)
        is_close(f"dopri5 {dt} {tolerance}, gradient by the parameters",
                 [out["grad.stiffness"], out["grad.friction"]], gradients, 1e-9)
        print(f"ok: {accepted} of {attempts} attempts accepted")
        if dt == 2.0 and attempts == accepted:
            check.fail("no attempt was refused, so that refusals are not tested")


def ring(target):
    """States of different size share one error norm; neighbours, couplings, reductions."""
    rng = np.random.default_rng(3)
    kernel, theta0, n = rng.normal(size=3), rng.normal(0, 2, (2, 7)), 7
    np.savez(f"{folder}/p.npz", W=kernel, K=1.5, gain=0.3)
    out = run("eval", "solvers.loco", "Ring", {"theta0": theta0}, target,
              check.settings({"dt": 0.7, "tolerance": 1e-5}), more=("--params", f"{folder}/p.npz", "--steps", 4))

    def rate(y):
        theta, r = y[:n], y[n]
        pull = np.mean([np.sin(np.roll(theta, -d) - theta) for d in (-2, -1, 1, 2)], axis=0)
        c = np.cos(theta)
        coupled = sum(kernel[k] * np.roll(c, 1 - k) for k in range(3))
        order = abs(np.exp(1j * theta).mean())
        return np.append(1 + 1.5 * pull + r * coupled, 0.3 * (1 - r) * order - r ** 3)

    for s in range(2):
        y, wanted = np.append(theta0[s], 0.5), []
        for _ in range(4):
            y, _, _ = dopri.integrate(rate, y, 0.7, 1e-5, 1e-7)
            wanted.append(y)
        found = np.concatenate([out["theta"][s], out["r"][s][:, None]], 1)
        is_close(f"ring, sample {s}", found, np.array(wanted), 1e-11)


def closed_forms(target):
    """O34: a spring for 20 time units; a pendulum is back after its period."""
    rng = np.random.default_rng(5)
    q0, p0 = rng.normal(size=(2, 3))
    out = run("eval", "solvers.loco", "Spring", {"q0": q0, "p0": p0}, target, more=("--steps", 400))
    k, m, t = 0.8, 1.25, 0.05 * np.arange(1, 401)
    w = np.sqrt(k / m)
    is_close("O34 spring", out["q"], q0[:, None] * np.cos(w * t) + p0[:, None] / (m * w) * np.sin(w * t), 1e-8)
    for amplitude in (0.3, 1.5, 3.0):
        a, b = 1.0, np.cos(amplitude / 2)  # arithmetic-geometric mean: 4 K(sin(amplitude / 2))
        for _ in range(8):
            a, b = (a + b) / 2, np.sqrt(a * b)
        period = 2 * np.pi / a / np.sqrt(3 / 1.5)
        out = run("eval", "solvers.loco", "Pendulum", {"q0": np.array([amplitude]), "p0": np.array([0.0])},
                  target, check.settings({"interval": repr(period / 4)}), more=("--steps", 4))
        # At rest on the other side after half of it, back after all of it, through 0 between.
        is_close(f"O34 pendulum from {amplitude}", out["q"][0], np.array([0, -amplitude, 0, amplitude]), 1e-8)


def gives_up(target):
    """x' = x^2 from 0.9 has no value from t = 1.11 on, from 0.2 until t = 5."""
    np.savez(f"{folder}/i.npz", x0=np.array([0.2, 0.9]))
    done = subprocess.run(
        ["lococ", "eval", drive.inputs / "solvers.loco", "--model", "Explodes", "--target", target,
         "--inputs", f"{folder}/i.npz", "--steps", "8"], capture_output=True, text=True)
    wanted = ("error: `dopri5` did not get to the end of a step of `0.25` in 200 attempts: sample 1, step 4, "
              "from t = 1; raise `max` or the tolerances, or look for a solution that grows without bound "
              "[solver-gave-up]")
    if done.returncode == 0 or wanted not in done.stderr:
        check.fail(f"no message, or another one:\n{done.stdout}{done.stderr}")
    out = run("eval", "solvers.loco", "Explodes", {"x0": np.array([0.2, 0.9])}, target, more=("--steps", 4))
    t = 0.25 * np.arange(1, 5)
    is_close("x' = x^2", out["x"], 1 / (1 / np.array([[0.2], [0.9]]) - t), 1e-5)


def threads(target):
    """Draws and steps do not depend on the number of threads."""
    np.savez(f"{folder}/i.npz", **starts(9, 5, seed=7))
    for program, model, more in (("noise.loco", "Often", ("--samples", 9, "--steps", 5)),
                                 ("solvers.loco", "Adaptive", ("--inputs", f"{folder}/i.npz"))):
        out = []
        for count in (1, 3):
            check.lococ("eval", drive.inputs / program, "--model", model, "--target", target, *more,
                        "--threads", count, "--out", f"{folder}/o.npz")
            out.append(dict(np.load(f"{folder}/o.npz")))
        if any((out[0][name] != out[1][name]).any() for name in out[0]):
            check.fail(f"{model} depends on the number of threads")
    print("ok: threads")


def noise(target):
    """O25: the variance of an Ornstein-Uhlenbeck process, sub-steps or not."""
    for model, dt, every in (("Once", 0.1, 0.1), ("Often", 0.1, 0.5)):
        check.lococ("eval", drive.inputs / "noise.loco", "--model", model,
                    *check.settings({"dt": dt, "interval": every}), "--target", target,
                    "--samples", 500 if target == "cpu" else 20, "--steps", 100, "--out", f"{folder}/o.npz")
        x = np.load(f"{folder}/o.npz")["x"][:, 50:].astype(float)
        wanted = 0.5 ** 2 * 0.1 / (1 - 0.9 ** 2)
        bound = 0.01 if target == "cpu" else 0.1
        is_close(f"O25 {model}", (x ** 2).mean(), wanted, bound)
        # The correlation over a step of the model.
        lag = int(round(every / dt))
        is_close(f"O25 {model}, lag", (x[:, 1:] * x[:, :-1]).mean() / wanted, 0.9 ** lag, 2 * bound)


def streams(target):
    """Each occurrence draws for itself: variances 2 and 4, no correlation."""
    check.lococ("eval", drive.inputs / "noise.loco", "--model", "Streams", "--target", target,
                "--samples", 20, "--steps", 40, "--out", f"{folder}/o.npz")
    out = np.load(f"{folder}/o.npz")
    a, b = (np.diff(out[name].astype(float), axis=1).ravel() / 0.5 for name in "ab")
    is_close("two occurrences", np.mean(a * a), 2, 0.03)
    is_close("another equation", np.mean(b * b), 4, 0.03)
    if abs(np.mean(a * b)) > 0.03:
        check.fail("draws of two equations go together")


for target in targets:
    sub_steps(target)
    orders(target)
    adaptive(target)
    ring(target)
    closed_forms(target)
    gives_up(target)
    threads(target)
    noise(target)
    streams(target)
