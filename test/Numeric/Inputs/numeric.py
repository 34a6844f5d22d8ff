"""Compares functions of the loco dialect with NumPy.

A test collects cases with `check`, each an .mlir function, its arguments and the
numbers expected, and ends with `finish`, which runs all of them at once.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np


class Key(tuple):
    """The value of a !loco.random_key: seed, update, sample."""


def _format(argument):
    if isinstance(argument, Key):
        return "key " + " ".join(str(word) for word in argument)
    if isinstance(argument, (int, np.integer)):
        return f"index {argument}"
    array = np.asarray(argument, dtype=np.float64)
    shape = "".join(f"{extent} " for extent in array.shape)
    return f"array {shape}: " + " ".join(repr(float(v)) for v in array.ravel())


def _parse(line):
    kind, _, rest = line.partition(" ")
    if kind == "index":
        return int(rest)
    if kind == "key":
        return Key(int(word) for word in rest.split())
    shape, _, values = rest.partition(":")
    numbers = np.array([float(v) for v in values.split()])
    return numbers.reshape([int(extent) for extent in shape.split()])


class Module:
    """Functions of one module, and calls of them in one run of the tool."""

    def __init__(self, text):
        self.text = text

    def call(self, *calls):
        """The results of each of the calls (function, argument, ...)."""
        script = "".join(
            f"call {name}\n" + "".join(_format(a) + "\n" for a in arguments)
            for name, *arguments in calls)
        with tempfile.TemporaryDirectory() as folder:
            module = os.path.join(folder, "module.mlir")
            with open(module, "w") as file:
                file.write(self.text)
            run = subprocess.run(["loco-interpret", module, "-"], input=script,
                                 capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{run.stderr}\nin\n{self.text}")
        results = []
        for line in run.stdout.splitlines():
            if line.startswith("call "):
                results.append([])
            else:
                results[-1].append(_parse(line))
        return results


def agree(found, expected, tolerance, relative=False):
    """Equal shapes, and errors within the tolerance times the largest number, or
    times each number itself; what is not finite is the same in both."""
    found, expected = np.asarray(found), np.asarray(expected, dtype=float)
    if found.shape != expected.shape:
        return False
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return False
    found, expected = found[finite], expected[finite]
    scale = np.abs(expected) if relative else max(1.0, np.abs(expected).max(initial=0))
    return bool(np.all(np.abs(found - expected) <= tolerance * scale))


_cases = []


def check(name, signature, body, arguments, expected, tolerance=1e-12, relative=False):
    """A case: `signature` is "(...) -> ...", `expected` a list of results."""
    _cases.append((name, signature, body, arguments, expected, tolerance, relative))


def finish():
    """Runs all cases; exits with 1 if any result is wrong."""
    module = Module("\n".join(
        f"func.func @f{i}{signature} {{\n{body}\n}}"
        for i, (_, signature, body, *_) in enumerate(_cases)))
    found = module.call(*((f"f{i}", *case[3]) for i, case in enumerate(_cases)))
    wrong = 0
    for (name, _, body, arguments, expected, *how), results in zip(_cases, found):
        if len(results) != len(expected) or not all(
                agree(f, e, *how) for f, e in zip(results, expected)):
            wrong += 1
            print(f"{name} is wrong:\n{body}\ngives {results}\nexpected {expected}")
    print(f"{len(_cases) - wrong} of {len(_cases)} cases agree")
    sys.exit(1 if wrong or not _cases else 0)


def tensor(*shape, element="f64"):
    """The type of a tensor; None stands for the length of the time axis."""
    axes = "".join("?x" if e is None else f"{e}x" for e in shape)
    return f"tensor<{axes}{element}>"
