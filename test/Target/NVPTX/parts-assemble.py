# Every kernel between convolutions and products of libraries is assembled.
# REQUIRES: ptxas
# RUN: lococ emit ptx %loco_source/test/Driver/Inputs/large_convolutions.loco --libraries | %python %s %t

import re
import subprocess
import sys

parts = re.split("^// part ", sys.stdin.read(), flags=re.M)[1:]
kernels = [part.split("\n", 1)[1] for part in parts if part.split("\n", 1)[0].endswith(": a kernel")]
if len(parts) != 24 or len(kernels) != 8:
    sys.exit(f"{len(kernels)} kernels in {len(parts)} parts")
for number, kernel in enumerate(kernels):
    with open(f"{sys.argv[1]}.{number}.ptx", "w") as file:
        file.write(kernel)
    subprocess.run(["ptxas", "-arch", "sm_90", "-o", f"{sys.argv[1]}.cubin", file.name], check=True)
