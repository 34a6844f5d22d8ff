# Weights for chaos.test, and what the exponents must be.

import json
import sys

import numpy as np

dt = 0.1
J = np.random.default_rng(4).normal(size=(60, 60)) * 0.5 / np.sqrt(60)
if sys.argv[1] == "make":
    np.savez("small.npz", J=J)
    sys.exit()


def read(run):
    with open(run + "/results.json") as file:
        return json.load(file)["chaos"]["simulated"]


wanted = np.sort(np.log(np.abs(1 - dt + dt * np.linalg.eigvals(J))) / dt)[::-1]
found = read("small")
if not np.allclose(found["exponents"], wanted[:3], atol=0.02):
    sys.exit(f"small weights: {found}, expected {wanted[:3]}")

found = read("large")
if not 0.25 < found["largest"] < 0.36 or not found["entropy"] > 0.5:
    sys.exit(f"large weights: {found}, expected about 0.31")
