#!/usr/bin/env python3
"""Draws models nobody wrote, and holds their time to the bound from operations and bytes.

    random_models.py --lococ build/release/bin/lococ --count 20 --seed 1
    random_models.py --show 7                       print the seventh model
    random_models.py --lococ lococ --verify --small compiled code against the interpreter

A model has one space (torus, ring, line, grid, rings or a set), channels or none, one or two
couplings, an order of one or two in time, a nonlinearity, perhaps a norm in the loop, and a
loss in every step or at the end. The exit code is 1 if a model takes more than twice its bound
(`--limit`), or does not verify.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile


class Model:
    """Text and batch of one model, a function of its number alone."""

    def __init__(self, number, small):
        draw = random.Random(number)
        self.number, self.name = number, f"Random{number}"
        self.small = small
        self.choose_space(draw)
        self.nonlinearity = draw.choice(["tanh", "tanh", "relu", "sigmoid", "sin", "softplus"])
        self.second_order = draw.random() < 0.6
        self.has_norm = draw.random() < 0.25
        self.every_step = draw.random() < 0.5
        self.drive = draw.choice(["field", "linear", "field"])
        self.two = draw.random() < 0.5
        self.choose_batch(draw)

    def choose_space(self, draw):
        kind = draw.choice(["torus", "torus", "grid", "ring", "line", "rings", "set"])
        self.channels = draw.choice([0, 0, 0, 2, 3, 5, 8, 16]) if kind != "set" else 0
        self.radius = draw.choice([1, 1, 1, 2])
        most = 12 if self.small else 90
        if kind in ("torus", "grid", "rings"):
            sides = [draw.randint(5, most), draw.randint(5, most)]
        elif kind == "set":
            sides = [draw.randint(9, 24) if self.small else draw.randint(32, 400)]
        else:
            sides = [draw.randint(7, 30) if self.small else draw.randint(40, 2000)]
        self.sites = math.prod(sides)
        self.space = f"{kind}({', '.join(map(str, sides))})"
        window = 2 * self.radius + 1
        taps = window if kind in ("ring", "line", "rings") else window**2
        mixing = " mixing channels" if self.channels else ""
        if kind == "set":
            self.coupling, taps = "dense(sheet -> sheet)", self.sites
        elif kind in ("ring", "line", "rings"):
            self.coupling = f"conv({window}) on sheet{mixing}"
        else:
            self.coupling = f"conv({window}, {window}) on sheet{mixing}"
        if self.channels:
            self.space += f" by channels({self.channels})"
            taps *= self.channels
        self.bound = 0.9 / taps**0.5
        self.units = self.sites * max(1, self.channels)
        self.taps = taps

    def choose_batch(self, draw):
        """From a million unit-steps on, and not more than some billions of operations."""
        self.steps = draw.choice([1, 7, 20, 50, 100, 300])
        self.batch = draw.choice([1, 2, 3, 8, 16, 32, 64, 128])
        if self.small:
            self.steps, self.batch = min(self.steps, 7), min(self.batch, 3)
            return
        while self.units * self.batch * self.steps < 1.2e6:
            self.batch *= 2
        while self.units * self.batch * self.steps * self.taps * 12 > 1.5e10 and self.batch > 1:
            self.batch = max(1, self.batch // 2)
        while self.units * self.batch * self.steps > 6e7 and self.steps > 1:
            self.steps //= 2

    def write(self):
        couplings = "W, R" if self.two else "W"
        field = "field on sheet"
        lines = [f"model {self.name} {{", f"  lattice sheet = {self.space}"]
        drive = "u"
        if self.drive == "field":
            lines.append(f"  input u : {field} per step")
        else:
            lines.append("  input x : vector(6) per step")
            drive = "linear(x -> sheet)"
        lines.append(f"  input target : {field}" + (" per step" if self.every_step else ""))
        lines += ["  param b on sheet ~ uniform(-0.1, 0.1)",
                  f"  coupling {couplings} : {self.coupling} "
                  f"init uniform(-{self.bound:.4f}, {self.bound:.4f})"]
        inside = f"W @ z + {drive} + b"
        if self.second_order:
            inside = ("W @ z + R @ v" if self.two else "W @ z") + f" + {drive} + b"
            lines += ["  param dt = 0.11 in (0, 1)", "  param gamma = 0.9", "  param alpha = 0.6",
                      "  state z on sheet with velocity v = 0",
                      f"  dynamics {{ z'' = {self.nonlinearity}({inside}) - gamma * z - "
                      "alpha * v }", "  solve symplectic_euler(dt)"]
        else:
            if self.two:
                inside += " + R @ (z * z)"
            lines += ["  state z on sheet = 0", f"  step {{ z <- {self.nonlinearity}({inside}) }}"]
        if self.has_norm:
            lines.append("  after step { z <- affine_layernorm(z) }")
        seen = "z" if self.every_step else "last(z)"
        lines += [f"  loss = mean(({seen} - target)^2)", "}"]
        return "loco 1\n\n" + "\n".join(lines) + "\n"

    def describe(self):
        norm = ", norm" if self.has_norm else ""
        return (f"{self.space}, {self.coupling.split(' on')[0]}"
                f"{' twice' if self.two else ''}, {self.nonlinearity}{norm}, "
                f"order {2 if self.second_order else 1}, batch {self.batch}, "
                f"{self.steps} steps")


def run(options, arguments, model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, model.name + ".loco")
        with open(path, "w") as file:
            file.write(model.write())
        return subprocess.run([options.lococ, arguments[0], path, *arguments[1:]],
                              capture_output=True, text=True)


def verify(options, model):
    done = run(options, ["verify", "--samples", str(model.batch), "--steps", str(model.steps)],
               model)
    print(f"{model.name}: {model.describe()}: {'ok' if done.returncode == 0 else 'WRONG'}",
          flush=True)
    if done.returncode:
        print(done.stdout + done.stderr + model.write())
    return done.returncode == 0


def bench(options, model):
    done = run(options, ["bench", "--json", "--batch", str(model.batch), "--steps",
                         str(model.steps), "--threads", str(options.threads)], model)
    if done.returncode:
        print(f"{model.name}: {done.stderr.strip()}\n{model.write()}")
        return None
    found = json.loads(done.stdout)["models"][0]["measurements"][-1]
    bound = max(found["bound_seconds"].values())
    by = max(found["bound_seconds"], key=found["bound_seconds"].get)
    found |= {"number": model.number, "model": model.describe(), "by": by, "bound": bound,
              "threads": options.threads, "times_bound": found["seconds_least"] / bound}
    print(f"{model.name}: {found['times_bound']:5.2f} x the bound by {by:10} "
          f"{found['seconds_least'] * 1e3:8.2f} ms  {model.describe()}", flush=True)
    return found


def keep(path, done):
    """Figures of models that were measured before are replaced."""
    results = {}
    if os.path.exists(path):
        with open(path) as file:
            results = json.load(file)
    known = {found["number"]: found for found in results.get("random", [])}
    known |= {found["number"]: found for found in done}
    results["random"] = [known[number] for number in sorted(known)]
    with open(path, "w") as file:
        json.dump(results, file, indent=1)


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__)
    parser.add_argument("--lococ", default="lococ")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="the number of the first model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=2)
    parser.add_argument("--small", action="store_true", help="few sites, samples and steps")
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--show", type=int, help="print this model")
    parser.add_argument("--results", help="add the figures to these results of run.py")
    options = parser.parse_args()
    if options.show is not None:
        print(Model(options.show, options.small).write(), end="")
        return 0
    results = []
    for number in range(options.seed, options.seed + options.count):
        model = Model(number, options.small)
        results.append(verify(options, model) if options.verify else bench(options, model))
    if options.verify:
        return 0 if all(results) else 1
    done = [found for found in results if found]
    if options.results:
        keep(options.results, done)
    within = sum(found["times_bound"] <= options.limit for found in done)
    print(f"{within} of {options.count} models within {options.limit:g} times their bound")
    return 0 if within == options.count else 1


if __name__ == "__main__":
    sys.exit(main())
