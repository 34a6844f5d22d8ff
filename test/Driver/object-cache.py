# The object cache: a second run compiles nothing and computes the same bytes; whatever
# happens to the files of the cache, runs work.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s

import os
import re
import stat
import subprocess
import sys

MODEL = """loco 1
use parts
model M {
  input x : image(4, 4) per step
  lattice cells = line(3)
  param g in (0, 1) = START
  # Not a draw for each weight alone: it needs code.
  coupling R : dense on cells init orthogonal
  state h on cells = 0
  step { h <- g * tanh(linear(x -> cells) + half(R @ h)) }
  decode y = linear(h -> x)
  loss = mean((y - next(x, wrap))^2)
}
train M { data plane_waves(image(4, 4), wavelength = 4, frames = 3); optimizer sgd(RATE); batch 4; updates 2 }
analyze M { samples 4; save "error" = prediction(y, next(x, wrap)) }
"""
PARTS = "loco 1\nlet half(a) = 0.5 * a\n"


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def program(rate=0.1, start=0.5):
    return MODEL.replace("RATE", str(rate)).replace("START", str(start))


def expect(what, condition, text=""):
    if not condition:
        sys.exit(f"{what}: {text}")


serial = 0


def start(*more, cache="cache", file="m.loco", **settings):
    global serial
    serial += 1
    out = f"out{serial}"
    environment = dict(os.environ, LOCO_CACHE_DIR=cache, **settings.pop("environment", {}))
    command = ["lococ", "run", file, "--out", out, "--timings", "--threads", "1", *more]
    return out, subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE, **settings)


def finish(what, started):
    """What a run said, and what it computed."""
    out, process = started
    _, text = process.communicate()
    expect(what, process.returncode == 0, text)
    result = b""
    for path in (f"{out}/M/checkpoints/2/params.safetensors", f"{out}/results.json"):
        with open(path, "rb") as file:
            result += re.sub(rb'"seconds[^\n]*', b"", file.read())
    return text, result


def run(what, *more, **settings):
    return finish(what, start(*more, **settings))


def compiles(text):
    return "compiling" in text


def is_warm(text):
    return not compiles(text) and "translating" not in text and "reading program" not in text


def entries(cache="cache"):
    return sorted(os.path.join(cache, name) for name in os.listdir(cache))


write("m.loco", program())
write("parts.loco", PARTS)
text, expected = run("cold")
expect("cold compiles", compiles(text), text)
expect("user only", stat.S_IMODE(os.stat("cache").st_mode) == 0o700)
text, result = run("warm")
expect("warm start", is_warm(text) and "0 made, 0 stored" in text, text)
expect("same numbers", result == expected)
text, result = run("without", "--no-cache", cache="none")
expect("without cache", compiles(text) and not os.path.exists("none") and result == expected, text)

# Other numbers: the text is read again, but the code of the model is that of before.
for what, changed in (("rate", program(rate=0.2)), ("comment", program() + "# end\n")):
    write("m.loco", changed)
    text, _ = run(what)
    expect(what, not compiles(text) and "reading program" in text, text)
# A start, too: the code that makes initial values takes its numbers as arguments.
before = len(entries())
write("m.loco", program(start=0.25))
text, other = run("start")
expect("start", not compiles(text) and len(entries()) == before and other != expected, text)
write("m.loco", program())
text, result = run("set", "--set", "g=0.25")
expect("set", not compiles(text) and result == other, text)
text, result = run("seed", "--seed", "3")
expect("seed", not compiles(text) and result != expected, text)
text, result = run("back")
expect("back", result == expected)

# What the text uses belongs to it, also a module that newly stands in front.
write("parts.loco", PARTS.replace("0.5", "0.75"))
text, result = run("module")
expect("module", compiles(text) and result != expected, text)
write("parts.loco", PARTS)
os.makedirs("deep", exist_ok=True)
os.makedirs("far", exist_ok=True)
write("deep/m.loco", program())
write("far/parts.loco", PARTS)
_, result = run("found far", "-I", "far", file="deep/m.loco")
expect("found far", result == expected)
write("deep/parts.loco", PARTS.replace("0.5", "0.75"))
_, result = run("found near", "-I", "far", file="deep/m.loco")
expect("found near", result != expected)

# Only a part of what is needed is there.
run("train only", "--only", "train", cache="partial")
text, result = run("then all", cache="partial")
# The start is drawn twice: for training, and as what it is compared with.
expect("then all", "4 loaded, 1 made" in text and result == expected, text)
text, _ = run("then warm", cache="partial")
expect("then warm", is_warm(text), text)

# Damage: all entries truncated, altered, empty, or under another's name.
run("fresh", cache="damage")
good = {}
for path in entries("damage"):
    with open(path, "rb") as file:
        good[path] = file.read()
