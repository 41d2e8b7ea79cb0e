#!/usr/bin/env python3
"""Kernels and tiny nodes beside the original and the machine's own limits.

    run.py [--quick] [--rounds=N] [--only=REGEX] [--markdown] [--probes-only]
           [BUILD]

Two programs do the same cases, ours on mlx-c (cases.c) and the original's on
its C++ interface (original.cpp; what it can compile is compiled). They are
asked by turns, each case once a round; a ratio is the median over the rounds
of the two times of one round, and beside it stand the quartiles. "of limit" is
against a plain threaded loop (add: two arrays read, one written; read: a sum)
or oneDNN's own matmul, in the same round. Then the same build with the probes
compiled out (BUILD-noprobes), where there is one: what an instrumented place
costs when nobody listens."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PYTHON = os.environ.get("LAZULI_MLX_PYTHON")

N = 4096 * 4096
FLOATS = 4 * N  # bytes of a large f32 array
# A case: what limits it, the work in that limit's unit. Names: cases.def.
CASES = {
    "add": ("add", 3 * FLOATS),
    "copy, transposing": ("add", 2 * FLOATS),
    "cast f32 to bf16": ("add", 1.5 * FLOATS),
    "cast bf16 to f32": ("add", 1.5 * FLOATS),
    "where": ("add", 3.25 * FLOATS),
    "exp": ("add", 2 * FLOATS),
    "tanh": ("add", 2 * FLOATS),
    "erf": ("add", 2 * FLOATS),
    "gelu by hand": ("add", 2 * FLOATS),
    "adam update": ("add", 6 * FLOATS),
    "softmax, rows": ("add", 2 * FLOATS),
    "softmax, columns": ("add", 2 * FLOATS),
    "logsumexp, rows": ("read", FLOATS),
    "logsumexp, columns": ("read", FLOATS),
    "sum, rows": ("read", FLOATS),
    "sum, columns": ("read", FLOATS),
    "max, rows": ("read", FLOATS),
    "max, columns": ("read", FLOATS),
    "argmax, rows": ("read", FLOATS),
    "argmax, columns": ("read", FLOATS),
    "matmul f32": ("matmul", 2 * 1024**3),
    "matmul f16": (None, 0),
    "matmul bf16": (None, 0),
    "matvec f32": ("read", FLOATS),
    "var, rows": ("read", FLOATS),
    "var, columns": ("read", FLOATS),
    "layer_norm": ("add", 2 * FLOATS),
    "rms_norm": ("add", 2 * FLOATS),
    "softmax, middle": ("add", 2 * FLOATS),
    "logsumexp, middle": ("read", FLOATS),
    "4-bit matvec": ("read", N // 2 + 8 * N // 64),
    "8-bit matvec": ("read", N + 8 * N // 64),
    "4-bit matvec, bf16": ("read", N // 2 + 4 * N // 64),
    "8-bit matvec, bf16": ("read", N + 4 * N // 64),
    "vector times matrix": ("read", FLOATS),
    "matvec bf16": ("read", FLOATS // 2),
    "matmul, transposed": ("matmul", 2 * 1024**3),
    "matmul, batched": ("matmul", 16 * 2 * 256**3),
    "addmm": ("matmul", 2 * 1024**3),
    "attention f32": (None, 0),
    "attention f16": (None, 0),
    "attention bf16": (None, 0),
    "sort": (None, 0),
    "topk": (None, 0),
    "cumsum": (None, 0),
    "take rows": (None, 0),
    "take elements": (None, 0),
    "scatter_add rows": (None, 0),
    "conv2d": (None, 0),
    "rope": (None, 0),
    "random normal": (None, 0),
    "training step": (None, 0),
    "array of a number": (None, 0),
    "array of 4 numbers": (None, 0),
    "array of 1M numbers": (None, 0),
    "item": (None, 0),
    "text of 8 numbers": (None, 0),
    "text of 16M numbers": (None, 0),
    "async_eval and wait": (None, 0),
    "views of views": (None, 0),
    "save npy": (None, 0),
    "load npy": (None, 0),
    "save safetensors": (None, 0),
    "load safetensors": (None, 0),
    "save gguf": (None, 0),
    "load gguf": (None, 0),
    "value_and_grad, 5 nodes": (None, 0),
    "vjp, 30 nodes": (None, 0),
    "jvp, 30 nodes": (None, 0),
    "vmap, 30 nodes": (None, 0),
    "30 nodes, new shape": (None, 0),
    "compiled call": (None, 0),
    "imported call": (None, 0),
    "build a node": (None, 0),
    "build + eval of one node": (None, 0),
    "chain of 1,000, a node": (None, 0),
    "chain of 100,000, a node": (None, 0),
}
WORK = {"add": 3 * FLOATS, "read": FLOATS, "matmul": 2 * 1024**3}
# Of cases of few instructions only: what probes could be seen in.
PROBED = ["build a node", "build + eval of one node",
          "chain of 1,000, a node", "training step"]
REST = 0.004  # seconds in which threads of the side before go to sleep


class Side:
    """One program that answers names of cases with seconds."""

    def __init__(self, command, **variables):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **variables})

    def ask(self, case):
        time.sleep(REST)
        self.process.stdin.write(case + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            sys.exit(f"run.py: {self.process.args[0]} ended at '{case}': "
                     f"status {self.process.wait()}")
        return None if answer == "none" else float(answer)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def original(build):
    """The original's program, compiled when it is older than its sources;
    None where there is no original or no compiler for it."""
    compiler = shutil.which("c++")
    if not PYTHON or not compiler:
        return None
    where = subprocess.run(
        [PYTHON, "-c", "import mlx.core as m; print(m.__file__)"],
        capture_output=True, text=True, check=False).stdout.strip()
    if not where:
        return None
    base = os.path.dirname(where)
    libraries = [os.path.join(base, "lib"),
                 os.path.join(os.path.dirname(base), "mlx_cpu.libs")]
    program = os.path.join(build, "bench", "original")
    sources = [os.path.join(HERE, f)
               for f in ("original.cpp", "original_calls.h", "worker.h", "cases.def")]
    if not os.path.exists(program) or any(
            os.path.getmtime(s) > os.path.getmtime(program) for s in sources):
        built = subprocess.run(
            [compiler, "-std=c++20", "-O2", sources[0], "-o", program,
             "-I", os.path.join(base, "include"),
             f"-L{libraries[0]}", "-lmlx"] +
            [f"-Wl,-rpath,{l},-rpath-link,{l}" for l in libraries], check=False)
        if built.returncode:
            return None
    return program


def duration(seconds):
    for unit, scale in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def spread(ratios):
    """Median and quartiles of the rounds' ratios."""
    ratios = sorted(ratios)
    low = ratios[len(ratios) // 4]
    high = ratios[-1 - len(ratios) // 4]
    return f"{statistics.median(ratios):.2f} ({low:.2f}–{high:.2f})"


class Table:
    def __init__(self, markdown, widths):
        self.markdown, self.widths = markdown, widths

    def row(self, *cells):
        if self.markdown:
            print("| " + " | ".join(cells) + " |", flush=True)
        else:
            print("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w)
                            in enumerate(zip(cells, self.widths))), flush=True)

    def rule(self):
        if self.markdown:
            print("|" + "---|" * len(self.widths))


def compare(build, rounds, markdown, only):
    program = original(build)
    if not program:
        print("run.py: no original here (LAZULI_MLX_PYTHON, c++): the limits "
              "alone", file=sys.stderr)
    ours = Side([os.path.join(build, "bench", "cases")])
    theirs = Side([program]) if program else None
    table = Table(markdown, (26, 10, 10, 21, 18))
    table.row("case", "Lazuli", "MLX", "times faster", "of limit")
    table.rule()
    limits = {name: [] for name in WORK}
    for case, (limit, work) in CASES.items():
        if not re.search(only, case):
            continue
        own, other, ratios, shares = [], [], [], []
        for _ in range(rounds):
            best = ours.ask("limit " + limit) if limit else None
            t = ours.ask(case)
            own.append(t)
            if theirs:
                other.append(theirs.ask(case))
                ratios.append(other[-1] / t)
            if limit:
                limits[limit].append(best)
                shares.append(work / t * best / WORK[limit])
        table.row(case, duration(statistics.median(own)),
                  duration(statistics.median(other)) if other else "-",
                  spread(ratios) if ratios else "-",
                  spread(shares) if shares else "-")
    ours.end()
    if theirs:
        theirs.end()
    print()
    for name, times in limits.items():
        if not times:
            continue
        rates = sorted(WORK[name] / t / 1e9 for t in times)
        unit = "GFLOP/s" if name == "matmul" else "GB/s"
        print(f"limit {name}: {statistics.median(rates):.1f} {unit} "
              f"({rates[len(rates) // 4]:.1f}–{rates[-1 - len(rates) // 4]:.1f})")


def probes(build, rounds, markdown):
    """The same program on the library with and without probe places; rounds
    are short and many, since what is looked for is small. Each round starts
    both anew, one after the other: where the system puts a process's memory
    changes such cases by several percent, and must not pass for a cost."""
    without = os.path.abspath(build).rstrip("/") + "-noprobes/lib"
    if not os.path.exists(os.path.join(without, "libmlxc.so")):
        print(f"run.py: no {without}: the probes' cost is not measured",
              file=sys.stderr)
        return
    program = [os.path.join(build, "bench", "cases")]
    libraries = os.path.join(build, "lib"), without
    print("\nprobes that nobody listens to, against none compiled in; "
          "processor time")
    table = Table(markdown, (26, 10, 10, 21))
    table.row("case", "with", "without", "with / without")
    table.rule()
    times = {case: ([], []) for case in PROBED}
    for i in range(rounds):
        sides = [Side(program, LD_LIBRARY_PATH=d, BENCH_CLOCK="cpu")
                 for d in libraries]
        for case in PROBED:
            for side in (0, 1) if i % 2 else (1, 0):
                times[case][side].append(
                    min(sides[side].ask(case) for _ in range(3)))
        for side in sides:
            side.end()
    for case, both in times.items():
        table.row(case, *(duration(statistics.median(t)) for t in both),
                  spread([a / b for a, b in zip(*both)]))


def main():
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    quick, markdown = "--quick" in sys.argv, "--markdown" in sys.argv
    rounds = next((int(a[9:]) for a in sys.argv if a.startswith("--rounds=")),
                  5 if quick else 15)
    only = next((a[7:] for a in sys.argv if a.startswith("--only=")), "")
    build = words[0] if words else os.path.join(ROOT, "build")
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {rounds} "
          f"rounds, load {os.getloadavg()[0]:.1f} when it began\n", flush=True)
    if "--probes-only" not in sys.argv:
        compare(build, rounds, markdown, only)
    if only:
        return
    probes(build, rounds * 10, markdown)


if __name__ == "__main__":
    main()
