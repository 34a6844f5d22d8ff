# What `explain` says training will hold is what the process takes, within 5 %; a budget
# is kept, and every plan gives the gradients of the interpreter: sequences that segments
# divide and do not divide, of one step, with lengths, masks, draws, models inside, steps
# that choose their number, and steps that run on their own results.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S/Inputs %S/../Oracle/Inputs %S/../Benchmark/workloads

import os
import re
import subprocess
import sys

HERE, ORACLE, BENCHMARK = sys.argv[1:]
os.environ["LOCO_CACHE_DIR"] = os.path.join(os.getcwd(), "cache")


def lococ(*arguments):
    """Exit code and text."""
    result = subprocess.run(["lococ", *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    return result.returncode, result.stdout


def fail(text):
    sys.exit(text)


#===-----------------------------------------------------------------------===#
# Told before, measured after
#===-----------------------------------------------------------------------===#

def explained(program, *options):
    code, text = lococ("explain", program, *options)
    facts = dict(re.findall(r"^ +(training|sample block|peak memory) +(.*)$", text, re.M))
    if code or len(facts) != 3:
        fail(f"explain {program} {options}: exit code {code}\n{text}")
    return facts, int(facts["peak memory"].split(" ")[0].replace(",", ""))


def resident(program, *options):
    """Of a run that compiles nothing, the second one: until training is over."""
    for _ in range(2):
        code, text = lococ("run", program, "--quiet", "--timings", "--only", "train", "--force", "--out", "run",
                           *options)
        found = re.search(r"resident memory: at most (\d+) bytes", text)
        if code or not found:
            fail(f"run {program} {options}: exit code {code}\n{text}")
    return int(found[1])


# Code, libraries and stacks are in a process that trains next to nothing, too.
base = resident(os.path.join(BENCHMARK, "smallest.loco"))


def hold(program, *options):
    facts, peak = explained(program, *options)
    taken = resident(program, *options) - base
    if abs(taken - peak) > 0.05 * peak:
        fail(f"{program} {options}: {peak} bytes were announced, {taken} were taken ({facts})")
    return facts


SHEET = os.path.join(HERE, "memory.loco")
for plan, budget in [("kept of every step", "1G"), ("states are kept of every step", "32M"),
                     ("each segment is run again", "20M")]:
    facts = hold(SHEET, "--threads", "2", "--memory", budget)
    if plan not in facts["training"]:
        fail(f"--memory {budget}: {facts['training']}, expected {plan}")
# Optimizers that remember less, and samples of a system, which are made in f64.
hold(SHEET, "--threads", "2", "--set", "train.optimizer=sgd(1e-12)")
PARAMETERS = os.path.join(HERE, "memory_parameters.loco")
for optimizer in ("adam(1e-12)", "sgd(1e-12, momentum = 0.9)", "sgd(1e-12)"):
    hold(PARAMETERS, "--threads", "2", "--set", f"train.optimizer={optimizer}")
hold(os.path.join(BENCHMARK, "rings-24x54.loco"), "--threads", "2", "--set", "train.batch=32",
     "--set", "train.updates=4")

code, text = lococ("run", os.path.join(HERE, "memory.loco"), "--quiet", "--out", "none", "--memory", "1M",
                      "--threads", "2")
if code != 1 or not re.search(r"one sample of 40 steps needs at least \d+ bytes of scratch memory on 2 threads, "
                              r"more than the memory budget of 1048576; raise `--memory` or lower `--threads`", text):
    fail(f"--memory 1M: exit code {code}\n{text}")


#===-----------------------------------------------------------------------===#
# The same gradients
#===-----------------------------------------------------------------------===#

def verify(program, model, steps):
    command = ["verify", program, "--model", model, "--threads", "1", "--samples", "3", "--steps", steps]
    _, text = lococ(*command, "--memory", "64")
    needed = re.search(r"at least (\d+) bytes", text)
    if not needed:
        fail(f"{model}, {steps} steps, 64 bytes: {text}")
    code, text = lococ(*command, "--memory", needed[1])
    if code:
        fail(f"{model}, {steps} steps, {needed[1]} bytes: exit code {code}\n{text}")


for program, models, steps in [
    (os.path.join(ORACLE, "lengths.loco"), ["NextStep", "Masked"], 41),
    (os.path.join(ORACLE, "lengths.loco"), ["Summary"], 7),
    (os.path.join(ORACLE, "inner_models.loco"), ["Over"], 41),
    (os.path.join(ORACLE, "rollout.loco"), ["Net"], 41),
    (os.path.join(ORACLE, "locornn_mixing.loco"), ["LocoRNN"], 23),
    (os.path.join(HERE, "stochastic.loco"), ["Rates"], 41),
    (os.path.join(HERE, "solvers_inside.loco"), ["Energy"], 7),
    (os.path.join(HERE, "windows.loco"), ["Carried"], 1),
]:
    for model in models:
        verify(program, model, steps)
