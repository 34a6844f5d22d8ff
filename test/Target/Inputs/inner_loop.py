"""Finds the loop of one block in an assembly file with the most instructions of one
kind, and fails unless it holds vector arithmetic and no call.

inner_loop.py file instruction another,or-this-one
"""
import re
import sys

path, main, others = sys.argv[1:]
blocks, label = {}, None
for line in open(path):
    line = line.split("#")[0].rstrip()
    if match := re.match(r"(\.\w+):", line):
        label = match[1]
        blocks[label] = []
    elif label and line.startswith("\t") and not line.strip().startswith("."):
        blocks[label].append(line.strip())

# What a row has left beyond whole vectors is the same code again, in no loop.
loops = [name for name, body in blocks.items()
         if any(i.startswith("j") and i.endswith(name) for i in body)]
inner = max(loops, key=lambda name: sum(i.startswith(main) for i in blocks[name]))
body = blocks[inner]
count = sum(i.startswith(main) for i in body)
assert count >= 72, f"only {count} {main} in {inner}"
assert any(i.startswith(tuple(others.split(","))) for i in body), f"no {others} in {inner}"
assert not any(i.startswith("call") for i in body), f"a call in {inner}"
# A scalar float operation ends in ss or sd; broadcasts of one number do too.
scalar = [i for i in body if re.match(r"\w+s[sd]\b", i) and "broadcast" not in i]
assert not scalar, f"scalar arithmetic in {inner}: {scalar}"
print(f"{inner}: {len(body)} instructions, {count} {main}")
