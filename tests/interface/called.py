#!/usr/bin/env python3
"""Every function that the library exports is called by some test.

    called.py LIBRARY FOLDER…

run by an interpreter with mlx. Counted are what the programs of the tests in
these folders link against, what scripts name, and the differential cases; not
nothing.py, which only sees functions refuse."""

import pathlib
import re
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "api"))


def symbols(path, *options):
    listed = subprocess.run(["nm", "-D", *options, path], capture_output=True,
                            text=True)
    return set(re.findall(r" [TU] (_?(?:mlx|lazuli)_\w+)", listed.stdout))


def main():
    exported = symbols(sys.argv[1], "--defined-only")
    programs = [path for folder in sys.argv[2:]
                for path in sorted(pathlib.Path(folder).iterdir())
                if path.is_file() and not path.name.startswith("bench_")]
    called = set()
    for path in programs:
        called |= symbols(path, "--undefined-only")
    for path in TESTS.rglob("*.py"):
        if path.name != "nothing.py":
            called |= set(re.findall(r"\b_?(?:mlx|lazuli)_\w+",
                                     path.read_text()))
    import generated
    called |= {f"mlx_{case.name}" for case in generated.cases()}
    never = sorted(exported - called)
    print(f"{len(exported)} functions, {len(programs)} programs, {len(never)} "
          "that no test calls")
    for name in never:
        print(f"  {name}")
    return 1 if never or len(exported) < 600 else 0


sys.exit(main())
