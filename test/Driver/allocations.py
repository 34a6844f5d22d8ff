# After the first steps of training nothing is allocated but bookkeeping of a few bytes: no
# scratch memory, no batch, no gradient, neither by loco nor by the library of its products.
# A batch that is larger than the one before must be seen, or the count counts nothing.
#
# UNSUPPORTED: address-sanitizer
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s %S/Inputs/allocations.loco %loco_libraries/libLocoCountingSource.so

import os
import re
import subprocess
import sys

PROGRAM, LIBRARY = sys.argv[1:]
os.environ["LOCO_CACHE_DIR"] = os.path.join(os.getcwd(), "cache")


def count(*options):
    """Allocations during 32 updates, those of a page or more, and the largest's bytes."""
    result = subprocess.run(
        ["lococ", "run", PROGRAM, "--quiet", "--force", "--out", "run", "--threads", "2",
         "--set", f"library={LIBRARY}", *options],
        env={**os.environ, "LD_PRELOAD": LIBRARY}, text=True, stderr=subprocess.PIPE)
    found = re.search(r"allocations: (\d+), of 4096 bytes or more: (\d+), largest: (\d+)", result.stderr)
    if result.returncode or not found:
        sys.exit(f"{options}: exit code {result.returncode}\n{result.stderr}")
    return [int(number) for number in found.groups()]


for options in ([], ["--set", "train.optimizer=sgd(1e-3)"], ["--memory", "20M"]):
    total, large, largest = count(*options)
    if large or total > 32 * 200:
        sys.exit(f"{options}: {total} allocations in 32 updates, {large} of a page or more, the largest {largest} bytes")

# From the first batch on: batches, scratch memory and gradients are all taken.
_, large, largest = count("--set", "first=1")
if large < 5 or largest < 24 * 12 * 32 * 32 * 4:
    sys.exit(f"from the first batch on: {large} allocations of a page or more, the largest {largest} bytes")
