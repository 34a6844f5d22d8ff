#!/usr/bin/env python3
"""Seconds from the start of a process to the first kernel that works on data: cold, with an
empty object cache, and warm; and whether compiling grows with lattices and sequences.

    compile_times.py --lococ build/release/bin/lococ --results results.json FILE.loco ...

Adds its figures to the results of run.py: all that a user waits, data and initial values
included, which are made while the compiler compiles; and the time to the end of the first
update, less what a later update takes, as pages are first touched there. The least of
--repeat starts each. A program is ended after its second update, or 30 s; one that cannot begin (its data
are not there: `--data data=FOLDER` says where) is left out, and said to be.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from run import load, save

# What is spent on code: nothing of data, files and loading.
CODE_PARTS = ("translating", "compiling", "linking")

# Seconds that two updates have.
PATIENCE = 30


def start(lococ, file, cache, settings=(), updates=False):
    """What `--timings` says of a run that is ended when it has begun to work, or after its
    second update: seconds by part, those of the `whole`, and of the `first` update less a
    later one. None if the run does not get there."""
    with tempfile.TemporaryDirectory() as folder:
        command = [lococ, "run", file, "--timings", "--out", os.path.join(folder, "run")]
        for setting in settings:
            command += ["--set", setting]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True, env={**os.environ, "LOCO_CACHE_DIR": cache})
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        found = {}
        for line in process.stderr:
            if match := re.search(r"to the first kernel: ([\d.]+) s", line):
                found["whole"] = float(match[1])
            elif match := re.match(r"  (\S[^\d]*?) +([\d.]+) s$", line):
                found[match[1]] = float(match[2])
            elif match := re.search(r"the first update: ([\d.]+) s; the next one: ([\d.]+) s", line):
                found["first"] = round(float(match[1]) - float(match[2]), 3)
                break
            elif "whole" in found and not updates and not line.startswith(" "):
                # Behind the parts of the start, and the parts of those.
                break
        timer.cancel()
        process.kill()
        process.wait()
    return found if "whole" in found else None


def measure_program(lococ, file, data, repeat):
    for settings in ((), data):
        starts = []
        for _ in range(repeat):
            with tempfile.TemporaryDirectory() as cache:
                starts.append([start(lococ, file, cache, settings, updates=True)
                               for _ in range(2)])
        if all(found for pair in starts for found in pair):
            entry = {"program": os.path.basename(file)}
            for name, of in (("cold", [pair[0] for pair in starts]),
                             ("warm", [pair[1] for pair in starts])):
                entry[name] = min(found["whole"] for found in of)
                if firsts := [found["first"] for found in of if "first" in found]:
                    entry[name + "_update"] = min(firsts)
            return entry
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
                seconds = sum(found.get(part, 0) for part in CODE_PARTS)
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
    parser.add_argument("--repeat", type=int, default=3, help="starts, of which the least counts")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    results = load(options.results)
    programs = []
    for file in options.files:
        found = measure_program(options.lococ, file, options.data, options.repeat)
        print(found or f"{file}: cannot be run here", flush=True)
        if found:
            programs.append(found)
    flatness = measure_flatness(options.lococ)
    results["compile"] = {"programs": programs, "flatness": flatness}
    save(options.results, results)


if __name__ == "__main__":
    main()
