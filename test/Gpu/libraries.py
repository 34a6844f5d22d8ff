"""What cuBLAS and cuDNN add: training steps of programs with large layers outside of the time
loop, with both libraries, without cuDNN, and by loco's own kernels."""

import argparse
import contextlib
import ctypes
import dataclasses
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "test", "Benchmark"))
from candidates import NotMeasured, measure_loco


@dataclasses.dataclass
class Program:
    """As much of a workload as loco alone needs."""
    name: str
    path: str
    model: str
    batch: int
    steps: int
    wrt: tuple = ()
    settings: tuple = ()


PROGRAMS = [
    Program("videos, encoder and decoder of convolutions", "examples/hamiltonian_locornn.loco", "Video", 32, 60),
    Program("A, frames to sites and back by matrices", "test/Benchmark/workloads/locornn-deterministic.loco",
            "LocoRNN", 128, 18),
    Program("A-full, the same and layer norm", "test/Benchmark/workloads/locornn-gaussian.loco", "LocoRNN", 128, 18),
]
# On the emulated device, where large layers take minutes.
DRY = [Program("dense layers", "test/Driver/Inputs/large_layers.loco", "Layers", 2, 3)]

# What is hidden from loco.
WAYS = {"own": ("LOCO_CUBLAS", "LOCO_CUDNN"), "cuBLAS": ("LOCO_CUDNN",), "cuBLAS and cuDNN": ()}


# Names that loco looks for, and the variable that names another file.
FILES = {"LOCO_CUBLAS": ("libcublas.so.13", "libcublas.so.12"), "LOCO_CUDNN": ("libcudnn.so.9", "libcudnn.so.8")}
SEARCH = """
import glob, os, sys
for folder in sys.path:
    for file in glob.glob(os.path.join(folder, "nvidia", "*", "lib", "lib*.so.*")):
        print(file)
"""


def find(options):
    """Where libraries are not on the library path, takes those of PyTorch's packages."""
    if options.dry:
        return
    done = subprocess.run([options.python, "-c", SEARCH], capture_output=True, text=True)
    packaged = {os.path.basename(file): file for file in done.stdout.splitlines()}
    for variable, names in FILES.items():
        if os.environ.get(variable):
            continue
        for name in names:
            try:
                ctypes.CDLL(name)
                break
            except OSError:
                if name in packaged:
                    os.environ[variable] = packaged[name]
                    break


def missing(options, program, names):
    """The libraries that loco does not find."""
    done = subprocess.run([options.lococ, "explain", program.path, "--model", program.model, "--target", "cuda"],
                          capture_output=True, text=True)
    if done.returncode:
        raise NotMeasured((done.stderr.strip() or "?").splitlines()[-1])
    return [name for name in names if f"there is no {name}" in done.stdout]


@contextlib.contextmanager
def hidden(names):
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: "none" for name in names})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def measure(options):
    onGPU = argparse.Namespace(**vars(options) | {"device": "cuda"})
    results = {}
    for program in DRY if options.dry else PROGRAMS:
        program = dataclasses.replace(program, path=os.path.join(ROOT, program.path))
        place = results[program.name] = {}
        for way, names in WAYS.items():
            try:
                with hidden(names):
                    absent = missing(options, program, way.split(" and ") if way != "own" else [])
                    if absent:
                        raise NotMeasured("there is no " + " and no ".join(absent))
                    loco = measure_loco(onGPU, program, os.cpu_count())
                place[way] = {kind: loco[kind] for kind in ("gradient", "forward")}
                print(f"{program.name}, {way}: {loco['gradient'] * 1e3:.3f} ms "
                      f"(forward {loco['forward'] * 1e3:.3f})", flush=True)
            except NotMeasured as reason:
                place[way] = {"missing": str(reason)}
                print(f"{program.name}, {way}: not measured: {reason}", flush=True)
    return results
