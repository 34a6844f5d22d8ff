#!/usr/bin/env python3
"""Holds what `lococ explain` says a training run will take to what a process takes.

    memory_use.py --lococ build/release/bin/lococ --results results.json [A B ...]

Measured is the largest resident size of a run, less that of one that trains next to nothing
(workloads/smallest.loco): code, libraries and stacks are in both. Every workload is run with
an optimizer that remembers nothing and with Adam. Adds its figures to the results of run.py.
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
from workloads import BY_NAME, WORKLOADS

# Enough for every buffer that training goes around in; told and run are of the same.
UPDATES = ["--set", "train.updates=4"]
OPTIMIZERS = {"": "sgd(1e-12)", ", Adam": "adam(1e-12)"}
SMALLEST = os.path.join(HERE, "workloads", "smallest.loco")


def get_peak(options, workload, settings):
    text = subprocess.run([options.lococ, "explain", workload.path, "--model", workload.model,
                           "--threads", str(options.threads), *settings],
                          capture_output=True, text=True, check=True).stdout
    return int(re.search(r"peak memory +([\d,]+) bytes", text)[1].replace(",", ""))


def run_once(options, path, settings):
    """How large the process was at most when training was over, before figures are drawn."""
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            [options.lococ, "run", path, "--quiet", "--timings", "--only", "train",
             "--out", os.path.join(folder, "run"), "--threads", str(options.threads), *settings],
            stderr=subprocess.PIPE, text=True)
    found = re.search(r"resident memory: at most (\d+) bytes", result.stderr)
    if result.returncode or not found:
        sys.exit(f"{path}: the run failed: {result.stderr}")
    return int(found[1])


def get_resident(options, path, settings):
    # The first run compiles, which takes memory, too.
    run_once(options, path, settings)
    return run_once(options, path, settings)


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("--lococ", default="lococ")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", default="benchmark-results.json")
    parser.add_argument("workloads", nargs="*", default=[w.name for w in WORKLOADS])
    options = parser.parse_args()
    results = load(options.results)
    rows = {row["name"]: row for row in results.get("memory", [])}
    base = get_resident(options, SMALLEST, UPDATES)
    for name in options.workloads:
        workload = BY_NAME[name]
        for variant, optimizer in OPTIMIZERS.items():
            settings = [*UPDATES, "--set", f"train.batch={workload.batch}",
                        "--set", f"train.optimizer={optimizer}"]
            told = get_peak(options, workload, settings)
            measured = get_resident(options, workload.path, settings) - base
            rows[name + variant] = {"name": name + variant, "told": told, "measured": measured}
            print(rows[name + variant], f"{measured / told:.3f}", flush=True)
            results["memory"] = list(rows.values())
            save(options.results, results)


if __name__ == "__main__":
    main()
