#!/usr/bin/env python3
"""Everything that wants a GPU, in one command.

    run.py --lococ build/release/bin/lococ --python venv/bin/python [--results gpu.json]
           [--write docs/Performance.md]

First the values and gradients of every example and workload, on the GPU, on the processor and by
the interpreter (`lococ verify --target cuda`), and trainings on both targets, which have to take
the same way. Then the times of the workloads, and of two large ones, beside PyTorch (eager,
compiled, CUDA graphs), JAX and cuDNN's LSTM, with the share of the copy bandwidth and of the
arithmetic peak that were measured on the same device, and what cuBLAS and cuDNN add to programs with
large layers (those of the toolkit, or those that PyTorch brought). `--only check`, `--only bench` or `--only libraries` does one of them; `--workloads
B,E-768` some of them. `--write` puts the tables of all that the file of results
holds into a page, `--only write` nothing else. The exit code is 1 if a model is wrong; what a
framework cannot do is listed as not measured.

`--dry` tries all of it where there is no GPU: two samples and three steps of each workload, loco on
the driver that LOCO_CUDA_DRIVER names, the frameworks on the processor. Its times mean nothing.
"""

import argparse
import concurrent.futures
import dataclasses
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "test", "Benchmark"))
import libraries
import page
from candidates import NotMeasured, measure_framework, measure_loco
from workloads import LARGE, WORKLOADS

CANDIDATES = {
    "PyTorch eager": measure_framework("torch", "eager"),
    "torch.compile": measure_framework("torch", "compile"),
    "CUDA graphs": measure_framework("torch", "graphs"),
    "JAX": measure_framework("jax", "jit"),
}


def parse():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("--lococ", default="lococ")
    parser.add_argument("--python", default=sys.executable, help="one that has PyTorch and JAX")
    parser.add_argument("--only", choices=["check", "bench", "libraries", "write"])
    parser.add_argument("--files", nargs="*", help="what to check; default: all examples and workloads")
    parser.add_argument("--workloads", default=",".join(w.name for w in WORKLOADS + LARGE))
    parser.add_argument("--candidates", default=",".join(CANDIDATES))
    parser.add_argument("--seconds", type=float, default=3,
                        help="that a framework repeats a step for")
    parser.add_argument("--repeat", type=int, default=10, help="steps of loco in one run")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one program")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2),
                        help="checks at a time: the interpreter has one thread")
    parser.add_argument("--results", default="gpu-results.json", help="read, and written again")
    parser.add_argument("--write", metavar="FILE", help="the page whose section on GPUs is written anew")
    parser.add_argument("--dry", action="store_true", help="try everything without a GPU")
    options = parser.parse_args()
    options.device = "cpu" if options.dry else "cuda"
    if options.dry:
        options.seconds, options.repeat = 0.1, 2
    return options


# Values and gradients.


def list_models(lococ, file):
    """Models of a program; those that need an argument cannot be checked alone."""
    done = subprocess.run([lococ, "verify", file, "--target", "cuda", "--model", "?"],
                          capture_output=True, text=True)
    names = done.stderr.split("it has", 1)[-1] if "it has" in done.stderr else ""
    return [part for i, part in enumerate(names.split("`")) if i % 2]


def check_model(options, file, model):
    command = [options.lococ, "verify", file, "--target", "cuda", "--samples", "3", "--steps", "5"]
    if model:
        command += ["--model", model]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.timeout)
        return {"good": done.returncode == 0, "text": done.stdout + done.stderr}
    except subprocess.TimeoutExpired:
        return {"good": False, "text": f"takes longer than {options.timeout} s"}


def check(options, results):
    """Several at a time; each is kept as it comes."""
    files = options.files or sorted(glob.glob(os.path.join(ROOT, "examples", "*.loco")) +
                                    glob.glob(os.path.join(ROOT, "test", "Benchmark", "workloads", "*.loco")))
    found = results["checks"] = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        asked = {}
        for file in files:
            for model in list_models(options.lococ, file) or [""]:
                name = os.path.basename(file) + (":" + model if model else "")
                asked[pool.submit(check_model, options, file, model)] = name
        for done in concurrent.futures.as_completed(asked):
            name, checked = asked[done], done.result()
            found[name] = checked
            print(f"{name}: {'ok' if checked['good'] else 'WRONG'}", flush=True)
            if not checked["good"]:
                print(checked["text"], flush=True)
            save(options.results, results)


# Trainings.


def train(options, file, target, folder):
    """Losses and norms of the updates."""
    out = os.path.join(folder, target)
    done = subprocess.run([options.lococ, "run", file, "--only", "train", "--quiet", "--precision", "f64",
                           "--set", "train.updates=5", "--target", target, "--out", out],
                          capture_output=True, text=True, timeout=options.timeout)
    if done.returncode:
        raise RuntimeError(done.stderr)
    lines = []
    for metrics in sorted(glob.glob(os.path.join(out, "**", "metrics.jsonl"), recursive=True)):
        with open(metrics) as page:
            lines += [json.loads(line) for line in page]
    return [number for line in lines for number in (line["loss"], line["gradient_norm"])]


