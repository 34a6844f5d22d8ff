# Layers between images, activations, values under other shapes.
# RUN: rm -rf %t && %python %s %t %targets

import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "Inputs"))

import numpy as np
import drive
from formula import Formula
from linear_maps import conv

folder, _ = drive.arguments()
pathlib.Path(folder).mkdir(parents=True)


def program(name, body):
    path = pathlib.Path(folder) / f"{name}.loco"
    path.write_text(f"loco 1\nmodel M {{\n{body}\n}}\n")
    return path


def convolve(p, name, x, outputs, stride, low):
    """x [batch, channels, rows, columns]."""
    kernel = p[name + ".weight"]
    y = x.reshape(len(x), -1) @ conv(kernel, x.shape[2:], outputs, stride, low, False).T
    y = y.reshape((len(x), kernel.shape[0]) + tuple(outputs))
    return y + p[name + ".bias"][:, None, None]


def leaky(x, slope=0.01):
    return np.where(x.real > 0, x, slope * x)


def repeat(x, n):
    return x.repeat(n, -1).repeat(n, -2)


# An encoder and a decoder as those of the videos: strides down, nearest pixels up, and
# learned pictures in front.
codec = program("codec", """
  input x : image(8, 6, 2)
  param pictures on image(4, 3, 2) = 1
  let small = x |> conv(-> image(4, 3, 3), stride = 2) |> leaky_relu |>
              conv(-> image(4, 3, 2)) |> swish
  decode y = concat(pictures, small) |> upsample(2) |> conv(-> image(8, 6, 1)) |> sigmoid
  loss = mean(squared_error(y, 0.5 * x[1..1] + x[0..0]))
""")


def compute_codec(p, inputs):
    x = inputs["x"]
    small = leaky(convolve(p, "small.conv", x, (4, 3), 2, (0, 0)))
    small = convolve(p, "small.conv2", small, (4, 3), 1, (1, 1))
    small = small / (1 + np.exp(-small))
    pictures = np.broadcast_to(p["pictures"], (len(x),) + p["pictures"].shape)
    joined = np.concatenate([pictures, small], 1)
    y = 1 / (1 + np.exp(-convolve(p, "y.conv", repeat(joined, 2), (8, 6), 1, (1, 1))))
    target = 0.5 * x[:, 1:2] + x[:, :1]
    return {"y": y, "loss.samples": ((y - target)**2).mean((1, 2, 3))}


codec_shapes = {"pictures": (2, 4, 3), "small.conv.weight": (3, 2, 3, 3), "small.conv.bias": (3,),
                "small.conv2.weight": (2, 3, 3, 3), "small.conv2.bias": (2,),
                "y.conv.weight": (1, 4, 3, 3), "y.conv.bias": (1,)}

# Everything else that changes a shape, and the functions that came with them.
shapes = program("shapes", """
  input x : image(4, 6)
  input v : vector(5)
  param w = 0.3
  decode pooled = average_pool(x, 2)
  decode taken = concat(v[1..3], x[1, 2], v[..0])
  decode cut = x[1..2, 3..]
  decode row = x[2, 1..4]
  decode wide = reshape(x -> vector(24))[20..]
  decode bent = leaky_relu(v, 0.2) + gelu(v) + sign(v) * norm(v)
  decode shares = softmax(w * v)
  decode angle = atan2(v, 2 + w)
  decode steps = floor(3 * v)
  loss = sum(pooled^2) + sum(taken^3) + sum(cut^2) + sum(row * row * row) + sum(wide) +
         sum(bent) + sum(shares^2) + sum(angle)
""")


def compute_shapes(p, inputs):
    x, v = inputs["x"], inputs["v"]
    r = {"pooled": x.reshape(-1, 2, 2, 3, 2).mean((2, 4)),
         "taken": np.concatenate([v[:, 1:4], x[:, 1, 2:3], v[:, :1]], 1),
         "cut": x[:, 1:3, 3:], "row": x[:, 2, 1:5], "wide": x.reshape(len(x), -1)[:, 20:],
         "steps": np.floor(3 * v.real)}
    gelu = 0.5 * v * (1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v**3)))
    length = np.sqrt((v**2).sum(1, keepdims=True))
    r["bent"] = leaky(v, 0.2) + gelu + np.sign(v.real) * length
    raised = np.exp(p["w"] * v)
    r["shares"] = raised / raised.sum(1, keepdims=True)
    r["angle"] = np.arctan(v / (2 + p["w"]))
    r["loss.samples"] = ((r["pooled"]**2).sum((1, 2)) + (r["taken"]**3).sum(1)
                         + (r["cut"]**2).sum((1, 2)) + (r["row"]**3).sum(1) + r["wide"].sum(1)
                         + r["bent"].sum(1) + (r["shares"]**2).sum(1) + r["angle"].sum(1))
    return r


# A convolution that gives mean and log-variance.
code = program("code", """
  input x : image(4, 6)
  encode q = gaussian(conv(x -> image(2, 3, 2), stride = 2))
  loss = sum(kl(q))
""")


def compute_code(p, inputs):
    both = convolve(p, "q.conv", inputs["x"][:, None], (2, 3), 2, (0, 0))
    mean, log_variance = both[:, :2], both[:, 2:]
    return {"loss.samples":
            (np.exp(log_variance) + mean**2 - 1 - log_variance).sum((1, 2, 3)) / 2}


drive.compare_all([
    ("code", code, Formula({"q.conv.weight": (4, 1, 3, 3), "q.conv.bias": (4,)}, {"x": (4, 6)},
                           compute=compute_code), {}, 2, 1),
    ("codec", codec, Formula(codec_shapes, {"x": (2, 8, 6)}, compute=compute_codec), {}, 2, 1),
    ("shapes", shapes, Formula({"w": ()}, {"x": (4, 6), "v": (5,)}, compute=compute_shapes), {}, 3,
     1)])
