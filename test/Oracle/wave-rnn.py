# The wave-RNN, with a label per step and with one at the end.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import drive
from wavernn import WaveRNN

drive.compare_all(
    (f"{task}-{channels}x{sites}-T{steps}-B{batch}", drive.inputs / f"wave_rnn_{task}.loco",
     WaveRNN(channels, sites, task), {"channels_": channels, "sites_": sites}, batch, steps)
    for task in ("digits", "copy")
    for channels, sites, steps, batch in [(3, 17, 1, 1), (3, 17, 6, 3), (1, 33, 6, 3), (6, 7, 6, 1)])
