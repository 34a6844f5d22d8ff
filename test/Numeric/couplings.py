"""Contractions, convolutions and stencils against NumPy.

The three ops of the convolution family are checked twice: each against a sum
written from the formula in the dialect, and against each other by the adjoint
identities <g, K x> = <K^T g, x> = <K, g (x) x>.

RUN: %python %s
"""

import itertools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from numeric import check, finish, tensor

import numpy as np

random = np.random.default_rng(2)


def contract(equation, *shapes, dynamic=0):
    """The first `dynamic` axes named `t` are time axes."""
    a, b = (random.standard_normal(shape) for shape in shapes)
    expected = np.einsum(equation, a, b)
    inputs, output = equation.split("->")
    names = [*inputs.split(","), output]
    types = [tensor(*[None if dynamic and n == "t" else e for n, e in zip(name, array.shape)])
             for name, array in zip(names, (a, b, expected))]
    check(equation, f"(%a: {types[0]}, %b: {types[1]}) -> {types[2]}",
          f"""%0 = loco.contract "{equation}" %a, %b : {types[0]}, {types[1]} to {types[2]}
              return %0 : {types[2]}""", [a, b], [expected])


contract("oi,i->o", (8, 5), (5,))
contract("oi,o->i", (8, 5), (8,))
contract("o,i->oi", (8,), (5,))
contract("i,i->", (7,), (7,))
contract("i,i->i", (7,), (7,))
contract(",->", (), ())
contract(",ij->ji", (), (3, 4))
contract("bij,bjk->bik", (2, 3, 4), (2, 4, 5))
contract("bij,kjb->ki", (2, 3, 4), (5, 4, 2))
contract("ij,ij->", (3, 4), (3, 4))
contract("oi,ti->to", (8, 5), (6, 5), dynamic=1)
contract("to,ti->oi", (6, 8), (6, 5), dynamic=1)
contract("t,t->", (6,), (6,), dynamic=1)
contract("Ax,xB->BA", (3, 1), (1, 2))


