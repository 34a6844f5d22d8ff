"""Every elementwise function against NumPy and Python's math.

RUN: %python %s
"""

import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from numeric import check, finish, tensor

import numpy as np

REAL = np.array([-30.0, -2.5, -1.0, -0.3, -0.0, 0.0, 1e-9, 0.5, 1.0, 2.5, 3.5, 30.0])
UNIT = np.array([-0.99, -0.5, -1e-9, 0.0, 0.25, 0.75, 0.999])
POSITIVE = np.array([1e-12, 0.1, 0.5, 1.0, 1.5, 2.0, 1e5])
ABOVE_ONE = np.array([1.0, 1.5, 3.0, 100.0])
ANY = np.array([-1.5, 0.0, np.inf, -np.inf, np.nan])


def elementwise(function):
    return lambda *x: np.array([function(*v) for v in zip(*x)], dtype=float)


def unary(op, function, x):
    """At the points `x`; functions of Python's math are taken one by one."""
    type = tensor(len(x))
    expected = function(x) if isinstance(function, np.ufunc) else elementwise(function)(x)
    check(op, f"(%x: {type}) -> {type}", f"%0 = {op} %x : {type}\nreturn %0 : {type}",
          [x], [expected], 1e-15, relative=True)


def binary(op, function, x, y):
    type = tensor(len(x))
    check(op, f"(%x: {type}, %y: {type}) -> {type}",
          f"%0 = {op} %x, %y : {type}\nreturn %0 : {type}", [x, y], [function(x, y)], 1e-15,
          relative=True)


unary("arith.negf", np.negative, REAL)
unary("math.absf", np.fabs, REAL)
unary("math.atan", np.arctan, REAL)
unary("math.asinh", math.asinh, REAL)
unary("math.cbrt", np.cbrt, REAL)
unary("math.ceil", np.ceil, REAL)
unary("math.cos", math.cos, REAL)
unary("math.cosh", math.cosh, REAL)
unary("math.erf", math.erf, REAL)
unary("math.erfc", math.erfc, REAL)
unary("math.exp", math.exp, REAL)
unary("math.exp2", np.exp2, REAL)
unary("math.expm1", math.expm1, REAL)
unary("math.floor", np.floor, REAL)
unary("math.round", lambda x: math.copysign(math.floor(abs(x) + 0.5), x), REAL)
unary("math.roundeven", np.rint, REAL)
unary("math.sin", math.sin, REAL)
unary("math.sinh", math.sinh, REAL)
unary("math.tan", math.tan, REAL)
unary("math.tanh", math.tanh, REAL)
unary("math.trunc", np.trunc, REAL)
unary("math.acos", math.acos, UNIT)
unary("math.asin", math.asin, UNIT)
unary("math.atanh", math.atanh, UNIT)
unary("math.log1p", math.log1p, UNIT)
unary("math.log", math.log, POSITIVE)
unary("math.log10", math.log10, POSITIVE)
unary("math.log2", math.log2, POSITIVE)
unary("math.sqrt", math.sqrt, POSITIVE)
unary("math.rsqrt", lambda x: x ** -0.5, POSITIVE)
unary("math.acosh", math.acosh, ABOVE_ONE)
unary("loco.stop_gradient", np.positive, REAL)
# In both tails: no overflow, and no loss of what is small.
TAILS = np.array([-800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 800.0])
unary("loco.sigmoid", lambda x: 1 / (1 + math.exp(-x)) if x > 0 else
      math.exp(x) / (1 + math.exp(x)), TAILS)
unary("loco.softplus", lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))), TAILS)
X, Y = (grid.ravel() for grid in np.meshgrid(REAL, REAL))
binary("arith.addf", np.add, X, Y)
binary("arith.subf", np.subtract, X, Y)
binary("arith.mulf", np.multiply, X, Y)
with np.errstate(all="ignore"):
    binary("arith.divf", np.divide, X, Y)
    binary("arith.remf", np.fmod, X, Y)
    NAN = (np.array([np.nan, 1, 2, np.inf, -np.inf, -0.0, 0.0]),
           np.array([0, np.nan, 3, 1, 1, 0.0, -0.0]))
    for op, function in [("maximumf", np.maximum), ("minimumf", np.minimum),
                         ("maxnumf", np.fmax), ("minnumf", np.fmin)]:
        binary("arith." + op, function, X, Y)
        binary("arith." + op, function, *NAN)
    # The sign of zero, seen by its reciprocal.
    type = tensor(2)
    for op, sign in [("maximumf", 1), ("minimumf", -1)]:
        check(op + " of zeros", f"(%x: {type}, %y: {type}) -> {type}",
              f"""%0 = arith.{op} %x, %y : {type}
                  %1 = arith.constant dense<1.0> : {type}
                  %2 = arith.divf %1, %0 : {type}
                  return %2 : {type}""",
              [[-0.0, 0.0], [0.0, -0.0]], [[sign * np.inf, sign * np.inf]])
binary("math.atan2", np.arctan2, X, Y)
binary("math.copysign", np.copysign, X, Y)
BASE, EXPONENT = (grid.ravel() for grid in np.meshgrid(POSITIVE, UNIT * 3))
binary("math.powf", np.float_power, BASE, EXPONENT)

