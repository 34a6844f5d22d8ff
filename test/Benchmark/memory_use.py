#!/usr/bin/env python3
"""Holds what `lococ explain` says a training run will take to what a process grows by.

    memory_use.py --lococ build/release/bin/lococ --results results.json [A B ...]

Of two runs that differ in samples, the difference of the largest resident sizes: code,
libraries and stacks are in both. Adds its figures to the results of run.py.
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
TRAINING = ["--set", "train.updates=4", "--set", "train.optimizer=sgd(1e-12)"]


def get_peak(options, workload, settings):
    text = subprocess.run([options.lococ, "explain", workload.path, "--model", workload.model,
                           "--threads", str(options.threads), *TRAINING, *settings],
                          capture_output=True, text=True, check=True).stdout
    return int(re.search(r"peak memory +([\d,]+) bytes", text)[1].replace(",", ""))


def get_resident(options, workload, settings):
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [options.lococ, "run", workload.path, "--quiet", "--out", os.path.join(folder, "run"),
             "--threads", str(options.threads), *TRAINING, *settings])
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{workload.name}: the run failed")
    return usage.ru_maxrss * 1024


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
    for name in options.workloads:
        workload = BY_NAME[name]
        whole = ["--set", f"train.batch={workload.batch}"]
        small = ["--set", "train.batch=2"]
        if workload.batch == 1:
            continue
        told = get_peak(options, workload, whole) - get_peak(options, workload, small)
        # The first run compiles, which takes memory, too.
        get_resident(options, workload, small)
        measured = (get_resident(options, workload, whole)
                    - get_resident(options, workload, small))
        rows[name] = {"name": name, "told": told, "measured": measured}
        print(rows[name], f"{measured / told:.3f}", flush=True)
        results["memory"] = list(rows.values())
        save(options.results, results)


if __name__ == "__main__":
    main()
