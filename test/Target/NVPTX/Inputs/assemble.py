"""Assembles the PTX of programs and looks at what the assembler says.

    assemble.py --arch sm_90 [--no-spills] FILE[:MODEL] ...

Fails if a program gives no PTX, if `ptxas` refuses it, if a kernel spills (with
--no-spills), or if one needs more registers than its threads can have.
"""

import argparse
import re
import subprocess
import sys
import tempfile


def check(program, arch, no_spills):
    name, _, model = program.partition(":")
    command = ["lococ", "emit", "ptx", name, "--arch", arch]
    if model:
        command += ["--model", model]
    emitted = subprocess.run(command, capture_output=True, text=True)
    if emitted.returncode:
        return f"no PTX: {emitted.stderr.strip()}"
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(emitted.stdout)
        file.flush()
        assembled = subprocess.run(
            ["ptxas", f"-arch={arch}", "-v", "-o", "/dev/null", file.name], capture_output=True, text=True)
    report = assembled.stdout + assembled.stderr
    if assembled.returncode:
        return f"ptxas: {report.strip()}"
    spilled = [int(n) for n in re.findall(r"(\d+) bytes spill (?:stores|loads)", report)]
    if not spilled:
        return f"ptxas says nothing of spills: {report.strip()}"
    if no_spills and any(spilled):
        return f"spills {max(spilled)} bytes"
    threads = [int(n) for n in re.findall(r"\.(?:reqntid|maxntid) (\d+)", emitted.stdout)]
    registers = [int(n) for n in re.findall(r"Used (\d+) registers", report)]
    if not threads or not registers or max(threads) * max(registers) > 65536:
        return f"{registers} registers for {threads} threads"
    print(f"{name} {model} {arch}: {threads[0]} threads, {registers} registers, {sum(spilled)} bytes spilled")
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--arch", required=True)
    parser.add_argument("--no-spills", action="store_true")
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    failures = 0
    for program in options.programs:
        error = check(program, options.arch, options.no_spills)
        if error:
            print(f"{program}, {options.arch}: {error}")
            failures += 1
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
