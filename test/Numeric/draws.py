"""Random draws against Philox4x32-10 in NumPy, from the text of loco-c/random.h.

RUN: %python %s
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from numeric import Key, check, finish, tensor

import numpy as np

U = np.uint64
LOW = U(0xFFFFFFFF)


def philox(counter, key):
    """Ten rounds on arrays of 32-bit words."""
    c = [np.asarray(word, dtype=U) & LOW for word in counter]
    k = [int(word) & 0xFFFFFFFF for word in key]
    for _ in range(10):
        a, b = c[0] * U(0xD2511F53), c[2] * U(0xCD9E8D57)
        c = [(b >> U(32)) ^ c[1] ^ U(k[0]), b & LOW, (a >> U(32)) ^ c[3] ^ U(k[1]), a & LOW]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def split(number):
    number &= 2**64 - 1
    return number & 0xFFFFFFFF, number >> 32


def words(key, stream, step, count):
    (seed, seed_high), (update, update_high), (sample, sample_high) = map(split, key)
    inner = philox([*split(stream), update_high, sample_high], [seed, seed_high])
    sites = np.arange(-(-count // 4) * 4)
    block = philox([sites // 4, np.full_like(sites, step), np.full_like(sites, sample),
                    np.full_like(sites, update)], [int(inner[0]), int(inner[1])])
    return np.choose(sites % 4, block)


def uniform(*place):
    return (words(*place) >> U(8)).astype(float)[:place[-1]] * 2.0**-24


def normal(*place):
    """Box-Muller in f64; loco's is in f32."""
    pairs = (words(*place) >> U(8)).astype(float).reshape(-1, 2)
    r = np.sqrt(-2 * np.log((pairs[:, 0] + 1) * 2.0**-24))
    angle = 2 * np.pi * pairs[:, 1] * 2.0**-24
    return np.stack([r * np.cos(angle), r * np.sin(angle)], 1).ravel()[:place[-1]]


KEYS = [Key((0, 0, 0)), Key((7, 3, 12345)), Key((2**63 - 25, 2**40 + 1, 2**35 + 9))]
for key in KEYS:
    for stream, step in [(0, 0), (-3, 17), (2**62 + 11, 1000)]:
        for shape in [(), (1,), (5,), (3, 7)]:
            count = int(np.prod(shape, dtype=int))
            # Uniforms are exact; normals are right to the rounding of f32.
            for law, function, tolerance in [("uniform", uniform, 0), ("normal", normal, 2e-6)]:
                type = tensor(*shape)
                check(f"{law} {key} {stream} {step}", f"(%k: !loco.random_key, %t: index) -> {type}",
                      f"""%0 = loco.random {law} %k at %t stream {stream} : {type}
                          return %0 : {type}""", [key, step],
                      [function(key, stream, step, count).reshape(shape)], tolerance)

finish()
