# Physical systems as data against NumPy: trajectories from their own starts by an
# integrator and equations of motion written down here, closed forms, what is conserved,
# and the pictures drawn from the states by the rules of the Hamiltonian Dynamics Suite.
# RUN: rm -rf %t && mkdir -p %t && %python %s %t

import pathlib
import subprocess
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
program = pathlib.Path(__file__).parent / "Inputs" / "systems.loco"
failures = 0


def check(holds, what):
    global failures
    if not holds:
        failures += 1
        print("wrong:", what)


def run(name, samples=3, steps=60, seed=1, target="cpu"):
    out = folder / f"{name}.npz"
    subprocess.run(["lococ", "eval", program, "--model", name, "--samples", str(samples), "--steps",
                    str(steps), "--seed", str(seed), "--target", target, "--precision", "f64", "--out",
                    out], check=True, stdout=subprocess.DEVNULL)
    return {key: value for key, value in np.load(out).items()}


def integrate(rate, start, dt, steps, inner=64):
    """Frames 0 to steps - 1; classical Runge-Kutta in many sub-steps."""
    h, z, frames = dt / inner, start.copy(), [start.copy()]
    for _ in range(steps - 1):
        for _ in range(inner):
            a = rate(z)
            b = rate(z + h / 2 * a)
            c = rate(z + h / 2 * b)
            d = rate(z + h * c)
            z = z + h / 6 * (a + 2 * b + 2 * c + d)
        frames.append(z.copy())
    return np.array(frames)


def spring(drawn):
    m, k = drawn
    return lambda z: np.array([z[1] / m, -k * z[0]])


def pendulum(drawn, friction=0.0):
    m, g, l = drawn

    def rate(z):
        turn = z[1] / (m * l**2)
        return np.array([turn, -m * g * l * np.sin(z[0]) - friction * turn])
    return rate


def double_pendulum(drawn, friction=0.0):
    """The equations of motion, written out by hand."""
    m1, m2, g, l1, l2 = drawn

    def rate(z):
        q1, q2, p1, p2 = z
        c, s = np.cos(q1 - q2), np.sin(q1 - q2)
        d = m1 + m2 * s * s
        v1 = (l2 * p1 - l1 * p2 * c) / (l1**2 * l2 * d)
        v2 = (l1 * (m1 + m2) * p2 - l2 * m2 * p1 * c) / (l1 * l2**2 * m2 * d)
        a = p1 * p2 * s / (l1 * l2 * d)
        b = (l2**2 * m2 * p1**2 + l1**2 * (m1 + m2) * p2**2 - 2 * l1 * l2 * m2 * p1 * p2 * c) \
            * np.sin(2 * (q1 - q2)) / (2 * l1**2 * l2**2 * d**2)
        return np.array([v1, v2,
                         -(m1 + m2) * g * l1 * np.sin(q1) - a + b - friction * v1,
                         -m2 * g * l2 * np.sin(q2) + a - b - friction * v2])
    return rate


def two_body(drawn):
    m1, m2, g = drawn

    def rate(z):
        q1, q2, p1, p2 = z[:2], z[2:4], z[4:6], z[6:]
        pull = g * m1 * m2 * (q2 - q1) / np.sum((q1 - q2)**2)**1.5
        return np.concatenate([p1 / m1, p2 / m2, pull, -pull])
    return rate


def three_bodies(z):
    q, p = z.reshape(2, 3, 2)
    pull = np.zeros_like(q)
    for i in range(3):
        for j in range(3):
            if i != j:
                pull[i] += (q[j] - q[i]) / np.sum((q[i] - q[j])**2)**1.5
    return np.concatenate([p.ravel(), pull.ravel()])


def gas(z, box):
    """Forces on all atoms: x, then y."""
    between = [side[:, None] - side for side in z.reshape(4, -1)[:2]]
    between = [side - box * np.floor(side / box + 0.5) for side in between]
    square = between[0]**2 + between[1]**2
    np.fill_diagonal(square, np.inf)
    force = np.where(square < box**2 / 4, 48 * square**-7.0 - 24 * square**-4.0, 0)
    return np.concatenate([np.sum(force * side, 1) for side in between])


def game(payoff):
    n = len(payoff)

    def rate(z):
        x, y = z[:n], z[n:]
        value = x @ payoff @ y
        return np.concatenate([x * (payoff @ y - value), y * (-payoff.T @ x + value)])
    return rate


def disc(x, y, radius):
    """By row and column, row 0 at the bottom; all in shares of the canvas."""
    at = np.arange(32) / 31
    distance = np.hypot(at[None, :] - x, at[:, None] - y)
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(80 * (distance - radius)))


def draw(masks, colours):
    """The first mask is in front of the second, both before the background."""
    image = np.ones((3, 32, 32)) * np.array([0.321, 0.349, 0.368])[:, None, None]
    for mask, colour in reversed(list(zip(masks, colours))):
        image = mask * np.array(colour, float)[:, None, None] + (1 - mask) * image
    return np.floor(255 * image) / 255


