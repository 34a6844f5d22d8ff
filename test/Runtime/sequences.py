# Images as sequences, and arrays that stay on the disk, against NumPy; and what is said
# of files that are wrong.
#
# RUN: rm -rf %t && mkdir %t && %python %s %t

import json
import os
import resource
import struct
import subprocess
import sys

import numpy as np

os.chdir(sys.argv[1])
rng = np.random.default_rng(3)


def expect(what, condition, text=""):
    if not condition:
        sys.exit(f"{what}: {text}")


def same(what, found, wanted):
    expect(what, found.shape == wanted.shape and np.array_equal(found, wanted), f"{found.shape} {wanted.shape}")


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def idx(array):
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


digits = rng.integers(0, 256, (6, 5, 7)).astype(np.uint8)
for prefix in ("train", "t10k"):
    write(f"{prefix}-images-idx3-ubyte", idx(digits))
    write(f"{prefix}-labels-idx1-ubyte", idx(np.arange(6, dtype=np.uint8)))
# CIFAR-10's files: a label and three planes of 32 x 32 for each image; 1 to 5 images here.
colours, labels = [], []
for number in range(1, 6):
    images = rng.integers(0, 256, (number, 3, 32, 32)).astype(np.uint8)
    classes = rng.integers(0, 10, number).astype(np.uint8)
    record = np.concatenate([classes[:, None], images.reshape(number, -1)], 1)
    write(f"data_batch_{number}.bin", record.tobytes())
    colours.append(images)
    labels.append(classes)
write("test_batch.bin", record.tobytes())
colours, labels = np.concatenate(colours), np.concatenate(labels)
unit = lambda bytes: (bytes / 255).astype(np.float32)

# Arrays of all kinds.
big = rng.normal(size=(5, 2, 3))
header = json.dumps({"x": {"dtype": "F64", "shape": [5, 2, 3], "data_offsets": [0, 240]},
                     "label": {"dtype": "I32", "shape": [5], "data_offsets": [240, 260]}}).encode()
write("s.safetensors", struct.pack("<Q", len(header)) + header + big.tobytes() + np.arange(5, dtype=np.int32).tobytes())
long = {"x": rng.normal(size=(2, 9, 3)), "mask": rng.normal(size=(2, 9)), "mean": rng.normal(size=(2, 3)),
        "label": np.arange(2, dtype=np.int32)}
np.savez("long.npz", **long)
np.save("s.npy", np.arange(30, dtype=">i2").reshape(5, 6))

done = subprocess.run(["loco-test-dump-sequences", "."], stderr=subprocess.PIPE, text=True)
expect("dump", done.returncode == 0, done.stderr)
load = lambda name: np.load(f"{name}.npz")

same("pixels", load("pixels")["x"], unit(digits[2:5].reshape(3, 35)))
same("their labels", load("pixels")["label"], np.arange(2, 5, dtype=np.int32))
# Turned round, by chance or all; labels stay, and a field tells.
rows = unit(digits)
directed = load("directed")
signs = directed["direction"]
expect("directions", set(signs) == {1, -1}, signs)
same("directed", directed["x"], np.array([row if sign > 0 else row[::-1] for row, sign in zip(rows, signs)]))
same("labels of what is directed", directed["label"], np.arange(6, dtype=np.int32))
backwards = load("backwards")
same("backwards", backwards["x"], rows[1:5, ::-1])
same("backwards", backwards["direction"], np.full(4, -1, np.float32))
# Of a file: what is as long as x is a sequence, the others are not.
turned = load("turned")
for name in long:
    same(f"turned {name}", turned[name], long[name][:, ::-1] if name in ("x", "mask") else long[name])
pieces = load("pieces")
for i in range(5):
    begin = int(np.flatnonzero((long["x"][i % 2] == pieces["x"][i, 0]).all(1))[0])
    for name in ("x", "mask"):
        same(f"piece {i}", pieces[name][i], long[name][i % 2, begin:begin + 4])
    same(f"mean of piece {i}", pieces["mean"][i], long["mean"][i % 2])
# A permutation: of all pixels, the same for every sample and split, another for another seed.
permuted = load("permuted")["x"]
order = [int(np.flatnonzero((unit(digits[2:5].reshape(3, 35)) == column[:, None]).all(0))[0]) for column in permuted.T]
expect("a permutation", sorted(order) == list(range(35)) and order != sorted(order), order)
same("of the test set, too", load("permuted_test")["x"], unit(digits[:2].reshape(2, 35))[:, order])
expect("of the seed", not np.array_equal(load("permuted_other")["x"], permuted))
same("rows", load("rows")["x"], unit(digits[:4]))

