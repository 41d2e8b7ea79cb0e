#!/usr/bin/env python3
"""Programs that do not use the runtime notice nothing of the recorder, and
leave no file; statuses, signals and input pass through."""

from e2e import WORK, equal, expect, finish, record, run

PROGRAMS = [
    ("ls", "/"),
    ("python3", "-c", "import sys; print(sys.version)"),
    ("sh", "-c", "exit 7"),
    ("sh", "-c", "echo out; echo err >&2; kill -TERM $$"),
    ("sh", "-c", "env | grep -c ^HOME= ; ls / | wc -l"),
    ("cat",),
]

for program in PROGRAMS:
    trace = WORK / "none.lzt"
    given = {"input": b"one\ntwo\n"}
    plain = run(*program, **given)
    recorded = record(trace, *program, **given)
    name = " ".join(program)
    equal(recorded.returncode, plain.returncode, f"{name} exits with")
    equal(recorded.stdout, plain.stdout, f"{name} prints")
    equal(recorded.stderr, plain.stderr, f"{name} complains")
    equal([p.name for p in WORK.iterdir()], [], f"{name} leaves files")

missing = record(WORK / "none.lzt", "/nowhere/at/all")
expect(missing.returncode in (126, 127), "a program that is not there: 126 or 127")
expect(b"/nowhere/at/all" in missing.stderr, "its name is in the message")
equal([p.name for p in WORK.iterdir()], [], "and no file is left")
finish()
