"""Lattice models as IR, held to closed forms and exact invariants.

The step is LocoRNN's: velocity first, position from the new velocity. Names in
brackets number the analytic oracles.

RUN: %python %s
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from numeric import Module, agree, tensor

import numpy as np

random = np.random.default_rng(5)
failed = []


def expect(name, found, expected, tolerance):
    if not agree(found, expected, tolerance, relative=True):
        failed.append(name)
        print(f"{name} is {found}, expected {expected}")


def field(value, shape):
    return (f"loco.broadcast {value} along {list(range(len(shape)))} : {tensor()} "
            f"to {tensor(*shape)}")


def locornn(shape, linear=False, inputs=True):
    """@run: z0, v0, inputs, kernels, bias, scalars, steps -> z and v of every step."""
    Z, K, F = tensor(*shape), tensor(*[3] * len(shape)), tensor()
    S = tensor(None, *shape)
    ones = [1] * len(shape)
    conv = f"wrap strides {ones} low {ones} : {K}, {Z} to {Z}"
    phi = "" if linear else f"%phi = math.tanh %f : {Z}"
    return f"""
    func.func @run(%z0: {Z}, %v0: {Z}, %us: {S}, %kz: {K}, %kv: {K}, %kx: {K}, %b: {Z},
                   %dt: {F}, %gamma: {F}, %alpha: {F}, %T: index) -> ({S}, {S}) {{
      %d = {field("%dt", shape)}
      %g = {field("%gamma", shape)}
      %a = {field("%alpha", shape)}
      %0:4 = loco.scan %t below %T carry(%z = %z0 : {Z}, %v = %v0 : {Z}) each(%u = %us : {S})
          with(%wz = %kz : {K}, %wv = %kv : {K}, %wx = %kx : {K}, %c = %b : {Z},
               %dd = %d : {Z}, %gg = %g : {Z}, %aa = %a : {Z}) stack({S}, {S}) {{
        %cz = loco.conv %wz, %z {conv}
        %cv = loco.conv %wv, %v {conv}
        %cx = loco.conv %wx, %u {conv}
        %s0 = arith.addf %cz, %cv : {Z}
        %s1 = arith.addf %s0, %cx : {Z}
        %f = arith.addf %s1, %c : {Z}
        {phi}
        %gz = arith.mulf %gg, %z : {Z}
        %av = arith.mulf %aa, %v : {Z}
        %r0 = arith.subf {"%f" if linear else "%phi"}, %gz : {Z}
        %r1 = arith.subf %r0, %av : {Z}
        %r2 = arith.mulf %dd, %r1 : {Z}
        %v1 = arith.addf %v, %r2 : {Z}
        %r3 = arith.mulf %dd, %v1 : {Z}
        %z1 = arith.addf %z, %r3 : {Z}
        loco.yield carry(%z1, %v1 : {Z}, {Z}) stack(%z1, %v1 : {Z}, {Z})
      }}
      return %0#2, %0#3 : {S}, {S}
    }}"""


class LocoRNN:
    def __init__(self, shape, linear=False):
        self.shape, self.module = shape, Module(locornn(shape, linear))
        window = [3] * len(shape)
        self.kz, self.kv, self.kx = (np.zeros(window) for _ in range(3))
        self.bias = np.zeros(shape)
        self.dt, self.gamma, self.alpha = 0.124553, 1.0, 0.5

    def run_all(self, starts, steps, inputs=None):
        """Runs from each (z, v) of `starts`; z and v after every step."""
        us = np.zeros((steps, *self.shape)) if inputs is None else inputs
        return self.module.call(*(
            ("run", z, v, us, self.kz, self.kv, self.kx, self.bias, self.dt, self.gamma,
             self.alpha, steps) for z, v in starts))

    def run(self, z, v, steps, inputs=None):
        return self.run_all([(z, v)], steps, inputs)[0]


def transfer(kernel, shape):
    """Factor by which a cross-correlation multiplies each Fourier mode."""
    kernel_field = np.zeros(shape)
    for place in np.ndindex(kernel.shape):
        kernel_field[tuple((1 - t) % n for t, n in zip(place, shape))] += kernel[place]
    return np.fft.fftn(kernel_field)


def semi_implicit_step():
    """[O1] Linear phi: mode k is multiplied by a known 2x2 matrix."""
    for shape in [(16,), (6, 5)]:
        model = LocoRNN(shape, linear=True)
        model.kz, model.kv = (random.uniform(-0.3, 0.3, [3] * len(shape)) for _ in range(2))
        z, v = random.standard_normal((2, *shape))
        zs, vs = model.run(z, v, 30)
        a = transfer(model.kz, shape) - model.gamma
        b = transfer(model.kv, shape) - model.alpha
        dt = model.dt
        modes = np.array([np.fft.fftn(z), np.fft.fftn(v)])
        matrix = np.array([[1 + dt * dt * a, dt * (1 + dt * b)], [dt * a, 1 + dt * b]])
        for t in range(30):
            modes = np.einsum("ij...,j...->i...", matrix, modes)
            found = np.array([np.fft.fftn(zs[t]), np.fft.fftn(vs[t])])
            worst = np.abs(found - modes).max() / np.abs(modes).max()
            expect(f"O1 {shape} step {t}", 1 + worst, 1, 1e-12)


def wave_dispersion():
    """[O2] Undamped waves on a torus: a travelling plane wave stays one."""
    shape, c2, steps = (12, 10), 0.4, 200
    model = LocoRNN(shape, linear=True)
    model.alpha, model.gamma = 0.0, 0.7
    model.kz = c2 * np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0.0]])
    dt = model.dt
    for mode in [(1, 0), (2, 3), (-1, 4)]:
        k = [2 * np.pi * m / n for m, n in zip(mode, shape)]
        stiffness = model.gamma + 4 * c2 * sum(np.sin(q / 2) ** 2 for q in k)
        w = 2 / dt * np.arcsin(dt / 2 * np.sqrt(stiffness))
        phase = sum(q * i for q, i in zip(k, np.indices(shape)))
        wave = [np.cos(phase - w * dt * t) for t in range(steps + 1)]
        v0 = (wave[1] - wave[0]) / dt + dt * stiffness * wave[0]
        zs, _ = model.run(wave[0], v0, steps)
        expect(f"O2 {mode}", 1 + np.abs(zs - wave[1:]).max(), 1, 1e-10)


def energy():
    """[O3] Undamped: v^2 + W^2 z^2 - dt W^2 z v never changes."""
    model = LocoRNN((5,))
    model.alpha, steps = 0.0, 100_000
    z, v = random.standard_normal((2, 5))
    zs, vs = model.run(z, v, steps)
    dt, w2 = model.dt, model.gamma
    invariant = lambda z, v: v * v + w2 * z * z - dt * w2 * z * v
    expect("O3", invariant(zs[::997], vs[::997]),
           np.broadcast_to(invariant(z, v), zs[::997].shape), 1e-12 * steps ** 0.5)


def decay():
    """[O4] Damped: z[n+1] z[n-1] - z[n]^2 shrinks by 1 - alpha dt a step, so the
    amplitude by its root."""
    model = LocoRNN((5,))
    z, v = random.standard_normal((2, 5))
    zs, _ = model.run(z, v, 150)
    zs = np.concatenate([z[None], zs])
    casorati = zs[2:] * zs[:-2] - zs[1:-1] ** 2
    powers = (1 - model.alpha * model.dt) ** np.arange(len(casorati))
    expect("O4", casorati / (casorati[0] * powers[:, None]), np.ones_like(casorati), 1e-11)


def jacobian(model, z, v, inputs):
    """Of one step by z and v, by central differences of order 8."""
    h, weights = 4e-3, np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
    state = np.concatenate([z.ravel(), v.ravel()])
    n = len(state) // 2
    starts = []
    for i in range(2 * n):
        for j in range(1, 5):
            for sign in (1, -1):
                moved = state.copy()
                moved[i] += sign * j * h
                starts.append((moved[:n].reshape(z.shape), moved[n:].reshape(z.shape)))
    ends = np.array([np.concatenate([zs.ravel(), vs.ravel()])
                     for zs, vs in model.run_all(starts, 1, inputs)])
    ends = ends.reshape(2 * n, 4, 2, 2 * n)
    return np.einsum("j,ijk->ki", weights / h, ends[:, :, 0] - ends[:, :, 1])


def lyapunov_sum():
    """[O5] The step contracts volume by (1 - alpha dt)^N, whatever the weights; with
    a velocity coupling by det((1 - alpha dt) I + dt diag(phi') Kv)."""
    for shape in [(7,), (3, 4)]:
        model = LocoRNN(shape)
        sites = int(np.prod(shape))
        model.kz, model.kx = (random.standard_normal([3] * len(shape)) for _ in range(2))
        model.bias = random.standard_normal(shape)
        inputs = random.standard_normal((1, *shape))
        z, v = random.standard_normal((2, *shape))
        _, log_det = np.linalg.slogdet(jacobian(model, z, v, inputs))
        damping = 1 - model.alpha * model.dt
        expect(f"O5 {shape}", log_det, sites * np.log(damping), 1e-10)

        model.kv = random.standard_normal([3] * len(shape))
        drive = np.fft.ifftn(sum(transfer(k, shape) * np.fft.fftn(x) for k, x in
                                 [(model.kz, z), (model.kv, v), (model.kx, inputs[0])])).real
        slope = 1 - np.tanh(drive + model.bias) ** 2
        coupling = np.array([np.fft.ifftn(transfer(model.kv, shape) * np.fft.fftn(e)).real.ravel()
                             for e in np.eye(sites).reshape(sites, *shape)]).T
        expected = np.linalg.slogdet(damping * np.eye(sites) +
                                     model.dt * slope.ravel()[:, None] * coupling)
        sign, log_det = np.linalg.slogdet(jacobian(model, z, v, inputs))
        expect(f"O5 with kv {shape}", [sign, log_det], expected, 1e-9)


def bound():
    """[O6] From rest no site leaves the l1 norm of the impulse response, 2.56405; a
    force that changes sign with the response reversed in time gets there."""
    steps = 400
    model = LocoRNN((4,))
    model.kx = np.array([0, 1.0, 0])
    linear = LocoRNN((4,), linear=True)
    linear.kx = model.kx
    impulse = np.zeros((steps, 4))
    impulse[0] = 1
    response, _ = linear.run(np.zeros(4), np.zeros(4), steps, impulse)
    norm = np.abs(response[:, 0]).sum()
    expect("O6 norm", norm, 2.56405, 2e-6)
    # tanh(40) is 1 in f64.
    bang = np.repeat(40 * np.sign(response[::-1, :1]), 4, 1)
    zs, _ = model.run(np.zeros(4), np.zeros(4), steps, bang)
    expect("O6 attained", np.abs(zs).max(), norm, 1e-12)

    free = LocoRNN((9, 9))
    for gain in (1, 6, 100):
        free.kz, free.kv, free.kx = gain * random.standard_normal((3, 3, 3))
        free.bias = random.standard_normal((9, 9))
        zs, _ = free.run(np.zeros((9, 9)), np.zeros((9, 9)), 300,
                         random.standard_normal((300, 9, 9)))
        if np.abs(zs).max() >= norm or not np.isfinite(zs).all():
            failed.append(f"O6 with gain {gain}: {np.abs(zs).max()}")


def register():
    """[O17] A wave RNN that starts as a shift holds its last n inputs: the one from k
    steps ago at site (n - k) mod n, bit by bit. (On the ring older ones come back.)"""
    n = steps = 8
    H, K, V, X, Z = tensor(1, n), tensor(1, 1, 3), tensor(n, 1), tensor(None, 1), tensor(n)
    module = Module(f"""
    func.func @run(%h0: {H}, %xs: {X}, %U: {K}, %V: {V}, %T: index) -> {H} {{
      %0 = loco.scan %t below %T carry(%h = %h0 : {H}) each(%x = %xs : {X})
          with(%u = %U : {K}, %w = %V : {V}) {{
        %1 = loco.conv %u, %h wrap strides [1] low [1] : {K}, {H} to {H}
        %2 = loco.contract "ni,i->n" %w, %x : {V}, {tensor(1)} to {Z}
        %3 = loco.reshape %2 : {Z} to {H}
        %4 = arith.addf %1, %3 : {H}
        %c = arith.constant dense<0.0> : {H}
        %5 = arith.maximumf %4, %c : {H}
        loco.yield carry(%5 : {H})
      }}
      return %0 : {H}
    }}""")
    xs, single = random.uniform(0, 1, (steps, 1)), np.eye(n)[:, :1]
    (h,), = module.call(("run", np.zeros((1, n)), xs, [[[0, 0, 1]]], single, steps))
    expected = np.zeros(n)
    for k in range(n):
        expected[(n - k) % n] = xs[steps - 1 - k, 0]
    expect("O17", h[0], expected, 0)


for oracle in (semi_implicit_step, wave_dispersion, energy, decay, lyapunov_sum, bound, register):
    oracle()
print(failed or "all oracles agree")
sys.exit(1 if failed else 0)
