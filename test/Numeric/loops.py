"""Loops over time against loops in Python.

RUN: %python %s
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from numeric import check, finish, tensor

import numpy as np

random = np.random.default_rng(3)
F, V = tensor(), tensor(4)
FS, VS = tensor(None), tensor(None, 4)

# All kinds of operand and result, in both directions.
for direction in ("", "reverse "):
    for steps in (0, 1, 5):
        z0, w0, c = (random.standard_normal(4) for _ in range(3))
        xs = random.standard_normal((steps, 4))
        labels = random.integers(0, 4, steps)
        z, w, zs, sums, ts = z0, w0, np.zeros((steps, 4)), np.zeros(4), 0.0
        for t in range(steps) if not direction else reversed(range(steps)):
            # Both carries read the old values.
            z, w = np.tanh(c * z + w) + xs[t] + np.eye(4)[labels[t]], z
            zs[t] = z
            sums = sums + z * xs[t]
            ts += t * (t + 1)
        check(f"scan {direction}{steps}",
              f"(%T: index, %z0: {V}, %w0: {V}, %xs: {VS}, %ls: {tensor(None, element='i32')}, %c: {V})"
              f" -> ({V}, {V}, {VS}, {V}, {F})",
              f"""%0:5 = loco.scan {direction}%t below %T carry(%z = %z0 : {V}, %w = %w0 : {V})
                      each(%x = %xs : {VS}, %l = %ls : {tensor(None, element='i32')}) with(%a = %c : {V})
                      stack({VS}) sum({V}, {F}) {{
                    %1 = arith.mulf %a, %z : {V}
                    %2 = arith.addf %1, %w : {V}
                    %3 = math.tanh %2 : {V}
                    %4 = arith.addf %3, %x : {V}
                    %h = loco.one_hot %l : {tensor(element='i32')} to {V}
                    %5 = arith.addf %4, %h : {V}
                    %6 = arith.mulf %5, %x : {V}
                    %c1 = arith.constant 1 : index
                    %7 = arith.addi %t, %c1 : index
                    %8 = arith.muli %7, %t : index
                    %9 = loco.from_index %8 : {F}
                    loco.yield carry(%5, %z : {V}, {V}) stack(%5 : {V}) sum(%6, %9 : {V}, {F})
                  }}
                  return %0#0, %0#1, %0#2, %0#3, %0#4 : {V}, {V}, {VS}, {V}, {F}""",
              [steps, z0, w0, xs, labels, c], [z, w, zs, sums, ts])

# A swap of two carries, handed on without any op.
a, b = random.standard_normal((2, 4))
check("swap", f"(%T: index, %a: {V}, %b: {V}) -> ({V}, {V})",
      f"""%0:2 = loco.scan %t below %T carry(%x = %a : {V}, %y = %b : {V}) {{
            loco.yield carry(%y, %x : {V}, {V})
          }}
          return %0#0, %0#1 : {V}, {V}""", [3, a, b], [b, a])

# Loops inside of loops: the inner one runs over what the outer one sees, makes a
# stack of stacks and a sum of stacks; the outer loop's step is a length.
T, S = 3, 4
xs, ys = random.standard_normal((T, 4)), random.standard_normal((S, 4))
inner = np.cumsum(ys[None] * xs[:, None], axis=1)
triangle = sum(sum(s * xs[t].sum() for s in range(t)) for t in range(T))
check("nested", f"(%T: index, %S: index, %xs: {VS}, %ys: {VS}) -> ({tensor(None, None, 4)}, {VS}, {F})",
      f"""%0:3 = loco.scan %t below %T each(%x = %xs : {VS}) with(%n = %S : index, %b = %ys : {VS})
              stack({tensor(None, None, 4)}) sum({VS}, {F}) {{
            %c = arith.constant dense<0.0> : {V}
            %1:2 = loco.scan %s below %n carry(%z = %c : {V}) each(%y = %b : {VS}) with(%p = %x : {V})
                stack({VS}) {{
              %2 = arith.mulf %y, %p : {V}
              %3 = arith.addf %z, %2 : {V}
              loco.yield carry(%3 : {V}) stack(%3 : {V})
            }}
            %4 = loco.scan %s below %t with(%p = %x : {V}) sum({F}) {{
              %5 = loco.from_index %s : {F}
              %6 = loco.reduce sum %p over [0] : {V} to {F}
              %7 = arith.mulf %5, %6 : {F}
              loco.yield sum(%7 : {F})
            }}
            loco.yield stack(%1#1 : {VS}) sum(%1#1, %4 : {VS}, {F})
          }}
          return %0#0, %0#1, %0#2 : {tensor(None, None, 4)}, {VS}, {F}""",
      [T, S, xs, ys], [inner, inner.sum(0), triangle])

