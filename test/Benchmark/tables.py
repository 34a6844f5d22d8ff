"""docs/Performance.md from the results of run.py."""

import datetime
import os
import platform
import sys

from candidates import CANDIDATES
from workloads import WORKLOADS

HEAD = """# Performance

What a training step takes in loco, beside programs written by hand for one workload each, PyTorch and JAX, on one machine. The page is written by
`test/Benchmark/run.py`; every number is the least of several repetitions in several runs, and every other program ran between two runs of loco. A step is the forward pass over all time steps and the whole backward pass, in f32, without the optimiser.

Whoever measures on another machine runs

    %s

The workloads are in `test/Benchmark/workloads`, the baselines in `test/Benchmark/baselines`; `test/Benchmark/check_gradients.py` holds their losses and gradients to
loco's within 1e-4. Beside it, into the same file of results: `random_models.py`, `compile_times.py` and `memory_use.py`.

A model of one's own is measured by

    lococ bench model.loco

which prints the time of a step in both directions, operations and bytes, what share that is of the machine's peaks, and which loop nests the time goes to.
"""


# The last section of the page, which test/Gpu/run.py writes.
GPU_TITLE = "## On a GPU"


def table(head, rows, text_columns=1):
    align = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    lines = [head, align] + rows
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def milliseconds(seconds):
    if seconds is None:
        return "-"
    return f"{seconds * 1e3:,.1f}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def get(place, name, kind):
    return place.get(name, {}).get(kind)


def ratio(first, second, form="{:.2f}"):
    return form.format(first / second) if first and second else "-"


def write_times(results, threads, kind):
    rows = []
    for workload in WORKLOADS:
        place = results.get(workload.name, {}).get(threads)
        if not place:
            continue
        row = [workload.name, milliseconds(get(place, "loco", kind))]
        hand = place.get("hand-written", {})
        row += [milliseconds(hand.get(kind)), ratio(get(place, "loco", kind), hand.get(kind))]
        best = None
        for name in list(CANDIDATES)[1:]:
            found = place.get(name, {})
            row.append(milliseconds(found.get(kind)))
            if found.get(kind):
                times = found[kind] / get(place, "loco", kind)
                best = times if best is None else min(best, times)
        rows.append(row + ["-" if best is None else f"{best:.1f}"])
    head = ["", "loco", "by hand", "loco / by hand", *list(CANDIDATES)[1:], "best of these / loco"]
    return table(head, rows)


def write_work(results, threads):
    rows = []
    for workload in WORKLOADS:
        place = results.get(workload.name, {}).get(threads)
        if not place:
            continue
        for direction in ("forward", "forward+backward"):
            found = place["loco"]["report"].get(direction)
            if not found:
                continue
            work, moved = found["operations"], found["bytes"]
            seconds = found["seconds_least"]
            total = work["products"] + work["elementwise"] + work["functions"]
            site_steps = max(1, workload.batch * workload.steps * place["loco"]["sites"])
            bound = max(found["bound_seconds"].values())
            rows.append([workload.name, direction, f"{work['products'] * 1e-9:.1f}",
                         f"{work['elementwise'] * 1e-9:.2f}", f"{work['functions'] * 1e-9:.2f}",
                         f"{(moved['read'] + moved['written']) * 1e-9:.2f}",
                         f"{moved['kept'] * 1e-9:.2f}", f"{total / seconds * 1e-9:.0f}",
                         f"{100 * found['shares']['operations']:.0f} %",
                         milliseconds(bound), ratio(seconds, bound),
                         f"{seconds / site_steps * 1e9:.3f}"])
    head = ["", "", "products, G", "elements, G", "functions, G", "in and out, GB", "kept, GB",
            "G/s", "of the peak", "bound, ms", "time / bound", "ns per site and step"]
    return table(head, rows, 2)


def write_threads(results):
    rows = []
    for workload in WORKLOADS:
        places = results.get(workload.name, {})
        if "1" in places and "2" in places:
            one, two = places["1"]["loco"], places["2"]["loco"]
            rows.append([workload.name, milliseconds(one["gradient"]),
                         milliseconds(two["gradient"]),
                         ratio(one["gradient"], two["gradient"])])
    return table(["", "1 thread, ms", "2 threads, ms", "faster by"], rows)


def write_missing(results):
    lines = {}
    for workload in WORKLOADS:
        for threads, place in results.get(workload.name, {}).items():
            for name, found in place.items():
                if "missing" in found:
                    lines.setdefault((name, found["missing"]), []).append(
                        f"{workload.name} ({threads})")
    return "".join(f"- {name}: {', '.join(where)}: {why}\n"
                   for (name, why), where in sorted(lines.items()))


def read_processor():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.machine()


