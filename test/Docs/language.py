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


def table(text, start):
    """The first strings of the rows of a table in C++."""
    body = text[text.index(start) :]
    return re.findall(r'\{(?:Verb::\w+, )?"(\w+)"', body[: body.index("};")])


def array(text, start):
    body = text[text.index(start) :]
    return re.findall(r'"(\w+)"', body[: body.index("};")])


sema = read("compiler/Sema")
everything = "\n".join(sema.values())
wanted = {
    "functions": table(everything, "BuiltinForm builtins[]"),
    "spaces": table(everything, "SpaceForm forms[]"),
    "settings": table(everything, "SettingForm settingForms[]"),
    "couplings": array(everything, "StringRef kinds[]"),
    "solvers": array(everything, "StringRef methods[]"),
    "later solvers": array(everything, "StringRef later[]"),
    "words": array("\n".join(read("compiler/Syntax").values()), "StringRef words[]"),
    "data sources": table((root / "runtime/lib/data/Registry.cpp").read_text(), "Builtin builtins[]"),
    "analyses": table((root / "compiler/Driver/Analysis.cpp").read_text(), "analyses[]"),
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
