# Recurrent cells of std.cells, run inside of a model.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import cells
import drive

kinds = {"Plain": cells.Rnn(), "Memory": cells.Lstm(forget_bias=1), "Gated": cells.Gru(),
         "Torch": cells.TorchGru(), "Cho": cells.ChoGru()}
drive.compare_all(
    (f"{name}-{inputs}-{hidden}-T{steps}", drive.inputs / "cell.loco",
     cells.OneCell(name, cell, inputs, hidden), {"inputs_": inputs, "hidden_": hidden}, batch, steps)
    for name, cell in kinds.items()
    for inputs, hidden, batch, steps in [(3, 5, 2, 4)])