def terms(kernel, field, output, channels, boundary, strides, low, groups):
    """All (output, kernel, field) index triples of the form in `loco.conv`."""
    first = 1 if channels else 0
    window, sites, outputs = kernel[2 * first:], field[first:], output[first:]
    lines = []
    for w, n, m, s, l in zip(window, sites, outputs, strides, low):
        line = [(i, t, i * s + t - l) for i in range(m) for t in range(w)]
        if boundary == "wrap":
            line = [(i, t, x % n) for i, t, x in line]
        lines.append([(i, t, x) for i, t, x in line if 0 <= x < n])
    pairs = [((), (), ())]
    if channels:
        per_group, out_per_group = field[0] // groups, output[0] // groups
        pairs = [((o,), (o, c), (o // out_per_group * per_group + c,))
                 for o in range(output[0]) for c in range(per_group)]
    for (o, k, x), *axes in itertools.product(pairs, *lines):
        yield (o + tuple(a[0] for a in axes), k + tuple(a[1] for a in axes),
               x + tuple(a[2] for a in axes))


def conv(kernel, field, output, boundary, strides, low, groups=1):
    channels = len(kernel) == len(field) + 1
    k, x, g = (random.standard_normal(shape) for shape in (kernel, field, output))
    forward, transposed, outer = np.zeros(output), np.zeros(field), np.zeros(kernel)
    for o, w, s in terms(kernel, field, output, channels, boundary, strides, low, groups):
        forward[o] += k[w] * x[s]
        transposed[s] += k[w] * g[o]
        outer[w] += g[o] * x[s]
    K, X, G = tensor(*kernel), tensor(*field), tensor(*output)
    how = f"{boundary} strides {list(strides)} low {list(low)} groups {groups}"
    letters = "ijk"[:len(field)]
    name = f"conv {kernel} {field} {how}"
    check(name, f"(%k: {K}, %x: {X}, %g: {G}) -> ({G}, {X}, {K})",
          f"""%0 = loco.conv %k, %x {how} : {K}, {X} to {G}
              %1 = loco.conv_transpose %k, %g {how} : {K}, {G} to {X}
              %2 = loco.conv_outer %g, %x {how} : {G}, {X} to {K}
              return %0, %1, %2 : {G}, {X}, {K}""",
          [k, x, g], [forward, transposed, outer])
    kernel_letters = "abcde"[:len(kernel)]
    same, kernels = f"{letters},{letters}->", f"{kernel_letters},{kernel_letters}->"
    f = tensor()
    check("adjoints of " + name, f"(%k: {K}, %x: {X}, %g: {G}) -> ({f}, {f})",
          f"""%0 = loco.conv %k, %x {how} : {K}, {X} to {G}
              %1 = loco.conv_transpose %k, %g {how} : {K}, {G} to {X}
              %2 = loco.conv_outer %g, %x {how} : {G}, {X} to {K}
              %a = loco.contract "{same}" %g, %0 : {G}, {G} to {f}
              %b = loco.contract "{same}" %1, %x : {X}, {X} to {f}
              %c = loco.contract "{kernels}" %k, %2 : {K}, {K} to {f}
              %d = arith.subf %a, %b : {f}
              %e = arith.subf %a, %c : {f}
              return %d, %e : {f}, {f}""", [k, x, g], [0, 0])


conv((3,), (8,), (8,), "wrap", [1], [1])
conv((3,), (8,), (8,), "zero", [1], [1])
conv((3,), (8,), (8,), "wrap", [1], [0])
conv((4,), (9,), (3,), "wrap", [3], [2])
conv((4,), (9,), (4,), "zero", [2], [1])
# A window wider than the ring meets the same site more than once.
conv((5,), (2,), (2,), "wrap", [1], [2])
conv((7,), (1,), (1,), "wrap", [1], [3])
conv((5,), (2,), (2,), "zero", [1], [2])
conv((3, 3), (5, 6), (5, 6), "wrap", [1, 1], [1, 1])
conv((3, 2), (5, 6), (5, 3), "zero", [1, 2], [1, 0])
conv((1, 3), (4, 6), (4, 6), "wrap", [1, 1], [0, 1])
conv((2, 2, 3), (3, 4, 5), (3, 2, 5), "wrap", [1, 2, 1], [0, 1, 1])
conv((4, 3, 3), (3, 7), (4, 7), "wrap", [1], [1])
conv((4, 3, 3, 3), (3, 5, 6), (4, 5, 6), "zero", [1, 1], [1, 1])
conv((4, 2, 3), (4, 6), (4, 3), "wrap", [2], [1], groups=2)
conv((6, 1, 3, 1), (3, 5, 4), (6, 3, 4), "zero", [2, 1], [1, 0], groups=3)

# The published kernel [0, 0, 1] moves activity to the next lower index.
x = random.standard_normal(7)
types = f"{tensor(3)}, {tensor(7)} to {tensor(7)}"
check("kernel [0, 0, 1]", f"(%k: {tensor(3)}, %x: {tensor(7)}) -> {tensor(7)}",
      f"%0 = loco.conv %k, %x wrap strides [1] low [1] : {types}\nreturn %0 : {tensor(7)}",
      [[0, 0, 1], x], [np.roll(x, -1)])


def shifted(x, offset, boundary):
    """The field as seen from each site's neighbour, and where there is one."""
    if boundary == "wrap":
        return np.roll(x, [-d for d in offset], range(x.ndim)), np.ones(x.shape, bool)
    index = np.indices(x.shape) + np.reshape(offset, (-1,) + (1,) * x.ndim)
    inside = np.all([(0 <= i) & (i < n) for i, n in zip(index, x.shape)], axis=0)
    return np.where(inside, x[tuple(i % n for i, n in zip(index, x.shape))], 0), inside


def stencil(shape, offsets, boundary):
    """Two centres, two neighbours, two results."""
    a, b, c, d = (random.standard_normal(shape) for _ in range(4))
    sums = [np.zeros(shape), np.zeros(shape)]
    for offset in offsets:
        (n, inside), (m, _) = shifted(c, offset, boundary), shifted(d, offset, boundary)
        with np.errstate(all="ignore"):
            sums[0] += np.where(inside, np.sin(n - a) * b, 0)
            # Not finite where there is no neighbour: the term must be left out.
            sums[1] += np.where(inside, a / m, 0)
    t = tensor(*shape)
    numbers = [number for offset in offsets for number in offset]
    check(f"stencil {shape} {offsets} {boundary}",
          f"(%a: {t}, %b: {t}, %c: {t}, %d: {t}) -> ({t}, {t})",
          f"""%0:2 = loco.stencil centre(%e = %a, %f = %b) neighbour(%g = %c, %h = %d)
                  offsets {numbers} {boundary} : {t} {{
                %1 = arith.subf %g, %e : {t}
                %2 = math.sin %1 : {t}
                %3 = arith.mulf %2, %f : {t}
                %4 = arith.divf %e, %h : {t}
                loco.yield stack(%3, %4 : {t}, {t})
              }}
              return %0#0, %0#1 : {t}, {t}""", [a, b, c, d], sums)


for boundary in ("wrap", "zero"):
    stencil((7,), [(-1,), (1,)], boundary)
    stencil((7,), [(0,)], boundary)
    stencil((7,), [(-9,), (9,), (9,)], boundary)
    stencil((5, 6), [(di, dj) for di in (-1, 0, 1) for dj in (-1, 0, 1) if di or dj], boundary)
    stencil((3, 4, 2), [(1, 0, -1), (0, 2, 0)], boundary)
    stencil((5,), [], boundary)

finish()
