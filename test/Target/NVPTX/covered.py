# The tests of this folder assemble every model of every example for every architecture.
# RUN: %python %s %S %examples

import glob
import os
import re
import sys

FOLDER, EXAMPLES = sys.argv[1:]
assembled = set()
for test in glob.glob(FOLDER + "/*.test"):
    for line in re.findall(r"assemble\.py (.*)", open(test).read()):
        arch = re.search(r"--arch (\w+)", line)[1]
        assembled |= {(arch, name, model) for name, model in re.findall(r"%examples/(\w+)\.loco:?(\w*)", line)}
missing = []
for file in sorted(glob.glob(EXAMPLES + "/*.loco")):
    name = os.path.basename(file)[:-5]
    models = re.findall(r"^model (\w+)", open(file).read(), re.M)
    for arch in "sm_80", "sm_90", "sm_100":
        missing += [f"{name}:{model} for {arch}" for model in models
                    if (arch, name, model) not in assembled and not (len(models) == 1 and (arch, name, "") in assembled)]
if not assembled or missing:
    sys.exit("not assembled: " + ", ".join(missing))
