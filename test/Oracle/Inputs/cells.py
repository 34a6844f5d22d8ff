"""Recurrent cells in NumPy, from their definitions, and networks made of them.

Each cell: `shapes(inputs, hidden)`, `states`: how many it has, and `step(p, x, *states)`,
which gives the new states, the output first. `p[name]` are its parameters.

The derivatives are those of complex steps, element by element: exact to rounding, and
nobody's algebra. So the networks are small.
"""

import numpy as np

from layers import linear, sigmoid


class Rnn:
    states = 1

    def shapes(self, inputs, hidden):
        return {"W": (hidden, inputs), "W.bias": (hidden,), "U": (hidden, hidden)}

    def step(self, p, x, h):
        return (np.tanh(x @ p["W"].T + p["W.bias"] + h @ p["U"].T),)


class Lstm:
    """Hochreiter and Schmidhuber's with a forget gate, gates i, f, g, o."""
    states = 2

    def __init__(self, forget_bias=0):
        self.forget_bias = forget_bias

    def shapes(self, inputs, hidden):
        return {"W": (4 * hidden, inputs), "W.bias": (4 * hidden,), "U": (4 * hidden, hidden)}

    def step(self, p, x, h, c):
        i, f, g, o = np.split(x @ p["W"].T + p["W.bias"] + h @ p["U"].T, 4, -1)
        c = sigmoid(f + self.forget_bias) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c


class TorchGru:
    """n = tanh(W_in x + b_in + r * (W_hn h + b_hn)), h' = (1 - z) * n + z * h."""
    states = 1

    def shapes(self, inputs, hidden):
        return {"W": (3 * hidden, inputs), "W.bias": (3 * hidden,),
                "U": (3 * hidden, hidden), "U.bias": (3 * hidden,)}

    def step(self, p, x, h):
        ir, iz, inew = np.split(x @ p["W"].T + p["W.bias"], 3, -1)
        hr, hz, hnew = np.split(h @ p["U"].T + p.get("U.bias", 0), 3, -1)
        r, z = sigmoid(ir + hr), sigmoid(iz + hz)
        return ((1 - z) * np.tanh(inew + r * hnew) + z * h,)


class Gru(TorchGru):
    def shapes(self, inputs, hidden):
        shapes = super().shapes(inputs, hidden)
        del shapes["U.bias"]
        return shapes


class ChoGru:
    """The reset gate before the product: tanh(W_n x + V (r * h))."""
    states = 1

    def shapes(self, inputs, hidden):
        return {"W": (3 * hidden, inputs), "W.bias": (3 * hidden,),
                "U": (2 * hidden, hidden), "V": (hidden, hidden)}

    def step(self, p, x, h):
        ir, iz, inew = np.split(x @ p["W"].T + p["W.bias"], 3, -1)
        hr, hz = np.split(h @ p["U"].T, 2, -1)
        r, z = sigmoid(ir + hr), sigmoid(iz + hz)
        return ((1 - z) * np.tanh(inew + (r * h) @ p["V"].T) + z * h,)


def below(p, prefix):
    return {name[len(prefix):]: value for name, value in p.items() if name.startswith(prefix)}


def run(cell, p, xs, hidden, start=None):
    """xs [batch, steps, n]: the outputs over time, and the last states."""
    states = start or (np.zeros((len(xs), hidden), dtype=p["W"].dtype),) * cell.states
    outputs = []
    for t in range(xs.shape[1]):
        states = cell.step(p, xs[:, t], *states)
        outputs.append(states[0])
    return np.stack(outputs, 1), states


class Network:
    """What an oracle is to `drive`: a subclass has `shapes()`, `draw_inputs` and
    `values(p, inputs)`, the results with `loss.samples`."""

    def draw(self, rng):
        return {name: rng.normal(0, 0.5, shape) for name, shape in self.shapes().items()}

    def draw_random(self, rng, batch, steps):
        return {}

    def forward(self, p, inputs, random):
        values = self.values(p, inputs)
        values["loss"] = values["loss.samples"].mean()
        return values, None

    def gradients(self, p, inputs, random):
        step = 1e-30
        gradients = {}
        for kind in (p, inputs):
            for name, value in kind.items():
                if value.dtype.kind != "f":
                    continue
                gradients[name] = np.zeros(value.shape)
                for place in np.ndindex(value.shape):
                    moved = value.astype(complex)
                    moved[place] += 1j * step
                    both = [{**which, name: moved} if which is kind else which
                            for which in (p, inputs)]
                    gradients[name][place] = self.forward(*both, random)[0]["loss"].imag / step
        return gradients


