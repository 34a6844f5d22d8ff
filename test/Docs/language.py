"""Everything that the compiler knows by name stands in docs/Language.md."""

# RUN: %python %s %loco_source

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
language = (root / "docs/Language.md").read_text() + (root / "docs/Runs.md").read_text()
words = set(re.findall(r"[A-Za-z_0-9]+(?:-[a-z]+)*", language))
# In tables, names of several words stand in backticks, side by side.
words |= set(re.findall(r"[a-z]+", language))


def read(folder, pattern="*.cpp"):
    return {path: path.read_text() for path in sorted((root / folder).glob(pattern))}


def table(text, name):
    """The strings of an array in C++ called `name`, the first of each row."""
    found = re.search(rf"\b{name}\[\] = \{{(.*?)\}};", text, re.S)
    body = found[1] if found else ""
    body = re.sub(r"//[^\n]*", "", body)
    return re.findall(r'\{\s*(?:Verb::\w+,\s*)?"(\w+)"', body) or re.findall(r'"(\w+)"', body)


sema = read("compiler/Sema")
everything = "\n".join(sema.values())
wanted = {
    "functions": table(everything, "builtins"),
    "spaces": table(everything, "forms"),
    "settings": table(everything, "settingForms"),
    "couplings": table(everything, "makers"),
    "starts": table(everything, "knownStarts"),
    "solvers": table(everything, "methods"),
    "words": table("\n".join(read("compiler/Syntax").values()), "words"),
    "data sources": table((root / "runtime/lib/data/Registry.cpp").read_text(), "builtins"),
    "analyses": table((root / "compiler/Driver/Analysis.cpp").read_text(), "analyses"),
    "layers": re.findall(r"^layer (\w+)", "\n".join(read("stdlib", "*.loco").values()), re.M),
}
report = r'(?:error|warning|remark)\(\s*"([a-z]+(?:-[a-z]+)*)",'
wanted["messages"] = sorted(
    set(re.findall(report, "\n".join(t for f in ("Sema", "Syntax", "Driver", "AST") for t in read(f"compiler/{f}").values())))
    | set(re.findall(r"\[([a-z]+(?:-[a-z]+)+)\]", "\n".join(read("runtime/lib/training").values())))
)

missing = [f"{kind}: {name}" for kind, names in wanted.items() for name in names if name not in words]
for kind, names in wanted.items():
    if len(names) < 2:
        missing.append(f"{kind}: the source is written in another way than this test reads")
if missing:
    sys.exit("not in docs/Language.md:\n" + "\n".join(missing))
print(f"{sum(map(len, wanted.values()))} names are documented")
