# A model written in small pieces, with the same expression twice, through functions or
# as dynamics is the same kernel, op by op.
#
# RUN: rm -rf %t && mkdir %t && cd %t && %python %s

import subprocess
import sys

HEAD = """loco 1
model M {
  lattice sheet = torus(20, 20)
  input x : sheet per step
  param dt = 0.125 in (0, 1)
  param gamma = 1.0 in [0, inf)
  param alpha = 0.5 in [0, inf)
  param b on sheet = 0
  coupling Wz, Wv, Wx : conv(3, 3) on sheet
"""

ONE = HEAD + """  state z on sheet = 0
  state v on sheet = 0
  let force = tanh(Wz @ z + Wv @ v + Wx @ x + b) - gamma * z - alpha * v
  step {
    z <- z + dt * (v + dt * force)
    v <- v + dt * force
  }
  loss = sum((z - x)^2)
}
"""

SAME = {
    "a name for every operation": HEAD + """  state z on sheet = 0
  state v on sheet = 0
  let from_z = Wz @ z
  let from_v = Wv @ v
  let from_x = Wx @ x
  let both = from_z + from_v
  let drive = both + from_x
  let biased = drive + b
  let wave = tanh(biased)
  let pull = gamma * z
  let friction = alpha * v
  let rest = wave - pull
  let force = rest - friction
  let kick = dt * force
  let faster = v + kick
  let way = dt * faster
  step {
    z <- z + way
    v <- faster
  }
  let error = z - x
  let squares = error^2
  loss = sum(squares)
}
""",
    "everything twice": HEAD + """  state z on sheet = 0
  state v on sheet = 0
  step {
    z <- z + dt * (v + dt * (tanh(Wz @ z + Wv @ v + Wx @ x + b) - gamma * z - alpha * v))
    v <- v + dt * (tanh(Wz @ z + Wv @ v + Wx @ x + b) - gamma * z - alpha * v)
  }
  loss = sum((z - x) * (z - x))
}
""",
    "functions": HEAD + """  state z on sheet = 0
  state v on sheet = 0
  let wave(one, two, three) = tanh(one + two + three + b)
  let force(at, speed) = wave(Wz @ at, Wv @ speed, Wx @ x) - gamma * at - alpha * speed
  let euler(before, rate) = before + dt * rate
  step {
    z <- euler(z, euler(v, force(z, v)))
    v <- euler(v, force(z, v))
  }
  loss = sum((z - x)^2)
}
""",
    "dynamics": HEAD + """  state z on sheet with velocity v
  init z = 0, v = 0
  dynamics { z'' = tanh(Wz @ z + Wv @ v + Wx @ x + b) - gamma * z - alpha * v }
  solve symplectic_euler(dt)
  loss = sum((z - x)^2)
}
""",
}


def emit(name, text):
    path = name.replace(" ", "-") + ".loco"
    with open(path, "w") as file:
        file.write(text)
    done = subprocess.run(["lococ", "emit", "loops", path], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    return done.stdout


expected = emit("one", ONE)
if "vector.fma" not in expected and "math.fma" not in expected:
    sys.exit("no kernel to compare with")
for name, text in SAME.items():
    found = emit(name, text)
    if found != expected:
        pairs = zip(expected.splitlines(), found.splitlines())
        first = next((pair for pair in pairs if pair[0] != pair[1]), "their lengths differ")
        sys.exit(f"{name}: another kernel: {first}")

# The comparison sees a difference where there is one.
if emit("other", ONE.replace("gamma * z - alpha * v", "alpha * v - gamma * z")) == expected:
    sys.exit("nothing is compared")
