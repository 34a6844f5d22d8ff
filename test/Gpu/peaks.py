#!/usr/bin/env python3
"""What the GPU gives at most, measured: bytes per second of a copy (read and written), operations
per second of matrix products, and cuDNN's LSTM. Needs PyTorch. Prints one line of JSON."""

import json

import torch


def seconds(work, repeats=10):
    """The least of several runs, by the device's clock."""
    work()
    times = []
    for _ in range(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e-3)
    return min(times)


def measure_copy():
    source = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.numel() / seconds(lambda: target.copy_(source))


def measure_products(dtype, tf32=False, size=8192):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    a, b = (torch.randn(size, size, device="cuda", dtype=dtype) for _ in range(2))
    return 2 * size**3 / seconds(lambda: a @ b)


def measure_lstm(hidden, batch, steps):
    """cuDNN's LSTM, f32 and tf32: seconds forward, and forward and backward, of a sequence of
    single numbers; and multiply-adds of its products with the state."""
    found = {"hidden": hidden, "batch": batch, "steps": steps,
             "multiply_adds": 4 * hidden * hidden * batch * steps}
    for name, tf32 in (("f32", False), ("tf32", True)):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        model = torch.nn.LSTM(1, hidden).cuda()
        x = torch.randn(steps, batch, 1, device="cuda")

        def forward():
            with torch.no_grad():
                model(x)

        def gradient():
            model(x)[0][-1].sum().backward()

        found[name] = {"forward": seconds(forward), "gradient": seconds(gradient)}
    return found


def main():
    properties = torch.cuda.get_device_properties(0)
    print(json.dumps({
        "device": properties.name,
        "torch": torch.__version__,
        "driver": torch.version.cuda,
        "copy_bytes_per_second": measure_copy(),
        "operations_per_second": {
            "f32": measure_products(torch.float32),
            "tf32": measure_products(torch.float32, tf32=True),
            "bf16": measure_products(torch.bfloat16)},
        "lstm": [measure_lstm(768, 16, 1024), measure_lstm(256, 128, 784)]}))


if __name__ == "__main__":
    main()
