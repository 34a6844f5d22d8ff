#!/usr/bin/env python3
"""Seconds from the start of a process to the first kernel that works on data: cold, with an
empty object cache, and warm; and whether compiling grows with lattices and sequences.

    compile_times.py --lococ build/release/bin/lococ --results results.json FILE.loco ...

Adds its figures to the results of run.py: a start without reading data and drawing initial
values, and the whole that a user waits. A program is ended as soon as it has begun to work; one that cannot begin
(its data are not there: `--data data=FOLDER` says where) is left out, and said to be.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from run import load, save

# What is spent on code: nothing of data, files and loading.
CODE_PARTS = ("translating", "compiling", "linking")
# What a start is told without.
DATA_PARTS = ("initial values", "opening data")


def start(lococ, file, cache, settings=()):
    """What `--timings` says: the whole, and its parts. None if the run does not get there."""
    with tempfile.TemporaryDirectory() as folder:
        command = [lococ, "run", file, "--timings", "--out", os.path.join(folder, "run")]
        for setting in settings:
            command += ["--set", setting]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True, env={**os.environ, "LOCO_CACHE_DIR": cache})
        whole, parts = None, {}
        for line in process.stderr:
            if found := re.match(r"to the first kernel: ([\d.]+) s", line):
                whole = float(found[1])
            elif found := re.match(r"  (\S[^\d]*?) +([\d.]+) s$", line):
                parts[found[1]] = float(found[2])
                # The last part that there is.
                if found[1] == "opening data":
                    break
        process.kill()
        process.wait()
    return (whole, parts) if whole is not None else None


def measure_program(lococ, file, data):
    for settings in ((), data):
        with tempfile.TemporaryDirectory() as cache:
            found = [start(lococ, file, cache, settings) for _ in range(2)]
        if all(found):
            cold, warm = (whole - sum(parts.get(part, 0) for part in DATA_PARTS)
                          for whole, parts in found)
            # Whoever waits for the first update waits for its data, too.
            return {"program": os.path.basename(file), "cold": cold, "warm": warm,
                    "cold_whole": found[0][0], "warm_whole": found[1][0]}
    return None


def measure_flatness(lococ):
    """The torus of workload B and the dense network of E with more sites and steps."""
    rows = []
    lattice = os.path.join(HERE, "workloads", "lattice-72.loco")
    dense = os.path.join(HERE, "workloads", "dense-cornn-256.loco")
    for file, name, values in ((lattice, "side", (36, 72, 144, 288)),
                               (lattice, "frames_shown", (10, 100, 400)),
                               (dense, "units", (64, 256, 1024)),
                               (dense, "length", (98, 784))):
        for value in values:
            with tempfile.TemporaryDirectory() as cache:
                found = start(lococ, file, cache, (f"{name}={value}", "train.batch=1"))
            if found:
                seconds = sum(found[1].get(part, 0) for part in CODE_PARTS)
                rows.append([os.path.basename(file), f"{name} = {value}", f"{seconds:.2f}"])
                print(*rows[-1], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("--lococ", default="lococ")
    parser.add_argument("--results", default="benchmark-results.json")
    parser.add_argument("--data", action="append", default=[], metavar="NAME=VALUE",
                        help="set in programs that cannot begin otherwise")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    results = load(options.results)
    programs = []
    for file in options.files:
        found = measure_program(options.lococ, file, options.data)
        print(found or f"{file}: cannot be run here", flush=True)
        if found:
            programs.append(found)
    flatness = measure_flatness(options.lococ)
    results["compile"] = {"programs": programs, "flatness": flatness}
    save(options.results, results)


if __name__ == "__main__":
    main()
