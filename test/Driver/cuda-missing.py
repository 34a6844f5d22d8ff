# What a GPU lacks is said by every command that would use it, in the words of docs/Gpu.md, with
# exit code 1 and nothing on standard output; a run that could not begin leaves no folder, and one
# that is there already goes on afterwards. `explain` and `emit` need no GPU.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S %loco_libraries %loco_source

import os
import re
import shutil
import subprocess
import sys

import numpy

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import fail, finish

FOLDER, SOURCE = sys.argv[2], sys.argv[3]
TRY = "write `--target cpu`"
NEWER = "install a newer one or " + TRY

# The larger sheet has more sites than a block holds: blocks of a grid share it on devices without
# clusters.
for name, extent in ("small", 6), ("large", 1040):
    open(name + ".loco", "w").write(f"""loco 1
model Sheet {{
  lattice sheet = torus(4, {extent})
  input   x : scalar per step
  input   target : scalar
  coupling W : conv(1, 3) on sheet init constant(0.2)
  state   z on sheet = 0.5
  step    {{ z <- tanh(W @ z + x) }}
  loss    = (mean(last(z)) - target)^2
}}
train Sheet {{ data arrays("in.npz"); optimizer sgd(0.1); batch 2; updates 2 }}
""")
numpy.savez("in.npz", x=numpy.ones((5, 3), "f4"), target=numpy.linspace(0, 1, 5, dtype="f4"))

table = open(SOURCE + "/docs/Gpu.md").read().split("| message | what to do |")[1].split("\n\n")[0]
told = {row: re.compile(".+".join(map(re.escape, row.split("..."))))
        for row in re.findall(r"^\| (.+?) \| ", table, re.M) if not row.startswith("---")}
heard = set()


def commands(name):
    return {"eval": ["eval", name, "--inputs", "in.npz"], "grad": ["grad", name, "--inputs", "in.npz"],
            "verify": ["verify", name, "--samples", "2", "--steps", "3"],
            "bench": ["bench", name, "--batch", "2", "--steps", "3", "--repeat", "1"],
            "run": ["run", name, "--out", "made", "--quiet"],
            "sweep": ["run", name, "--out", "made", "--quiet", "--seeds", "2"]}


def lococ(arguments, settings):
    environment = {"LOCO_CUDA_DRIVER": FOLDER + "/libLocoEmulatedCuda.so"} | settings
    return subprocess.run(["lococ", *arguments, "--target", "cuda"], env=dict(os.environ, **environment),
                          capture_output=True, text=True)


def expect(what, message, name="small.loco", extra=(), keeps=False, **settings):
    """Every command says `message`, a text or a pattern."""
    for command, arguments in commands(name).items():
        if command == "verify" and extra:
            continue  # the processor's code has the same budget, and comes first
        done = lococ([*arguments, *extra], settings)
        text = done.stderr.removeprefix("error: ").removesuffix("\n")
        isSaid = message.fullmatch(text) if isinstance(message, re.Pattern) else text == message
        output = re.sub("^machine: .*\n", "", done.stdout) if command == "bench" else done.stdout
        if done.returncode != 1 or output or not isSaid:
            fail(f"{what}: {command}: exit code {done.returncode}, {done.stdout}{done.stderr}")
        if keeps:
            shutil.rmtree("made", ignore_errors=True)
        elif os.path.exists("made"):
            fail(f"{what}: {command} leaves a folder")
        rows = {row for row, pattern in told.items() if pattern.match(text.replace("no-such-driver.so", "libcuda.so.1"))
                or pattern.search(text) and row.startswith("...")}
        if not rows:
            fail(f"{what}: docs/Gpu.md does not have `{text}`")
        heard.update(rows)


def one(pattern):
    return re.compile(re.escape(pattern).replace("NUMBER", r"\d+"))