class OneCell(Network):
    """h over time through a linear layer; also the last h."""

    def __init__(self, name, cell, inputs, hidden):
        self.name, self.cell, self.inputs, self.hidden = name, cell, inputs, hidden

    def shapes(self):
        name = type(self.cell).__name__.lower()
        cell = {f"h.{name}.{key}": shape
                for key, shape in self.cell.shapes(self.inputs, self.hidden).items()}
        return cell | {"y.linear.weight": (2, self.hidden), "y.linear.bias": (2,)}

    def draw_inputs(self, rng, batch, steps):
        return {"x": rng.normal(size=(batch, steps, self.inputs)),
                "target": rng.normal(size=(batch, steps, 2))}

    def values(self, p, inputs):
        name = type(self.cell).__name__.lower()
        h, _ = run(self.cell, below(p, f"h.{name}."), inputs["x"], self.hidden)
        y = linear(p["y.linear.weight"], p["y.linear.bias"], h)
        losses = ((y - inputs["target"])**2).sum(-1).mean(1) + h[:, -1].mean(-1)
        return {"y": y, "loss.samples": losses}


class Stack(Network):
    name = "Stack"

    def __init__(self, hidden):
        self.hidden = hidden

    def shapes(self):
        hidden = self.hidden
        return ({f"a.lstm.{k}": s for k, s in Lstm().shapes(3, hidden).items()}
                | {f"b.gru.{k}": s for k, s in Gru().shapes(hidden, hidden - 1).items()}
                | {"y.linear.weight": (2, hidden - 1), "y.linear.bias": (2,)})

    def draw_inputs(self, rng, batch, steps):
        return {"x": rng.normal(size=(batch, steps, 3)), "target": rng.normal(size=(batch, steps, 2))}

    def values(self, p, inputs):
        a, _ = run(Lstm(), below(p, "a.lstm."), inputs["x"], self.hidden)
        b, _ = run(Gru(), below(p, "b.gru."), np.tanh(2 * a), self.hidden - 1)
        y = linear(p["y.linear.weight"], p["y.linear.bias"], b)
        return {"y": y, "loss.samples": ((y - inputs["target"])**2).sum(-1).mean(1)}


class Both(Stack):
    name = "Both"

    def shapes(self):
        hidden = self.hidden
        return ({f"cell.rnn.{k}": s for k, s in Rnn().shapes(3, hidden).items()}
                | {f"second.gru.{k}": s for k, s in Gru().shapes(hidden, 2).items()}
                | {"y.linear.weight": (2, hidden), "y.linear.bias": (2,),
                   "y.linear2.weight": (2, hidden), "y.linear2.bias": (2,)})

    def values(self, p, inputs):
        cell, xs = below(p, "cell.rnn."), inputs["x"]
        f, _ = run(Rnn(), cell, xs, self.hidden)
        g = run(Rnn(), cell, xs[:, ::-1], self.hidden)[0][:, ::-1]
        second = run(Gru(), below(p, "second.gru."), (f * g)[:, ::-1], 2)[0][:, ::-1]
        y = (linear(p["y.linear.weight"], p["y.linear.bias"], g)
             + linear(p["y.linear2.weight"], p["y.linear2.bias"], f) + second)
        return {"y": y, "loss.samples": ((y - inputs["target"])**2).sum(-1).mean(1)}


class Start(Stack):
    name = "Start"

    def shapes(self):
        return ({"k": (), "u.linear.weight": (2, 3), "u.linear.bias": (2,)}
                | {f"init.z.gru.{k}": s for k, s in Gru().shapes(2, 8).items()}
                | {"y.linear.weight": (2, 4), "y.linear.bias": (2,),
                   "y.linear2.weight": (2, 4), "y.linear2.bias": (2,)})

    def draw(self, rng):
        return {name: np.asarray(value) for name, value in super().draw(rng).items()}

    def values(self, p, inputs):
        us = np.tanh(linear(p["u.linear.weight"], p["u.linear.bias"], inputs["x"]))
        _, (start,) = run(Gru(), below(p, "init.z.gru."), us[:, 2:0:-1], 8)
        z, v = start[:, :4], start[:, 4:]
        ys, zs, vs = [], [], []
        for t in range(us.shape[1]):
            v = v + 0.3 * (us[:, t].mean(-1, keepdims=True) - p["k"] * z)
            z = z + 0.3 * v
            zs.append(z.reshape(-1, 2, 2))
            vs.append(v.reshape(-1, 2, 2))
            ys.append(linear(p["y.linear.weight"], p["y.linear.bias"], z)
                      + linear(p["y.linear2.weight"], p["y.linear2.bias"], v))
        y = np.stack(ys, 1)
        return {"y": y, "z": np.stack(zs, 1), "v": np.stack(vs, 1),
                "loss.samples": ((y - inputs["target"])**2).sum(-1).mean(1)}


