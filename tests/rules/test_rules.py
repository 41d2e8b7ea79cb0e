#!/usr/bin/env python3
"""test_rules.py LAZULI PROGRAMS_DIR SOURCE_DIR

Each program whose name ends in _bad is found, by the rule its name begins with
and at the line that carries the rule's id as a comment; each that ends in
_clean has no finding at all.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

lazuli, programs, source = (pathlib.Path(a) for a in sys.argv[1:4])
wrong = 0


def complain(what):
    global wrong
    wrong += 1
    print(f"wrong: {what}")


def findings(name, work):
    trace = work / f"{name}.lzt"
    done = subprocess.run(
        [lazuli, "record", "-o", trace, "--", programs / f"rule_{name}"],
        capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 77:
        return None  # not on this machine
    if done.returncode:
        complain(f"{name} exits with {done.returncode}: {done.stderr}")
    told = subprocess.run(
        [lazuli, "report", "--json", trace],
        capture_output=True, text=True, timeout=60, check=False)
    if told.returncode:
        complain(f"report of {name}: {told.stderr}")
        return []
    return json.loads(told.stdout)["findings"]


def where(finding):
    return pathlib.Path(finding["file"]).name, finding["line"]


with tempfile.TemporaryDirectory(prefix="lazuli-rules-") as directory:
    work = pathlib.Path(directory)
    names = sorted(p.stem for p in source.glob("f*_*.c"))
    if len(names) < 10:
        complain(f"only {len(names)} programs")
    for name in names:
        found = findings(name, work)
        if found is None:
            print(f"{name}: skipped, no second device here")
            continue
        told = [(f["id"], *where(f)) for f in found]
        if name.endswith("_clean"):
            if found:
                complain(f"{name} has findings: {told}")
            continue
        rule = name.split("_")[0].upper()
        lines = (source / f"{name}.c").read_text().splitlines()
        line = [n for n, t in enumerate(lines, 1) if f"/* {rule} */" in t]
        if len(line) != 1:
            complain(f"{name}.c: {rule} stands in lines {line}")
            continue
        want = (rule, f"{name}.c", line[0])
        if told != [want]:
            complain(f"{name}: found {told}, not {want}")
        for f in found:
            if not f["count"] or not f["evidence"] or not f["fix"]:
                complain(f"{name}: a finding without evidence: {f}")
sys.exit(1 if wrong else 0)
