# What the data sources give, against NumPy: written from the definitions of the
# data sets and of the random numbers (random.h), without looking at the code.
#
# RUN: rm -rf %t && mkdir %t && %python %s %t

import gzip
import math
import os
import struct
import subprocess
import sys

import numpy as np

os.chdir(sys.argv[1])
failures = 0


def check(condition, text):
    global failures
    if not condition:
        failures += 1
        print("failed:", text)


def near(found, wanted, tolerance, text):
    if not check_shape(found, wanted, text):
        return
    error = np.abs(found.astype(np.float64) - wanted).max()
    check(error <= tolerance, f"{text}: differs by {error}")


def check_shape(found, wanted, text):
    check(found.shape == wanted.shape, f"{text}: shape {found.shape}, expected {wanted.shape}")
    return found.shape == wanted.shape


def same(found, wanted, text):
    if check_shape(found, wanted, text):
        check(np.array_equal(found, wanted), f"{text}: other values")


# Philox in Python's integers.
def philox(counter, key):
    c, k, mask = list(counter), list(key), 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32) ^ c[3] ^ k[1], p0 & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def stream(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def words(name, sample, step, count):
    s, low = stream(name), lambda x: x % 2**32
    key = philox([low(s), s >> 32, 0, sample >> 32], [1234, 0])[:2]
    return sum((philox([block, step, low(sample), 0], key) for block in range((count + 3) // 4)), [])[:count]


def uniforms(name, sample, step, count):
    return [(word >> 8) * 2.0**-24 for word in words(name, sample, step, count)]


def normals(name, sample, step, count):
    w, result = words(name, sample, step, count + 4), []
    for a, b in zip(w[::2], w[1::2]):
        r, angle = math.sqrt(-2 * math.log(((a >> 8) + 1) * 2.0**-24)), 2 * math.pi * (b >> 8) * 2.0**-24
        result += [r * math.cos(angle), r * math.sin(angle)]
    return result[:count]


# Digits: a plain file and a compressed one, images that are not square.
rng = np.random.default_rng(5)
train = rng.integers(0, 256, (20, 28, 28)).astype(np.uint8)
train_labels = rng.integers(0, 10, 20).astype(np.uint8)
test = rng.integers(0, 256, (4, 6, 9)).astype(np.uint8)
test_labels = np.array([3, 1, 0, 2], np.uint8)


def idx(array):
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


for name, array, pack in (
        ("train-images-idx3-ubyte", train, False), ("train-labels-idx1-ubyte", train_labels, True),
        ("t10k-images-idx3-ubyte", test, True), ("t10k-labels-idx1-ubyte", test_labels, False)):
    with (gzip.open(name + ".gz", "wb") if pack else open(name, "wb")) as file:
        file.write(idx(array))
np.savez("given.npz", x=np.arange(24.0).reshape(4, 2, 3), label=np.arange(4), s=np.ones((4, 5), np.float32))

done = subprocess.run(["loco-test-dump-data", "."])
check(done.returncode == 0, "loco-test-dump-data")


def bilinear(image, row, column):
    """The value between the pixels, zero outside."""
    r, c = math.floor(row), math.floor(column)
    value = 0.0
    for i, wi in ((r, 1 - (row - r)), (r + 1, row - r)):
        for j, wj in ((c, 1 - (column - c)), (c + 1, column - c)):
            if 0 <= i < image.shape[0] and 0 <= j < image.shape[1]:
                value += wi * wj * image[i, j]
    return value


def turned(image, degrees):
    """Counter-clockwise as seen. In coordinates with y upwards a point at
    angle a of the new image was at angle a - turn of the old one."""
    height, width = image.shape
    result = np.zeros(image.shape)
    for i in range(height):
        for j in range(width):
            x, y = j - width / 2, -(i - height / 2)
            radius, angle = math.hypot(x, y), math.atan2(y, x) - math.radians(degrees)
            result[i, j] = bilinear(image, height / 2 - radius * math.sin(angle), width / 2 + radius * math.cos(angle))
    return result


found = np.load("train.npz")
same(found["x"], (train / 255).astype(np.float32), "train x")
same(found["label"], train_labels.astype(np.int32), "train label")
found = np.load("test.npz")
same(found["x"], (test[1:] / 255).astype(np.float32), "test x")
same(found["label"], test_labels[1:].astype(np.int32), "test label")

found = np.load("rotating.npz")
wanted = np.array([[turned(image / 255, 20 * t) for t in range(18)] for image in train[2:12]])
near(found["x"], wanted, 1e-6, "rotating x")
same(found["x"][:, 0], (train[2:12] / 255).astype(np.float32), "the upright frame")
same(found["label"], train_labels[2:12].astype(np.int32), "rotating label")
found = np.load("turned.npz")
wanted = np.array([[turned(image / 255, -35 * t) for t in range(5)] for image in test])
near(found["x"], wanted, 1e-6, "turned x")

# A quarter turn, by eye: what was right of the centre is above it.
quarter = np.zeros((28, 28))
quarter[14, 20] = 1
check(turned(quarter, 90)[8, 14] > 0.99, "the oracle turns the wrong way")


def wave(shape, frames, wavelength, angle, phase, step):
    i, j = np.mgrid[:shape[0], :shape[1]]
    argument = 2 * math.pi * (i * math.sin(angle) + j * math.cos(angle)) / wavelength
    return np.array([0.5 + 0.5 * np.sin(argument + phase - t * step) for t in range(frames)])


found = np.load("waves.npz")
wanted = []
for sample in range(3, 8):
    angle, phase = (2 * math.pi * u for u in uniforms("data/plane_waves", sample, 0, 2))
    wanted.append(wave((28, 28), 18, 24, angle, phase, math.radians(20)))
near(found["x"], np.array(wanted), 1e-7, "waves")
found = np.load("far_waves.npz")
wanted = []
for sample in range(5 * 2**32 + 7, 5 * 2**32 + 10):
    angle, _, length = uniforms("data/plane_waves/test", sample, 0, 3)
    wanted.append(wave((5, 9), 4, 5 + 5 * length, math.radians(10 + 10 * angle), math.pi / 2, math.radians(80)))
near(found["x"], np.array(wanted), 1e-7, "far waves")

found = np.load("gratings.npz")
orientations = [90, 67.5, 45, 22.5, 0, -22.5, -45, -67.5]
wanted = [wave((28, 28), 18, length, math.radians(angle), 0, 0)
          for angle in orientations for length in np.linspace(4, 28, 16)]
near(found["x"], np.array(wanted), 1e-7, "gratings")
same(found["label"], np.repeat(np.arange(8, dtype=np.int32), 16), "labels of gratings")
found = np.load("few_gratings.npz")
wanted = [wave((6, 4), 2, length, math.radians(angle), 2 * math.pi * uniforms("data/gratings", 3 * k + n, 0, 1)[0], 0)
          for k, angle in enumerate((90, 45, 0, -45)) for n, length in enumerate((5, 6, 7))]
near(found["x"], np.array(wanted), 1e-7, "few gratings")

found = np.load("noise.npz")
wanted = [[normals("data/noise", 5 * 2**32 + 7 + sample, t, 15) for t in range(4)] for sample in range(6)]
near(found["x"], np.array(wanted).reshape(6, 4, 3, 5), 1e-6, "noise")


def copy_task(sample, length):
    symbols = [1 + word // 2**29 for word in words("data/copy", sample, 0, 10)]
    x = symbols + [0] * length
    x[length - 1] = 9
    return x, [0] * length + x[:10]


for name, length, samples in (("copy", 20, range(9, 209)), ("short_copy", 10, range(50))):
    found = np.load(f"{name}.npz")
    wanted = [copy_task(sample, length) for sample in samples]
    same(found["x"], np.array([x for x, _ in wanted], np.int32), f"{name} x")
    same(found["target"], np.array([y for _, y in wanted], np.int32), f"{name} target")

found = np.load("adding.npz")
x, target = found["x"], found["target"]
same(x[..., 0], np.array([uniforms("data/adding", s, 0, 7) for s in range(300)], np.float32), "numbers to add")
same(x[:, :3, 1].sum(1), np.ones(300, np.float32), "marks in the first half")
same(x[:, 3:, 1].sum(1), np.ones(300, np.float32), "marks in the second half")
check(np.all(x[..., 1].sum(0) > 30), "every step is marked at times")
near(target, (x[..., 0] * x[..., 1]).astype(np.float64).sum(1), 1e-7, "sums")

found = np.load("arrays.npz")
same(found["x"], np.arange(24.0).reshape(4, 2, 3)[1:3], "arrays x")
same(found["label"], np.array([1, 2], np.int32), "arrays label")
sys.exit(1 if failures else 0)
