# coRNN on sequences of two numbers per step, as the adding task has them.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import drive
from cornn import CoRNN

drive.compare_all(
    (f"{units}-T{steps}-B{batch}", drive.inputs / "cornn_adding.loco", CoRNN(units),
     {"units": units}, batch, steps)
    for units, steps, batch in [(17, 1, 1), (17, 6, 3), (33, 6, 1), (35, 6, 3)])
