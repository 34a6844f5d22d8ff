"""Links and file names in documents lead somewhere."""

# RUN: %python %s %loco_source

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
documents = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
folders = "test|compiler|runtime|dialects|docs|stdlib|examples"
wrong = []
for document in documents:
    text = document.read_text()
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not link.startswith("http") and not (document.parent / link).exists():
            wrong.append(f"{document.relative_to(root)}: {link}")
    for name in re.findall(rf"`((?:{folders})/[A-Za-z0-9_/.-]+)`", text):
        if not (root / name).exists():
            wrong.append(f"{document.relative_to(root)}: {name}")
if wrong or len(documents) < 10:
    sys.exit("leads nowhere:\n" + "\n".join(wrong))
print(f"{len(documents)} documents")
