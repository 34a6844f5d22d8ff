# Files made without loco (by NumPy, zipfile, gzip, struct and json) are read,
# written again by loco, and compared; then every way a file can be wrong.
#
# RUN: rm -rf %t && mkdir %t && %python %s %t

import gzip
import io
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import warnings
import zipfile

import numpy as np

os.chdir(sys.argv[1])
failures = 0


def fail(text):
    global failures
    failures += 1
    print("failed:", text)


def convert(source, target, limit=None):
    """Runs loco's reader and writer; returns its message, or None."""

    def restrict():
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        # No file here needs 500 MB, whatever it says about itself.
        if "ASAN_OPTIONS" not in os.environ:
            resource.setrlimit(resource.RLIMIT_AS, (500 << 20, 500 << 20))

    done = subprocess.run(
        ["loco-test-convert", source, target],
        stderr=subprocess.PIPE, text=True, preexec_fn=restrict)
    if done.returncode == 0:
        return None
    if done.returncode != 1 or not done.stderr.startswith("error: "):
        fail(f"{source}: exit code {done.returncode}, {done.stderr!r}")
    return done.stderr[len("error: "):].strip()


def expect_error(source, *texts):
    message = convert(source, "unwanted.npz")
    if message is None:
        return fail(f"{source}: no error")
    for text in (f"`{source}`",) + texts:
        if text not in message:
            fail(f"{source}: message {message!r} lacks {text!r}")


def equal(found, wanted, name):
    if found.dtype != wanted.dtype or found.shape != wanted.shape:
        return fail(f"{name}: {found.dtype} {found.shape}, expected {wanted.dtype} {wanted.shape}")
    if found.tobytes() != np.ascontiguousarray(wanted).tobytes():
        fail(f"{name}: other values")


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def read_safetensors(path):
    data = read(path)
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    body = data[8 + length:]
    metadata = header.pop("__metadata__", {})
    types = {"F32": np.float32, "F64": np.float64, "I32": np.int32}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if (8 + length + begin) % np.dtype(types[entry["dtype"]]).itemsize:
            fail(f"{path}: `{name}` is not aligned")
        tensors[name] = np.frombuffer(body[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


rng = np.random.default_rng(1)


# Arrays of all types, orders and shapes.
def check_arrays():
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40], np.float32)
    shapes = [(), (1,), (7,), (3, 4), (2, 3, 4, 5), (0,), (3, 0, 2)]
    cases = [(rng.standard_normal(s).astype(t), t) for s in shapes for t in ("<f4", ">f4", "<f8", ">f8")]
    cases += [(rng.integers(-100, 100, s).astype(t), t) for s in shapes for t in ("<i4", ">i4", "<i8", ">i8", "i1", "<i2", ">i2")]
    cases += [(rng.integers(0, 200, s).astype(t), t) for s in shapes for t in ("u1", "<u2", ">u4", "<u8")]
    cases += [(rng.integers(0, 2, s).astype(bool), "bool") for s in shapes]
    # All numbers of 16 bits.
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    cases += [(halves[~np.isnan(halves)], "<f2"), (np.array([np.nan]), ">f2")]
    cases += [(np.arange(np.prod(s), dtype=float).reshape(s) / 8, t) for s in shapes for t in ("<f2", ">f2")]
    cases += [(special, "<f4"), (np.array([2**31 - 1, -2**31], np.int64), "<i8")]
    wanted = {}
    for number, (array, kind) in enumerate(cases):
        stored = np.asarray(array, dtype=kind)
        if number % 2:
            stored = np.asfortranarray(stored)
        target = {"f": {2: np.float32, 4: np.float32, 8: np.float64}}.get(stored.dtype.kind, {}).get(stored.dtype.itemsize, np.int32)
        wanted[f"a{number}"] = (stored, stored.astype(target))
    for name, (stored, expected) in wanted.items():
        if int(name[1:]) % 7 == 0:
            np.save("one.npy", stored)
            if message := convert("one.npy", "again.npy"):
                fail(f"{name} ({stored.dtype} {stored.shape}): {message}")
            else:
                equal(np.load("again.npy"), expected, f"{name} alone")
    for save in (np.savez, np.savez_compressed):
        save("all.npz", **{name: stored for name, (stored, _) in wanted.items()})
        for target in ("again.npz", "again.safetensors"):
            if message := convert("all.npz", target):
                fail(f"{save.__name__} to {target}: {message}")
                continue
            found = np.load(target) if target.endswith(".npz") else read_safetensors(target)[0]
            if sorted(found) != sorted(wanted):
                fail(f"{target}: other names")
            for name, (_, expected) in wanted.items():
                equal(found[name], expected, f"{name} in {target}")
    # Our own files again, and the same bytes each time.
    convert("again.safetensors", "back.npz")
    if read("back.npz") != read("again.npz"):
        fail("equal tensors gave different .npz files")
    for version in ((1, 0), (2, 0), (3, 0)):
        with open("version.npy", "wb") as file:
            np.lib.format.write_array(file, np.arange(5.0), version)
        if message := convert("version.npy", "again.npy"):
            fail(f"version {version}: {message}")
        equal(np.load("again.npy"), np.arange(5.0), f"version {version}")
    np.savez("none.npz")
    if convert("none.npz", "none-again.npz") or list(np.load("none-again.npz")):
        fail("an archive without arrays")


