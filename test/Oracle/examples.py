# The examples themselves, at small sizes: what a user runs is what the papers say.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import drive
from cornn import CoRNN
from locornn import LocoRNN
from rings import Rings
from wavernn import WaveRNN

examples = pathlib.Path(__file__).resolve().parents[2] / "examples"
small = {"side": 7, "pixels": 4}
rings = {"num_rings": 3, "num_sites": 11, "pixels": 4, "wide": 9, "narrow": 8,
         "first_hidden": 7, "second_hidden": 6}

drive.compare_all(
    (name, examples / f"{name}.loco", model, sizes, batch, steps) for name, model, sizes, batch, steps in [
        ("locornn_mnist", LocoRNN((7, 7), (4, 4), gaussian=True), small, 2, 18),
        ("locornn_mnist_deterministic", LocoRNN((7, 7), (4, 4), gaussian=False), small, 2, 18),
        ("orientation_columns", LocoRNN((7, 7), (4, 4), gaussian=False), small, 2, 18),
        ("locornn_rings", Rings(3, 11, (4, 4), (9, 8), (7, 6)), rings, 2, 18),
        ("wave_rnn_copy", WaveRNN(2, 15, "copy"), {"num_sites": 15, "num_channels": 2}, 2, 30),
        ("cornn_adding", CoRNN(19, bias="b"), {"units": 19}, 2, 30)])
