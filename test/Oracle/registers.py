# O17 for every coupling that can start as a shift: with its own starts the network is a
# register. After T steps the input of k steps ago stands at site (n - k) mod n, to the
# last bit.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import check
import drive

folder, targets = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)
sites, channels, steps = 11, 2, 11
couplings = {
    "conv": "coupling U : conv(3) on line mixing channels bias = 0 init shift(-1)",
    "alone": "coupling U : conv(3) on line bias = 0 init shift(-1)",
    "local": "coupling U : local(3) on line mixing channels bias = 0 init shift(-1)",
    "frozen": "frozen coupling U : local(5) on line init shift(-1)",
    "dense": "coupling U : dense on line bias = 0 init shift(-1)",
    "masked": "coupling U : masked(by = near(radius = 1)) on line init shift(-1)",
    "between": "coupling U : conv(line -> line, 3) bias = 0 init shift(-1)",
    "shift": "coupling U : shift(-1) on line",
}
x = np.random.default_rng(8).uniform(0, 1, (2, steps)).astype(np.float32).astype(float)
np.savez(f"{folder}/i.npz", x=x)
for name, coupling in couplings.items():
    program = pathlib.Path(folder) / f"{name}.loco"
    program.write_text(f"""loco 1
model M {{
  lattice line = ring({sites}) by channels({channels})
  input x : scalar per step
  {coupling}
  coupling V : dense(x -> line) bias = 0 init single(site = 0)
  state h on line = 0
  step {{ h <- relu(U @ h + V @ x) }}
}}
""")
    for target in targets:
        for precision in drive.precisions_of(target):
            out = f"{folder}/{name}-{target}-{precision}.npz"
            check.lococ("eval", program, "--target", target, "--precision", precision,
                        "--inputs", f"{folder}/i.npz", "--out", out)
            h = np.load(out)["h"]
            for t in range(steps):
                wanted = np.zeros((2, channels, sites))
                for k in range(t + 1):
                    wanted[:, :, (sites - k) % sites] += x[:, t - k, None]
                if not np.array_equal(h[:, t], wanted.astype(h.dtype)):
                    check.fail(f"O17: {name}, {target}, {precision}, step {t}")
            print(f"ok: {name}, {target}, {precision}")
