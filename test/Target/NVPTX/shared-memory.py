# No block of an example's kernels asks for more shared memory than it can have: on an emulated device
# of each kind, as code is made for the device at hand.
# RUN: %python %s %loco_libraries %examples

import concurrent.futures
import itertools
import os
import pathlib
import re
import subprocess
import sys

LIBRARIES, EXAMPLES = sys.argv[1:]
# Bytes of shared memory of a block, by compute capability.
MOST = {80: 99 * 1024, 90: 227 * 1024}


def check(case):
    capability, file = case
    device = {"LOCO_CUDA_DRIVER": LIBRARIES + "/libLocoEmulatedCuda.so", "EMULATED_CUDA_CAPABILITY": str(capability)}
    plan = subprocess.run(["lococ", "explain", str(file), "--target", "cuda"], env=os.environ | device,
                          capture_output=True, text=True)
    what = f"{file.name}, sm_{capability}: "
    if plan.returncode or f"sm_{capability}" not in plan.stdout:
        return what + plan.stderr + plan.stdout
    asked = [int(number) for number in re.findall(r"; (\d+) bytes of shared memory; scratch", plan.stdout)]
    if not asked or max(asked) > MOST[capability]:
        return f"{what}{asked} bytes of shared memory"
    return None


cases = list(itertools.product(MOST, sorted(pathlib.Path(EXAMPLES).glob("*.loco"))))
if not cases:
    sys.exit(f"no examples in {EXAMPLES}")
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    wrong = [error for error in pool.map(check, cases) if error]
sys.exit("\n".join(wrong) or 0)
