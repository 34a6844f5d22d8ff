# The 1-D LocoRNN: rings, a frozen kernel with learned gains, a bias that all rings
# share, and a layer norm with gain and bias inside of the loop.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import drive
from rings import Rings

drive.compare_all(
    (f"{rings}x{sites}-T{steps}-B{batch}", drive.inputs / "rings.loco",
     Rings(rings, sites, (3, 4), (9, 8), (7, 6)), {"rings_": rings, "sites_": sites}, batch, steps)
    for rings, sites, steps, batch in [(3, 17, 1, 1), (3, 17, 6, 3), (1, 33, 6, 1), (5, 7, 6, 3)])
