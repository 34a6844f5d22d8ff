# For energies.test: a motion by a Hamiltonian runs back along its own way.

import subprocess
import sys

import numpy as np

rng = np.random.default_rng(2)
steps, latent = 7, 2
x = rng.uniform(size=(4, steps, 3, 32, 32))
direction = np.array([1.0, -1, -1, 1])
np.savez("in.npz", x=x, direction=direction)
subprocess.run(["lococ", "eval", sys.argv[1], "--model", "Small", "--inputs", "in.npz", "--precision", "f64",
                "--out", "out.npz"], check=True, stdout=subprocess.DEVNULL)
out = np.load("out.npz")
q, p = out["q"], out["p"]

# A motion by a Hamiltonian runs back along its own way: seen from any frame, the leapfrog
# with the other sign of time leads to the frame before.
np.savez("turned.npz", x=x, direction=-direction)
subprocess.run(["lococ", "eval", sys.argv[1], "--model", "Small", "--inputs", "turned.npz", "--precision", "f64",
                "--out", "turned-out.npz"], check=True, stdout=subprocess.DEVNULL)
turned = np.load("turned-out.npz")
# The state of frame 2 is what was drawn, in either direction; its neighbours change places.
for a, b in ((2, 2), (1, 3), (0, 4)):
    for name in "qp":
        error = np.max(np.abs(out[name][:, a] - turned[name][:, b]))
        if not error < 1e-12:
            sys.exit(f"`{name}` of frame {a} is off by {error} from frame {b} of the motion turned round")
if np.max(np.abs(q[:, 0] - q[:, 4])) < 1e-6:
    sys.exit("nothing moves")
