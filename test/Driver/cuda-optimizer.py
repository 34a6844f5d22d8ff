# The optimiser on a GPU, here on an emulated one: every rule gives what it gives on the
# processor, for networks that come back with each update and for larger ones; what is not finite
# is told with the same words; and where a device has no room the processor makes the updates.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S %loco_libraries/libLocoEmulatedCuda.so

import json
import os
import re
import subprocess
import sys

import numpy as np

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, fail, finish, program

DRIVER = sys.argv[2]
with open(program("two_targets")) as file:
    TEXT = file.read()

OPTIMIZERS = {
    "descend": "sgd(0.05)\n  clip norm(0.5)",
    "nesterov": "sgd(0.02, momentum = 0.9, nesterov = 1, decay = 0.05)\n  clip value(0.02)\n  freeze Wx",
    "adamw": "adamw(1e-2, decay = 0.1)\n  clip norm(0.3)\n  schedule cosine(final = 0.1, warmup = 2)\n"
             "  rate Wz = 1e-3\n  decay gamma = 0\n  validate 5 every 2\n  stop after 2",
}


def write(name, optimizer, image="image(4, 4)", updates=4):
    with open(name + ".loco", "w") as file:
        file.write(TEXT.replace("adam(1e-2)", optimizer).replace("image(4, 4)", image)
                   .replace("updates    7", f"updates    {updates}").replace("  checkpoint every 3\n", ""))


def run(name, out, *arguments, code=0, **settings):
    """Standard error of a run in f64."""
    environment = dict(os.environ, LOCO_CUDA_DRIVER=DRIVER, **settings)
    done = subprocess.run(["lococ", "run", name + ".loco", "--quiet", "--precision", "f64", "--out", out,
                           *arguments], env=environment, capture_output=True, text=True)
    if done.returncode != code:
        fail(f"run {out} {arguments}: exit code {done.returncode}\n{done.stderr}")
    return done.stderr


def lines(out):
    with open(out + "/Sheet/metrics.jsonl") as file:
        return [json.loads(line) for line in file]


def compare(what, found, wanted, bound=1e-11):
    a, b = lines(found), lines(wanted)
    if len(a) != len(b):
        fail(f"{what}: {len(a)} updates, expected {len(b)}")
    for key in b[0]:
        if key != "seconds" and isinstance(b[0][key], float):
            close(f"{what}: {key}", [line.get(key, 0) for line in a], [line.get(key, 0) for line in b], bound)
    for file in "params", "state":
        close(f"{what}: {file}", read(found, file), read(wanted, file), 1e-9)


def read(out, part):
    """All numbers of the newest checkpoint."""
    folder = out + "/Sheet/checkpoints"
    newest = max((name for name in os.listdir(folder) if name.isdigit()), key=int)
    with open(f"{folder}/{newest}/{part}.safetensors", "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header = {name: place for name, place in json.loads(data[8:8 + length]).items()
              if name != "__metadata__"}
    return np.concatenate([np.zeros(0)] + [
        np.frombuffer(data[8 + length:][slice(*header[name]["data_offsets"])], "f8")
        for name in sorted(header) if header[name]["dtype"] == "F64"])


for name, optimizer in OPTIMIZERS.items():
    write(name, optimizer)
    run(name, name + "-cpu")
    run(name, name + "-cuda", "--target", "cuda")
    compare(name, name + "-cuda", name + "-cpu")

# Too large to come back with each update: with the checkpoints, and where something asks.
write("large", "adam(1e-2)\n  checkpoint every 2", "image(17, 17)", 4)
run("large", "large-cpu")
run("large", "large-cuda", "--target", "cuda")
compare("large", "large-cuda", "large-cpu")

# A device that is lost takes what came after the last checkpoint with it.
text = run("large", "lost", "--target", "cuda", code=1, EMULATED_CUDA_LAUNCHES="40")
kept = re.search(r"the checkpoint of update (\d+) is kept, go on with `--resume`", text)
if not kept or kept[1] != "2" or len(lines("lost")) < 3:
    fail("a lost device: " + text)
run("large", "lost", "--resume", "--target", "cuda")
compare("after it was lost", "lost", "large-cpu")

# Not finite: neither changed nor kept, and told alike.
write("broken", "sgd(1e200)")
told = [run("broken", "broken-" + target, "--target", target, code=1).replace(target, "")
        for target in ("cpu", "cuda")]
if told[0] != told[1] or "not-finite" not in told[0]:
    fail("not finite: " + "\n".join(told))

# No room for more than a batch.
text = run("descend", "small", "--target", "cuda", code=1, EMULATED_CUDA_BYTES="1000")
needed = re.search(r"need (\d+) bytes", text)
if not needed:
    fail("no memory: " + text)
else:
    run("descend", "short", "--target", "cuda", EMULATED_CUDA_BYTES=needed[1])
    compare("on the processor", "short", "descend-cpu")
finish()
