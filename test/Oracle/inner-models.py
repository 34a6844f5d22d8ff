# Models inside of models: stacked, backwards, sharing weights, over a part of the steps,
# over states.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import cells
import drive

drive.compare_all(
    (f"{kind.name}-T{steps}", drive.inputs / "inner_models.loco", kind(4),
     {"hidden_": 4} if kind in (cells.Stack, cells.Both) else {}, batch, steps)
    for kind in (cells.Stack, cells.Both, cells.Start, cells.Over, cells.Parts, cells.Nested, cells.Cut)
    for batch, steps in [(2, 4)])
