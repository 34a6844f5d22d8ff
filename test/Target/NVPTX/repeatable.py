# The same program gives the same code every time: nothing follows the addresses at which ops happen to lie.
# RUN: %python %s %examples

import subprocess
import sys

PROGRAMS = ["kuramoto.loco:Sheet", "locornn_family.loco:Untied", "cornn_adding.loco:CoRNN"]

for program in PROGRAMS:
    file, model = program.split(":")
    command = ["lococ", "emit", "ptx", f"{sys.argv[1]}/{file}", "--model", model, "--arch", "sm_80"]
    codes = {subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(4)}
    if len(codes) > 1 or ".visible .entry" not in codes.pop():
        sys.exit(f"{program}: not the same code every time")
