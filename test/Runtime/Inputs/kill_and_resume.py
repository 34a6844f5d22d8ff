"""Kills training runs at random moments, resumes them, and compares the results
byte for byte with a run that was left alone.

Usage: kill_and_resume.py <empty folder>
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

UPDATES, EVERY, MILLISECONDS = 150, 7, 2
KILLS = 14


def command(folder, milliseconds=MILLISECONDS):
    return ["loco-test-toy-training", folder, str(UPDATES), str(EVERY), str(milliseconds)]


def run(folder, milliseconds=MILLISECONDS, **options):
    return subprocess.run(
        command(folder, milliseconds), stderr=subprocess.PIPE, text=True, timeout=60, **options
    )


def read(path):
    with open(path, "rb") as file:
        return file.read()


def result(folder):
    """All that must be equal: final values and state, and the metrics without
    their times."""
    last = os.path.join(folder, "checkpoints", str(UPDATES))
    lines = [json.loads(line) for line in read(os.path.join(folder, "metrics.jsonl")).splitlines()]
    for line in lines:
        del line["seconds"]
    info = json.loads(read(os.path.join(last, "run.json")))
    return (
        read(os.path.join(last, "params.safetensors")),
        read(os.path.join(last, "state.safetensors")),
        lines,
        info["data_cursor"],
        info["optimizer"],
    )


def heed_interrupts():
    """Test runners may ignore SIGINT, and their children with them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(folder, milliseconds=MILLISECONDS, stderr=subprocess.PIPE):
    return subprocess.Popen(
        command(folder, milliseconds), stderr=stderr, text=True, preexec_fn=heed_interrupts
    )


def wait_for_line(folder, count):
    path = os.path.join(folder, "metrics.jsonl")
    deadline = time.time() + 20
    while time.time() < deadline:
        if os.path.exists(path) and read(path).count(b"\n") >= count:
            return
        time.sleep(0.002)
    raise AssertionError(f"no {count} lines of metrics in {folder}")


def kill_until_done(folder, choose):
    """Number of kills that a run needed to end."""
    kills = 0
    while True:
        process = subprocess.Popen(command(folder), stderr=subprocess.DEVNULL)
        # From the first moments of the process to a good part of its work.
        limit = choose.choice([0.01, 0.05, 0.2])
        try:
            # In the end it is let through.
            code = process.wait(choose.uniform(0, limit) if kills < KILLS else 60)
            assert code == 0, f"exit code {code}"
            return kills
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1


def check_kills(folder, expected):
    choose = random.Random(os.environ.get("LOCO_TEST_SEED", "kill"))
    kills = runs = 0
    while kills < KILLS:
        runs += 1
        killed = os.path.join(folder, f"killed-{runs}")
        kills += kill_until_done(killed, choose)
        assert result(killed) == expected, "a killed run ended differently"
        found = sorted(os.listdir(os.path.join(killed, "checkpoints")))
        assert all(n.isdigit() for n in found) and len(found) <= 3, found
    left = [n for n in os.listdir(folder) if n.startswith(".aside")]
    assert not left, f"left behind: {left}"
    print(f"{kills} kills in {runs} runs")


def check_interrupt(folder, number, expected):
    process = start(folder)
    wait_for_line(folder, 20)
    process.send_signal(number)
    _, text = process.communicate(timeout=20)
    assert process.returncode == 0, (process.returncode, text)
    assert "stopped after update" in text and f"of {UPDATES}" in text, text
    lines = read(os.path.join(folder, "metrics.jsonl")).count(b"\n")
    assert os.path.isdir(os.path.join(folder, "checkpoints", str(lines))), lines
    assert run(folder).returncode == 0
    assert result(folder) == expected, "an interrupted run ended differently"


def check_second_interrupt(folder):
    # Each update takes a minute: only the second signal can end it soon.
    process = start(folder, 60000, subprocess.DEVNULL)
    deadline = time.time() + 20
    while not os.path.exists(os.path.join(folder, "metrics.jsonl")) and time.time() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None, "the first signal killed"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == -signal.SIGINT


def check_full_disk(folder, expected):
    """A limit on the size of files stands for a full disk: writing fails in the
    middle of a file, with another number."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (7000, 7000))

    process = subprocess.Popen(command(folder), stderr=subprocess.DEVNULL)
    wait_for_line(folder, 3 * EVERY)
    process.kill()
    process.wait()
    before = sorted(os.listdir(os.path.join(folder, "checkpoints")))
    contents = {n: os.listdir(os.path.join(folder, "checkpoints", n)) for n in before if n.isdigit()}
    failed = run(folder, preexec_fn=limit, restore_signals=False)
    assert failed.returncode == 1, failed
    assert failed.stderr.startswith("note: ") or failed.stderr.startswith("error: "), failed.stderr
    assert "error: cannot write `" in failed.stderr and "file too large" in failed.stderr, failed.stderr
    after = {
        n: os.listdir(os.path.join(folder, "checkpoints", n))
        for n in os.listdir(os.path.join(folder, "checkpoints"))
    }
    assert {n: after.get(n) for n in contents} == contents, (contents, after)
    assert all(n.isdigit() for n in after), after
    assert run(folder).returncode == 0
    assert result(folder) == expected, "a run that met a full disk ended differently"


def main(folder):
    alone = os.path.join(folder, "alone")
    finished = run(alone)
    assert finished.returncode == 0, finished.stderr
    expected = result(alone)
    assert len(expected[2]) == UPDATES
    first, last = expected[2][0]["loss"], expected[2][-1]["loss"]
    assert last < first, "the toy does not learn"
    check_kills(folder, expected)
    check_interrupt(os.path.join(folder, "interrupted"), signal.SIGINT, expected)
    check_interrupt(os.path.join(folder, "terminated"), signal.SIGTERM, expected)
    check_second_interrupt(os.path.join(folder, "twice"))
    check_full_disk(os.path.join(folder, "full"), expected)


if __name__ == "__main__":
    main(sys.argv[1])
