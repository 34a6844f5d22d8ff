#!/usr/bin/env python3
"""Runs the workloads in loco beside hand-written programs, PyTorch and JAX, and writes the
tables of docs/Performance.md.

    run.py --lococ build/release/bin/lococ --limit FOLDER --python venv/bin/python \\
           --results results.json --write docs/Performance.md

Every other program runs between two runs of loco, and is compared with the faster of them.
Results are kept in a file, so that a long benchmark can be run in pieces: `--workloads B,C`,
`--candidates JAX`, `--threads 2`; `--write` makes the tables of all that is in it. What is not
installed, or has no program, is listed as not measured.
"""

import argparse
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from candidates import CANDIDATES, NotMeasured, measure_loco
from workloads import WORKLOADS


def parse():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("--lococ", default="lococ")
    parser.add_argument("--limit", help="folder of the hand-written programs")
    parser.add_argument("--python", default=sys.executable, help="one that has PyTorch and JAX")
    parser.add_argument("--workloads", default=",".join(w.name for w in WORKLOADS))
    parser.add_argument("--candidates", default=",".join(CANDIDATES))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--seconds", type=float, default=4,
                        help="that a framework repeats a step for")
    parser.add_argument("--repeat", type=int, default=8, help="steps of loco in one run")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one program")
    parser.add_argument("--results", default="benchmark-results.json")
    parser.add_argument("--work", help="folder for binaries; default: a temporary one")
    parser.add_argument("--write", metavar="FILE", help="the page of tables to write anew")
    parser.add_argument("--resume", action="store_true",
                        help="only what the results do not have yet")
    parser.add_argument("--note", help="what a reader of the page has to know of this run")
    parser.add_argument("--only-write", action="store_true", help="measure nothing")
    options = parser.parse_args()
    options.device = "cpu"
    return options


def load(path):
    if os.path.exists(path):
        with open(path) as file:
            return json.load(file)
    return {}


def save(path, results):
    with open(path + ".part", "w") as file:
        json.dump(results, file, indent=1)
    os.replace(path + ".part", path)


def better(first, second):
    """The run of loco with the faster step."""
    return min(first, second, key=lambda run: run["gradient"])


def describe(seconds):
    return "-" if seconds is None else f"{seconds * 1e3:.1f}"


def measure(options, workload, threads, results):
    place = results.setdefault(workload.name, {}).setdefault(str(threads), {})
    wanted = [name for name in options.candidates.split(",") if name]
    if options.resume:
        wanted = [name for name in wanted if name not in place]
        if not wanted and "loco" in place:
            return
    before = measure_loco(options, workload, threads)
    place["loco"] = before
    print(f"{workload.name}, {threads} threads: loco {describe(before['gradient'])} ms "
          f"(forward {describe(before['forward'])})", flush=True)
    for name in wanted:
        try:
            found = CANDIDATES[name](options, workload, threads)
        except NotMeasured as reason:
            place[name] = {"missing": str(reason)}
            print(f"  {name}: not measured: {reason}", flush=True)
            continue
        after = measure_loco(options, workload, threads)
        found["loco"] = {k: better(before, after)[k] for k in ("gradient", "forward")}
        place[name], place["loco"] = found, better(place["loco"], after)
        before = after
        print(f"  {name}: {describe(found['gradient'])} ms (forward "
              f"{describe(found['forward'])}); loco takes "
              f"{found['loco']['gradient'] / found['gradient']:.2f} of it", flush=True)
        save(options.results, results)
    save(options.results, results)


def describe_command(options):
    """The whole benchmark as one command, without the paths of this machine."""
    given = " --limit FOLDER" if options.limit else ""
    return f"test/Benchmark/run.py --lococ lococ{given} --python venv/bin/python --write FILE"


def main():
    options = parse()
    results = load(options.results)
    with tempfile.TemporaryDirectory() as folder:
        options.work = options.work or folder
        os.makedirs(options.work, exist_ok=True)
        wanted = [] if options.only_write else options.workloads.split(",")
        for workload in WORKLOADS:
            if workload.name in wanted:
                for threads in options.threads.split(","):
                    measure(options, workload, int(threads), results)
    if options.write:
        import tables

        tables.write(options.write, results, describe_command(options), options.note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
