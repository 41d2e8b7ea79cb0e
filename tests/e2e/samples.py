#!/usr/bin/env python3
"""The sample traces of traces/ tell their lines on any machine: they carry the
symbols of programs that are not there."""

from e2e import SOURCE, equal, expect, finish, report

WANT = {
    "chain": ["eval", "item", "data", "print", "save", "async_eval"],
    "attention": ["eval"],
    "digits": ["eval"] * 75 + ["item"],
}

for name, triggers in WANT.items():
    told = report(SOURCE / "traces" / f"{name}.lzt")
    equal([e["trigger"] for e in told["evals"]], triggers, f"{name}: triggers")
    for e in told["evals"]:
        where = f"/tmp/lazuli/tests/programs/{name}.c"
        equal(e["file"], where, f"{name}: {e['trigger']} stands in")
        expect(e["line"], f"{name}: {e['trigger']} has no line")
    made = {m["file"] for m in told["memory"]["at_peak"]}
    equal(made, {f"/tmp/lazuli/tests/programs/{name}.c"}, f"{name}: makers")

finish()
