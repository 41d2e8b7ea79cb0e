#!/usr/bin/env python3
"""Eight threads on eight streams at full speed: no event is lost, and what a
thread did is told in the order in which it did it."""

import collections
import json

from e2e import LAZULI, PROGRAMS, WORK, equal, expect, finish, record, run

trace = WORK / "streams.lzt"
done = record(trace, PROGRAMS / "streams")
equal(done.returncode, 0, "streams exits with")
threads, rounds, chain = (int(n) for n in done.stdout.split())

count = collections.Counter()
nodes = collections.defaultdict(list)  # of a thread, in order
evals = collections.defaultdict(list)
begun, ended, streams = {}, {}, set()
lost = 0
for line in run(LAZULI, "dump", "--json", trace).stdout.splitlines():
    e = json.loads(line)
    kind, thread, fields = e["event"], e["thread"], e["fields"]
    count[kind] += 1
    if kind == "node":
        nodes[thread].append(fields["id"])
    elif kind in ("eval-begin", "eval-end"):
        evals[thread].append((kind, fields["eval"]))
    elif kind == "kernel-begin":
        begun[fields["kernel"]] = fields["stream"]
    elif kind == "kernel-end":
        ended[fields["kernel"]] = fields["stream"]
    elif kind == "stream":
        streams.add(fields["stream"])
    elif kind == "cost":
        lost += fields["lost"]

equal(lost, 0, "events lost")
equal(count["finish"], 1, "ends")
equal(count["node"], threads * rounds * (1 + chain), "nodes")
equal(count["eval-begin"], threads * rounds, "evaluations")
equal(count["eval-end"], threads * rounds, "evaluations' ends")
expect(len(streams) >= threads, f"streams are {sorted(streams)}")
equal(begun, ended, "kernels that began and that ended, with their streams")
equal(len(set(begun.values())), threads, "streams with kernels")
equal(len(evals), threads, "threads that evaluate")
for thread, seen in evals.items():
    equal([kind for kind, _ in seen], ["eval-begin", "eval-end"] * rounds,
          f"evaluations of thread {thread}")
    expect(all(a[1] == b[1] for a, b in zip(seen[::2], seen[1::2])),
           f"ends of thread {thread} belong to what began last")
for thread, ids in nodes.items():
    equal(len(ids), rounds * (1 + chain), f"nodes of thread {thread}")
    equal(ids, sorted(ids), f"nodes of thread {thread} in order")
finish()