expect("entries", len(good) == 4, str(len(good)))
neighbour = dict(zip(good, [*list(good)[1:], *list(good)[:1]]))


def flip(content, place):
    place %= len(content)
    return content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]


for what, damage in (
    ("cut", lambda path: good[path][: len(good[path]) // 2]),
    ("cut short", lambda path: good[path][:-1]),
    ("empty", lambda path: b""),
    ("longer", lambda path: good[path] + b"x"),
    ("head", lambda path: flip(good[path], 3)),
    ("body", lambda path: flip(good[path], len(good[path]) // 2)),
    ("end", lambda path: flip(good[path], -1)),
    ("another", lambda path: good[neighbour[path]]),
    ("version", lambda path: good[path].replace(b"loco object", b"loco objecu")),
):
    for path in good:
        with open(path, "wb") as file:
            file.write(damage(path))
    text, result = run(what, cache="damage")
    # What has just made the start of training is there for the second.
    expect(what, result == expected and "1 loaded, 4 made" in text, text)
    for path, content in good.items():
        with open(path, "rb") as file:
            expect(f"{what} of {path} is mended", file.read() == content, text)

# Several at once, with nothing there and with everything there.
for what in ("at once", "at once again"):
    for text, result in [finish(what, process) for process in [start(cache="shared") for _ in range(4)]]:
        expect(what, result == expected, text)
# The same while entries are damaged, and while each run removes what others have just written.
for path in entries("shared"):
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)
for what, environment in (("damaged at once", {}), ("removed at once", {"LOCO_CACHE_SIZE": "0"})):
    started = [start(cache="shared", environment=environment) for _ in range(4)]
    for text, result in [finish(what, process) for process in started]:
        expect(what, result == expected, text)
expect("nothing aside", all(path.endswith(".loco-object") for path in entries("shared")))

# A folder that can only be read: what is in it is used, nothing else is kept, and all runs go on.
read_only = os.path.abspath("read-only")
run("filled", cache=read_only)
is_root = os.geteuid() == 0


def remount(*options):
    return subprocess.run(["mount", *options, read_only], stderr=subprocess.DEVNULL).returncode == 0


# Permissions mean nothing to root.
is_locked = remount("--bind", read_only) and remount("-o", "remount,ro,bind") if is_root else True
if is_locked:
    try:
        if not is_root:
            os.chmod(read_only, 0o500)
        before = entries(read_only)
        text, result = run("read only", cache=read_only)
        expect("read only", is_warm(text) and "0 stored" in text and result == expected, text)
        write("other.loco", program().replace("tanh", "sigmoid"))
        text, _ = run("read only, other", cache=read_only, file="other.loco")
        expect("read only, other", compiles(text) and "cannot write" in text, text)
        expect("read only, nothing new", entries(read_only) == before)
    finally:
        if is_root:
            subprocess.run(["umount", read_only], check=True)
        else:
            os.chmod(read_only, 0o700)

# No place to keep anything, or one that others can write to.
write("file", "")
os.makedirs("open", exist_ok=True)
os.chmod("open", 0o777)
for what, cache in (("cannot make", "file/cache"), ("others can write", "open")):
    text, result = run(what, cache=cache)
    expect(what, "object cache: off: " in text and what in text and result == expected, text)
expect("nothing for others", not os.listdir("open"))

# A disk that is full before the first object fits on it.
full = os.path.abspath("full")
os.makedirs(full, exist_ok=True)
mounted = subprocess.run(
    ["mount", "-t", "tmpfs", "-o", "size=12k,mode=0700", "none", full], stderr=subprocess.DEVNULL
)
if mounted.returncode == 0:
    try:
        text, result = run("full disk", cache=full)
        left = os.listdir(full)
    finally:
        subprocess.run(["umount", full], check=True)
    expect("full disk", "no space left" in text and result == expected, text)
    expect("nothing half", all(name.endswith(".loco-object") for name in left), str(left))

# The bound: old entries go when new ones come.
text, result = run("bound", "--set", "g=0.3", cache="damage", environment={"LOCO_CACHE_SIZE": "0"})
# The old image and what was loaded before the first entry came are gone.
expect("bound", len(entries("damage")) == 3 and len(set(good) - set(entries("damage"))) == 2, text)
text, _ = run("bound is no number", environment={"LOCO_CACHE_SIZE": "much"})
expect("bound is no number", "LOCO_CACHE_SIZE is no number of megabytes" in text, text)

# Messages name the same places, whether the text was read or not.
write("m.loco", program().replace("plane_waves(image(4, 4), wavelength = 4, frames = 3)", 'npz("none.npz")'))
for what in ("message", "message again"):
    _, process = start()
    _, text = process.communicate()
    expect(what, process.returncode == 1 and "error: m.loco:14:11: " in text, text)