type, mask = tensor(len(X)), tensor(len(X), element="i1")
check("math.fma", f"(%x: {type}, %y: {type}) -> {type}",
      f"%0 = math.fma %x, %y, %x : {type}\nreturn %0 : {type}", [X, Y], [X * Y + X], 1e-15)
check("math.clampf", f"(%x: {type}, %low: {type}, %high: {type}) -> {type}",
      f"%0 = math.clampf %x to [%low, %high] : {type}\nreturn %0 : {type}",
      [X, np.full_like(X, -1), np.full_like(X, 2)], [np.clip(X, -1, 2)])

PREDICATES = {
    "false": lambda x, y, u: False & u, "oeq": lambda x, y, u: x == y,
    "ogt": lambda x, y, u: x > y, "oge": lambda x, y, u: x >= y,
    "olt": lambda x, y, u: x < y, "ole": lambda x, y, u: x <= y,
    "one": lambda x, y, u: ~u & (x != y), "ord": lambda x, y, u: ~u,
    "ueq": lambda x, y, u: u | (x == y), "ugt": lambda x, y, u: u | (x > y),
    "uge": lambda x, y, u: u | (x >= y), "ult": lambda x, y, u: u | (x < y),
    "ule": lambda x, y, u: u | (x <= y), "une": lambda x, y, u: x != y,
    "uno": lambda x, y, u: u, "true": lambda x, y, u: True | u}
A, B = (grid.ravel() for grid in np.meshgrid(ANY, ANY))
type, mask = tensor(len(A)), tensor(len(A), element="i1")
for predicate, function in PREDICATES.items():
    chosen = function(A, B, np.isnan(A) | np.isnan(B))
    check("cmpf " + predicate, f"(%x: {type}, %y: {type}) -> ({mask}, {type})",
          f"""%0 = arith.cmpf {predicate}, %x, %y : {type}
              %1 = arith.select %0, %x, %y : {mask}, {type}
              return %0, %1 : {mask}, {type}""",
          [A, B], [chosen, np.where(chosen, A, B)])
check("is...", f"(%x: {type}) -> ({mask}, {mask}, {mask})",
      f"""%0 = math.isfinite %x : {type}
          %1 = math.isinf %x : {type}
          %2 = math.isnan %x : {type}
          return %0, %1, %2 : {mask}, {mask}, {mask}""",
      [A], [np.isfinite(A), np.isinf(A), np.isnan(A)])

# Masks and labels.
P, Q = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
mask = tensor(4, element="i1")
for op, function in [("andi", np.bitwise_and), ("ori", np.bitwise_or), ("xori", np.bitwise_xor)]:
    check(op, f"(%x: {mask}, %y: {mask}) -> {mask}",
          f"%0 = arith.{op} %x, %y : {mask}\nreturn %0 : {mask}", [P, Q], [function(P, Q)])
label, type = tensor(4, element="i32"), tensor(4)
V, W = np.array([7, -7, 2**31 - 1, 0]), np.array([2, 3, 1, -5])
wrapped = lambda x: x.astype(np.int64).astype(np.int32)
for op, function in [("addi", np.add), ("subi", np.subtract), ("muli", np.multiply)]:
    check(op, f"(%x: {label}, %y: {label}) -> {label}",
          f"%0 = arith.{op} %x, %y : {label}\nreturn %0 : {label}", [V, W], [wrapped(function(V, W))])
check("divisions", f"(%x: {label}, %y: {label}) -> ({label}, {label})",
      f"""%0 = arith.divsi %x, %y : {label}
          %1 = arith.remsi %x, %y : {label}
          return %0, %1 : {label}, {label}""", [V, W], [np.fix(V / W), np.fmod(V, W)])
for predicate, function in [("eq", np.equal), ("ne", np.not_equal), ("slt", np.less),
                            ("sle", np.less_equal), ("sgt", np.greater), ("sge", np.greater_equal)]:
    check("cmpi " + predicate, f"(%x: {label}, %y: {label}) -> {mask}",
          f"%0 = arith.cmpi {predicate}, %x, %y : {label}\nreturn %0 : {mask}", [V, W], [function(V, W)])
check("conversions", f"(%m: {mask}, %v: {label}) -> ({type}, {type}, {type}, {label})",
      f"""%0 = arith.uitofp %m : {mask} to {type}
          %1 = arith.sitofp %m : {mask} to {type}
          %2 = arith.sitofp %v : {label} to {type}
          %3 = arith.extui %m : {mask} to {label}
          return %0, %1, %2, %3 : {type}, {type}, {type}, {label}""",
      [P, V], [P, -P, V, P])

# f32 in the IR is f64 here: only constants are rounded, by the parser.
type = tensor(2, element="f32")
check("no rounding to f32", f"(%x: {type}) -> {type}",
      f"""%c = arith.constant dense<[1.0, 0.1]> : {type}
          %0 = arith.addf %x, %c : {type}
          return %0 : {type}""", [[1e-12, 0]], [[1 + 1e-12, np.float32(0.1)]], 1e-16)

finish()