def check_bad_npy():
    good = npy(np.arange(12, dtype=np.float32).reshape(3, 4))
    expect_error_of = lambda data, *texts: (write("bad.npy", data), expect_error("bad.npy", *texts))
    expect_error_of(b"", "not an .npy array")
    expect_error_of(b"PK" + good, "not an .npy array")
    expect_error_of(good[:9], "ends inside its header")
    expect_error_of(good[:40], "ends inside its header")
    expect_error_of(good[:-1], "has 47 bytes of data, but its header says 48 (3 x 4 of `<f4`)")
    expect_error_of(good + b"x", "has 49 bytes of data")
    expect_error_of(good[:6] + b"\x07" + good[7:], "version 7")
    for old, new in (("(3, 4)", "(3, -4)"), ("(3, 4)", "3"), ("'shape'", "'shepa'"), ("False", "Maybe"), ("{", "["),
                     ("(3, 4)", "(99999999999999999999,)")):
        expect_error_of(good.replace(old.encode(), new.encode()[:len(old)] if len(new) <= len(old) else new.encode()), "header")
    for old, new in ((b"'<f4'", b"'<c8'"), (b"'<f4'", b"'|O4'"), (b"'<f4'", b"'<U1'")):
        expect_error_of(good.replace(old, new), "elements of type", "expected f2, f4, f8, an integer or bool")
    # Shapes whose sizes are huge or overflow take no memory.
    for shape in ((2**40,), (2**62, 4), (2**33, 2**33), (0, 2**62, 2**62)):
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
        data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
        expect_error_of(data, "bytes of data, but its header says")
    expect_error_of(npy(np.array([2**31])), "an integer beyond 32 bits")
    expect_error_of(npy(np.array([2**63], np.uint64)), "an integer beyond 32 bits")
    expect_error_of(npy(np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")])), "header")


def check_bad_npz():
    np.savez("good.npz", a=np.arange(1000.0), b=np.zeros((3, 3), np.float32))
    good = read("good.npz")
    write("bad.npz", b"")
    expect_error("bad.npz", "not an .npz archive")
    write("bad.npz", b"this is no archive" * 100)
    expect_error("bad.npz", "not an .npz archive")
    for cut in range(0, len(good) - 1, 97):
        write("bad.npz", good[:cut])
        expect_error("bad.npz")
    damaged = bytearray(good)
    damaged[2000] ^= 1
    write("bad.npz", damaged)
    expect_error("bad.npz", "`a.npy`", "corrupt", "CRC error")
    with zipfile.ZipFile("bad.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    expect_error("bad.npz", "`notes.txt`", "not an .npy array")
    with zipfile.ZipFile("bad.npz", "w") as archive:
        archive.writestr("a.npy", b"hello")
    expect_error("bad.npz", "`a.npy`", "not an .npy array")
    with zipfile.ZipFile("bad.npz", "w") as archive:
        archive.writestr("a.npy", npy(np.zeros(3)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr("a.npy", npy(np.ones(3)))
    expect_error("bad.npz", "`a`", "twice")
    # A directory that claims terabytes.
    with zipfile.ZipFile("bad.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy(np.arange(100.0)))
    data = bytearray(read("bad.npz"))
    place = data.rfind(b"PK\x01\x02")
    data[place + 24:place + 28] = struct.pack("<I", 0xfffffff0)
    write("bad.npz", data)
    expect_error("bad.npz", "`a.npy`", "cannot hold")
    # Damage at any byte is an error or harmless, never a crash.
    for position in range(0, len(good), 211):
        damaged = bytearray(good)
        damaged[position] ^= 0x55
        write("bad.npz", damaged)
        convert("bad.npz", "unwanted.npz")


def check_safetensors():
    a, b = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1.5, 2.5])
    c = np.array([[7], [-8]], np.int32)
    header = {
        "__metadata__": {"made by": "hand", "ümlaut": "ß"},
        "layer.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
        "c": {"dtype": "I32", "shape": [2, 1], "data_offsets": [0, 8]},
        "b": {"dtype": "F64", "shape": [2], "data_offsets": [32, 48]},
        "empty": {"dtype": "F32", "shape": [0, 5], "data_offsets": [48, 48]},
    }
    data = c.tobytes() + a.tobytes() + b.tobytes()
    write("good.safetensors", safetensors(header, data))
    if message := convert("good.safetensors", "again.safetensors"):
        fail(message)
    found, metadata = read_safetensors("again.safetensors")
    if metadata != header["__metadata__"]:
        fail(f"metadata {metadata}")
    for name, wanted in (("layer.weight", a), ("b", b), ("c", c), ("empty", np.zeros((0, 5), np.float32))):
        equal(found[name], wanted, name)
    convert("good.safetensors", "again.npz")
    equal(np.load("again.npz")["layer.weight"], a, "weights in again.npz")

    def bad(change, *texts):
        copy = json.loads(json.dumps(header))
        result = change(copy)
        write("bad.safetensors", safetensors(copy, data) if result is None else result)
        expect_error("bad.safetensors", *texts)

    def entry(key, value, name="b"):
        return lambda header: header[name].__setitem__(key, value)

    bad(lambda h: b"", "has 0 bytes")
    bad(lambda h: b"1234567", "has 7 bytes")
    bad(lambda h: struct.pack("<Q", 2**63) + b"{}", "announces a header of 9223372036854775808 bytes")
    bad(lambda h: struct.pack("<Q", 100) + b"{}", "announces a header of 100 bytes and has 10")
    bad(lambda h: safetensors(b"{nonsense"), "not a JSON object")
    bad(lambda h: safetensors(b"[1]"), "not a JSON object")
    bad(lambda h: safetensors(b"[" * 100000), "not a JSON object")
    bad(lambda h: safetensors(b'{"a":' * 100000), "not a JSON object")
    bad(lambda h: safetensors(b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'), "holds `a` twice")
    bad(lambda h: h.__setitem__("b", 3), "`b`", "not a JSON object")
    bad(lambda h: h["b"].pop("dtype") and None, "`b`", "no `dtype`")
    bad(entry("dtype", "BF16"), "`b`", "`BF16`", "expected `F32`, `F64` or `I32`")
    bad(entry("dtype", 3), "no `dtype`")
    for shape in ([-2], [2.0], "2", [2**64], None):
        bad(entry("shape", shape), "no valid `shape`")
    bad(entry("shape", [2**62, 2**62]), "more than fits")
    bad(entry("shape", [3]), "has 16 bytes of data, but its shape says 24 (3 of `F64`)")
    for offsets in ([32], [48, 32], [-1, 48], "x", [32, 48, 50]):
        bad(entry("data_offsets", offsets), "no valid `data_offsets`")
    bad(entry("data_offsets", [32, 2**40]), "ends at byte 1099511627776", "has only 48", "truncated")
    bad(entry("data_offsets", [24, 40]), "overlaps another tensor")
    bad(lambda h: h.pop("layer.weight") and None, "gap of 24 bytes before `b`")
    bad(lambda h: safetensors(h, data + b"12345678"), "8 bytes that belong to no tensor")
    bad(lambda h: safetensors(h, data[:-1]), "has only 47", "truncated")
    bad(lambda h: h.__setitem__("__metadata__", {"a": 1}), "`__metadata__`", "not an object of strings")
    bad(lambda h: h.__setitem__("__metadata__", []), "`__metadata__`")


def idx(array, code=8):
    return struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def check_idx():
    images = rng.integers(0, 256, (50, 9, 7)).astype(np.uint8)
    data = idx(images)
    large = rng.integers(0, 4, (3000, 28, 28)).astype(np.uint8)
    for name, packed, wanted in (
            ("a.idx", data, images), ("a.idx.gz", gzip.compress(data), images),
            ("two.idx.gz", gzip.compress(data[:100]) + gzip.compress(data[100:]), images),
            ("large.idx.gz", gzip.compress(idx(large)), large)):
        write(name, packed)
        if message := convert(name, "again.npy"):
            fail(f"{name}: {message}")
        else:
            equal(np.load("again.npy"), wanted.astype(np.int32), name)

    def bad(data, *texts, name="bad.idx"):
        write(name, data)
        expect_error(name, *texts)

    bad(b"", "not an IDX file")
    bad(b"hello, this is text", "not an IDX file")
    bad(data[:10], "ends inside its header")
    bad(data[:-1], "has 3149 bytes of data, but its header says 3150 (50 x 9 x 7)")
    bad(data + b"x", "has 3151 bytes of data")
    bad(idx(np.zeros(4, ">f4"), 0x0d), "holds 32-bit floats, expected unsigned bytes")
    huge = struct.pack(">BBBBIII", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)
    bad(huge, "more than fits")
    huge = struct.pack(">BBBBII", 0, 0, 8, 2, 2**31 - 1, 2**31 - 1)
    bad(huge, "has 0 bytes of data")
    packed = gzip.compress(data)
    bad(gzip.compress(huge), "has 0 bytes of data", name="bad.idx.gz")
    bad(gzip.compress(data + bytes(5000)), "more", name="bad.idx.gz")
    bad(gzip.compress(data[:-1]), "3149", name="bad.idx.gz")
    bad(packed[:1000], "truncated", name="bad.idx.gz")
    bad(packed[:-3], "truncated", name="bad.idx.gz")
    damaged = bytearray(packed)
    damaged[-6] ^= 1
    bad(damaged, "corrupt", name="bad.idx.gz")
    damaged = bytearray(gzip.compress(idx(large)))
    damaged[len(damaged) // 2] ^= 0xff
    bad(damaged, "corrupt", name="bad.idx.gz")
    bad(b"\x1f\x8b", "truncated", name="bad.idx.gz")


def check_system():
    expect_error("absent.npz", "no such file or directory")
    os.mkdir("folder.npz")
    expect_error("folder.npz", "is a folder")
    write("odd.txt", b"")
    expect_error("odd.txt", "unknown ending")
    message = convert("good.npz", "no/such/folder.npz")
    if not message or "cannot write `no/such/folder.npz`" not in message:
        fail(f"absent folder: {message}")
    # A disk that is full: the old file stays and nothing is left behind.
    os.mkdir("full")
    for target in ("full/a.npz", "full/a.safetensors"):
        write(target, b"old")
        message = convert("good.npz", target, limit=5000)
        if not message or f"cannot write `{target}`: file too large" not in message:
            fail(f"full disk: {message}")
        if read(target) != b"old":
            fail(f"{target}: the old file was touched")
    if sorted(os.listdir("full")) != ["a.npz", "a.safetensors"]:
        fail(f"left behind: {os.listdir('full')}")
    if message := convert("good.npz", "full/a.npz"):
        fail(message)
    if read("full/a.npz") == b"old":
        fail("the new file was not written")


check_arrays()
check_bad_npy()
check_bad_npz()
check_safetensors()
check_idx()
check_system()
sys.exit(1 if failures else 0)
