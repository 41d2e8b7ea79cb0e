#!/usr/bin/env python3
"""Operations through the C interface against MLX itself: values, shapes,
dtypes, and whether there is an error at all.

    ops_original.py LIBRARY FUNCTIONS.TSV [SEED [NAME…]]

run by an interpreter with mlx and numpy; of all cases or of those named.

A case names a function after mlx_, how to draw its arguments, and what MLX
makes of them; they stand in the cases_*.py beside this file. Functions that
are not in the library yet are passed over and counted.
"""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

TRIALS = 40


def cases():
    import draw
    for path in sorted(HERE.glob("cases_*.py")):
        module = importlib.import_module(path.stem)
        if hasattr(module, "add"):
            module.add(draw)
    return draw.CASES


def main():
    import against
    import lazuli
    every = cases()
    run = against.Run(lazuli.Library(sys.argv[1], sys.argv[2]), "ops_original")
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for number, case in enumerate(every):
        if case.reference and (not sys.argv[4:] or case.name in sys.argv[4:]):
            run.case(number, case, case.seeds(seed, TRIALS))
    return run.end(f"{len(every)} cases, seed {seed}")


if __name__ == "__main__":
    sys.exit(main())
