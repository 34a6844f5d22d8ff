"""The set-up script explains itself, and docs/Dependencies.md has a reason for
each package that it installs."""

# RUN: %python %s %loco_source

import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1]).resolve()
script = root / "setup.sh"


def run(*arguments):
    done = subprocess.run([script, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


code, out, err = run("--help")
assert code == 0 and out.startswith("usage: ./setup.sh") and not err, (code, out, err)
code, out, err = run("--instal")
assert code == 1 and "setup.sh: error: there is no option `--instal`" in err, (code, out, err)

packages = re.search(r'^packages="(.*?)"', script.read_text(), re.S | re.M)[1].split()
reasons = (root / "docs/Dependencies.md").read_text()
missing = [package for package in packages if f"`{package}`" not in reasons]
assert len(packages) > 20 and not missing, f"no reason in docs/Dependencies.md: {missing}"
