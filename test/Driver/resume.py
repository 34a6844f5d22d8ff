# A run that is killed at random moments and resumed ends as if never stopped: equal
# parameters, optimiser state and metrics, byte for byte; also after Ctrl-C, and not
# after a change of the program.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S/Inputs/resume.loco

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

PROGRAM = sys.argv[1]
UPDATES = 1000  # as the program says


def command(out, *more):
    return ["lococ", "run", PROGRAM, "--out", out, "--quiet", *more]


def start(out, *more):
    # Test runners may ignore SIGINT, and their children with them.
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command(out, *more), stderr=subprocess.PIPE, text=True, preexec_fn=heed)


def run(out, *more):
    process = start(out, *more)
    _, text = process.communicate()
    return process.returncode, text


def read(path):
    with open(path, "rb") as file:
        return file.read()


def last_checkpoint(out):
    folder = os.path.join(out, "Sheet", "checkpoints")
    return os.path.join(folder, str(max(map(int, (n for n in os.listdir(folder) if n.isdigit())))))


def outcome(out):
    """All that must be equal; the metrics without their times."""
    lines = [json.loads(line) for line in read(os.path.join(out, "Sheet", "metrics.jsonl")).splitlines()]
    for line in lines:
        del line["seconds"]
    last = last_checkpoint(out)
    return read(os.path.join(last, "params.safetensors")), read(os.path.join(last, "state.safetensors")), lines


def expect(what, condition, text=""):
    if not condition:
        sys.exit(f"{what}: {text}")


def updates_done(out):
    """Whole lines of the metrics so far."""
    try:
        return read(os.path.join(out, "Sheet", "metrics.jsonl")).count(b"\n")
    except FileNotFoundError:
        return 0


def kill(out, more, ready):
    """Starts the run and kills it a random moment after `ready`."""
    process = start(out, *more)
    while not ready() and process.poll() is None:
        time.sleep(0.002)
    time.sleep(dice.uniform(0, 0.02))
    process.kill()
    _, text = process.communicate()
    expect("a run that is to be killed still runs", process.returncode == -signal.SIGKILL, text)


code, text = run("whole")
expect("an undisturbed run", code == 0, text)
wanted = outcome("whole")
expect("metrics of every update", len(wanted[2]) == UPDATES)

# Killed at any time: before there is a folder, while it is set up, after any update.
dice = random.Random(11)
more = []
for _ in range(5):
    begin, wait = time.time(), dice.uniform(0, 0.2)
    kill("killed", more, lambda: time.time() - begin > wait)
    more = ["--resume"] if os.path.exists("killed") else []
for target in sorted(dice.sample(range(1, UPDATES - 100), 12)):
    kill("killed", more, lambda: updates_done("killed") >= target)
    more = ["--resume"]
code, text = run("killed", *more)
expect("the last resumed run", code == 0, text)
expect("the killed run ends as the undisturbed one", outcome("killed") == wanted)

process = start("interrupted")
while not os.path.exists("interrupted/Sheet/checkpoints/20"):
    time.sleep(0.01)
process.send_signal(signal.SIGINT)
_, text = process.communicate()
expect("Ctrl-C ends the run", process.returncode == 1 and "--resume" in text, text)
code, text = run("interrupted", "--resume")
expect("resumed after Ctrl-C", code == 0, text)
expect("the interrupted run ends as the undisturbed one", outcome("interrupted") == wanted)

code, text = run("whole")
expect("an existing folder is refused", code == 1 and "run-folder-exists" in text, text)
shutil.copytree("whole", "other")
changed = read(PROGRAM).decode().replace("sgd(1e-3", "sgd(2e-3")
with open("changed.loco", "w") as file:
    file.write(changed)
PROGRAM = "changed.loco"
code, text = run("other", "--resume")
expect("a changed program is refused", code == 1 and "source" in text or "program" in text, text)

# A longer run is the same run, whether its length was in the program or not.
PROGRAM = sys.argv[1]
code, text = run("short", "--set", "train.updates=400")
expect("a short run", code == 0 and updates_done("short") == 400, text)
code, text = run("short", "--resume", "--set", "Sheet.train.updates=700")
expect("a longer one", code == 0 and updates_done("short") == 700, text)
code, text = run("short", "--resume")
expect("the whole one", code == 0, text)
expect("the run that was made longer ends as the undisturbed one", outcome("short") == wanted)