def same_picture(a, b):
    """Numbers at the edge of an 8-bit step may fall to either side."""
    return np.mean(np.abs(a - b) > 1e-9) < 1e-3 and np.max(np.abs(a - b)) < 1.5 / 255


red, cyan = (1, 0, 0), (0, 1, 1)


def follows(name, found, rate, bound, dt=0.05):
    for i, truth in enumerate(found["truth"]):
        wanted = integrate(rate(i), truth[0], dt, len(truth))
        error = np.max(np.abs(truth - wanted))
        check(error < bound, f"{name}, sample {i}: off by {error}")


def conserved(name, values, bound):
    drift = np.max(np.abs(values - values[:, :1]))
    check(drift < bound, f"{name}: what is conserved moves by {drift}")


# The spring: its closed form, its start, its picture.
found = run("Spring")
conserved("Spring", found["energy"], 1e-8)
t = 0.05 * np.arange(60)
for truth, frames in zip(found["truth"], found["x"]):
    q0, p0 = truth[0]
    check(0.1 <= np.hypot(q0, p0 / np.sqrt(2 * 0.5)) <= 1, "start of the spring")
    q = q0 * np.cos(2 * t) + p0 / 1.0 * np.sin(2 * t)
    check(np.max(np.abs(truth[:, 0] - q)) < 1e-8, "closed form of the spring")
    canvas = 2 * (1 + np.sqrt(0.5 / np.pi))
    for frame in (0, 7, 59):
        picture = draw([disc(0.5, truth[frame, 0] / canvas + 0.5, np.sqrt(0.5 / np.pi) / canvas)], [red])
        check(same_picture(frames[frame], picture), f"picture of the spring, frame {frame}")

# The pendulum: two ways of moving, friction, and colours without them.
found = run("Swing", samples=6)
conserved("Swing", found["energy"], 1e-8)
follows("Swing", found, lambda i: pendulum((0.5, 3, 1)), 1e-7)
radii = np.hypot(found["truth"][:, 0, 0], found["truth"][:, 0, 1])
check(np.all((radii > 1.3 - 1e-6) & (radii < 2.3 + 1e-6)), "starts of the pendulum")
canvas = 2 * (1 + np.sqrt(0.5 / np.pi))
for frame in (0, 30):
    q = found["truth"][1, frame, 0]
    picture = draw([disc(np.sin(q) / canvas + 0.5, -np.cos(q) / canvas + 0.5,
                         np.sqrt(0.5 / np.pi) / canvas)], [red])
    check(same_picture(found["x"][1, frame], picture), f"picture of the pendulum, frame {frame}")
found = run("Slowed")
follows("Slowed", found, lambda i: pendulum(found["drawn"][i], 0.05), 1e-7)
check(np.all(found["energy"][:, -1] < found["energy"][:, 0]), "friction takes energy")
check(np.std(found["drawn"][:, 0]) > 0, "masses differ")
canvas = 2 * 1.6910
m, g, l = found["drawn"][0]
q = found["truth"][0, 5, 0]
picture = draw([disc(l * np.sin(q) / canvas + 0.5, -l * np.cos(q) / canvas + 0.5,
                     np.sqrt(m / np.pi) / canvas)], [red])
check(np.mean(np.abs(found["x"][0, 5] - picture)) < 1e-3, "picture of a heavier pendulum")

# The elliptic integral says when a pendulum that does not turn over is back: by the
# arithmetic and geometric means.
found = run("Swing", samples=40, steps=400)
swings = found["energy"][:, 0] < 2.9
for truth, energy in zip(found["truth"][swings][:4], found["energy"][swings]):
    highest = np.arccos(1 - energy[0] / 1.5)
    a, b = 1.0, np.cos(highest / 2)
    for _ in range(40):
        a, b = (a + b) / 2, np.sqrt(a * b)
    period = 2 * np.pi / np.sqrt(3) / a
    state = integrate(pendulum((0.5, 3, 1)), truth[0], period, 2, inner=4000)[1]
    check(np.max(np.abs(state - truth[0])) < 1e-7, "period of the pendulum")

# The double pendulum, also with friction and drawn constants.
found = run("Double")
conserved("Double", found["energy"], 1e-7)
follows("Double", found, lambda i: double_pendulum((0.5, 0.5, 3, 1, 1)), 1e-6)
canvas = 2 * (2 + np.sqrt(0.5 / np.pi))
q1, q2 = found["truth"][0, 9, :2]
first = np.array([np.sin(q1), -np.cos(q1)])
second = first + [np.sin(q2), -np.cos(q2)]
masks = [disc(*(at / canvas + 0.5), np.sqrt(0.5 / np.pi) / canvas) for at in (first, second)]
check(any(same_picture(found["x"][0, 9], draw(masks, colours))
          for colours in ([red, cyan], [cyan, red])), "picture of the double pendulum")
