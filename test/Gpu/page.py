"""The part of docs/Performance.md about GPUs, from the results of run.py."""

import datetime
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "Benchmark"))
from tables import GPU_TITLE, milliseconds, ratio, table
from workloads import LARGE, WORKLOADS

COMMAND = "test/Gpu/run.py --lococ lococ --python venv/bin/python --write docs/Performance.md"
FRAMEWORKS = ["PyTorch eager", "torch.compile", "CUDA graphs", "JAX"]
DIRECTIONS = {"forward": "forward", "gradient": "forward+backward"}


def found(results, workload, name, kind):
    return results.get(workload.name, {}).get(name, {}).get(kind)


def kernels(results, workload, kind):
    """Seconds of loco's kernels, without copies."""
    times = found(results, workload, "loco", "kernels") or {}
    return times.get(DIRECTIONS[kind])


def best_framework(results, workload, kind):
    times = [found(results, workload, name, kind) for name in FRAMEWORKS]
    return min((time for time in times if time), default=None)


def write_times(results, kind):
    rows = []
    for workload in WORKLOADS + LARGE:
        whole, own = found(results, workload, "loco", kind), kernels(results, workload, kind)
        if not whole:
            continue
        share = results[workload.name].get(kind + " shares", {})
        percent = lambda key: f"{100 * share[key]:.0f} %" if share.get(key) is not None else "-"
        rows.append([workload.name, milliseconds(whole), milliseconds(own),
                     f"{own / workload.steps * 1e6:.2f}" if own else "-",
                     f"{share['bytes'] * 1e-9:.2f}" if share else "-", percent("bandwidth"), percent("arithmetic")]
                    + [milliseconds(found(results, workload, name, kind)) for name in FRAMEWORKS]
                    + [ratio(best_framework(results, workload, kind), whole, "{:.1f}")])
    if not rows:
        return "Not measured.\n"
    return table(["", "loco", "its kernels", "us a step", "GB", "of the copy bandwidth", "of the f32 peak",
                  *FRAMEWORKS, "best of these / loco"], rows)


def write_libraries(results):
    """Training steps with and without cuBLAS and cuDNN (libraries.py)."""
    rows = []
    for name, place in results.get("libraries", {}).items():
        times = {way: found.get("gradient") for way, found in place.items()}
        rows.append([name, *(milliseconds(time) for time in times.values()),
                     ratio(times["own"], times["cuBLAS and cuDNN"], "{:.1f}")])
    if not rows:
        return "Not measured.\n"
    return table(["", "own kernels", "with cuBLAS", "with cuBLAS and cuDNN", "own / both"], rows)


def write_peaks(peaks):
    if not peaks:
        return ("What the device gives is not measured: copies, products in f32, tf32 and bf16, cuDNN's LSTM.\n\n")
    return table(["what the device gives, measured", ""],
                 [["copies, GB/s read and written", f"{peaks['copy_bytes_per_second'] * 1e-9:.0f}"]]
                 + [[f"products in {name}, T operations/s", f"{rate * 1e-12:.1f}"]
                    for name, rate in peaks["operations_per_second"].items()]
                 + [[f"cuDNN's LSTM, {e['hidden']} units, {e['batch']} x {e['steps']}, forward / and backward, f32, ms",
                     f"{milliseconds(e['f32']['forward'])} / {milliseconds(e['f32']['gradient'])}"]
                    for e in peaks["lstm"]]) + "\n"


def find(name):
    return next(w for w in WORKLOADS + LARGE if w.name == name)


def judge_step(results, kind, bound):
    workload = find("A")
    own = kernels(results, workload, kind)
    if not own:
        return None
    step = own / workload.steps * 1e6
    return f"{step:.2f} us", step <= bound


def judge_lattices(results):
    """Ten times the best framework, in every lattice workload that was measured beside one."""
    times = {}
    for name in ("A", "A-full", "B", "C", "D", "F", "G", "G16", "B-512"):
        best, own = (best_framework(results, find(name), "gradient"), found(results, find(name), "loco", "gradient"))
        if best and own:
            times[name] = best / own
    if not times:
        return None
    worst = min(times, key=times.get)
    return f"{times[worst]:.1f} times ({worst})", times[worst] >= 10


