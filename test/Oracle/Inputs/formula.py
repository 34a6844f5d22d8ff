"""Oracles that are one function of parameters and inputs, analytic in the imaginary
direction: their derivatives are taken by complex steps, element by element, which is
exact to rounding. For small programs.
"""

import numpy as np


class Formula:
    """shapes: {parameter: shape}; inputs: {input: shape of one sample, or of a step};
    frozen: parameters without gradient, with their values; classes: {input: number of
    classes}. `compute(p, inputs)` gives all results of the model by name, with
    `loss.samples`."""

    def __init__(self, shapes, inputs, frozen={}, per_step=False, compute=None, classes={}):
        self.all_shapes, self.inputs, self.frozen = shapes, inputs, frozen
        self.per_step, self.classes, self.known = per_step, classes, {}
        if compute:
            self.compute = compute

    def draw(self, rng):
        values = {name: rng.normal(0, 0.5, shape) for name, shape in self.all_shapes.items()}
        values.update({name: np.asarray(value, float) for name, value in self.frozen.items()})
        return values

    def draw_inputs(self, rng, batch, steps):
        lead = (batch, steps) if self.per_step else (batch,)
        labels = {name: rng.integers(0, number, lead).astype(np.int32)
                  for name, number in self.classes.items()}
        return labels | {name: rng.normal(size=lead + tuple(shape))
                         for name, shape in self.inputs.items()}

    def draw_random(self, rng, batch, steps):
        return {}

    def forward(self, p, inputs, random):
        values = self.compute(p, inputs)
        values["loss"] = values["loss.samples"].mean()
        return values, None

    def gradients(self, p, inputs, random):
        """Asked for several times at the same point, so it is kept."""
        point = tuple(value.tobytes() for value in [*p.values(), *inputs.values()])
        if point not in self.known:
            self.known[point] = self.differentiate(p, inputs)
        return dict(self.known[point])

    def differentiate(self, p, inputs):
        result = {}
        for name in [*p, *inputs]:
            if name in self.frozen or name in self.classes:
                continue
            value = (inputs if name in inputs else p)[name]
            gradient = np.zeros(value.shape)
            for at in np.ndindex(*gradient.shape):
                moved = value.astype(complex)
                moved[at] += 1e-30j
                values, _ = self.forward({**p, name: moved} if name in p else p,
                                         {**inputs, name: moved} if name in inputs else inputs, {})
                gradient[at] = values["loss"].imag / 1e-30
            result[name] = gradient
        return result
