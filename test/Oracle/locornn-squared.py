# LocoRNN without randomness: one channel, channels by themselves, channels that mix,
# and kernels of 3 and 5.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import drive
from locornn import LocoRNN

programs = {"one": ("locornn_squared.loco", {}),
            "channels": ("locornn_channels.loco", {"channels": 3}),
            "mixing": ("locornn_mixing.loco", {"channels": 3, "mixes": True})}

drive.compare_all(
    (f"{name}-{rows}x{columns}-K{window}-T{steps}-B{batch}", drive.inputs / file,
     LocoRNN((rows, columns), (3, 4), gaussian=False, window=window, **options),
     {"rows": rows, "columns": columns, "window": window}, batch, steps)
    for name, (file, options) in programs.items()
    for rows, columns, window, steps, batch in
    [(5, 7, 5, 1, 1), (5, 7, 5, 6, 3), (17, 33, 3, 6, 1)])