def check_trainings(options):
    """Programs that need no data of others; in f64, so that two targets stay together."""
    examples = ("adding_waves", "cornn_adding", "lstm_adding", "wave_rnn_copy", "free_running", "spring_prediction")
    files = options.files or ([os.path.join(ROOT, "test", "Driver", "Inputs", "two_targets.loco")] +
                              [os.path.join(ROOT, "examples", name + ".loco") for name in examples])
    results = {}
    for file in files:
        name = os.path.basename(file)
        try:
            with tempfile.TemporaryDirectory() as folder:
                wanted, found = (train(options, file, target, folder) for target in ("cpu", "cuda"))
            worst = max((abs(a - b) / max(abs(b), 1e-30) for a, b in zip(found, wanted)), default=0)
            isGood = len(found) == len(wanted) > 0 and worst < 1e-8
            text = f"largest relative difference {worst:.1e} in {len(wanted) // 2} updates"
        except (RuntimeError, subprocess.TimeoutExpired) as reason:
            isGood, text = False, str(reason)
        results[name] = {"good": isGood, "text": text}
        print(f"training {name}: {'ok' if isGood else 'WRONG'}, {text}", flush=True)
    return results


# Times.


def describe(seconds):
    return "-" if seconds is None else f"{seconds * 1e3:.3f}"


def measure_peaks(options):
    try:
        done = subprocess.run([options.python, os.path.join(HERE, "peaks.py"), "--device", options.device],
                              capture_output=True, text=True, timeout=options.timeout)
    except subprocess.TimeoutExpired:
        print("peaks: not measured: takes too long", flush=True)
        return None
    if done.returncode:
        print("peaks: not measured: " + (done.stderr.strip() or "?").splitlines()[-1], flush=True)
        return None
    peaks = json.loads(done.stdout.splitlines()[-1])
    print(f"{peaks['device']}: copies {peaks['copy_bytes_per_second'] * 1e-9:.0f} GB/s; products " +
          ", ".join(f"{name} {rate * 1e-12:.0f} T/s"
                    for name, rate in peaks["operations_per_second"].items()), flush=True)
    return peaks


def shares(measurement, seconds, peaks):
    """Of the copy bandwidth, and of f32's arithmetic peak."""
    moved = sum(measurement["bytes"].values()) + measurement["bytes"]["kept"]
    done = measurement["operations"]["products"] + measurement["operations"]["elementwise"]
    return {"bytes": moved, "operations": done,
            "bandwidth": moved / seconds / peaks["copy_bytes_per_second"],
            "arithmetic": done / seconds / peaks["operations_per_second"]["f32"]}


def bench(options, results):
    results["peaks"] = peaks = measure_peaks(options)
    wanted = options.workloads.split(",")
    onGPU = argparse.Namespace(**vars(options) | {"device": "cuda"})
    for workload in WORKLOADS + LARGE:
        if workload.name not in wanted:
            continue
        if options.dry:
            workload = dataclasses.replace(workload, batch=2, steps=3)
        place = results.setdefault(workload.name, {})
        try:
            place["loco"] = loco = measure_loco(onGPU, workload, os.cpu_count())
            for kind, direction in (("forward", "forward"), ("gradient", "forward+backward")):
                kernels = loco["kernels"][direction]
                line = (f"{workload.name} {kind}: {describe(loco[kind])} ms, kernels {describe(kernels)} ms, "
                        f"{kernels / workload.steps * 1e6:.2f} us a step")
                if peaks and kernels:
                    share = shares(loco["report"][direction], kernels, peaks)
                    place[kind + " shares"] = share
                    line += (f"; {share['bytes'] * 1e-9:.3f} GB, {100 * share['bandwidth']:.0f} % of the copy "
                             f"bandwidth, {100 * share['arithmetic']:.0f} % of the f32 peak")
                print(line, flush=True)
        except NotMeasured as reason:
            place["loco"] = {"missing": str(reason)}
            print(f"{workload.name}: not measured: {reason}", flush=True)
        for name in filter(None, options.candidates.split(",")):
            try:
                place[name] = CANDIDATES[name](options, workload, os.cpu_count())
                found = place[name]
                print(f"  {name}: {describe(found['gradient'])} ms (forward {describe(found['forward'])})",
                      flush=True)
            except NotMeasured as reason:
                place[name] = {"missing": str(reason)}
                print(f"  {name}: not measured: {reason}", flush=True)
        save(options.results, results)


def save(path, results):
    with open(path + ".part", "w") as file:
        json.dump(results, file, indent=1)
    os.replace(path + ".part", path)


def load(path):
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return json.load(file)


def main():
    options = parse()
    results = load(options.results)
    libraries.find(options)
    if options.only in (None, "check"):
        check(options, results)
        results["trainings"] = check_trainings(options)
        save(options.results, results)
    if options.only in (None, "bench"):
        bench(options, results)
        save(options.results, results)
    if options.only in (None, "libraries"):
        results["libraries"] = libraries.measure(options)
        save(options.results, results)
    if options.write:
        page.write(options.write, results)
    checked = {**results["checks"], **results["trainings"]} if options.only in (None, "check") else {}
    return 0 if all(found["good"] for found in checked.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
