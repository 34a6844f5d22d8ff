# What `explain` says training will hold is what the process grows by, within 5 %; a budget
# is kept, and every plan gives the gradients of the interpreter: sequences that segments
# divide and do not divide, of one step, with lengths, masks, draws, models inside, steps
# that choose their number, and steps that run on their own results.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S/Inputs %S/../Oracle/Inputs

import os
import re
import subprocess
import sys

HERE, ORACLE = sys.argv[1:]
os.environ["LOCO_CACHE_DIR"] = os.path.join(os.getcwd(), "cache")


def lococ(*arguments):
    """Exit code, text, and the largest resident size in bytes."""
    read, write = os.pipe()
    process = subprocess.Popen(["lococ", *map(str, arguments)], stdout=write, stderr=write)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), text, usage.ru_maxrss * 1024


def fail(text):
    sys.exit(text)


#===-----------------------------------------------------------------------===#
# Told before, measured after
#===-----------------------------------------------------------------------===#

def explained(*options):
    code, text, _ = lococ("explain", os.path.join(HERE, "memory.loco"), *options)
    facts = dict(re.findall(r"^ +(training|sample block|peak memory) +(.*)$", text, re.M))
    if code or len(facts) != 3:
        fail(f"explain {options}: exit code {code}\n{text}")
    return facts, int(facts["peak memory"].split(" ")[0].replace(",", ""))


def resident(*options):
    """Of a run that compiles nothing: the second one."""
    for _ in range(2):
        code, text, size = lococ("run", os.path.join(HERE, "memory.loco"), "--quiet", "--force", "--out", "run",
                                 *options)
        if code:
            fail(f"run {options}: exit code {code}\n{text}")
    return size


# Of two runs that differ in steps, the difference: code, libraries and stacks are the same.
SHORT = ("--set", "frames_shown=2", "--set", "samples_at_once=2")
for plan, budget in [("kept of every step", "1G"), ("states are kept of every step", "32M"),
                     ("each segment is run again", "20M")]:
    options = ("--threads", "2", "--memory", budget)
    facts, peak = explained(*options)
    if plan not in facts["training"]:
        fail(f"--memory {budget}: {facts['training']}, expected {plan}")
    _, least = explained(*options, *SHORT)
    grown = resident(*options) - resident(*options, *SHORT)
    if abs(grown - (peak - least)) > 0.05 * peak:
        fail(f"--memory {budget}: {peak - least} bytes were announced, {grown} were taken ({facts})")

code, text, _ = lococ("run", os.path.join(HERE, "memory.loco"), "--quiet", "--out", "none", "--memory", "1M",
                      "--threads", "2")
if code != 1 or not re.search(r"one sample of 40 steps needs at least \d+ bytes of scratch memory on 2 threads, "
                              r"more than the memory budget of 1048576; raise `--memory` or lower `--threads`", text):
    fail(f"--memory 1M: exit code {code}\n{text}")


#===-----------------------------------------------------------------------===#
# The same gradients
#===-----------------------------------------------------------------------===#

def verify(program, model, steps):
    command = ["verify", program, "--model", model, "--threads", "1", "--samples", "3", "--steps", steps]
    _, text, _ = lococ(*command, "--memory", "64")
    needed = re.search(r"at least (\d+) bytes", text)
    if not needed:
        fail(f"{model}, {steps} steps, 64 bytes: {text}")
    code, text, _ = lococ(*command, "--memory", needed[1])
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
