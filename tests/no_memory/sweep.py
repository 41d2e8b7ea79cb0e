#!/usr/bin/env python3
"""Every function of the differential cases, while allocations fail.

    sweep.py PRELOAD LIBRARY FUNCTIONS.TSV [--seed N] [--each N] [--only NAME]…

For each case the allocations of one call and its evaluation are counted; then
some of them fail, one by one: the first ones, and a few by chance. Each time
the call must be refused, or give what it gives with memory; the last call is
one with memory. A crash costs the process, which is made again behind it."""

import argparse
import ctypes
import os
import pathlib
import random
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "api"))


def asked():
    parse = argparse.ArgumentParser()
    parse.add_argument("preload")
    parse.add_argument("library")
    parse.add_argument("table")
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--each", type=int, default=24)
    parse.add_argument("--only", action="append")
    parse.add_argument("--from", type=int, default=0, dest="first")
    parse.add_argument("--inside", action="store_true")
    return parse.parse_args()


def same(a, b):
    return len(a) == len(b) and all(
        x[1] == y[1] and x[0].shape == y[0].shape and
        x[0].tobytes() == y[0].tobytes() for x, y in zip(a, b))


def places(r, count, each):
    """Which allocations fail: the first, then ever fewer, some by chance."""
    some, n = set(range(min(count, each // 2))), each // 2
    while n < count:
        some.add(n)
        n = n * 5 // 4 + 1
    some |= {r.randrange(count) for _ in range(each // 4)} if count else set()
    return sorted(some)


def inside(options):
    """The cases from options.first on; "at N NAME K" before each call."""
    import numpy as np

    import lazuli
    import layouts
    import ops_original
    np.seterr(all="ignore")
    fail = ctypes.CDLL(options.preload)
    fail.fail_at.argtypes = [ctypes.c_long, ctypes.c_long]
    fail.fail_count.restype = ctypes.c_long
    lib = lazuli.Library(options.library, options.table)

    def call(case, arguments, n, more=0):
        fail.fail_at(n, more)
        try:
            return lib.call(case.name, *arguments)
        except lazuli.Refused:
            return None
        finally:
            fail.fail_at(-1, 0)

    calls = wrong = 0
    for number, case in list(enumerate(ops_original.cases()))[options.first:]:
        if options.only and case.name not in options.only:
            continue
        r = random.Random(options.seed * 1000 + number)
        for seed in case.seeds(options.seed, 40):
            arguments = layouts.lay_all(case.arguments(seed), seed)
            want = call(case, arguments, -1)
            if want is not None and any(v.size for v, _ in want):
                break
        else:
            continue
        fail.fail_at(-1, 0)
        lib.call(case.name, *arguments)
        count = fail.fail_count()
        for n in places(r, count, options.each):
            more = r.choice([0, 0, 0, 1, 1000000])
            print(f"at {number} {case.name} {n} of {count} +{more}", flush=True)
            got = call(case, arguments, n, more)
            calls += 1
            if got is not None and not same(got, want):
                print(f"{case.name}: other values when allocation {n} of "
                      f"{count} fails (+{more})", file=sys.stderr)
                wrong += 1
            if not same(call(case, arguments, -1) or [], want):
                print(f"{case.name}: not the same after allocation {n} of "
                      f"{count} failed (+{more})", file=sys.stderr)
                wrong += 1
    print(f"end {calls} {wrong}")


def main():
    options = asked()
    if options.inside:
        return inside(options)
    crashes, calls, wrong, first = 0, 0, 0, options.first
    while True:
        child = subprocess.Popen(
            [sys.executable, *sys.argv, "--inside", "--from", str(first)],
            env=dict(os.environ, LD_PRELOAD=options.preload),
            stdout=subprocess.PIPE, text=True)
        at, seen = "", 0
        for line in child.stdout:
            if line.startswith("end "):
                calls += int(line.split()[1])
                wrong += int(line.split()[2])
                at = None
            elif line.startswith("at "):
                at, seen = line.strip(), seen + 1
        if child.wait() == 0 and at is None:
            break
        crashes, calls = crashes + 1, calls + seen
        how = (signal.Signals(-child.returncode).name
               if child.returncode < 0 else f"status {child.returncode}")
        print(f"{how} {at}", flush=True)
        if not at:
            break
        first = int(at.split()[1]) + 1
    print(f"{calls} calls with too little memory, {crashes} crashes, {wrong} "
          "wrong")
    return 1 if crashes or wrong or calls < 100 and not options.only else 0


sys.exit(main())
