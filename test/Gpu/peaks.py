#!/usr/bin/env python3
"""What the GPU gives at most, measured: bytes per second of a copy (read and written), operations
per second of matrix products, and cuDNN's LSTM. Needs PyTorch. Prints one line of JSON.
`--device cpu` does the same little on the processor, to try the program."""

import argparse
import json
import time

import torch


class Clock:
    """The least time of several runs, by the device's clock."""

    def __init__(self, device):
        self.isOnGPU = device == "cuda"

    def once(self, work):
        if not self.isOnGPU:
            begin = time.perf_counter()
            work()
            return time.perf_counter() - begin
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) * 1e-3

    def least(self, work, repeats=10):
        work()
        return min(self.once(work) for _ in range(repeats if self.isOnGPU else 2))


def measure_copy(clock, device):
    source = torch.empty(1 << (30 if clock.isOnGPU else 22), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * source.numel() / clock.least(lambda: target.copy_(source))


def measure_products(clock, device, dtype, tf32=False):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    size = 8192 if clock.isOnGPU else 128
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / clock.least(lambda: a @ b)


def measure_lstm(clock, device, hidden, batch, steps):
    """cuDNN's LSTM, f32 and tf32: seconds forward, and forward and backward, of a sequence of
    single numbers; and multiply-adds of its products with the state, in one direction."""
    if not clock.isOnGPU:
        hidden, batch, steps = hidden // 32, 2, 3
    found = {"hidden": hidden, "batch": batch, "steps": steps,
             "multiply_adds": 4 * hidden * hidden * batch * steps}
    for name, tf32 in (("f32", False), ("tf32", True)):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        model = torch.nn.LSTM(1, hidden).to(device)
        x = torch.randn(steps, batch, 1, device=device)

        def forward():
            with torch.no_grad():
                model(x)

        def gradient():
            model(x)[0][-1].sum().backward()

        found[name] = {"forward": clock.least(forward), "gradient": clock.least(gradient)}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    device = parser.parse_args().device
    clock = Clock(device)
    isOnGPU = clock.isOnGPU
    print(json.dumps({
        "device": torch.cuda.get_device_properties(0).name if isOnGPU else "the processor",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if isOnGPU else None,
        "copy_bytes_per_second": measure_copy(clock, device),
        "operations_per_second": {
            "f32": measure_products(clock, device, torch.float32),
            "tf32": measure_products(clock, device, torch.float32, tf32=True),
            "bf16": measure_products(clock, device, torch.bfloat16)},
        "lstm": [measure_lstm(clock, device, 768, 16, 1024), measure_lstm(clock, device, 256, 128, 784)]}))


if __name__ == "__main__":
    main()
