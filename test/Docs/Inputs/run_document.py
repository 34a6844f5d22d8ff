"""Runs the examples of a document, in the order in which they stand.

    python3 run_document.py document.md [language ...]

A block fenced as ```loco name.loco is written to that file and checked; with `+`
behind the name it is added to the file, with no name it is a file of its own. A
block fenced as ```console holds commands behind `$ ` and what they print; `...`
stands for any rest of a line, or, alone, for any lines.
"""

import re
import subprocess
import sys


def read_blocks(path):
    """Yields the line number, the words of the fence and the lines of each block."""
    words = None
    for number, line in enumerate(open(path), 1):
        if not line.startswith("```"):
            if words:
                lines.append(line)
        elif words is None:
            words, lines, first = line[3:].split(), [], number
        else:
            yield first, words, lines
            words = None


def fail(path, number, text):
    sys.exit(f"{path}:{number}: {text}")


def run(command):
    done = subprocess.run(
        command, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.stdout


def matches(expected, printed):
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r".*".join(re.escape(part) for part in line.rstrip().split("..."))
            pattern += r"[ ]*\n"
    return re.fullmatch(pattern, printed if printed.endswith("\n") else printed + "\n")


def run_console(path, number, lines):
    while lines:
        if not lines[0].startswith("$ "):
            fail(path, number, f"expected a command, found {lines[0]!r}")
        command = lines.pop(0)[2:].strip()
        expected = []
        while lines and not lines[0].startswith("$ "):
            expected.append(lines.pop(0))
        printed = run(command)
        if not matches(expected, printed):
            fail(path, number, f"`{command}` printed\n{printed}expected\n{''.join(expected)}")


def write_program(path, number, names, lines):
    name = names[0] if names else f"line{number}.loco"
    with open(name, "a" if "+" in names else "w") as file:
        file.write(("\n" if "+" in names else "") + "".join(lines))
    printed = run(f"lococ check {name}")
    if "no errors" not in printed:
        fail(path, number, printed)


path = sys.argv[1]
found = 0
for number, words, lines in read_blocks(path):
    if words[:1] == ["loco"]:
        write_program(path, number, words[1:], lines)
    elif words[:1] == ["console"]:
        run_console(path, number, lines)
    else:
        continue
    found += 1
if not found:
    sys.exit(f"{path}: no examples found")
print(f"{path}: {found} examples")
