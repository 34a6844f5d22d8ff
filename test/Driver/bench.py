# What `lococ bench` counts, against a count by hand; that its shares are shares, and that it
# measures what it is asked for.
#
# RUN: %python %s %S

import json
import subprocess
import sys

PROGRAM = sys.argv[1] + "/Inputs/counted.loco"
SAMPLES, STEPS, SITES = 2, 7, 60


def bench(*options):
    command = ["lococ", "bench", PROGRAM, "--batch", str(SAMPLES), "--steps", str(STEPS), "--repeat", "2"]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found}, not {wanted}")


report = json.loads(bench("--json", "--threads", "1"))
expect("threads", report["machine"]["threads"], 1)
model = report["models"][0]
for field, wanted in {"model": "Counted", "samples": SAMPLES, "steps": STEPS, "sites": SITES}.items():
    expect(field, model[field], wanted)
forward, backward = model["measurements"]

# 9 products at a site and step; an addition there; at the end a sum over sites.
runs = SAMPLES * STEPS
products = 2 * 9 * SITES * runs
expect("products", forward["operations"]["products"], products)
expect("elementwise", forward["operations"]["elementwise"], SITES * runs + SITES * SAMPLES)
expect("functions", forward["operations"]["functions"], SITES * runs)
expect("bytes read", forward["bytes"]["read"], 4 * (SITES * runs + 9))
expect("bytes written", forward["bytes"]["written"], 4 * SAMPLES)
expect("bytes kept", forward["bytes"]["kept"], 0)
# The derivative by the state and by the kernel are as large as the convolution.
expect("products of both", backward["operations"]["products"], 3 * products)
expect("functions of both", backward["operations"]["functions"], SITES * runs)
expect("written by both", backward["bytes"]["written"], 4 * (SAMPLES + 9))
if backward["bytes"]["kept"] < 4 * SITES * runs:
    sys.exit("the way back reads the states")

for measurement in (forward, backward):
    expect("repetitions", measurement["repetitions"], 2)
    if not 0 < measurement["seconds_least"] <= measurement["seconds_median"]:
        sys.exit(f"times: {measurement}")
    for share, value in measurement["shares"].items():
        if not 0 < value < 1:
            sys.exit(f"share of {share}: {value}")
for level in report["machine"]["memory"]:
    if level["read_bytes_per_second"] < 1e8 or level["write_bytes_per_second"] < 1e8:
        sys.exit(f"bandwidth: {level}")
if report["machine"]["operations_per_second"] < 1e9:
    sys.exit("no machine is that slow")

# By an input, too: its gradient is one more array.
more = json.loads(bench("--json", "--wrt", "u"))["models"][0]["measurements"][1]
expect("written with u", more["bytes"]["written"], backward["bytes"]["written"] + 4 * SITES * runs)
for name, message in {"w": "has no input `w`", "W": "has no input `W`"}.items():
    done = subprocess.run(["lococ", "bench", PROGRAM, "--wrt", name], capture_output=True, text=True)
    if done.returncode != 1 or message not in done.stderr:
        sys.exit(f"--wrt {name}: {done.stderr}")

text = bench()
for line in ("machine: ", "Counted: 2 samples, 7 steps, 60 sites, f32; data: drawn, seed 0",
             "forward+backward", "time, least", "per site and step", "operations in products",
             "bytes kept for the way back", "of the operations' peak", "of the larger bound"):
    if line not in text:
        sys.exit(f"no `{line}` in\n{text}")
