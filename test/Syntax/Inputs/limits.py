"""Parses programs that are very long or very deep, and measures.

Usage: limits.py LOCO_PARSE FOLDER
"""

import os
import resource
import shutil
import subprocess
import sys

parser, folder = shutil.which(sys.argv[1]), sys.argv[2]
# An instrumented parser is slower and uses more stack; what is tested there is
# that it does not crash.
with open(parser, "rb") as binary:
    instrumented = b"__asan_init" in binary.read()


def parse(name, expression, statement="let a = {}"):
    """Returns the exit status, the first line of the output, and seconds."""
    path = os.path.join(folder, name + ".loco")
    with open(path, "w") as file:
        file.write("loco 1\nmodel M {\n  " + statement.format(expression) + "\n}\n")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run([parser, path], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return run.returncode, run.stdout.split("\n")[0], seconds


failures = 0


def expect(name, status, first_line, *args):
    global failures
    got, line, seconds = parse(name, *args)
    if got == status and line == first_line and (seconds < 1.0 or instrumented):
        return
    failures += 1
    print(f"{name}: exit {got}, {line!r}, {seconds:.2f} s")


n = 100000
brackets = "error[nesting-too-deep]: brackets are nested more than 256 deep"
operations = "error[nesting-too-deep]: this expression is nested more than 1024 operations deep"
expect("sum", 0, "loco 1", "+".join(["a"] * n))
expect("product", 0, "loco 1", " / ".join(["a"] * n))
expect("pipe", 0, "loco 1", " |> ".join(["a"] * n))
expect("arguments", 0, "loco 1", "f(" + ", ".join(["a"] * (n // 4)) + ")")
expect("statements", 0, "loco 1", "\n  let a = ".join(["b"] * (n // 10)))
expect("inside", 0, "loco 1", "(" * 255 + "a" + ")" * 255)
expect("outside", 1, brackets, "(" * 256 + "a" + ")" * 256)
expect("parentheses", 1, brackets, "(" * n + "a" + ")" * n)
expect("opened", 1, brackets, "f([" * n)
expect("calls", 1, brackets, "f(" * n + ")" * n)
expect("blocks", 1, brackets, "{ " * n)
expect("power", 1, operations, "^".join(["a"] * n))
expect("coupled", 1, operations, "@".join(["a"] * n))
expect("signs", 1, operations, "-" * n + "a")
expect("members", 1, operations, ".".join(["a"] * n))
expect("primes", 1, operations, "a" + "'" * n)
expect("axes", 1, operations, " by b" * (n // 10), "lattice a = a{}")
expect("inside-operations", 0, "loco 1", "^".join(["a"] * 500))
sys.exit(1 if failures else 0)
