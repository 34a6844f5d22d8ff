"""How each program that does a workload is timed, in a process of its own. All give seconds:
`gradient` (forward and backward), `forward`, or None for what was not measured."""

import json
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))

# As the README of the hand-written programs says, for the processor at hand.
LIMIT_COMPILE = ("clang++-22 -std=c++17 -O3 -march=native -mprefer-vector-width=512 "
                 "-ffp-contract=off").split()


class NotMeasured(Exception):
    """Why a candidate has no time."""


def run(command, timeout=600):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"takes longer than {timeout} s")
    except OSError as error:
        raise NotMeasured(str(error))
    if done.returncode:
        lines = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()
        raise NotMeasured(lines[-1])
    return done.stdout


def measure_loco(options, workload, threads):
    command = [options.lococ, "bench", workload.path, "--model", workload.model, "--json",
               "--threads", str(threads), "--repeat", str(options.repeat), "--batch", str(workload.batch),
               "--steps", str(workload.steps)]
    for name in workload.wrt:
        command += ["--wrt", name]
    for setting in workload.settings:
        command += ["--set", setting]
    if options.device == "cuda":
        command += ["--target", "cuda"]
    report = json.loads(run(command))
    found = report["models"][0]
    times = {m["direction"]: m for m in found["measurements"]}
    return {"gradient": times["forward+backward"]["seconds_least"],
            "forward": times["forward"]["seconds_least"],
            "median": times["forward+backward"]["seconds_median"],
            "kernels": {kind: m["seconds_of_kernels"] for kind, m in times.items()},
            "report": times, "sites": found["sites"], "machine": report["machine"]}


def compile_limit(options, program):
    """The hand-written program as a binary in the work folder."""
    source = os.path.join(options.limit, program + ".cpp")
    binary = os.path.join(options.work, program)
    if not os.path.exists(source):
        raise NotMeasured(f"there is no {source}")
    if not os.path.exists(binary) or os.path.getmtime(binary) < os.path.getmtime(source):
        run(LIMIT_COMPILE + [source, "-lpthread", "-lopenblas", "-o", binary])
    return binary


def read_limit(workload, text, threads):
    """The least of all variants of the program: lines as `name   nt=2 min 84.4 med ...`."""
    least = {"gradient": None, "forward": None}
    for line in text.splitlines():
        found = re.match(r"(.+?)\s+nt=(\d+) min\s+([\d.]+) med", line)
        if not found or int(found[2]) != threads:
            continue
        seconds = float(found[3]) * 1e-3
        for kind, prefix in (("forward", workload.limit_forward),
                             ("gradient", workload.limit_step)):
            if prefix and found[1].startswith(prefix):
                least[kind] = min(seconds, least[kind] or seconds)
                break
    if least["gradient"] is None:
        raise NotMeasured("the hand-written program says nothing that is understood")
    return least


def measure_limit(options, workload, threads):
    if not workload.limit:
        raise NotMeasured("no hand-written program exists")
    if not options.limit:
        raise NotMeasured("no folder of hand-written programs was given")
    return read_limit(workload, run([compile_limit(options, workload.limit)]), threads)


def measure_framework(framework, mode):
    def measure(options, workload, threads):
        command = [options.python, os.path.join(HERE, "baselines", "baseline.py"), framework,
                   mode, workload.name, "--threads", str(threads),
                   "--seconds", str(options.seconds), "--device", options.device,
                   "--batch", str(workload.batch), "--steps", str(workload.steps)]
        result = json.loads(run(command, options.timeout).splitlines()[-1])
        return {"gradient": min(result["gradient"]), "forward": min(result["forward"]),
                "warm": result["warm"], "version": result["version"]}

    return measure


CANDIDATES = {
    "hand-written": measure_limit,
    "PyTorch eager": measure_framework("torch", "eager"),
    "torch.compile": measure_framework("torch", "compile"),
    "JAX": measure_framework("jax", "jit"),
}
