"""What is measured: a file, how many samples and steps, and what a framework needs to make the
same numbers itself. Shapes are those of one sample and step; parameters as `lococ explain`
names them, with a scale for their start."""

import dataclasses
import os

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "workloads")


@dataclasses.dataclass
class Workload:
    name: str
    title: str
    file: str
    model: str
    batch: int
    steps: int
    params: dict
    # Per step, then per sample.
    per_step: dict = dataclasses.field(default_factory=dict)
    per_sample: dict = dataclasses.field(default_factory=dict)
    # Inputs that the gradient is taken by, too.
    wrt: tuple = ()
    # Constants of the program in place of its own: `--set`.
    settings: tuple = ()
    # The hand-written program, and how its lines begin: the whole step, forward alone.
    limit: str = ""
    limit_step: str = ""
    limit_forward: str = ""

    @property
    def path(self):
        return os.path.join(FOLDER, self.file)


SCALARS = {"dt": 0.125, "gamma": 1.0, "alpha": 0.5, "dt.raw": -1.95, "gamma.raw": 1.0,
           "alpha.raw": 0.5, "gz": 1.0, "gv": 1.0, "gx": 1.0, "K": 0.5}


def scalars(*names):
    return {name: () for name in names}


def oscillator(side, channels=1):
    kernel = (3, 3) if channels == 1 else (channels, channels, 3, 3)
    field = (side, side) if channels == 1 else (channels, side, side)
    return scalars("dt", "gamma", "alpha") | {"b": field, "Wz": kernel, "Wv": kernel}


def locornn(prefix, rows):
    kernels = {k: (3, 3) for k in ("Wz", "Wv", "Wx")}
    return {"b": (36, 36), **kernels, prefix + ".linear.weight": (rows, 784),
            prefix + ".linear.bias": (rows,), "y.linear.weight": (784, 1296),
            "y.linear.bias": (784,)}


def image(*shape):
    return {"u": shape, "target": shape}


def linear(name, rows, columns):
    return {name + ".weight": (rows, columns), name + ".bias": (rows,)}


DIGITS = {"x": (1, 1)}
WORKLOADS = [
    Workload("A", "LocoRNN on frames, 36x36, deterministic", "locornn-deterministic.loco",
             "LocoRNN", 128, 18, scalars("dt.raw", "gamma", "alpha") | locornn("u", 1296),
             {"x": (28, 28)}, limit="a_mnist", limit_step="A step"),
    Workload("A-full", "the same, Gaussian encoder, layer norm", "locornn-gaussian.loco",
             "LocoRNN", 128, 18,
             scalars("dt.raw", "gamma.raw", "alpha.raw") | locornn("q", 5184),
             {"x": (28, 28), "random.0": (2, 36, 36)}, {"random.1": (2, 36, 36)}),
    Workload("B", "torus 72x72, one channel", "lattice-72.loco", "Lattice", 128, 100,
             oscillator(72), image(72, 72), wrt=("u",), limit="b_site",
             limit_step="store z,v", limit_forward="forward only"),
    Workload("C", "torus 32x32, 16 channels mixed", "channels-32x16.loco", "Channels", 32, 100,
             oscillator(32, 16), image(16, 32, 32), wrt=("u",), limit="c_chan",
             limit_step="C fwd+bwd", limit_forward="C fwd only"),
    Workload("D", "wave-RNN, ring of 256 x 16 channels", "wave-rnn-256x16.loco", "Waves", 128,
             784, {"U": (16, 16, 3), "U.bias": (16,), "V": (4096, 1), "V.bias": (4096,)}
             | linear("y.linear", 10, 4096), DIGITS, {"label": 10}, limit="d_chan",
             limit_step="D ", limit_forward="D fwd only"),
    Workload("E", "dense coRNN, 256 units", "dense-cornn-256.loco", "DenseCornn", 128, 784,
             {"W": (256, 256), "Wd": (256, 256), "V": (256, 1), "b": (256,)}
             | linear("out.linear", 10, 256), DIGITS, {"label": 10}, limit="e_dense",
             limit_step="E step", limit_forward="E fwd"),
    Workload("F", "24 rings of 54, layer norm in the loop", "rings-24x54.loco", "Rings", 128, 100,
             scalars("dt.raw", "gamma", "alpha", "gz", "gv", "gx")
             | {"b": (54,), "z.affine_layernorm.weight": (24, 54),
                "z.affine_layernorm.bias": (24, 54)}, image(24, 54)),
    Workload("G", "Kuramoto, torus 128x128, 24 neighbours, one lattice", "kuramoto-128.loco",
             "Kuramoto", 1, 1000, scalars("K") | {"omega": (128, 128)}, {"x": ()},
             {"random.0": (128, 128)}),
    Workload("G16", "the same, 16 lattices", "kuramoto-128.loco", "Kuramoto", 16, 1000,
             scalars("K") | {"omega": (128, 128)}, {"x": ()}, {"random.0": (128, 128)}),
    Workload("H", "LSTM, 128 units", "lstm-128.loco", "Gates", 128, 784,
             {"h.lstm.W": (512, 1), "h.lstm.W.bias": (512,), "h.lstm.U": (512, 128)}
             | linear("out.linear", 10, 128), DIGITS, {"label": 10}),
]
# For a GPU: what a processor takes minutes for.
LARGE = [
    Workload("B-512", "torus 512x512, one channel", "lattice-72.loco", "Lattice", 16, 1000,
             oscillator(512), image(512, 512), settings=("side=512", "frames_shown=2")),
    Workload("E-768", "dense coRNN, 768 units", "dense-cornn-256.loco", "DenseCornn", 16, 1024,
             {"W": (768, 768), "Wd": (768, 768), "V": (768, 1), "b": (768,)}
             | linear("out.linear", 10, 768), DIGITS, {"label": 10},
             settings=("units=768", "length=8")),
]
BY_NAME = {workload.name: workload for workload in WORKLOADS + LARGE}

# Not learned: the gradient is not taken by them.
FROZEN = {"omega"}


def make_params(workload, seed=0):
    rng = np.random.default_rng(seed)
    params = {}
    for name, shape in workload.params.items():
        if name in SCALARS:
            params[name] = np.float32(SCALARS[name])
        else:
            bound = 1 / np.sqrt(np.prod(shape[1:], dtype=float) if len(shape) > 1 else 16)
            params[name] = rng.uniform(-bound, bound, shape).astype(np.float32)
    return params


def make_inputs(workload, batch, steps, draws, seed=1):
    """Time first. Without `draws` a framework makes its own random numbers, where the workload
    draws at each step."""
    rng = np.random.default_rng(seed)
    inputs = {}
    for name, shape in workload.per_step.items():
        if name.startswith("random"):
            if draws:
                inputs[name] = rng.standard_normal((steps, batch, *shape), np.float32)
        else:
            inputs[name] = rng.random((steps, batch, *shape), np.float32)
    for name, shape in workload.per_sample.items():
        if name == "label":
            inputs[name] = rng.integers(0, shape, batch).astype(np.int32)
        elif name == "random.1":
            if draws:
                inputs[name] = rng.standard_normal((batch, *shape), np.float32)
        else:
            inputs[name] = rng.random((batch, *shape), np.float32)
    return inputs
