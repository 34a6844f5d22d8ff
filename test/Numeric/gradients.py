"""Derivatives inside of programs, as the interpreter takes them, against closed forms.

RUN: %python %s
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from numeric import check, finish, tensor

import numpy as np

random = np.random.default_rng(5)
F, V = tensor(), tensor(4)
q, p, k = random.standard_normal((3, 4))

# By two values at once; what is held is not followed.
check("energy", f"(%q0: {V}, %p0: {V}, %k: {V}) -> ({V}, {V})",
      f"""%0:2 = loco.gradient by(%q = %q0 : {V}, %p = %p0 : {V}) with(%c = %k : {V}, %h = %q0 : {V}) {{
            %1 = math.sin %q : {V}
            %2 = arith.mulf %1, %c : {V}
            %3 = arith.mulf %2, %h : {V}
            %4 = arith.mulf %p, %p : {V}
            %5 = arith.mulf %4, %p : {V}
            %6 = arith.addf %3, %5 : {V}
            %7 = loco.reduce sum %6 over [0] : {V} to {F}
            loco.yield sum(%7 : {F})
          }}
          return %0#0, %0#1 : {V}, {V}""",
      [q, p, k], [np.cos(q) * k * q, 3 * p ** 2], tolerance=1e-9)

# A derivative of a derivative: of x^2 / (1 + x) twice, 2 / (1 + x)^3.
x = 0.7
check("twice", f"(%x0: {F}) -> {F}",
      f"""%0 = loco.gradient by(%x = %x0 : {F}) {{
            %1 = loco.gradient by(%y = %x : {F}) {{
              %one = arith.constant dense<1.0> : {F}
              %2 = arith.mulf %y, %y : {F}
              %3 = arith.addf %y, %one : {F}
              %4 = arith.divf %2, %3 : {F}
              loco.yield sum(%4 : {F})
            }}
            loco.yield sum(%1 : {F})
          }}
          return %0 : {F}""", [x], [2 / (1 + x) ** 3], tolerance=1e-8)

# Near the end of a function's domain the steps become small: sqrt at 0.01.
check("domain", f"(%x0: {F}) -> {F}",
      f"""%0 = loco.gradient by(%x = %x0 : {F}) {{
            %1 = math.sqrt %x : {F}
            loco.yield sum(%1 : {F})
          }}
          return %0 : {F}""", [0.01], [5.0], tolerance=1e-8)

# In a loop: each step is a step down the slope of a sum of cosines.
z = q.copy()
for t in range(5):
    z = z + 0.1 * np.sin(z)
check("descent", f"(%T: index, %z0: {V}) -> {V}",
      f"""%0 = loco.scan %t below %T carry(%z = %z0 : {V}) {{
            %1 = loco.gradient by(%y = %z : {V}) {{
              %2 = math.cos %y : {V}
              %3 = loco.reduce sum %2 over [0] : {V} to {F}
              loco.yield sum(%3 : {F})
            }}
            %c = arith.constant dense<0.1> : {V}
            %4 = arith.mulf %1, %c : {V}
            %5 = arith.subf %z, %4 : {V}
            loco.yield carry(%5 : {V})
          }}
          return %0 : {V}""", [5, q], [z], tolerance=1e-9)

finish()
