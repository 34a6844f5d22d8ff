# LocoRNN with its Gaussian encoder: states, loss and gradients, with the same draws.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import drive
from locornn import LocoRNN

program = drive.inputs / "locornn_2d.loco"
# Lattices around the widths of vectors and tiles.
sites = [(5, 7), (3, 17), (17, 3), (4, 33)]

drive.compare_all(
    (f"{rows}x{columns}-T{steps}-B{batch}", program, LocoRNN((rows, columns), (3, 4), gaussian=True),
     {"rows": rows, "columns": columns}, batch, steps)
    for rows, columns in sites for steps, batch in [(1, 1), (6, 3)])
