# What is wrong with a command line or with the files that it names is said in
# one message, exactly this one, with exit code 1.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S

import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import fail, finish
import numpy as np

for file in glob.glob(sys.argv[1] + "/Inputs/*.loco"):
    shutil.copy(file, ".")
frames = np.zeros((2, 3, 6, 6))
np.savez("x.npz", x=frames)
np.savez("wrong.npz", x=np.zeros((2, 6, 6)), lable=np.zeros(2))
np.savez("empty.npz", x=np.zeros((0, 3, 6, 6)))
np.savez("class.npz", x=frames, label=np.array([1, 9]))
np.savez("numbers.npz", x=frames, label=np.array([1.0, 3.0]))
np.savez("samples.npz", x=frames, label=np.array([1, 2, 3]))
np.savez("range.npz", dt=1.5)
np.savez("b.npz", b=np.zeros(4), bb=np.zeros(3))
np.savez("noisy.npz", x=np.zeros((1, 4, 3)))
np.savez("draws.npz", **{"random.0": np.zeros((1, 1))})
np.savez("scalar.npz", x=np.zeros(2))
with open("x.npz", "rb") as file:
    open("short.npz", "wb").write(file.read()[:500])
open("short.safetensors", "wb").write(
    b'\x40\0\0\0\0\0\0\0{"dt.raw":{"dtype":"F32","shape":[],"data_of')
os.mkdir("folder.npz")
open("two.loco", "w").write(
    "loco 1\n" + "".join(
        f"model {name} {{\n  state y = 1\n  step {{ y <- 0.5 * y }}\n}}\n"
        for name in ("First", "Second")))
open("none.loco", "w").write("loco 1\n")
count = 0


def expect(command, *lines, stdout=subprocess.DEVNULL):
    global count
    count += 1
    done = subprocess.run(["lococ", *command.split()], stdout=stdout,
                          stderr=subprocess.PIPE, text=True)
    wanted = lines[0]
    if not isinstance(wanted, re.Pattern):
        wanted = "".join(line + "\n" for line in lines)
    said = wanted == done.stderr or (
        isinstance(wanted, re.Pattern) and wanted.fullmatch(done.stderr))
    if done.returncode != 1 or not said:
        fail(f"lococ {command}: exit code {done.returncode}, said\n{done.stderr}"
             f"expected\n{wanted}")


# Command lines.
expect("evl x.loco", "error: there is no command `evl`; did you mean `eval`?",
       "see `lococ --help`")
expect("frobnicate", "error: there is no command `frobnicate`", "see `lococ --help`")
expect("--frob", "error: `lococ` has no option `--frob`", "see `lococ --help`")
expect("eval", "error: `lococ eval` needs FILE", "see `lococ eval --help`")
expect("emit", "error: `lococ emit` needs PHASE", "see `lococ emit --help`")
expect("eval sheet.loco --stpes 3",
       "error: `lococ eval` has no option `--stpes`; did you mean `--steps`?",
       "see `lococ eval --help`")
expect("check sheet.loco ring.loco", "error: `lococ check` has no use for `ring.loco`",
       "see `lococ check --help`")
expect("eval sheet.loco --seed", "error: `--seed` needs a value",
       "see `lococ eval --help`")
expect("eval sheet.loco --seed 1 --seed 2", "error: `--seed` is given more than once",
       "see `lococ eval --help`")
expect("eval sheet.loco --seed 1.5",
       "error: `--seed 1.5`: expected a whole number from 0 to 18446744073709551615")
expect("eval sheet.loco --steps 0",
       "error: `--steps 0`: expected a whole number from 1 to 1000000")
expect("eval sheet.loco --threads 0",
       "error: `--threads 0`: expected a whole number from 1 to 1024")
expect("eval sheet.loco --memory 5Q",
       "error: `--memory 5Q`: expected a number of bytes, for example `512M` or `2G`")
expect("eval sheet.loco --precision f16",
       "error: `--precision f16`: expected `f32` or `f64`")
expect("verify sheet.loco --target gpu",
       "error: `--target gpu`: expected `cpu`, `cuda` or `interpreter`")
expect("check sheet.loco --set gamma", "error: `--set gamma`: expected `name=value`")
expect("eval sheet.loco --inputs x.npz --target interpreter --precision f32",
       "error: the interpreter computes in f64 only; leave out `--precision f32` or "
       "write `--target cpu`")
expect("verify sheet.loco --target interpreter",
       "error: the interpreter is what compiled code is held to; leave out `--target "
       "interpreter`")
expect("eval noisy.loco --random a.npz --record-random b.npz",
       "error: `--random` gives the draws and `--record-random` writes those that are "
       "made; leave one of them out")

# Programs.
expect("check missing.loco",
       "error[cannot-open]: cannot read `missing.loco`: No such file or directory")
expect("check .", "error[cannot-open]: cannot read `.`: Is a directory")
expect("check none.loco --set gamma=1",
       "error[unknown-name]: `--set gamma`: no constant or parameter is called `gamma`")
