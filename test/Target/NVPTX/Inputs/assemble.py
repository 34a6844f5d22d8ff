"""Assembles the PTX of programs and looks at what the assembler says.

    assemble.py --arch sm_90 [--schedules] [--may-spill NAME:MODEL] FILE|FOLDER ...

takes every model of the files, or of all programs of a folder: in the schedule that the compiler
chooses and, with --schedules, one block a sample, several samples a block, several blocks a
sample as a cluster (a grid where there are none) and as a grid. Fails if a program gives no PTX,
if `ptxas` refuses it, if a kernel spills, or if one needs more registers or shared memory than a
block can have. Models that --may-spill names spill little; with --schedules not in the chosen one.
"""

import argparse
import concurrent.futures
import itertools
import pathlib
import re
import subprocess
import sys
import tempfile

# Bytes of shared memory of a block.
SHARED = {"sm_80": 99 * 1024, "sm_90": 227 * 1024, "sm_100": 227 * 1024}
LITTLE = 64
SCHEDULES = [["--blocks-per-sample", "1"], ["--samples-per-block", "3"], ["--blocks-per-sample", "4"],
             ["--blocks-per-sample", "16"]]


def models_of(path):
    files = sorted(path.glob("*.loco")) if path.is_dir() else [path]
    return [(file, model) for file in files for model in re.findall(r"^model (\w+)", file.read_text(), re.M)]


def assemble(arch, code):
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(code)
        file.flush()
        done = subprocess.run(["ptxas", f"-arch={arch}", "-v", "-o", "/dev/null", file.name],
                              capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def check(arch, name, code, may_spill):
    """One line about good code, and what is wrong with other code."""
    failed, report = assemble(arch, code)
    if failed:
        return None, f"ptxas: {report.strip()}"
    spills = [int(n) for n in re.findall(r"(\d+) bytes spill (?:stores|loads)", report)]
    threads = [int(n) for n in re.findall(r"\.(?:reqntid|maxntid) (\d+)", code)]
    registers = [int(n) for n in re.findall(r"Used (\d+) registers", report)]
    shared = [int(n) for n in re.findall(r"^// .* (\d+) bytes of shared memory; scratch", code, re.M)]
    if not spills or not threads or not registers or not shared:
        return None, f"neither code nor assembler says what is needed: {report.strip()}"
    if max(spills) > (LITTLE if may_spill else 0):
        return None, f"spills {max(spills)} bytes"
    if max(threads) * max(registers) > 65536:
        return None, f"{registers} registers for {threads} threads"
    if max(shared) > SHARED[arch]:
        return None, f"{shared} bytes of shared memory"
    return f"{name}: {threads[0]} threads, {registers} registers, {max(spills)} bytes spilled", None


def check_model(options, file, model):
    lines, wrong, seen = [], [], set()
    for schedule in [[]] + (SCHEDULES if options.schedules else []):
        name = " ".join([f"{file.stem}:{model}", *schedule])
        emitted = subprocess.run(["lococ", "emit", "ptx", str(file), "--model", model, "--arch", options.arch,
                                  *schedule], capture_output=True, text=True)
        if emitted.returncode:
            wrong.append(f"{name}: no PTX: {emitted.stderr.strip()}")
        elif emitted.stdout not in seen:
            seen.add(emitted.stdout)
            is_let = f"{file.stem}:{model}" in options.may_spill and (schedule or not options.schedules)
            line, error = check(options.arch, name, emitted.stdout, is_let)
            lines += [line] if line else []
            wrong += [f"{name}: {error}"] if error else []
    return lines, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", required=True)
    parser.add_argument("--schedules", action="store_true")
    parser.add_argument("--may-spill", action="append", default=[])
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    models = list(itertools.chain(*map(models_of, options.paths)))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda program: check_model(options, *program), models))
    for lines, wrong in done:
        print(*lines, *wrong, sep="\n")
    unknown = set(options.may_spill) - {f"{file.stem}:{model}" for file, model in models}
    sys.exit(f"no model {unknown}" if unknown else not models or any(wrong for _, wrong in done))


if __name__ == "__main__":
    main()
