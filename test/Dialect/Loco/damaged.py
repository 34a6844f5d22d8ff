"""Damaged programs end in messages, never in a crash: words of a file of all ops
are left out, doubled, exchanged with others.

RUN: loco-opt %S/ops.mlir -o %t
RUN: %python %s %t
"""

import random
import re
import subprocess
import sys

random.seed(11)


def split(text):
    """The functions of a module, each as a list of words and of what is between."""
    body = text.strip().removeprefix("module {").removesuffix("}")
    functions = re.split(r"(?m)^(?=  func\.func)", body)[1:]
    return [re.findall(r"[%#@!]?[\w.]+|\s+|->|.", function) for function in functions]


def damage(words, others):
    words = list(words)
    for _ in range(random.choice([1, 1, 2, 5])):
        place = random.randrange(len(words))
        kind = random.randrange(4)
        if kind == 0:
            del words[place:place + random.choice([1, 1, 3])]
        elif kind == 1:
            words.insert(place, words[place])
        elif kind == 2:
            words[place] = random.choice(others)
        else:
            words[place] = random.choice(["-1", "0", "9223372036854775807", "?", "{", "}", "i1"])
    return "".join(words)


functions = split(open(sys.argv[1]).read())
others = [word for f in functions for word in f if not word.isspace()]
programs = [damage(f, others) for f in functions for _ in range(150)]
assert len(programs) >= 600, len(programs)

for start in range(0, len(programs), 75):
    run = subprocess.run(["loco-opt", "--split-input-file", "--canonicalize", "--cse", "-"],
                         input="\n// -----\n".join(programs[start:start + 75]),
                         capture_output=True, text=True)
    if run.returncode not in (0, 1):
        for program in programs[start:start + 75]:
            one = subprocess.run(["loco-opt", "--canonicalize", "--cse", "-"], input=program,
                                 capture_output=True, text=True)
            if one.returncode not in (0, 1):
                sys.exit(f"{program}\nends with {one.returncode}:\n{one.stderr}")
        sys.exit(f"programs {start} to {start + 74} end with {run.returncode}")
