"""What the tests of this folder have in common: their command line is

    test.py FOLDER TARGET...

and every case is held to every target, in all precisions that it knows.
"""

import pathlib
import sys

from check import Case

inputs = pathlib.Path(__file__).resolve().parent


def precisions_of(target):
    """The interpreter computes in f64 only."""
    return ["f64"] if target == "interpreter" else ["f64", "f32"]


def arguments():
    """The folder for files, and the targets."""
    folder, *targets = sys.argv[1:]
    return folder, targets


def compare_all(cases):
    """cases: (name, program, model, sizes, batch, steps)."""
    folder, targets = arguments()
    for arguments_ in cases:
        case = Case(folder, *arguments_)
        for target in targets:
            for precision in precisions_of(target):
                case.compare(target, precision)
                if case.random and precision == "f64":
                    case.compare_recorded(target, precision)