def judge_floors(results):
    shares = {}
    for name in ("A", "A-full", "B", "C", "D", "F", "G", "G16", "B-512"):
        share = results.get(name, {}).get("gradient shares")
        if share:
            shares[name] = max(share["bandwidth"], share["arithmetic"])
    if not shares:
        return None
    worst = min(shares, key=shares.get)
    return f"{100 * shares[worst]:.0f} % ({worst})", shares[worst] >= 0.5


def judge_dense(results):
    """Time for each multiply-add, beside cuDNN's LSTM of as many units."""
    own = kernels(results, find("E-768"), "gradient")
    lstm = next((entry for entry in (results.get("peaks") or {}).get("lstm", []) if entry["hidden"] == 768), None)
    if not own or not lstm:
        return None
    workload = find("E-768")
    done = 2 * 768 * 768 * workload.batch * workload.steps
    times = (own / done) / (lstm["f32"]["gradient"] / lstm["multiply_adds"])
    return f"{times:.2f} times", times <= 2


def write_targets(results):
    asked = [
        ("36x36 LocoRNN, 128 samples, forward: 2 us a step", judge_step(results, "forward", 2)),
        ("the same, forward and backward: 6 us a step", judge_step(results, "gradient", 6)),
        ("lattices: 10 times the best framework", judge_lattices(results)),
        ("lattices: half of the memory or arithmetic floor", judge_floors(results)),
        ("dense coRNN 768: twice cuDNN's LSTM for each multiply-add, in f32", judge_dense(results)),
    ]
    return table(["asked", "measured", ""],
                 [[what, *(("-", "not measured") if said is None else (said[0], "met" if said[1] else "not met"))]
                  for what, said in asked], 3)


def write_checks(results):
    lines = []
    for key, what in (("checks", "models whose values and gradients agree with the interpreter"),
                      ("trainings", "trainings that give on the GPU what they give on the processor")):
        entries = results.get(key)
        if entries:
            good = sum(entry["good"] for entry in entries.values())
            lines.append(f"- {good} of {len(entries)} {what}\n")
            lines += [f"  - not: {name}\n" for name, entry in entries.items() if not entry["good"]]
    return "".join(lines) or "Not checked.\n"


def write_missing(results):
    lines = {}
    for workload in WORKLOADS + LARGE:
        for name in ["loco", *FRAMEWORKS]:
            why = found(results, workload, name, "missing")
            if why or not results.get(workload.name, {}).get(name):
                lines.setdefault((name, why or "not asked for"), []).append(workload.name)
    return "".join(f"- {name}: {', '.join(where)}: {why}\n" for (name, why), where in sorted(lines.items()))


def write_section(results):
    peaks = results.get("peaks")
    text = f"{GPU_TITLE}\n\n"
    if peaks:
        text += (f"{peaks['device']}; {datetime.date.today()}; PyTorch {peaks['torch']}, CUDA {peaks['cuda']}, "
                 f"cuDNN {peaks['cudnn']}. ")
    if not results:
        text += "No GPU was there yet: nothing below is measured. "
    text += f"The section is written by\n\n    {COMMAND}\n\n" + write_peaks(peaks)
    for title, body in (
            ("Checks", write_checks(results)), ("Targets", write_targets(results)),
            ("A training step on the GPU, ms", write_times(results, "gradient")),
            ("Forward alone on the GPU, ms", write_times(results, "forward")),
            ("Large layers by libraries, a training step, ms", write_libraries(results)),
            ("Not measured on the GPU", write_missing(results))):
        text += f"### {title}\n\n{body}\n"
    return text.rstrip() + "\n"


def write(path, results):
    """Replaces the section, or adds it; the rest of the page stays."""
    page = ""
    if os.path.exists(path):
        with open(path) as file:
            page = file.read()
    before = page.split("\n" + GPU_TITLE)[0].rstrip() + "\n\n" if page else ""
    with open(path, "w") as file:
        file.write(before + write_section(results))
