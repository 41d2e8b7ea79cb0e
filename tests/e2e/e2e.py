"""What the whole-program tests share. Each test is called as

    TEST.py LAZULI PROGRAMS_DIR SOURCE_DIR

prints what is wrong and exits with 1, or with 0.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

LAZULI, PROGRAMS, SOURCE = (pathlib.Path(a) for a in sys.argv[1:4])
WORK = pathlib.Path(tempfile.mkdtemp(prefix="lazuli-e2e-"))
_wrong = 0


def expect(condition, what):
    """Counts and prints a failed expectation; the test goes on."""
    global _wrong
    if not condition:
        _wrong += 1
        print(f"wrong: {what}")
    return bool(condition)


def equal(got, want, what):
    return expect(got == want, f"{what}: {got!r}, not {want!r}")


def finish():
    """Ends the test. The traces of a failed one stay where they are."""
    if _wrong:
        print(f"{_wrong} wrong; what was written is in {WORK}")
        sys.exit(1)
    subprocess.run(["rm", "-rf", str(WORK)], check=True)
    sys.exit(0)


def run(*command, **options):
    options.setdefault("timeout", 120)
    return subprocess.run(
        [str(c) for c in command], capture_output=True, check=False, **options
    )


def record(trace, *program, **options):
    """Runs a program under the recorder."""
    return run(LAZULI, "record", "-o", trace, "--", *program, **options)


def report(trace):
    """The report as data, or an empty one if there is none."""
    done = run(LAZULI, "report", "--json", trace)
    if not expect(
        done.returncode == 0,
        f"report --json {trace} exits with {done.returncode}: {done.stderr!r}",
    ):
        return {"evals": [], "kernels": [], "memory": {}, "fusion": {}}
    return json.loads(done.stdout)


def events(trace, *kinds):
    """The events of these kinds in their order, each a dict of its fields with
    its kind as "event"."""
    done = run(LAZULI, "dump", "--json", trace)
    equal(done.returncode, 0, f"dump --json {trace} exits with")
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event["event"] in kinds:
            yield {"event": event["event"], **event["fields"]}


def line_of(source, marker):
    """The number of the one line of a program that carries the comment."""
    text = (SOURCE / source).read_text().splitlines()
    found = [n for n, line in enumerate(text, 1) if f"/* {marker} */" in line]
    assert len(found) == 1, f"{source}: {marker} stands in lines {found}"
    return found[0]


def at(entry):
    """Where an entry of the report says it comes from."""
    return os.path.basename(entry.get("file") or ""), entry.get("line")
