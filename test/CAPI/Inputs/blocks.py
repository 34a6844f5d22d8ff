"""Writes the blocks of a document that name a file, fenced as ```language name, to
a folder.

    python3 blocks.py document.md folder
"""

import os
import re
import sys

document, folder = sys.argv[1:]
for name, text in re.findall(r"^```\w+ (\S+)\n(.*?)^```$", open(document).read(), re.M | re.S):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)
