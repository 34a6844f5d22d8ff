# LocoRNN with its Gaussian encoder: states, loss and gradients, with the same draws.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import drive
from locornn import LocoRNN

program = drive.inputs / "locornn_2d.loco"
# Lattices around the widths of vectors and tiles; sequences of one step and of many.
drive.compare_all(
    (f"{rows}x{columns}-T{steps}-B{batch}", program, LocoRNN((rows, columns), (3, 4), gaussian=True),
     {"rows": rows, "columns": columns}, batch, steps)
    for rows, columns, steps, batch in
    [(5, 7, 1, 1), (5, 7, 6, 3), (17, 3, 6, 1), (4, 33, 6, 3), (3, 17, 40, 5)])
