# A run says what an analysis found, with four digits of what is in results.json.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s

import json
import subprocess

open("guess.loco", "w").write("""loco 1
model Guess {
  input x : vector(2) per step
  input target : scalar
  param g = 1
  decode y = g * mean(mean(x) over time)
  loss = (y - target)^2
}
train Guess { data adding(5); optimizer sgd(0.1); batch 4; updates 3 }
analyze Guess { samples 8; save "off" = error(y, target); save "never" = reached(0) }

model Logistic {
  state x
  init x = 0.3
  step { x <- 4 * x * (1 - x) }
}
simulate Logistic { steps 200; save "chaos" = lyapunov() }
""")
said = subprocess.run(["lococ", "run", "guess.loco", "--out", "out"], check=True,
                      capture_output=True, text=True).stderr.splitlines()
found = json.load(open("out/results.json"))["off"]
trained, untrained = (found[key]["squared_error"] for key in ("trained", "untrained"))
assert trained != untrained
line = said.index("analyze Guess: off") + 1
assert said[line] == f"  squared_error {trained:.4g} (untrained {untrained:.4g})", said
# An analysis without a number has no line.
line = said.index("analyze Guess: never") + 1
assert said[line].startswith("simulate Logistic: "), said
# Where nothing is trained, the line is about the network that there is.
found = json.load(open("out/results.json"))["chaos"]["simulated"]["largest"]
line = said.index("analyze Logistic: chaos") + 1
assert said[line] == f"  largest {found:.4g}", said