colours_seen = {tuple(np.round(frames[0][:, 0, 0], 3)) for frames in found["x"]}
check(colours_seen == {(0.318, 0.345, 0.365)}, f"background: {colours_seen}")
found = run("DoubleSlowed")
follows("DoubleSlowed", found, lambda i: double_pendulum(found["drawn"][i], 0.05), 1e-6)

# Two bodies on circles, and with other masses on other ways.
found = run("Bodies")
conserved("Bodies", found["energy"], 1e-8)
follows("Bodies", found, lambda i: two_body((1, 1, 1)), 1e-7)
radius = np.hypot(found["truth"][..., 0], found["truth"][..., 1])
conserved("radius of the circles", radius, 1e-7)
check(np.all(found["truth"][:, 0, :2] * [1, 1] >= 0.5), "the first body begins above the middle")
check(np.all(found["require"] == 0), "bodies stay on the canvas")
found = run("Wide", steps=30)
follows("Wide", found, lambda i: two_body(found["drawn"][i]), 1e-6)

# Three bodies, of which none is left alone by the others.
found = run("Three")
conserved("Three", found["energy"], 1e-7)
follows("Three", found, lambda i: three_bodies, 1e-5)
check(np.max(np.abs(found["truth"].reshape(3, 60, 2, 3, 2).sum(3))) < 1e-9, "three bodies stay where they are")
check(np.min(np.std(found["x"], axis=(2, 3, 4))) > 0, "films of three bodies")

# Atoms in a box: the kicks and drifts of leapfrog, by the forces written down above.
found = run("Gas", samples=2, steps=10)
box = np.sqrt(16 / 0.77)
for truth in found["truth"]:
    places, momenta = np.split(truth[0].copy(), 2)
    check(np.all(np.abs(momenta.reshape(2, 16).sum(1)) < 1e-9), "the gas as a whole stands still")
    for _ in range(9 * 10):
        momenta += 0.001 * gas(np.concatenate([places, momenta]), box)
        places += 0.002 * momenta
        momenta += 0.001 * gas(np.concatenate([places, momenta]), box)
    error = np.max(np.abs(np.concatenate([places, momenta]) - truth[-1]))
    check(error < 1e-9, f"atoms are off by {error}")

# The games.
for name, payoff, size in [("Pennies", [[1, -1], [-1, 1]], 16),
                           ("Rock", [[0, -1, 1], [1, 0, -1], [-1, 1, 0]], 11)]:
    found = run(name)
    payoff = np.array(payoff, float)
    follows(name, found, lambda i: game(payoff), 1e-8, dt=0.1)
    conserved(name, found["kept"], 1e-8)
    n = len(payoff)
    x, y = found["truth"][0, 20, :n], found["truth"][0, 20, n:]
    check(abs(x.sum() - 1) < 1e-10 and abs(y.sum() - 1) < 1e-10, f"shares of {name}")
    picture = np.kron(np.outer(x, y), np.ones((size, size)))[:32, :32]
    picture = np.floor(255 * np.stack([picture] * 3)) / 255
    check(same_picture(found["x"][0, 20], picture), f"picture of {name}")

# The canvas of the colours moves: the disc goes as the spring does, from wherever it is.
found = run("Drawn", samples=5)
canvas = 2 * 1.4 * 1.5642
for truth, frames in zip(found["truth"], found["x"]):
    weight = np.abs(frames - frames[:, :, -1:, -1:]).sum(1)
    if weight[:, 0].sum() + weight[:, -1].sum() + weight[:, :, 0].sum() > 0.5:
        continue  # The disc is cut off by the edge.
    up = (weight.sum(2) * np.arange(32)).sum(1) / weight.sum((1, 2)) / 31 * canvas
    moved = (up - up[0]) - (truth[:, 0] - truth[0, 0])
    check(np.max(np.abs(moved)) < 0.02, f"the disc moves as the state: {np.max(np.abs(moved))}")

# Points on a ring between 1 and 2: of 10,000, means within four deviations. The square of
# the distance is uniform from 1 to 4 by area, and 7/3 on average by distance.
found = run("Points", samples=10, steps=1)
squares = found["by_distance"].ravel()
check(np.all((squares >= 1 - 1e-9) & (squares <= 4 + 1e-9)), "points lie on the ring")
check(abs(np.sqrt(squares).mean() - 1.5) < 0.012 and abs(squares.mean() - 7 / 3) < 0.036, "by distance")
squares = found["by_area"].ravel()
check(abs(squares.mean() - 2.5) < 0.035 and abs(squares.std() - 3 / np.sqrt(12)) < 0.02, "by area")
turn = np.exp(1j * found["directions"].ravel())
check(abs(turn.mean()) < 0.04 and abs((turn**2).mean()) < 0.04, "in all directions")

# Interpreter and compiled code agree.
a, b = run("Rock", samples=1, steps=3), run("Rock", samples=1, steps=3, target="interpreter")
check(np.max(np.abs(a["truth"] - b["truth"])) < 1e-10, "interpreter and compiled code")

sys.exit(1 if failures else 0)
