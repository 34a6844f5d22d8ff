# What is compiled does not grow with the lattice, the layers or the sequence.
#
# RUN: %python %s %examples

import re
import subprocess
import sys

examples = sys.argv[1]


def count(program, *settings):
    """Instructions of the kernel that training calls."""
    command = ["lococ", "emit", "asm", f"{examples}/{program}.loco"]
    for setting in settings:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return len(re.findall(r"^\t[a-z]", done.stdout, re.M))


for program, small, large in (
    ("locornn_mnist_deterministic", ["side=36"], ["side=288"]),
    # Above 4,096 values, code for several threads to a sample comes with it.
    ("wave_rnn_copy", ["num_sites=1024"], ["num_sites=8192"]),
    ("lstm_adding", ["units=64", "length=50"], ["units=1024", "length=2000"]),
):
    few, many = count(program, *small), count(program, *large)
    print(f"{program}: {few} instructions, {many} where it is large")
    if many > 1.2 * few:
        sys.exit(f"{program} grows")