expect("explain sheet.loco --set gama=2 --set aplha=1",
       "error[unknown-name]: `--set gama`: no constant or parameter is called `gama`",
       "hint: did you mean `gamma`?", "",
       "error[unknown-name]: `--set aplha`: no constant or parameter is called `aplha`",
       "hint: did you mean `alpha`?")
expect("eval none.loco",
       "error: `none.loco` has no model that stands alone; one that takes a space is given it with "
       "`--set name=vector(3)`")
expect("eval two.loco",
       "error: `two.loco` has the models `First` and `Second`; choose one with `--model`")
expect("eval two.loco --model Secnd",
       "error: `two.loco` has no model `Secnd`; did you mean `Second`?")
expect("eval two.loco --model X",
       "error: `two.loco` has no model `X`; it has `First` and `Second`")
expect("grad two.loco --model First", "error: `First` has no loss to differentiate")
expect("gradcheck two.loco --model First", "error: `First` has no loss to differentiate")
expect("emit vjp two.loco --model First", "error: `First` has no loss to differentiate")
expect("emit vpj sheet.loco", "error: there is no phase `vpj`; did you mean `vjp`?")

# Inputs.
fit = "error: the inputs do not fit the model: "
expect("eval sheet.loco", fit + "missing: `x`")
expect("eval two.loco --model First",
       "error: no input says how many steps there are; give `--steps`")
expect("eval sheet.loco --inputs wrong.npz",
       fit + "misshapen: `x` (2 x 6 x 6, expected samples x steps x 6 x 6); unused: `lable`")
expect("eval sheet.loco --inputs empty.npz",
       fit + "misshapen: `x` (0 x 3 x 6 x 6, expected samples x steps x 6 x 6)")
expect("eval sheet.loco --inputs samples.npz",
       fit + "`label` has 3 samples, but `x` has 2")
expect("eval sheet.loco --inputs x.npz --steps 9",
       fit + "`x` has 3 steps, but `--steps` asks for 9")
expect("eval sheet.loco --inputs numbers.npz",
       fit + "holding numbers where classes are expected: `label`")
expect("eval sheet.loco --inputs class.npz",
       "error: input `label` holds class 9, expected 0 to 3")
expect("eval sheet.loco --inputs short.npz",
       "error: `short.npz` is not an .npz archive, or truncated: not a zip archive")
expect("eval sheet.loco --inputs missing.npz",
       "error: cannot open `missing.npz`: no such file or directory")
expect("eval sheet.loco --inputs folder.npz",
       "error: `folder.npz` is a folder, expected a file")
expect("eval noisy.loco --inputs noisy.npz --random draws.npz",
       fit + "missing: `random.1`; misshapen: `random.0` (1 x 1, expected samples x 2 x 5)")
expect("eval sheet.loco --inputs x.npz --random draws.npz", fit + "unused: `random.0`")
expect("eval rounding.loco --inputs scalar.npz --steps 4",
       "error: the model has no steps, but `--steps` was given")
expect("eval sheet.loco --inputs x.npz --memory 1k --threads 1",
       re.compile("error: one sample of 3 steps needs at least [0-9]+ bytes of scratch memory on "
                  "1 thread, more than the memory budget of 1024; raise `--memory`\n"))
expect("verify sheet.loco --samples 1000000 --steps 1000000", "error: out of memory")

# Parameters.
expect("eval sheet.loco --inputs x.npz --params b.npz",
       "error: `b.npz`: the parameters do not fit the model: missing: `dt.raw`, "
       "`gamma.raw`, `alpha.raw`, `Wz`, `Wv`, `Wx`, `u.linear.weight`, `u.linear.bias` "
       "and 2 more; misshapen: `b` (4, expected 8 x 8); unused: `bb`")
expect("eval sheet.loco --inputs x.npz --params range.npz",
       "error: `range.npz`: `dt` is 1.5, which is not in its range (0, 1)")
expect("eval sheet.loco --inputs x.npz --params short.safetensors",
       "error: `short.safetensors` is not a .safetensors file, or truncated: it announces "
       "a header of 64 bytes and has 52")
expect("eval sheet.loco --inputs x.npz --params parameters.txt",
       "error: `parameters.txt` has an unknown ending, expected `.npz` or `.safetensors`")

# Output.
expect("eval sheet.loco --inputs x.npz --out nowhere/out.npz",
       "error: cannot write `nowhere/out.npz`: no such file or directory")
expect("emit loco sheet.loco --out folder.npz",
       "error: cannot write `folder.npz`: is a directory")
with open("/dev/full", "w") as full:
    expect("explain sheet.loco",
           "error: cannot write to standard output: No space left on device", stdout=full)
# A reader that has gone away is no news.
reader, writer = os.pipe()
os.close(reader)
expect("explain sheet.loco", re.compile(""), stdout=writer)

if count < 50:
    fail(f"only {count} runs")
finish()
