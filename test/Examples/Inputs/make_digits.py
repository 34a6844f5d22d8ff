"""Writes a small data set in MNIST's format: make_digits.py FOLDER PIXELS

Each class is a bar at an angle of its own, with some noise. The test images are
compressed, as MNIST's are.
"""

import gzip
import pathlib
import struct
import sys

import numpy as np

folder, pixels = pathlib.Path(sys.argv[1]), int(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(4)
rows, columns = np.indices((pixels, pixels)) - pixels / 2


def write(name, values, compress):
    data = struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(
        f">{values.ndim}I", *values.shape) + values.astype(np.uint8).tobytes()
    if compress:
        (folder / (name + ".gz")).write_bytes(gzip.compress(data))
    else:
        (folder / name).write_bytes(data)


for prefix, count in [("train", 60), ("t10k", 40)]:
    labels = np.arange(count) % 10
    angles = np.pi * labels / 10
    distance = np.abs(rows * np.cos(angles)[:, None, None] + columns * np.sin(angles)[:, None, None])
    images = 255 * np.exp(-distance**2) * rng.uniform(0.8, 1, (count, pixels, pixels))
    write(f"{prefix}-images-idx3-ubyte", images, compress=prefix == "t10k")
    write(f"{prefix}-labels-idx1-ubyte", labels, compress=prefix == "t10k")