# Stacked values: elementwise, over their inner axes, one step and its transpose.
check("stacked", f"(%T: index, %xs: {VS}) -> ({FS}, {V}, {VS}, {VS}, index, {tensor(None, 4, 2)})",
      f"""%0 = arith.mulf %xs, %xs : {VS}
          %1 = loco.reduce sum %0 over [1] : {VS} to {FS}
          %c1 = arith.constant 1 : index
          %last = arith.subi %T, %c1 : index
          %2 = loco.at %xs[%last] : {VS} to {V}
          %3 = loco.place %2 at %c1 of %T : {V} to {VS}
          %4 = loco.zeros %T : {VS}
          %5 = loco.length %3 : {VS}
          %6 = loco.broadcast %xs along [2] : {VS} to {tensor(None, 4, 2)}
          return %1, %2, %3, %4, %5, %6 : {FS}, {V}, {VS}, {VS}, index, {tensor(None, 4, 2)}""",
      [3, xs], [(xs * xs).sum(1), xs[2], [np.zeros(4), xs[2], np.zeros(4)], np.zeros((3, 4)), 3,
                np.repeat(xs[:, :, None], 2, 2)])

# Windows reach beyond the end, and are placed beyond it.
check("windows", f"(%T: index, %xs: {VS}) -> ({VS}, {VS})",
      f"""%c1 = arith.constant 1 : index
          %c2 = arith.constant 2 : index
          %0 = loco.window %xs from %c1 for %T : {VS} to {VS}
          %1 = loco.place_window %xs from %c2 of %T : {VS} to {VS}
          return %0, %1 : {VS}, {VS}""",
      [3, xs], [[xs[1], xs[2], np.zeros(4)], [np.zeros(4), np.zeros(4), xs[0]]])

# A loss on the next input, the last step left out or taken around, as `next`.
ys = random.standard_normal((5, 4))
wrapped = np.mean((np.roll(ys, -1, 0) - np.sin(ys)).sum(1))
plain = (ys[1:] - np.sin(ys[:-1])).sum() - np.sin(ys[-1]).sum()
check("next", f"(%xs: {VS}) -> ({F}, {F})",
      f"""%T = loco.length %xs : {VS}
          %n = loco.from_index %T : {F}
          %w = loco.roll %xs axis 0 by -1 wrap : {VS}
          %z = loco.roll %xs axis 0 by -1 zero : {VS}
          %0:2 = loco.scan %t below %T each(%x = %xs : {VS}, %a = %w : {VS}, %b = %z : {VS}) sum({F}, {F}) {{
            %1 = math.sin %x : {V}
            %2 = arith.subf %a, %1 : {V}
            %3 = arith.subf %b, %1 : {V}
            %4 = loco.reduce sum %2 over [0] : {V} to {F}
            %5 = loco.reduce sum %3 over [0] : {V} to {F}
            loco.yield sum(%4, %5 : {F}, {F})
          }}
          %m = arith.divf %0#0, %n : {F}
          return %m, %0#1 : {F}, {F}""", [ys], [wrapped, plain])

# Loops that end early: by themselves, and after as many steps as another one.
for steps in (1, 4, 9):
    z, zs, taken = 3.0, np.zeros(steps), 0
    while taken < steps:
        z *= 0.5
        zs[taken] = z
        taken += 1
        if not z > 0.3:
            break
    back, product = np.zeros(steps), 0.0
    for t in reversed(range(taken)):
        product = product * 0.9 + zs[t]
        back[t] = product
    check(f"ends early {steps}", f"(%T: index, %z0: {F}) -> ({F}, {FS}, index, {F}, {FS}, {F})",
          f"""%0:4 = loco.scan %t below %T carry(%z = %z0 : {F}) stack({FS}) sum({F}) while {{
                %half = arith.constant dense<0.5> : {F}
                %least = arith.constant dense<0.3> : {F}
                %1 = arith.mulf %z, %half : {F}
                %2 = arith.cmpf ogt, %1, %least : {F}
                loco.yield carry(%1 : {F}) stack(%1 : {F}) sum(%half : {F}) while(%2 : {tensor(element='i1')})
              }}
              %zero = arith.constant dense<0.0> : {F}
              %3:2 = loco.scan reverse %t below %T taking %0#3 carry(%p = %zero : {F}) each(%z = %0#1 : {FS})
                  stack({FS}) {{
                %c = arith.constant dense<0.9> : {F}
                %4 = arith.mulf %p, %c : {F}
                %5 = arith.addf %4, %z : {F}
                loco.yield carry(%5 : {F}) stack(%5 : {F})
              }}
              return %0#0, %0#1, %0#3, %3#0, %3#1, %0#2 : {F}, {FS}, index, {F}, {FS}, {F}""",
          [steps, 3.0], [z, zs, taken, product, back, 0.5 * taken])

finish()
