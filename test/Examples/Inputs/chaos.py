# Weights for chaos.test, and what the exponents must be.

import json
import sys

import numpy as np

dt = 0.1
J = np.random.default_rng(4).normal(size=(60, 60)) * 0.5 / np.sqrt(60)
if sys.argv[1] == "make":
    np.savez("small.npz", J=J)
    sys.exit()

wanted = np.log(np.max(np.abs(1 - dt + dt * np.linalg.eigvals(J)))) / dt
found = float(np.load("small-out.npz")["exponent"][0, -1])
if not abs(found - wanted) < 0.02:
    sys.exit(f"small weights: {found}, expected {wanted}")

with open("large/results.json") as file:
    exponent = json.load(file)["simulation"]["Chaos"]["probes"]["exponent"]
if not 0.25 < exponent["final"] < 0.36:
    sys.exit(f"large weights: {exponent['final']}, expected about 0.31")
