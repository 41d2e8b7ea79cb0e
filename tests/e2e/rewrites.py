#!/usr/bin/env python3
"""Constant folding, common subexpressions and dead code stand in the trace as
exactly those decisions, each at its line; without the optimiser there are
none but the branch that nobody takes, and the values are the same."""

import contextlib
import os
import pathlib
import sqlite3

from e2e import LAZULI, PROGRAMS, WORK, equal, finish, line_of, record
from e2e import report, run

SOURCE_FILE = "tests/programs/rewrites.c"


def decisions(name, **environment):
    """What the trace says was done to nodes: (decision, operation, line)."""
    trace, database = WORK / f"{name}.lzt", WORK / f"{name}.db"
    done = record(
        trace, PROGRAMS / "rewrites", env={**os.environ, **environment}
    )
    equal((done.returncode, done.stderr), (0, b""), f"{name}: the program ends")
    done = run(LAZULI, "export", "--format=sqlite", trace, "-o", database)
    equal(done.returncode, 0, f"{name}: export exits with")
    with contextlib.closing(sqlite3.connect(database)) as db:
        rows = db.execute(
            "SELECT rewrite, op, file, line FROM nodes"
            " WHERE rewrite IS NOT NULL AND rewrite != '' ORDER BY line"
        ).fetchall()
    return trace, [
        (what, op, pathlib.Path(file or "").name, line)
        for what, op, file, line in rows
    ]


def at(marker, op):
    return (marker, op, "rewrites.c", line_of(SOURCE_FILE, marker))


branch = [at("dropped", "Exp")]
trace, found = decisions("optimised")
equal(found, [at("folded", "Add"), at("merged", "Multiply")] + branch, "found")
equal(
    report(trace)["rewrites"],
    {"merged": 1, "folded": 1, "dropped": 1},
    "the report counts",
)
_, found = decisions("as-written", LAZULI_FUSE="0")
equal(found, branch, "with the optimiser off")

finish()
