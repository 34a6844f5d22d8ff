"""Looks at the folder of a run: look.py FOLDER CONDITION... [-- FIGURE...]

A condition is Python over `results`, what results.json holds, and `loss`, the losses
of the metrics in order. The figures are those that must be there, none of them empty.
"""

import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
arguments = sys.argv[2:]
split = arguments.index("--") if "--" in arguments else len(arguments)
results = json.loads((folder / "results.json").read_text())
loss = [json.loads(line)["loss"] for path in sorted(folder.rglob("metrics*.jsonl"))
        for line in path.read_text().splitlines() if '"loss"' in line]
wrong = [condition for condition in arguments[:split]
         if not eval(condition, {"results": results, "loss": loss, "sum": sum, "len": len})]
wrong += [name for name in arguments[split + 1:]
          if not (folder / "figures" / name).is_file()
          or (folder / "figures" / name).stat().st_size < 500]
for condition in wrong:
    print(f"not so: {condition}")
if wrong:
    print(json.dumps(results, indent=1))
    print("loss:", loss[:3], "...", loss[-3:])
sys.exit(bool(wrong))
