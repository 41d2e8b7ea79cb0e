#!/usr/bin/env python3
"""kill -9 in the middle: the trace opens and holds every evaluation that had
ended. What had ended is known from what the program had written by then."""

import os
import pathlib
import signal
import subprocess
import time

from e2e import LAZULI, PROGRAMS, WORK, equal, expect, finish, report


def program_of(pid):
    """The traced program: the recorder itself after exec, or its child."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return int(children.split()[0]) if children.split() else pid


def killed(name, *program, enough):
    """Records, kills when `enough` holds of what was written, and returns all
    that was written and the report."""
    trace = WORK / f"{name}.lzt"
    command = [LAZULI, "record", "-o", trace, "--", *program]
    written = b""
    with subprocess.Popen(
        [str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        while not enough(written):
            piece = os.read(process.stdout.fileno(), 65536)
            if not expect(piece, f"{name} ended by itself"):
                break
            written += piece
        if name == "digits":
            equal(report(trace)["process"]["end"], "still running", name)
        os.kill(program_of(process.pid), signal.SIGKILL)
        rest, _ = process.communicate(timeout=30)
        expect(
            process.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL),
            f"{name}: the recorder exits with {process.returncode}",
        )
    told = report(trace)
    equal(told["process"]["end"], "killed", f"{name}, then")
    return written + rest, told


# Real training: each epoch is 15 steps (1,438 rows in batches of 96) and the
# reading of the loss, all ended when its line is out.
out, told = killed(
    "digits",
    PROGRAMS / "digits",
    100000,
    enough=lambda out: out.count(b"\n") >= 20,
)
epochs = out.count(b"\n")
ended = [e for e in told["evals"] if e["end_ns"]]
expect(
    len(ended) >= 15 * epochs,
    f"digits: {epochs} epochs had ended, the trace holds {len(ended)} evals",
)

# To the single evaluation, at several moments.
for moment in range(5):
    begin = time.monotonic()
    out, told = killed(
        f"ticks-{moment}",
        PROGRAMS / "ticks",
        enough=lambda out: len(out) > 100
        and time.monotonic() - begin > 0.1 + 0.037 * moment,
    )
    ended = [e for e in told["evals"] if e["end_ns"]]
    expect(
        len(out) <= len(ended) <= len(out) + 1,
        f"ticks: {len(out)} evals had ended, the trace holds {len(ended)}",
    )
    equal({e["trigger"] for e in ended}, {"eval"}, "ticks: triggers")

finish()