def write_machine(results):
    machine, versions = None, set()
    for places in results.values():
        for place in places.values() if isinstance(places, dict) else []:
            if not isinstance(place, dict) or "loco" not in place:
                continue
            machine = place["loco"]["machine"]
            versions |= {found["version"] for found in place.values() if "version" in found}
    text = f"{read_processor()}, {os.cpu_count()} processors; {datetime.date.today()}.\n"
    if versions:
        text += f"{', '.join(sorted(versions))}.\n"
    if machine:
        rows = [["operations in f32, G/s", f"{machine['operations_per_second'] * 1e-9:.0f}"]]
        for level in machine["memory"]:
            rows.append([f"{level['name']}, read / write, GB/s",
                         f"{level['read_bytes_per_second'] * 1e-9:.0f} / "
                         f"{level['write_bytes_per_second'] * 1e-9:.0f}"])
        text += (f"What it gives on {machine['threads']} thread{'s' * (machine['threads'] != 1)}, as `lococ bench` measures it "
                 "before each workload:\n\n" + table(["", ""], rows))
    return text


def write_workloads():
    return table(["", "what", "file", "samples", "steps"],
                 [[w.name, w.title, f"`{w.file}`", w.batch, w.steps] for w in WORKLOADS], 3)


def write_random(found):
    rows = [[entry["number"], entry["model"], milliseconds(entry["seconds_least"]),
             milliseconds(entry["bound"]), entry["by"], f"{entry['times_bound']:.2f}"]
            for entry in found]
    within = sum(entry["times_bound"] <= 2 for entry in found)
    threads = sorted({entry["threads"] for entry in found})
    return (f"{within} of {len(found)} within twice their bound; threads: "
            f"{', '.join(map(str, threads))}.\n\n"
            + table(["", "model", "ms", "bound, ms", "by", "time / bound"], rows, 2))


def write_compile(found):
    def seconds(entry, name):
        return f"{entry[name]:.2f}" if name in entry else ""

    text = ("From the start of the process to the first kernel, with all that is done on the way: "
            "data are opened and initial values drawn while the compiler compiles. In the last two "
            "columns to the end of the first update, less what a later one takes.\n\n"
            + table(["program", "cold, s", "warm, s", "cold, updated, s", "warm, updated, s"],
                    [[entry["program"], *(seconds(entry, name) for name in
                                          ("cold", "warm", "cold_update", "warm_update"))]
                     for entry in found["programs"]]))
    if found.get("flatness"):
        text += ("\nThe same program with other sizes: seconds of translating, compiling and "
                 "linking.\n\n" + table(["", "size", "s"], found["flatness"], 2))
    return text


def write_memory(found):
    return ("What `lococ explain` says of a training run, and what the process took, less what "
            "one takes that trains next to nothing (`memory_use.py`).\n\n"
            + table(["", "told, MB", "measured, MB", "measured / told"],
                 [[entry["name"], f"{entry['told'] * 1e-6:.1f}", f"{entry['measured'] * 1e-6:.1f}",
                   ratio(entry["measured"], entry["told"])] for entry in found]))


def read_gpu_section(path):
    """What test/Gpu/run.py wrote there; until it has measured, what there is to measure."""
    if os.path.exists(path):
        with open(path) as file:
            page = file.read()
        if GPU_TITLE in page:
            return "\n" + page[page.index(GPU_TITLE):]
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "Gpu"))
    import page as gpu

    return "\n" + gpu.write_section({})


def write(path, results, command, note):
    text = HEAD % command + (f"\n{note}\n" if note else "")
    sections = {"The machine": write_machine(results), "The workloads": write_workloads()}
    for threads in ("2", "1"):
        plural = f"{threads} thread{'s' if threads != '1' else ''}"
        sections[f"A training step, ms, {plural}"] = write_times(results, threads, "gradient")
    sections["Forward alone, nothing kept, ms, 2 threads"] = write_times(results, "2", "forward")
    sections["Operations and bytes, 2 threads"] = (
        "Counted in the planned code (`lococ emit planned`): two operations for each product "
        "that is added up, one for each element of everything else. Bytes that the caller "
        "gives and takes, each once; those kept for the way back, in one direction. The bound "
        "is the larger of what operations and bytes take at the measured peaks.\n\n"
        + write_work(results, "2"))
    sections["Threads"] = write_threads(results)
    for key, title, writer in (("random", "Models drawn at random", write_random),
                               ("compile", "Compile time", write_compile),
                               ("memory", "Memory", write_memory)):
        if key in results:
            sections[title] = writer(results[key])
    if missing := write_missing(results):
        sections["Not measured"] = missing
    for title, body in sections.items():
        text += f"\n## {title}\n\n{body}"
    text += read_gpu_section(path)
    with open(path, "w") as file:
        file.write(text)
