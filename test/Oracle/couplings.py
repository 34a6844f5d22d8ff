# Every kind of coupling, on its own, against its matrix.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import drive
from linear_maps import Mapped, conv, gaussian, local, near

folder, _ = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)


def program(name, spaces, coupling, from_space, to_space):
    """A program that couples x to s."""
    path = pathlib.Path(folder) / f"{name}.loco"
    path.write_text(f"""loco 1
model M {{
  {spaces}
  input x : {from_space} per step
  coupling W : {coupling}
  state s on {to_space} = 0
  step {{ s <- tanh(W @ x + 0.5 * s) }}
  loss = sum(s^2)
}}
""")
    return path


def on(name, lattice, sites, channels, coupling, shapes, build, frozen={}):
    """A coupling of a lattice with itself."""
    by = f" by channels({channels})" if channels else ""
    shape = ((channels,) if channels else ()) + tuple(sites)
    return (name, program(name, f"lattice l = {lattice}{by}", coupling, "field on l", "l"),
            Mapped(shape, shape, shapes, build, frozen), {}, 2, 3)


def image(h, w, c):
    return f"image({h}, {w}, {c})" if c else f"image({h}, {w})"


def between(name, source, target, options, kernel, stride, low, groups=1):
    """A conv from an image (h, w, c) to another one."""
    shapes = [((c,) if c else ()) + (h, w) for h, w, c in (source, target)]
    window = ", ".join(map(str, kernel[2:]))
    spaces = [image(*source), image(*target)]
    path = program(name, "", f"conv({spaces[0]} -> {spaces[1]}, {window}{options}) bias",
                   *spaces)
    sites = target[0] * target[1]
    return (name, path,
            Mapped(*shapes, {"W": kernel, "W.bias": (kernel[0],)},
                   lambda p: (conv(p["W"], source[:2], target[:2], stride, low, False, groups),
                              np.repeat(p["W.bias"], sites))), {}, 2, 2)


def kron(amplitude, matrix):
    return np.kron(amplitude, matrix)


pattern = (np.random.default_rng(4).uniform(size=(6, 8)) < 0.4).astype(float)
cases = [
    # One kernel for each site: with edges, along rings, with channels, mixing them.
    on("local-torus", "torus(4, 5)", (4, 5), 0, "local(3, 3) on l bias",
       {"W": (3, 3, 4, 5), "W.bias": (4, 5)},
       lambda p: (local(p["W"], (4, 5), True, 0, False), p["W.bias"].ravel())),
    on("local-grid", "grid(3, 4)", (3, 4), 0, "local(3, 1) on l", {"W": (3, 1, 3, 4)},
       lambda p: (local(p["W"], (3, 4), False, 0, False), 0)),
    on("local-rings", "rings(2, 5)", (2, 5), 0, "local(3) on l", {"W": (3, 2, 5)},
       lambda p: (local(p["W"], (2, 5), True, 0, False), 0)),
    on("local-channels", "ring(5)", (5,), 2, "local(3) on l", {"W": (2, 1, 3, 5)},
       lambda p: (local(p["W"], (5,), True, 2, False), 0)),
    on("local-mixing", "ring(5)", (5,), 2, "local(3) on l mixing channels bias",
       {"W": (2, 2, 3, 5), "W.bias": (2, 5)},
       lambda p: (local(p["W"], (5,), True, 2, True), p["W.bias"].ravel())),
    on("local-mixing-torus", "torus(3, 4)", (3, 4), 2, "local(3, 3) on l mixing channels",
       {"W": (2, 2, 3, 3, 3, 4)},
       lambda p: (local(p["W"], (3, 4), True, 2, True), 0)),
    # Gaussians: around a torus, cut off by a small lattice, at edges, amplitudes by channel.
    on("gaussian-torus", "torus(9, 8)", (9, 8), 0, "gaussian(width = 0.8) on l", {"W": ()},
       lambda p: (p["W"] * gaussian(0.8, (9, 8), True), 0)),
    on("gaussian-wide", "line(9)", (9,), 0, "gaussian(width = 2) on l bias",
       {"W": (), "W.bias": ()}, lambda p: (p["W"] * gaussian(2, (9,), False), p["W.bias"])),
    on("gaussian-channels", "ring(7)", (7,), 2, "gaussian(width = 1) on l", {"W": (2,)},
       lambda p: (kron(np.diag(p["W"]), gaussian(1, (7,), True)), 0)),
    on("gaussian-mixing", "grid(4, 5)", (4, 5), 2, "gaussian(width = 0.5) on l mixing channels",
       {"W": (2, 2)}, lambda p: (kron(p["W"], gaussian(0.5, (4, 5), False)), 0)),
    # Products of two tensors, and dense weights of which some exist.
    on("lowrank", "torus(3, 4)", (3, 4), 0, "lowrank(rank = 2) on l bias",
       {"W.left": (12, 2), "W.right": (2, 12), "W.bias": (12,)},
       lambda p: (p["W.left"] @ p["W.right"], p["W.bias"])),
    ("sparse", program("sparse", "lattice l = set(6)", "sparse(x -> l, density = 0.4) bias",
                       "vector(8)", "l"),
     Mapped((8,), (6,), {"W": (6, 8), "W.pattern": (6, 8), "W.bias": (6,)},
            lambda p: (p["W"] * p["W.pattern"], p["W.bias"]), {"W.pattern": pattern}), {}, 2, 3),
    on("masked-near", "grid(3, 4)", (3, 4), 0, "masked(by = near(radius = 1)) on l",
       {"W": (12, 12), "W.mask": (12, 12)}, lambda p: (p["W"] * p["W.mask"], 0),
       {"W.mask": near(1, (3, 4), False)}),
    # Between images: strides, paddings, groups, images without channels.
    between("conv-same", (5, 4, 2), (5, 4, 3), "", (3, 2, 3, 3), 1, (1, 1)),
    between("conv-stride", (6, 4, 2), (3, 2, 4), ", stride = 2", (4, 2, 3, 3), 2, (0, 0)),
    between("conv-odd", (5, 7, 1), (3, 4, 2), ", stride = 2", (2, 1, 3, 3), 2, (1, 1)),
    between("conv-valid", (5, 6, 2), (4, 4, 2), ', padding = "valid"', (2, 2, 2, 3), 1, (0, 0)),
    between("conv-padded", (4, 4, 0), (3, 3, 2), ", stride = 2, padding = 1", (2, 1, 2, 2), 2,
            (1, 1)),
    between("conv-groups", (4, 5, 4), (4, 5, 6), ", groups = 2", (6, 2, 3, 3), 1, (1, 1), 2),
    between("conv-strided-groups", (4, 6, 4), (2, 3, 4), ", stride = 2, groups = 2",
            (4, 2, 3, 3), 2, (0, 0), 2),
]
# Between lattices that wrap around, centred.
ring = ("conv-ring", program("conv-ring", "lattice a = ring(8) by channels(2)\n"
                             "  lattice b = ring(4) by channels(3)",
                             "conv(a -> b, 3, stride = 2) bias", "field on a", "b"),
        Mapped((2, 8), (3, 4), {"W": (3, 2, 3), "W.bias": (3,)},
               lambda p: (conv(p["W"], (8,), (4,), 2, (1,), True), np.repeat(p["W.bias"], 4))),
        {}, 2, 3)

drive.compare_all([*cases, ring])
