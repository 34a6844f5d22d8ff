"""Every op on shapes against NumPy.

RUN: %python %s
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from numeric import Key, check, finish, tensor

import numpy as np

random = np.random.default_rng(1)


def shaped(op, x, expected, element="f64"):
    """An op `{}` of one operand, whose types are those of the numbers."""
    from_type, to_type = tensor(*x.shape, element=element), tensor(*expected.shape, element=element)
    types = f"{from_type} to {to_type}"
    check(op, f"(%x: {from_type}) -> {to_type}",
          f"%0 = {op.format('%x')} : {types}\nreturn %0 : {to_type}", [x], [expected])


X = random.standard_normal((3, 4, 5))
shaped("loco.broadcast {} along [0]", X, np.broadcast_to(X, (2, 3, 4, 5)))
shaped("loco.broadcast {} along [1, 4]", X,
       np.broadcast_to(X[:, None, :, :, None], (3, 7, 4, 5, 2)))
shaped("loco.broadcast {} along [0, 1]", np.array(2.5), np.full((3, 2), 2.5))
shaped("loco.broadcast {} along [1]", np.array([0.0, 1.0]),
       np.array([[0, 0, 0], [1, 1, 1.0]]), element="i1")
shaped("loco.reduce sum {} over [1]", X, X.sum(1))
shaped("loco.reduce sum {} over [0, 2]", X, X.sum((0, 2)))
shaped("loco.reduce sum {} over [0, 1, 2]", X, X.sum())
shaped("loco.reduce sum {} over []", X, X)
shaped("loco.reduce max {} over [1]", X, X.max(1))
shaped("loco.reduce max {} over [0, 1, 2]", X - 10, (X - 10).max())
NAN = X.copy()
NAN[1, 2, 3] = np.nan
shaped("loco.reduce max {} over [1]", NAN, NAN.max(1))
shaped("loco.reshape {}", X, X.reshape(5, 12))
shaped("loco.reshape {}", X[:1, :1, :1], X[0, 0, 0].reshape(()))
shaped("loco.transpose {} by [2, 0, 1]", X, X.transpose(2, 0, 1))
shaped("loco.transpose {} by [1, 2, 0]", X, X.transpose(1, 2, 0))
shaped("loco.slice {} at [1, 0, 2]", X, X[1:3, 0:4, 2:3])
shaped("loco.pad {} at [1, 0, 2]", X, np.pad(X, ((1, 1), (0, 2), (2, 0))))

# The first of several maxima, in row-major order over the axes.
TIES = random.integers(0, 3, (3, 4, 5)).astype(float)
for axes in [(0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2)]:
    rest = [a for a in range(3) if a not in axes]
    moved = TIES.transpose(*rest, *axes)
    rows = moved.reshape(int(np.prod([TIES.shape[a] for a in rest], dtype=int)), -1)
    marks = np.zeros_like(rows)
    marks[np.arange(len(rows)), rows.argmax(1)] = 1
    expected = marks.reshape(moved.shape).transpose(np.argsort([*rest, *axes]))
    type = tensor(*TIES.shape)
    check(f"first_max {axes}", f"(%x: {type}) -> {type}",
          f"%0 = loco.first_max %x over {list(axes)} : {type}\nreturn %0 : {type}", [TIES], [expected])

Y, Z = random.standard_normal((3, 1, 5)), random.standard_normal((3, 2, 5))
types = [tensor(*a.shape) for a in (X, Y, Z)]
check("concat", f"(%x: {types[0]}, %y: {types[1]}, %z: {types[2]}) -> {tensor(3, 7, 5)}",
      f"""%0 = loco.concat %x, %y, %z axis 1 : {', '.join(types)} to {tensor(3, 7, 5)}
          return %0 : {tensor(3, 7, 5)}""", [X, Y, Z], [np.concatenate([X, Y, Z], 1)])


def roll_zero(x, distance, axis):
    """result[i] = x[i - distance], zero where that is outside."""
    result = np.zeros_like(x)
    n = x.shape[axis]
    for i in range(n):
        if 0 <= i - distance < n:
            index = [slice(None)] * x.ndim
            index[axis] = i
            result[tuple(index)] = x.take(i - distance, axis)
    return result


type = tensor(None, 4, 5)
for axis in range(3):
    for distance in [0, 1, -1, 2, -7, 9]:
        # The leading axis is dynamic: axis 0 is a shift in time.
        check(f"roll axis {axis} by {distance}", f"(%x: {type}) -> ({type}, {type})",
              f"""%0 = loco.roll %x axis {axis} by {distance} wrap : {type}
                  %1 = loco.roll %x axis {axis} by {distance} zero : {type}
                  return %0, %1 : {type}, {type}""",
              [X], [np.roll(X, distance, axis), roll_zero(X, distance, axis)])

# Sources.
for axis in range(3):
    type = tensor(3, 4, 5)
    check(f"coordinate {axis}", f"() -> {type}",
          f"%0 = loco.coordinate {axis} : {type}\nreturn %0 : {type}", [],
          [np.indices((3, 4, 5))[axis]])
check("from_index", f"(%n: index) -> {tensor()}",
      f"%0 = loco.from_index %n : {tensor()}\nreturn %0 : {tensor()}", [-7], [-7])
for label in [0, 3, 4, -1, 5, 1000]:
    types = f"{tensor(element='i32')} to {tensor(5)}"
    check(f"one_hot {label}", f"(%x: {tensor(element='i32')}) -> {tensor(5)}",
          f"%0 = loco.one_hot %x : {types}\nreturn %0 : {tensor(5)}", [label * np.ones(())],
          [np.arange(5) == label])
check("constants", f"() -> ({tensor(2, 3)}, {tensor(3)}, {tensor(element='i32')}, index, i1)",
      f"""%0 = arith.constant dense<[[1.0, -2.5, 3.0e-5], [0.1, 1.0e300, -0.0]]> : {tensor(2, 3)}
          %1 = arith.constant dense<2.5> : {tensor(3)}
          %2 = arith.constant dense<-3> : {tensor(element='i32')}
          %3 = arith.constant -5 : index
          %4 = arith.constant true
          return %0, %1, %2, %3, %4 : {tensor(2, 3)}, {tensor(3)}, {tensor(element='i32')}, index, i1""",
      [], [[[1, -2.5, 3e-5], [0.1, 1e300, 0]], [2.5] * 3, -3, -5, 1])
check("index arithmetic", "(%a: index, %b: index) -> (index, index, index, index, i1)",
      """%0 = arith.addi %a, %b : index
         %1 = arith.subi %a, %b : index
         %2 = arith.muli %a, %b : index
         %3 = arith.cmpi slt, %a, %b : index
         %4 = arith.select %3, %a, %b : index
         return %0, %1, %2, %4, %3 : index, index, index, index, i1""",
      [5, -7], [-2, 12, -35, -7, 0])
# A choice by one i1 between whole values.
type = tensor(None, 2)
check("select by a scalar", f"(%a: index, %x: {type}, %y: {type}) -> {type}",
      f"""%c2 = arith.constant 2 : index
          %0 = arith.cmpi uge, %a, %c2 : index
          %1 = arith.select %0, %x, %y : {type}
          return %1 : {type}""", [3, [[1, 2]], [[3, 4], [5, 6]]], [[[1, 2]]])
check("calls and keys", f"(%x: {tensor(3)}, %key: !loco.random_key) -> ({tensor(3)}, !loco.random_key)",
      f"""%0, %1 = func.call @twice(%x, %key) : ({tensor(3)}, !loco.random_key) -> ({tensor(3)}, !loco.random_key)
          return %0, %1 : {tensor(3)}, !loco.random_key
          }}
          func.func private @twice(%x: {tensor(3)}, %key: !loco.random_key) -> ({tensor(3)}, !loco.random_key) {{
          %0 = arith.addf %x, %x : {tensor(3)}
          return %0, %key : {tensor(3)}, !loco.random_key""",
      [[1, 2, 3], Key((2**63 - 1, 5, 7))], [[2, 4, 6], Key((2**63 - 1, 5, 7))])

finish()
