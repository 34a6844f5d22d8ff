# A gradient on a GPU whose memory is scarce, here an emulated one: what was not kept is
# computed again, for whole loops or in segments, and comes out as on the processor. Five
# samples of 53 steps on 5x7 sites; what each amount of memory asks for is told by the
# one that is too little.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S %loco_libraries/libLocoEmulatedCuda.so

import os
import re
import subprocess
import sys

import numpy

sys.path.insert(0, sys.argv[1] + "/Inputs")
from lococ import close, fail, finish, program

DRIVER = sys.argv[2]
STEPS = 53


def grad(target, *arguments, code=0, **settings):
    """What `lococ grad` writes, or its message."""
    done = subprocess.run(["lococ", "grad", program("scarce"), "--inputs", "in.npz", "--precision", "f64",
                           "--target", target, "--out", "out.npz", *arguments],
                          env=dict(os.environ, LOCO_CUDA_DRIVER=DRIVER, **settings), capture_output=True, text=True)
    if done.returncode != code:
        fail(f"grad {target} {arguments}: exit code {done.returncode}\n{done.stderr}")
    return done.stderr if code else dict(numpy.load("out.npz"))


random = numpy.random.default_rng(3)
numpy.savez("in.npz", x=random.normal(size=(5, STEPS)), label=random.integers(0, 3, 5).astype("i4"))
reference = grad("cpu")
gradients = [name for name in reference if name.startswith("grad.")]
if len(gradients) < 6:
    fail(f"gradients: {gradients}")

message = grad("cuda", "--memory", "1000", code=1)
least = int(re.search(r"need (\d+) bytes of device memory, more than the memory budget of 1000", message).group(1))
# The states of all steps, which nothing but a segment does without, for one sample.
states = 2 * 5 * 7 * 8 * STEPS
for memory, settings in ((least, {}), (least, {"EMULATED_CUDA_REVERSED": "1", "EMULATED_CUDA_CAPABILITY": "80"}),
                         (least + states // 2, {}), (least + 3 * states, {}), (100 * least, {})):
    found = grad("cuda", "--memory", str(memory), **settings)
    for name in gradients:
        close(f"{name} in {memory} bytes", found[name], reference[name], 1e-12)
outputs = sum(reference[name].nbytes for name in reference)
if least - outputs > states:
    fail(f"{least} bytes are needed, {outputs} of them for results, where all states are {states}")
finish()