GRID = {"EMULATED_CUDA_CAPABILITY": "80", "EMULATED_CUDA_MULTIPROCESSORS": "1", "EMULATED_CUDA_RESIDENT": "1"}
LOST = ("the kernels did not end well on an emulated GPU: CUDA_ERROR_LAUNCH_FAILED: the emulated device is lost; "
        "the device is lost to this process, what was written before is kept")
expect("no driver", "there is no CUDA driver: `no-such-driver.so` cannot be opened; install NVIDIA's driver or " + TRY,
       LOCO_CUDA_DRIVER="no-such-driver.so")
expect("old driver", "the CUDA driver is too old: it is of CUDA 11.2, 12.0 is needed; " + NEWER,
       EMULATED_CUDA_VERSION="11020")
expect("an older driver", f"the CUDA driver `{FOLDER}/libLocoEmulatedCublas.so` is too old: it has no `cuInit`; {NEWER}",
       LOCO_CUDA_DRIVER=FOLDER + "/libLocoEmulatedCublas.so")
expect("another driver", "the CUDA driver does not start: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: as the emulated driver says",
       EMULATED_CUDA_START="803")
expect("no device", "the CUDA driver finds no device; " + TRY, EMULATED_CUDA_DEVICES="0")
expect("no device, says the driver", "the CUDA driver finds no device; " + TRY, EMULATED_CUDA_START="100")
expect("old device", "an emulated GPU has compute capability 7.0, 8.0 is needed; " + TRY,
       EMULATED_CUDA_CAPABILITY="70")
expect("shared memory", one("the code needs NUMBER bytes of shared memory, an emulated GPU has 8; " + TRY),
       EMULATED_CUDA_SHARED="8")
expect("registers", one("a block of NUMBER threads with 64 registers each does not fit a multiprocessor of "
                        "an emulated GPU; " + TRY), EMULATED_CUDA_RESIDENT="0")
expect("blocks of a grid", "a sample is shared by 2 blocks that run at the same time, an emulated GPU has room for 1; "
       + TRY, name="large.loco", **GRID)
expect("memory", one("out of device memory: NUMBER samples of NUMBER steps need NUMBER bytes, 1000 of the 1000 of "
                     "an emulated GPU are free; lower the batch or the number of steps"), keeps=True,
       EMULATED_CUDA_BYTES="1000")
expect("a budget", one("NUMBER samples of NUMBER steps need NUMBER bytes of device memory, more than the memory "
                       "budget of 512; raise `--memory`"), extra=["--memory", "512"], keeps=True)
expect("a lost device", LOST, keeps=True, EMULATED_CUDA_LAUNCHES="0")

# A run that is there loses nothing by any of it, and goes on where the blocks just have room.
def files():
    return {name: open(name, "rb").read() for folder, _, names in os.walk("kept/Sheet") for name in
            (os.path.join(folder, file) for file in names)}


def resume(code, **settings):
    done = lococ(["run", "large.loco", "--out", "kept", "--quiet", "--resume"], GRID | settings)
    if done.returncode != code:
        fail(f"resuming: exit code {done.returncode}, {done.stderr}")


subprocess.run(["lococ", "run", "large.loco", "--out", "kept", "--quiet", "--set", "train.updates=1"], check=True)
before = files()
if not any("checkpoints/1/" in name for name in before):
    fail(f"no checkpoint of the first update: {list(before)}")
for settings in ({}, {"EMULATED_CUDA_DEVICES": "0"}, {"EMULATED_CUDA_RESIDENT": "2", "EMULATED_CUDA_BYTES": "1000"},
                 {"EMULATED_CUDA_RESIDENT": "2", "EMULATED_CUDA_LAUNCHES": "0"}):
    resume(1, **settings)
    if files() != before:
        fail(f"{settings}: files have changed")
resume(0, EMULATED_CUDA_RESIDENT="2")
if not any("checkpoints/2/" in name for name in files()):
    fail("the run did not go on")
if missing := set(told) - heard:
    fail(f"docs/Gpu.md has messages that nobody says: {missing}")
finish()
