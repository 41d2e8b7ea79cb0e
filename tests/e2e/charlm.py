#!/usr/bin/env python3
"""A transformer that trains and writes, traced: one evaluation a step and one a
token, each at its own line; waits at the line that reads a token; wrappers of
the program do not stand for the lines that call them; what it computes is what
it computes alone."""

import re

from e2e import LAZULI, PROGRAMS, SOURCE, WORK, at, equal, expect, finish
from e2e import line_of, record
from e2e import report, run

SOURCES = "tests/programs/charlm/"
STEPS, TOKENS = 6, 40
WORDS = ["--batch", 4, "--context", 32, "--dim", 64, "--layers", 2, "--heads",
         2, "--every", 1, "--steps", STEPS, "--generate", TOKENS]


GRADIENTS = [
    n for n, line in enumerate(
        (SOURCE / SOURCES / "train.c").read_text().splitlines(), 1)
    if "value_and_grad_apply(" in line]
assert GRADIENTS


def said(done):
    """What it prints, less times and memory."""
    return re.sub(rb"(\d+ steps|\d+ characters) in .*", rb"\1", done.stdout)


for way in "--no-compile", "--compile":
    program = [PROGRAMS / "charlm", *WORDS, way]
    trace = WORK / "charlm.lzt"
    alone, recorded = run(*program), record(trace, *program)
    # The loss need not fall in so few steps: then it exits with 1.
    equal(recorded.returncode, alone.returncode, "recorded, charlm exits with")
    equal(said(recorded), said(alone), "recorded, charlm prints")

    told = report(trace)
    packed = WORK / "packed.lzt"
    equal(run(LAZULI, "pack", trace, "-o", packed).returncode, 0, "pack")
    events = told["recording"]["events"]
    for file, most in (trace, 40), (packed, 16):
        each = file.stat().st_size / events
        expect(each <= most, f"{way}: {each:.1f} bytes an event in {file.name}")
    wanted = {
        "train.c": ("eval", line_of(SOURCES + "train.c", "trigger: eval, step"),
                    STEPS),
        "generate.c": (
            "async_eval",
            line_of(SOURCES + "generate.c", "trigger: async_eval, token"),
            TOKENS),
        "model.c": (
            "eval", line_of(SOURCES + "model.c", "trigger: eval, parameters"),
            1),
    }
    for file, (trigger, line, count) in wanted.items():
        there = [e for e in told["evals"] if at(e)[0] == file]
        equal(len(there), count, f"{way}: evaluations in {file}")
        equal({(e["trigger"], at(e)[1]) for e in there}, {(trigger, line)},
              f"{way}: they are")
    equal(len(told["evals"]), 1 + STEPS + TOKENS, f"{way}: evaluations")

    # Reading a token may have to wait for it, and nothing else does.
    reads = line_of(SOURCES + "generate.c", "trigger: item, token")
    expect({at(w) for w in told["waits"]} <= {("generate.c", reads)},
           f"{way}: waits at {[at(w) for w in told['waits']]}")

    # expr.c wraps operations of two arrays for many: its callers made them.
    made = {at(m)[0] for m in told["memory"]["at_peak"]
            if m["op"] in ("Add", "Multiply")}
    expect(made and "expr.c" not in made, f"{way}: makers are {made}")
    # A gradient is told of by the line it is the gradient of.
    ran = {at(g)[0] for g in told["fusion"]["groups"]
           if any(op.endswith("Matmul") for op in g["ops"])}
    expect("model.c" in ran, f"{way}: products with more in them are {ran}")
    asked = {("train.c", line) for line in GRADIENTS}
    expect(not asked & {at(m) for m in told["memory"]["at_peak"] if m["op"]},
           f"{way}: gradients stand where they were asked for")
    compiles = [c for c in told.get("compile", [])]
    equal(sum(c["misses"] for c in compiles), int(way == "--compile"),
          f"{way}: traces of a compiled function")

finish()
