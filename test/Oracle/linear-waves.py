# Closed forms of the linear lattice: modes, dispersion, conserved energy, damping.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

ROWS, COLUMNS = 8, 12
folder, targets = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)


def logit(p):
    return np.log(p) - np.log1p(-p)


def trajectory(target, z0, v0, steps, dt, gamma=0.0, alpha=0.0, kz=None, kv=None):
    """z and v before and after every step, [samples, steps + 1, rows, columns], in f64."""
    zero = np.zeros((3, 3))
    parameters = {"dt.raw": np.array(logit(dt)), "gamma": np.array(gamma),
                  "alpha": np.array(alpha), "Wz": zero if kz is None else kz,
                  "Wv": zero if kv is None else kv}
    np.savez(f"{folder}/p.npz", **parameters)
    np.savez(f"{folder}/i.npz", z0=z0, v0=v0)
    check.lococ("eval", drive.inputs / "linear_sheet.loco",
                *check.settings({"rows": z0.shape[1], "columns": z0.shape[2]}),
                "--target", target, "--precision", "f64", "--params", f"{folder}/p.npz",
                "--inputs", f"{folder}/i.npz", "--steps", steps, "--out", f"{folder}/o.npz")
    out = np.load(f"{folder}/o.npz")
    return (np.concatenate([z0[:, None], out["z"]], 1), np.concatenate([v0[:, None], out["v"]], 1))


def transfer(kernel, ky, kx):
    """What the kernel multiplies exp(i k r) with."""
    return sum(kernel[r, c] * np.exp(1j * (ky * (r - 1) + kx * (c - 1)))
               for r in range(3) for c in range(3))


def wave(m, n):
    i, j = np.indices((ROWS, COLUMNS))
    ky, kx = 2 * np.pi * m / ROWS, 2 * np.pi * n / COLUMNS
    return ky, kx, np.exp(1j * (ky * i + kx * j))


def is_close(what, found, wanted, bound):
    error = check.relative(found, wanted)
    if not error <= bound:
        check.fail(f"{what}: off by {error:.2e}, at most {bound:.0e}")
    print(f"ok: {what}: {error:.1e}")


def modes(target):
    """O1: a plane wave advances by a 2 x 2 matrix, also under kernels without symmetry."""
    rng = np.random.default_rng(1)
    kz, kv = rng.normal(0, 0.5, (3, 3)), rng.normal(0, 0.3, (3, 3))
    dt, gamma, alpha, steps = 0.124553, 1.0, 0.5, 30
    for m, n in [(1, 0), (0, 1), (3, 5), (4, 6)]:
        ky, kx, mode = wave(m, n)
        a, b = transfer(kz, ky, kx) - gamma, transfer(kv, ky, kx) - alpha
        step = np.array([[1 + dt**2 * a, dt * (1 + dt * b)], [dt * a, 1 + dt * b]])
        state = np.array([0.7 + 0.2j, -0.4 + 0.9j])
        z, v = trajectory(target, (state[0] * mode).real[None], (state[1] * mode).real[None],
                          steps, dt, gamma, alpha, kz, kv)
        wanted = []
        for _ in range(steps + 1):
            wanted.append([(part * mode).real for part in state])
            state = step @ state
        is_close(f"O1 mode {m}, {n}", np.stack([z[0], v[0]], 1), np.array(wanted), 1e-12)
        # Without velocity coupling and for a real transfer function: modulus and angle.
    kz = np.array([[0, 0.2, 0], [0.3, 0, 0.3], [0, 0.2, 0]])
    ky, kx, mode = wave(2, 3)
    a, b = (transfer(kz, ky, kx) - gamma).real, -alpha
    modulus = np.sqrt(1 + dt * b)
    angle = np.arccos((2 + dt**2 * a + dt * b) / (2 * modulus))
    root = modulus * np.exp(1j * angle)
    # The eigenvector: z' = root z gives v' = (root - 1) z / dt.
    velocity = (root - 1) / dt / root
    z, _ = trajectory(target, mode.real[None], (velocity * mode).real[None], steps, dt, gamma,
                      alpha, kz)
    wanted = np.array([(root**t * mode).real for t in range(steps + 1)])
    is_close("O1 modulus and angle", z[0], wanted, 1e-12)


def dispersion(target):
    """O2: frequencies of waves under a five-point Laplacian, and where they blow up."""
    c2, gamma, dt = 0.9, 0.6, 0.3
    laplacian = c2 * np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], float)
    for m, n in [(1, 0), (2, 3), (4, 6)]:
        ky, kx, mode = wave(m, n)
        square = dt**2 / 4 * (gamma + 4 * c2 * (np.sin(kx / 2)**2 + np.sin(ky / 2)**2))
        frequency = 2 * np.arcsin(np.sqrt(square)) / dt
        steps = 40
        # Leapfrog: z(t) = cos(w t dt) needs the velocity half a step before.
        before = (1 - np.cos(frequency * dt)) / dt
        z, _ = trajectory(target, mode.real[None], before * mode.real[None], steps, dt, gamma,
                          kz=laplacian)
        wanted = np.cos(frequency * dt * np.arange(steps + 1))[:, None, None] * mode.real
        is_close(f"O2 frequency of {m}, {n}", z[0], wanted, 1e-10)
    # The shortest wave is stable up to dt^2 (gamma + 8 c^2) = 4, no further.
    limit = 2 / np.sqrt(gamma + 8 * c2)
    mode = wave(4, 6)[2].real
    for share, grows in [(0.98, False), (1.02, True)]:
        z, _ = trajectory(target, mode[None], 0 * mode[None], 200, share * limit, gamma,
                          kz=laplacian)
        if (np.abs(z).max() > 100) != grows:
            check.fail(f"O2: at {share} of the limit the largest value is {np.abs(z).max()}")
    print("ok: O2 limit of stability")


def energy(target):
    """O3: v^2 + W^2 z^2 - dt W^2 z v never changes without damping."""
    steps = 3000 if target == "interpreter" else 100000
    rng = np.random.default_rng(2)
    dt, gamma = 0.21, 1.7
    z, v = trajectory(target, rng.normal(size=(1, 3, 3)), rng.normal(size=(1, 3, 3)), steps, dt, gamma)
    invariant = v**2 + gamma * z**2 - dt * gamma * z * v
    is_close(f"O3 energy over {steps} steps", invariant, np.broadcast_to(invariant[:, :1], invariant.shape),
             1e-12 * max(1, steps / 1e5))


def damping(target):
    """O4: an area of the phase plane shrinks by 1 - alpha dt at every step, whatever the
    coupling, so amplitudes shrink by its root."""
    rng = np.random.default_rng(3)
    dt, alpha, steps = 0.124553, 0.5, 60
    ky, kx, mode = wave(1, 2)
    kz = np.array([[0, 0.2, 0], [0.3, 0, 0.3], [0, 0.2, 0]])
    first = rng.normal(size=(2, 2))
    z, v = trajectory(target, first[:, 0, None, None] * mode.real, first[:, 1, None, None] * mode.real,
                      steps, dt, 1.0, alpha, kz)
    area = (z[0] * v[1] - z[1] * v[0])[:, 0, 0]
    is_close("O4 area", area, area[0] * (1 - alpha * dt)**np.arange(steps + 1), 1e-12)


for target in targets:
    for oracle in (modes, dispersion, energy, damping):
        oracle(target)
