#!/usr/bin/env python3
"""Every operation × dtype × layout × axis form against MLX itself.

    every_original.py LIBRARY FUNCTIONS.TSV [--seed N] [--count N]
                      [--seconds N] [--only NAME]…

run by an interpreter with mlx and numpy. --count: calls a case, one for each
layout unless told; --seconds: from seed to seed until so long has gone by."""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("library")
    parse.add_argument("table")
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--count", type=int, default=9)
    parse.add_argument("--seconds", type=float, default=0)
    parse.add_argument("--only", action="append")
    asked = parse.parse_args()

    import against
    import generated
    import lazuli
    import layouts
    cases = generated.cases()
    run = against.Run(lazuli.Library(asked.library, asked.table), "generated",
                      layouts.lay_all)
    end = time.time() + asked.seconds
    seed = asked.seed
    while True:
        for number, case in enumerate(cases):
            if asked.only and case.name not in asked.only:
                continue
            run.case(number, case, case.seeds(seed, asked.count))
            if asked.seconds and time.time() > end:
                break
        seed += 1
        if time.time() > end:
            break
    return run.end(f"{len(cases)} cases, seeds {asked.seed} to {seed - 1}")


if __name__ == "__main__":
    sys.exit(main())
