# Systems as data sources: what is drawn again, splits, constants, sets that are kept and
# pieces of sequences; errors.
# RUN: rm -rf %t && mkdir -p %t && %python %s %t

import pathlib
import subprocess
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
text = (pathlib.Path(__file__).parent / "Inputs" / "systems.loco").read_text()
runs = 0


def run(data, *options, steps=6, replaced=()):
    global runs
    runs += 1
    program = folder / f"run{runs}.loco"
    changed = text.replace("data Throw(frames = 6)", "data " + data).replace("steps 6", f"steps {steps}")
    for old, new in replaced:
        changed = changed.replace(old, new)
    program.write_text(changed)
    out = folder / f"out{runs}"
    done = subprocess.run(["lococ", "run", program, "--precision", "f64", "--out", out, *options],
                          capture_output=True, text=True)
    if done.returncode:
        return done.stderr
    probes = np.load(out / "Echo" / "probes.npz")
    return probes["y"], probes["w"][:, 0]


# Frame 0 is the start; every sample is as required, and one that was so at once is the
# same whatever is required.
h, u = run("Throw(frames = 6)")
assert h.shape == (40, 6) and np.allclose(h, u[:, None] * np.arange(6))
assert np.all(u < 0.3) and len(set(u)) == 40
_, free = run("Throw(frames = 6, limit = 2)")
assert np.any(free > 0.3) and np.array_equal(free[free < 0.3], u[free < 0.3])

# Constants are replaced where a system is named; other splits have other samples.
_, wide = run("Throw(frames = 6, limit = 9, highest = 4)")
assert np.allclose(wide, 4 * free)
seen = set(free)
for split in ("test", "validation"):
    _, other = run(f'Throw(frames = 6, limit = 2, split = "{split}")')
    assert len(set(other)) == 40 and not set(other) & seen
    seen |= set(other)
_, again = run("Throw(frames = 6, limit = 2)", "--seed", "5")
assert not np.array_equal(again, free)
_, same = run("Throw(frames = 6, limit = 2)", "--target", "interpreter")
assert np.array_equal(same, free)

# Without arguments it is a film of sixty frames.
film, _ = run("Throw", steps=60)
assert film.shape == (40, 60) and np.array_equal(film[:, :6], h)

# A set that is kept is the first samples, in a source with an end.
h4, u4 = run("stored(Throw(frames = 6, limit = 2), count = 4)")
assert h4.shape == (4, 6) and np.array_equal(u4, free[:4])

# Pieces begin anywhere, and go around the samples of a source with an end.
pieces, speeds = run("window(stored(Throw(frames = 12, limit = 2), count = 4), frames = 6)")
assert pieces.shape == (40, 6) and np.array_equal(speeds, np.tile(free[:4], 10))
begins = pieces[:, 0] / speeds
assert np.allclose(begins, np.round(begins)) and set(np.round(begins)) == set(range(7))
assert np.allclose(np.diff(pieces, axis=1), speeds[:, None])

# What is wrong is said.
for data, message in [
    ("Throw(frames = 0)", "`frames` of `Throw` is a whole number, 1 or more"),
    ("Throw(frames = 6, limit = 0)", "sample 0 of `Throw(limit = 0)`: none of 1000 trajectories was as `require` asks"),
    ("Throw(frames = 7)", "the data have 7 steps, but `steps` is 6"),
    ('Throw(frames = 6, split = "all")', '`split` of `Throw` is "train", "validation" or "test"'),
    ("Throw(frames = 6, limits = 1)", "error[unknown-argument]: `Throw` declares no `limits`"),
    ("Throw(6)", "error[unknown-argument]: `6` is no argument of a system"),
    ("Trow(frames = 6)", "no source of data, and no system, is called `Trow`"),
    ("window(Throw(frames = 6), frames = 7)", "`window` cuts pieces of 7 frames, but its source has 6"),
    ("stored(Throw(frames = 6), count = 0)", "expected a whole number from 1"),
    ("stored(stored(Throw(frames = 6), count = 2), count = 3)",
     "`stored` is to keep 3 samples, but its source has 2"),
]:
    error = run(data)
    assert isinstance(error, str) and message in error, (data, error)

# What `simulate` cannot do.
for replaced, message in [
    ([("probe y", "probe x")], "`x` is an input; probe what the model makes of it"),
    ([("probe y", "probe y every 7")], "`y` is shown every 7 steps, but there are 6"),
    ([("probe y", "probe last(y) every 2")], "`last(y)` is one value for all steps; leave out `every`"),
    ([("  data Throw(frames = 6)\n", "")], "input `x` needs `data` in the block"),
]:
    error = run("Throw(frames = 6)", replaced=replaced)
    assert isinstance(error, str) and message in error, (replaced, error)

# A program's systems and their data in words; what stands alone is the model.
program = folder / "explained.loco"
program.write_text(text.replace("Throw(frames = 6)", "Throw(frames = 6, limit = 0.5)"))
told = subprocess.run(["lococ", "explain", program], check=True, capture_output=True, text=True).stdout
for line in ("system Throw, line 5", "model Echo, line ", "data     Throw(limit = 0.5, frames = 6)",
             "in f64", "outputs\n  x  scalar  per step\n  u  scalar  per sample"):
    assert line in told, (line, told)
subprocess.run(["lococ", "verify", program], check=True, capture_output=True)
