"""Holds a model that lococ compiles to its oracle.

First the oracle's own derivatives are checked against complex steps; then `lococ
grad` gets the same parameters, inputs and draws, and everything that it computes is
compared: states over time, outputs, loss, and the gradient of the loss by every
parameter and input.
"""

import os
import pathlib
import subprocess
import sys

import numpy as np


def fail(message):
    print(f"FAIL: {message}")
    sys.exit(1)


def lococ(*arguments, expect=0):
    """Runs lococ; its standard output."""
    command = ["lococ", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != expect:
        fail(f"`{' '.join(command)}` ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def settings(sizes):
    """`--set` for every size."""
    return [word for name, value in sizes.items() for word in ("--set", f"{name}={value}")]


def relative(found, wanted):
    """2-norm of the difference over the 2-norm of the reference."""
    difference = np.linalg.norm(np.asarray(found, float) - wanted)
    size = np.linalg.norm(wanted)
    return difference / size if size else difference


#===-----------------------------------------------------------------------===#
# The oracle against itself
#===-----------------------------------------------------------------------===#

def complex_step(model, parameters, inputs, random, rng):
    """The derivatives of the loss along random directions, by complex steps: exact to
    rounding. Every tensor alone, and the largest ones element by element in places."""
    gradients = model.gradients(parameters, inputs, random)
    step = 1e-30
    for name, gradient in gradients.items():
        directions = [rng.normal(size=gradient.shape) for _ in range(2)]
        for _ in range(min(4, gradient.size)):
            one = np.zeros(gradient.size)
            one[rng.integers(gradient.size)] = 1
            directions.append(one.reshape(gradient.shape))
        for direction in directions:
            moved_parameters, moved_inputs = dict(parameters), dict(inputs)
            moved = moved_parameters if name in parameters else moved_inputs
            moved[name] = moved[name] + 1j * step * direction
            values, _ = model.forward(moved_parameters, moved_inputs, random)
            wanted = values["loss"].imag / step
            found = (gradient * direction).sum()
            if abs(found - wanted) > 1e-10 * max(np.linalg.norm(gradient), 1e-3):
                fail(f"the oracle's gradient by `{name}` is {found}, by complex steps {wanted}")


#===-----------------------------------------------------------------------===#
# lococ against the oracle
#===-----------------------------------------------------------------------===#

def group_scalars(gradients):
    """Tensors by name, the scalars of a model as one tensor."""
    grouped = {name: value for name, value in gradients.items() if value.ndim}
    scalars = sorted(name for name, value in gradients.items() if not value.ndim)
    if scalars:
        grouped["scalars"] = np.array([gradients[name] for name in scalars])
    return grouped


def round_to_f32(tensors):
    return {name: value.astype(np.float32).astype(float) if value.dtype.kind == "f" else value
            for name, value in tensors.items()}


def get_bounds(model, parameters, inputs, random, precision):
    """What each value may be off by, relative: 1e-10 in f64; in f32 1e-5 or 8 times
    what the reference itself moves when all it is given is rounded, whichever is more."""
    exact, _ = model.forward(parameters, inputs, random)
    gradients = group_scalars(model.gradients(parameters, inputs, random))
    if precision == "f64":
        return {name: 1e-10 for name in [*exact, *gradients]}
    rounded = [round_to_f32(tensors) for tensors in (parameters, inputs, random)]
    values, _ = model.forward(*rounded)
    moved = group_scalars(model.gradients(*rounded))
    bounds = {name: max(1e-5, 8 * relative(values[name], exact[name])) for name in exact}
    bounds.update({name: max(1e-5, 8 * relative(moved[name], gradients[name]))
                   for name in gradients})
    return bounds


class Case:
    """One program at one size, with numbers of its own."""

    def __init__(self, folder, name, program, model, sizes, batch, steps, seed=7):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name, self.program, self.model = name, program, model
        self.sizes, self.batch, self.steps = sizes, batch, steps
        rng = np.random.default_rng(seed)
        self.parameters = model.draw(rng)
        self.inputs = model.draw_inputs(rng, batch, steps)
        self.random = model.draw_random(rng, batch, steps)
        complex_step(model, self.parameters, self.inputs, self.random, rng)

    def path(self, name):
        return str(self.folder / name)

    def run(self, command, target, precision, *more):
        """Everything that the command computes, by name."""
        np.savez(self.path("parameters.npz"), **self.parameters)
        np.savez(self.path("inputs.npz"), **self.inputs)
        out = self.path("out.npz")
        if os.path.exists(out):
            os.remove(out)
        which = getattr(self.model, "name", None)
        lococ(command, self.program, *(["--model", which] if which else []),
              *settings(self.sizes), "--target", target,
              "--precision", precision, "--params", self.path("parameters.npz"),
              "--inputs", self.path("inputs.npz"), "--out", out, *more)
        return dict(np.load(out))

    def compare(self, target, precision):
        """`grad` with the oracle's own draws."""
        more = []
        if self.random:
            np.savez(self.path("random.npz"), **self.random)
            more = ["--random", self.path("random.npz")]
        found = self.run("grad", target, precision, *more)
        self.hold(found, self.random, target, precision)

    def compare_recorded(self, target, precision):
        """`eval` with draws of its own, which the oracle then uses."""
        record = self.path("recorded.npz")
        found = self.run("eval", target, precision, "--seed", 3, "--record-random", record)
        draws = dict(np.load(record))
        if sorted(draws) != sorted(self.random):
            fail(f"{self.name}: draws {sorted(draws)} were recorded, expected {sorted(self.random)}")
        for name, value in draws.items():
            if value.shape != self.random[name].shape:
                fail(f"{self.name}: {name} is {value.shape}, expected {self.random[name].shape}")
        self.hold(found, {name: value.astype(float) for name, value in draws.items()}, target,
                  precision, gradients=False)
        return draws

    def hold(self, found, random, target, precision, gradients=True):
        where = f"{self.name}, {target}, {precision}"
        exact, _ = self.model.forward(self.parameters, self.inputs, random)
        bounds = get_bounds(self.model, self.parameters, self.inputs, random, precision)
        worst = 0.0
        wanted = dict(exact)
        got = {name: found[name] for name in exact if name in found}
        if gradients:
            of_loss = self.model.gradients(self.parameters, self.inputs, random)
            names = {name[5:] for name in found if name.startswith("grad.")}
            names -= set(random)
            if names != set(of_loss):
                fail(f"{where}: gradients by {sorted(names)}, expected {sorted(of_loss)}")
            wanted.update({"grad." + n: v for n, v in group_scalars(of_loss).items()})
            bounds.update({"grad." + n: bounds[n] for n in group_scalars(of_loss)})
            got.update({"grad." + n: v for n, v in group_scalars(
                {n: found["grad." + n] for n in of_loss}).items()})
        for name, value in wanted.items():
            if name not in got:
                fail(f"{where}: there is no `{name}`, only {sorted(found)}")
            if got[name].shape != np.shape(value):
                fail(f"{where}: `{name}` is {got[name].shape}, expected {np.shape(value)}")
            error = relative(got[name], value)
            worst = max(worst, error / bounds[name])
            if not error <= bounds[name]:
                fail(f"{where}: `{name}` is off by {error:.2e}, at most {bounds[name]:.2e}")
        print(f"ok: {where}: {len(wanted)} values, worst {worst:.1e} of its bound")