class Over(Stack):
    name = "Over"

    def shapes(self):
        return ({"W": (4, 3)} | {f"seen.rnn.{k}": s for k, s in Rnn().shapes(4, 2).items()}
                | {f"h.lstm.{k}": s for k, s in Lstm().shapes(3, 2).items()}
                | {f"y.rnn.{k}": s for k, s in Rnn().shapes(4, 2).items()})

    def draw_inputs(self, rng, batch, steps):
        return {"x": rng.normal(size=(batch, steps, 3)), "target": rng.normal(size=(batch, 2))}

    def values(self, p, inputs):
        xs, rnn = inputs["x"], Rnn()
        z = np.full((len(xs), 4), 0.5, dtype=p["W"].dtype)
        seen, zs = (np.zeros((len(xs), 2)),), []
        for t in range(xs.shape[1]):
            seen = rnn.step(below(p, "seen.rnn."), z, *seen)
            z = np.tanh(xs[:, t] @ p["W"].T) + 0.5 * z * seen[0].mean(-1, keepdims=True)
            zs.append(z)
        zs = np.stack(zs, 1)
        _, (h, c) = run(Lstm(), below(p, "h.lstm."), xs, 2)
        y = h + 2 * c + run(rnn, below(p, "y.rnn."), zs, 2)[1][0]
        return {"y": y, "z": zs, "loss.samples": ((y - inputs["target"])**2).sum(-1)}


class Parts(Stack):
    name = "Parts"

    def shapes(self):
        return {f"{key}.rnn.{k}": s for key in "fg" for k, s in Rnn().shapes(3, 2).items()}

    def draw_inputs(self, rng, batch, steps):
        return {"x": rng.normal(size=(batch, steps, 3)), "target": rng.normal(size=(batch, 2))}

    def values(self, p, inputs):
        xs = inputs["x"]
        f, _ = run(Rnn(), below(p, "f.rnn."), xs, 2)
        g = run(Rnn(), below(p, "g.rnn."), xs[:, ::-1], 2)[0][:, ::-1]
        z, zs = f[:, 0] + g[:, 0], []
        for t in range(xs.shape[1]):
            z = 0.5 * z + g[:, 0] * f[:, t]
            zs.append(z)
        y = (f[:, 1:3].mean(1) + z + f[:, 0] + g[:, 1] + f[:, 2] + sum(zs[2:]))
        return {"y": y, "z": np.stack(zs, 1), "loss.samples": ((y - inputs["target"])**2).sum(-1)}


def encoder(p, xs):
    a, _ = run(Rnn(), below(p, "a.rnn."), xs, 2)
    b = run(Gru(), below(p, "b.gru."), a[:, ::-1], 2)[0][:, ::-1]
    s, states = run(Rnn(), below(p, "init.s.rnn."), xs, 2)[1][0], []
    for t in range(xs.shape[1]):
        s = 0.5 * s + a[:, t] * b[:, t]
        states.append(s)
    return np.stack(states, 1) + b, s


class Nested(Stack):
    name = "Nested"

    def shapes(self):
        return ({f"encoder.encoder.a.rnn.{k}": s for k, s in Rnn().shapes(3, 2).items()}
                | {f"encoder.encoder.b.gru.{k}": s for k, s in Gru().shapes(2, 2).items()}
                | {f"encoder.encoder.init.s.rnn.{k}": s for k, s in Rnn().shapes(3, 2).items()})

    def values(self, p, inputs):
        inside, xs = below(p, "encoder.encoder."), inputs["x"]
        y, s = encoder(inside, xs)
        back, t = encoder(inside, xs[:, ::-1])
        out = y + back[:, ::-1] + t[:, None]
        losses = ((out - inputs["target"])**2).sum(-1).mean(1) + (s * s).sum(-1)
        return {"out": out, "loss.samples": losses}


class Cut(Stack):
    name = "Cut"

    def shapes(self):
        return {f"{key}.{k}": s for key in ("cell.rnn", "y.rnn", "y.rnn2")
                for k, s in Rnn().shapes(3, 2).items()}

    def draw_inputs(self, rng, batch, steps):
        return super().draw_inputs(rng, batch, steps) | {
            "length": np.array([steps, steps - 2] * batch)[:batch].astype(np.int32)}

    def values(self, p, inputs):
        cell, batch = below(p, "cell.rnn."), len(inputs["x"])
        ys, losses = [], []
        for sample in range(batch):
            length = inputs["length"][sample]
            xs = inputs["x"][sample:sample + 1, :length]
            f, (h,) = run(Rnn(), cell, xs, 2)
            g = run(Rnn(), cell, xs[:, ::-1], 2)[0][:, ::-1]
            constant = (run(Rnn(), below(p, "y.rnn."), xs, 2)[1][0]
                        + run(Rnn(), below(p, "y.rnn2."), xs[:, :0:-1], 2)[1][0])[:, None]
            y = f + g + constant
            losses.append(((y - inputs["target"][sample:sample + 1, :length])**2).sum(-1).mean(1))
        return {"loss.samples": np.concatenate(losses)}
