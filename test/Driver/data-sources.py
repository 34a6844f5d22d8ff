# Programs that train on images as sequences, and analyses on what was held out: the
# source in the middle passes `split` on.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s

import json
import os
import struct
import subprocess
import sys

import numpy as np

rng = np.random.default_rng(1)
PROGRAM = """loco 1
model M {{
  input x : {space} per step
  input label : class(10)
  state h on vector(8) = 0
  step {{ h <- tanh(linear(x -> vector(8)) + 0.9 * h) }}
  decode y = linear(last(h) -> class(10))
  loss = cross_entropy(y, label)
}}
train M {{ data {data}; optimizer adam(0.01); batch 2; updates 2 }}
analyze M {{ samples 4; save "right" = accuracy(y, label) }}
"""


def idx(array):
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def expect(what, condition, text=""):
    if not condition:
        sys.exit(f"{what}: {text}")


for prefix, count in (("train", 6), ("t10k", 4)):
    with open(f"{prefix}-images-idx3-ubyte", "wb") as file:
        file.write(idx(rng.integers(0, 256, (count, 5, 7)).astype(np.uint8)))
    with open(f"{prefix}-labels-idx1-ubyte", "wb") as file:
        file.write(idx(np.arange(count, dtype=np.uint8)))
record = np.concatenate([np.arange(4)[:, None], rng.integers(0, 256, (4, 3072))], 1).astype(np.uint8)
for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
    record.tofile(f"{name}.bin")


def run(name, space, data):
    with open(f"{name}.loco", "w") as file:
        file.write(PROGRAM.format(space=space, data=data))
    return subprocess.run(["lococ", "run", f"{name}.loco", "--out", name, "--quiet"], stderr=subprocess.PIPE, text=True)


for name, space, data in (
    ("pixels", "scalar", 'pixels(idx("."))'),
    ("permuted", "scalar", 'pixels(idx("."), permuted = 3)'),
    ("rows", "vector(7)", 'rows(idx("."))'),
    ("colours", "vector(96)", 'padded(rows(cifar10(".")), steps = 40)'),
    ("channels", "vector(3)", 'pixels(cifar10("."))'),
):
    done = run(name, space, data)
    expect(name, done.returncode == 0, done.stderr)
    with open(f"{name}/results.json") as file:
        results = json.load(file)
    expect(name, results["training"]["M"]["updates"] == 2, results)
    expect(name, 0 <= results["training"]["M"]["seconds_waiting_for_data"] < 10, results)

done = run("wrong", "vector(5)", 'rows(idx("."))')
expect("wrong", done.returncode == 1 and "`x`" in done.stderr and "5" in done.stderr and "7" in done.stderr, done.stderr)
done = run("twice", "scalar", 'pixels(rows(idx(".")))')
expect("twice", "twice.loco:10:11: `pixels` needs a source whose `x` is one image per sample" in done.stderr, done.stderr)
done = run("short", "vector(7)", 'padded(rows(idx(".")), steps = 3)')
expect("short", "makes sequences of 3 steps, but those of its source have 5" in done.stderr, done.stderr)
done = run("padded", "vector(7)", 'padded(idx("."), steps = 9)')
expect("padded", "`padded` needs a source whose `x` is a sequence of numbers" in done.stderr, done.stderr)

# A run that fails before it has anything to keep leaves no folder.
for name in ("wrong", "twice", "short", "padded"):
    expect(name, not os.path.exists(name), "its folder is left behind")
