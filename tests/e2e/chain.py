#!/usr/bin/env python3
"""relu((a + b) * c) on 16M floats is one kernel that writes one buffer, and
every evaluation of the program is told by its trigger and its source line.

With a fourth word, --gpu, the same on the GPU stream, where the kernel is one
dispatch; skipped where no GPU is available."""

import collections
import sys

from e2e import PROGRAMS, WORK, at, equal, events, expect, finish, line_of
from e2e import record, report, run

GPU = sys.argv[4:]
N = 16 << 20
SOURCE_FILE = "tests/programs/chain.c"
TRIGGERS = ["eval", "item", "data", "print", "save", "async_eval"]

trace = WORK / "chain.lzt"
plain = run(PROGRAMS / "chain", *GPU, N)
if GPU and b"is not available" in plain.stderr:
    print("skipped: no GPU is available")
    sys.exit(77)
recorded = record(trace, PROGRAMS / "chain", *GPU, N)
equal(plain.returncode, 0, "chain alone exits with")
equal(recorded.returncode, plain.returncode, "recorded, chain exits with")
equal(recorded.stdout, plain.stdout, "recorded, chain prints")
equal(recorded.stderr, plain.stderr, "recorded, chain complains")

told = report(trace)
evals = told["evals"]
equal([e["trigger"] for e in evals], TRIGGERS, "the triggers, in order")
for e in evals:
    where = ("chain.c", line_of(SOURCE_FILE, f"trigger: {e['trigger']}"))
    equal(at(e), where, f"the {e['trigger']} stands at")
    expect(e["begin_ns"] < e["end_ns"], f"the {e['trigger']} takes time")

# The evaluation of the chain, event by event.
chain = [e for e in evals if e["trigger"] == "eval"]
equal([e["kernels"] for e in chain], [1], "kernels of the chain")
equal([e["nodes"] for e in chain], [3], "nodes of the chain")
kernel, inside, made, written = None, False, [], []
for e in events(
    trace, "eval-begin", "eval-end", "fusion", "alloc", "kernel-end"
):
    if e["event"].startswith("eval-"):
        inside = e["event"] == "eval-begin" and e["eval"] == chain[0]["id"]
    elif inside and e["event"] == "fusion":
        equal(len(e["nodes"]), 3, "nodes in the kernel")
        equal(len(e["outputs"]), 1, "arrays that the kernel writes")
        equal(e["bytes_saved"], 2 * 2 * 4 * N, "bytes of intermediates not moved")
        kernel = e["kernel"]
    elif e["event"] == "alloc" and inside:
        made.append(e["size"])
    elif e["event"] == "kernel-end" and e["kernel"] == kernel:
        written.append(e["bytes_written"])
large = [size for size in made if size >= N]
expect(
    len(large) == 1 and 4 * N <= large[0] < 4 * N + 65536,
    f"the evaluation makes buffers of {made} bytes, not one of {4 * N}",
)
equal(written, [4 * N], "bytes written by the kernel")
group = [g for g in told["fusion"]["groups"] if g["nodes"] == 3]
equal([g["ops"] for g in group], [["Add", "Multiply", "Maximum"]], "its ops")

# Everything at the peak has a maker: three inputs and the result.
memory = told["memory"]
known = sum(m["bytes"] for m in memory["at_peak"])
expect(
    abs(known - memory["peak_bytes"]) <= 4096,
    f"{known} of {memory['peak_bytes']} bytes have a maker at the peak",
)
inputs = line_of(SOURCE_FILE, "Next line: the program's own memory.") + 1
made_at = collections.Counter()
for m in memory["at_peak"]:
    made_at[at(m)] += m["bytes"]
equal(made_at["chain.c", inputs], 3 * 4 * N, "bytes of the inputs")
result = line_of(SOURCE_FILE, "build: maximum")
equal(made_at["chain.c", result], 4 * N, "bytes of the result")

finish()
