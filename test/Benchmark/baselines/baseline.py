#!/usr/bin/env python3
"""Times one workload in PyTorch or JAX, in a process of its own.

    baseline.py torch eager B --threads 2
    baseline.py torch compile B --threads 2
    baseline.py jax jit B --threads 2
    baseline.py torch graphs B --device cuda
    baseline.py jax jit B --batch 3 --steps 6 --check NUMBERS.npz GRADIENTS.npz

Prints one line of JSON: seconds of compiling or of a short run before (`warm`), then of each
repetition, forward and forward+backward. `--check` reads parameters and inputs and writes loss and gradients instead.
"""

import argparse
import json
import os
import sys
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from workloads import BY_NAME, FROZEN, make_inputs, make_params


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", choices=["torch", "jax"])
    parser.add_argument("mode", choices=["eager", "compile", "graphs", "jit"])
    parser.add_argument("workload", choices=sorted(BY_NAME))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seconds", type=float, default=6, help="spent on repetitions")
    parser.add_argument("--check", nargs=2)
    return parser.parse_args()


class Torch:
    def __init__(self, options, params, inputs):
        import torch
        from torch_models import MODELS

        torch.set_num_threads(options.threads)
        self.torch = torch
        self.version = "PyTorch " + torch.__version__
        self.model = MODELS[options.workload]
        self.step = self.model.step
        if options.mode == "compile":
            self.step = torch.compile(self.step)
        self.isOnGPU = options.device == "cuda"
        self.params = {k: torch.tensor(v, device=options.device) for k, v in params.items()}
        self.inputs = {k: torch.tensor(v, device=options.device) for k, v in inputs.items()}
        workload = BY_NAME[options.workload]
        self.leaves = {k: v for k, v in self.params.items() if k not in FROZEN}
        self.leaves |= {k: self.inputs[k] for k in workload.wrt}
        for leaf in self.leaves.values():
            leaf.requires_grad_(True)  # before `warm` takes parts of them
        self.per_step = set(workload.per_step)
        self.wantsGraphs = options.mode == "graphs"
        self.graphs = {}

    def warm(self):
        """Two steps meet all code that a sequence does."""
        whole = self.inputs
        self.inputs = {k: v[:2] if k in self.per_step else v for k, v in whole.items()}
        self.forward()
        self.gradient()
        self.inputs = whole
        if self.wantsGraphs:
            self.record("forward", self.run_forward)
            self.record("gradient", self.run_backward)

    def record(self, name, work):
        """Whole directions as CUDA graphs."""
        side = self.torch.cuda.Stream()
        with self.torch.cuda.stream(side):
            work()
        side.synchronize()
        graph = self.torch.cuda.CUDAGraph()
        with self.torch.cuda.graph(graph):
            work()
        self.graphs[name] = graph

    def run_forward(self):
        with self.torch.no_grad():
            return self.model.loss(self.params, self.inputs, self.step)

    def run_backward(self):
        loss = self.model.loss(self.params, self.inputs, self.step)
        self.torch.autograd.grad(loss, list(self.leaves.values()))

    def replay(self, name):
        self.graphs[name].replay()
        self.torch.cuda.synchronize()

    def forward(self):
        if "forward" in self.graphs:
            return self.replay("forward")
        self.run_forward()
        if self.isOnGPU:
            self.torch.cuda.synchronize()

    def gradient(self):
        if "gradient" in self.graphs:
            return self.replay("gradient")
        for leaf in self.leaves.values():
            leaf.grad = None
        loss = self.model.loss(self.params, self.inputs, self.step)
        loss.backward()
        return loss.item(), {k: v.grad.cpu() for k, v in self.leaves.items()}


class Jax:
    def __init__(self, options, params, inputs):
        import jax
        from jax_models import MODELS

        self.jax = jax
        self.version = "JAX " + jax.__version__
        workload = BY_NAME[options.workload]
        loss = MODELS[options.workload]
        asked = {k: v for k, v in params.items() if k not in FROZEN}
        asked |= {k: inputs[k] for k in workload.wrt}
        given = {k: v for k, v in {**params, **inputs}.items() if k not in asked}
        names = set(params)

        def whole(asked, given):
            values = {**asked, **given}
            return loss({k: v for k, v in values.items() if k in names},
                        {k: v for k, v in values.items() if k not in names})

        self.arguments = jax.device_put((asked, given))
        self.loss = jax.jit(whole)
        self.value_and_grad = jax.jit(jax.value_and_grad(whole))

    def warm(self):
        """Compiles, without a run."""
        self.loss = self.loss.lower(*self.arguments).compile()
        self.value_and_grad = self.value_and_grad.lower(*self.arguments).compile()

    def forward(self):
        self.jax.block_until_ready(self.loss(*self.arguments))

    def gradient(self):
        loss, gradients = self.value_and_grad(*self.arguments)
        self.jax.block_until_ready(gradients)
        return float(loss), gradients


def clock(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def measure(work, seconds):
    """Seconds of each run, for about so long; at least two runs unless one takes longer."""
    times = [clock(work)]
    while sum(times) < seconds and len(times) < 30:
        times.append(clock(work))
    return times


def main():
    options = parse()
    workload = BY_NAME[options.workload]
    if options.framework == "jax" and options.device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
        # XLA makes as many threads as the process may use processors.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    if options.check:
        numbers = dict(np.load(options.check[0]))
        params = {k: v for k, v in numbers.items() if k in workload.params}
        inputs = {k: v for k, v in numbers.items() if k not in workload.params}
    else:
        params = make_params(workload)
        inputs = make_inputs(workload, options.batch or workload.batch,
                             options.steps or workload.steps, draws=False)
    program = (Torch if options.framework == "torch" else Jax)(options, params, inputs)
    if options.check:
        loss, gradients = program.gradient()
        np.savez(options.check[1], loss=loss,
                 **{k: np.asarray(v) for k, v in gradients.items()})
        return
    print(json.dumps({"version": program.version, "warm": clock(program.warm),
                      "forward": measure(program.forward, options.seconds / 3),
                      "gradient": measure(program.gradient, options.seconds)}))


if __name__ == "__main__":
    main()
