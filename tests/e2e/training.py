#!/usr/bin/env python3
"""A real training loop: one evaluation a step, each at the line of its eval,
and one for the accuracy at the end; memory does not grow with the steps."""

from e2e import PROGRAMS, WORK, at, equal, expect, finish, line_of, record
from e2e import report

SOURCE_FILE = "tests/programs/digits.c"
EPOCHS, STEPS = 5, 15

told = {}
for epochs in (EPOCHS, 4 * EPOCHS):
    trace = WORK / f"digits-{epochs}.lzt"
    done = record(trace, PROGRAMS / "digits", epochs)
    equal(done.returncode, 0, "digits exits with")
    told[epochs] = report(trace)
    evals = told[epochs]["evals"]
    steps = [e for e in evals if e["trigger"] == "eval"]
    others = [e for e in evals if e["trigger"] != "eval"]
    equal(len(steps), epochs * STEPS, "evaluations by eval")
    line = line_of(SOURCE_FILE, "trigger: eval, step")
    equal({at(e) for e in steps}, {("digits.c", line)}, "they stand at")
    line = line_of(SOURCE_FILE, "trigger: item, accuracy")
    equal([e["trigger"] for e in others], ["item"], "the other one")
    equal([at(e) for e in others], [("digits.c", line)], "it stands at")
    expect(all(e["kernels"] for e in evals), "every evaluation runs kernels")

peaks = [told[e]["memory"]["peak_bytes"] for e in told]
expect(peaks[1] <= peaks[0] * 1.05, f"four times the epochs, peaks {peaks}")
finish()