same("colours", load("colours")["x"], unit(colours))
same("classes", load("colours")["label"], labels.astype(np.int32))
same("test", load("colours_test")["x"], unit(images[1:3]))
# Each step a row of the image: 32 red, 32 green, 32 blue numbers.
rows = unit(colours.transpose(0, 2, 1, 3).reshape(15, 32, 96))
same("colour rows", load("colour_rows")["x"], rows[1:4])
same("colour pixels", load("colour_pixels")["x"], unit(colours[:1].reshape(1, 3, 1024).transpose(0, 2, 1)))
# Noise behind the end: one draw for all samples, of the deviation that is asked for.
padded = load("padded")["x"]
same("not padded", padded[:, :32], rows[:3])
tail = padded[:, 32:]
expect("one tail", padded.shape == (3, 40, 96) and (tail == tail[:1]).all())
expect("its law", abs(tail[0].mean()) < 0.07 and abs(tail[0].std() - 0.5) < 0.05, f"{tail[0].mean()} {tail[0].std()}")

same("streamed", load("streamed")["x"], big[1:4])
same("streamed labels", load("streamed")["label"], np.arange(1, 4, dtype=np.int32))
same("single", load("single")["x"], np.arange(6, 24, dtype=np.int32).reshape(3, 6))

# Arrays larger than the memory at hand: 8 GiB in files with holes, an archive of 320 MB.
with open("s.npy", "rb") as file:
    head = file.read(128).replace(b"(5, 6)", b"(262144, 4096)").replace(b">i2", b"<f8")
size = 262144 * 4096 * 8
with open("large.npy", "wb") as file:
    file.write(head[: 8] + struct.pack("<H", 118) + head[10:].split(b"}")[0].ljust(116) + b"}\n")
    file.truncate(128 + size)
    file.seek(128 + 5 * 32768)
    file.write(np.float64(7).tobytes())
header = json.dumps({"x": {"dtype": "F64", "shape": [262144, 4096], "data_offsets": [0, size]}}).encode()
with open("large.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header)
    file.truncate(8 + len(header) + size)
    file.seek(8 + len(header) + 5 * 32768)
    file.write(np.float64(7).tobytes())
rows = np.zeros((10, 4000000))
rows[5, 0] = 7
np.savez("large.npz", x=rows)
for name, rest in (("large.npy", 4095), ("large.safetensors", 4095), ("large.npz", 3999999)):
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))
    command = ["loco-test-dump-sequences", ".", "arrays", name, "out.npz"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
    expect(name, done.returncode == 0, done.stderr)
    same(name, np.load("out.npz")["x"], np.array([[7.0] + [0] * rest]))
    os.remove(name)


def refuse(source, path, *texts):
    done = subprocess.run(["loco-test-dump-sequences", ".", source, path], stderr=subprocess.PIPE, text=True)
    for text in ("error: ", *texts):
        expect(f"{source} {path}", done.returncode == 1 and text in done.stderr, done.stderr)


# Wrong files, each with what is wrong with it.
os.makedirs("bad", exist_ok=True)
refuse("cifar10", "none", "there is no folder `none`")
refuse("cifar10", "bad", "cannot open `bad/data_batch_1.bin`: no such file")
for number in range(1, 6):
    write(f"bad/data_batch_{number}.bin", record.tobytes()[:-1])
refuse("cifar10", "bad", "`bad/data_batch_1.bin` has 15364 bytes, expected a multiple of 3073", "truncated")
for number in range(1, 6):
    write(f"bad/data_batch_{number}.bin", b"\x0b" + record.tobytes()[1:])
refuse("cifar10", "bad", "image 0 in `bad/data_batch_1.bin` is of class 11, expected 0 to 9")
content = open("s.npy", "rb").read()
write("bad/cut.npy", content[:-1])
refuse("arrays", "bad/cut.npy", "`bad/cut.npy` has 59 bytes of data, but its header says 60")
write("bad/head.npy", content[:20])
refuse("arrays", "bad/head.npy", "`bad/head.npy` is truncated: it ends inside its header")
np.save("bad/wide.npy", np.array([1, 2**40]))
refuse("arrays", "bad/wide.npy", "`bad/wide.npy` holds an integer beyond 32 bits")
np.save("bad/scalar.npy", np.float64(3))
refuse("arrays", "bad/scalar.npy", "`x` in `bad/scalar.npy` is a scalar")
np.save("bad/text.npy", np.array(["a", "b"]))
refuse("arrays", "bad/text.npy", "`bad/text.npy` has elements of type `<U1`")
np.save("columns.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
content = open("s.safetensors", "rb").read()
write("bad/cut.safetensors", content[:-3])
refuse("arrays", "bad/cut.safetensors", "`label` in `bad/cut.safetensors` ends at byte 260 of the data, but the file has only 257")
write("bad/short.safetensors", content[:5])
refuse("arrays", "bad/short.safetensors", "is not a .safetensors file: it has 5 bytes")
write("bad/empty.npz", b"")
refuse("arrays", "bad/empty.npz", "`bad/empty.npz` is not an .npz archive: it is empty")
refuse("arrays", "bad", "has an unknown ending, expected `.npz`, `.npy` or `.safetensors`")
write("bad/no.so", b"nothing")
refuse("plugin", "bad/no.so", "cannot load `bad/no.so`")
refuse("pixels", "x", "a data source, as in `idx(")
