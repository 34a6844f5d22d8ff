# Every way to divide samples among threads, on every architecture: the assembler takes the code, which
# spills nothing and asks for no more shared memory than a block can have.
# REQUIRES: ptxas
# RUN: %python %s %loco_source/test/Conversion %t

import itertools
import re
import subprocess
import sys

KERNELS, FILE = sys.argv[1], sys.argv[2]
# Bytes of shared memory of a block.
ARCHITECTURES = {"sm_80": 99 * 1024, "sm_90": 227 * 1024, "sm_100": 227 * 1024}
BLOCK, BESIDE = ["one block of"], ["threads for each 2 samples"]
CLUSTER, GRID = ["a cluster of 4 blocks", ".reqnctapercluster 4"], ["a grid of 16 blocks", "atom.global.add"]
SMALL_GRID = ["a grid of 4 blocks", "atom.global.add"]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def check(file, function, arch, options, wanted):
    what = f"{file}, {function}, {arch}, {options}: "
    command = ["loco-test-kernels", "--cuda", f"{KERNELS}/{file}.mlir", f"--function={function}",
               f"--arch={arch}", *options]
    plan, code = (run(*command, f"--emit={emit}") for emit in ("explain", "ptx"))
    with open(FILE + ".ptx", "w") as out:
        out.write(code)
    report = run("ptxas", f"-arch={arch}", "-v", "-o", FILE + ".cubin", FILE + ".ptx")
    for text in wanted:
        if text not in plan + code:
            sys.exit(f"{what}no `{text}` in\n{plan}")
    spills = re.findall(r"(\d+) bytes spill", report)
    if not spills or any(map(int, spills)):
        sys.exit(what + report)
    shared = int(re.search(r"(\d+) bytes of shared memory", plan)[1])
    if not 0 < shared <= ARCHITECTURES[arch]:
        sys.exit(f"{what}{shared} bytes of shared memory")


for arch, (file, function) in itertools.product(ARCHITECTURES, (("scans", "lattice"), ("fetches", "drives"))):
    for options, wanted in (([], BLOCK), (["--beside=2"], BESIDE), (["--together=16"], GRID),
                            (["--together=4"], SMALL_GRID if arch == "sm_80" else CLUSTER)):
        check(file, function, arch, options, wanted)
for arch, products in itertools.product(ARCHITECTURES, ("f32", "tf32x3", "bf16")):
    options = ["--products=" + products]
    check("dense-recurrences", "recurrent", arch, options, ["8 samples advance together"])
    check("dense-recurrences", "recurrent", arch, options + ["--together=4"],
          SMALL_GRID if arch == "sm_80" else CLUSTER)
