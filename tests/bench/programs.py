#!/usr/bin/env python3
"""Whole programs of tests/programs: beside their twins on the original, and
what recording them costs.

    programs.py [--quick] [--rounds=N] [--markdown] [BUILD]

Programs are run by turns, each once a round, and tell the median of their own
steps; a ratio is the median over the rounds of the two figures of one round,
and beside it stand the quartiles. The original's training step is compiled
(mx.compile); ours is measured as it is and compiled. The package's products
are those of the reference BLAS, so the original is measured on OpenBLAS as
well, where the machine has that."""

import ctypes.util
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from run import HERE, PYTHON, ROOT, Table, duration, spread

# Steps of the original are slow: fewer tell its median as well.
CHARLM = ["--quiet", "--generate", "0"]
WRITING = ["--quiet", "--steps", "0", "--generate", "400"]
CASES = {
    # name: ours, what makes it compile, the twin's
    "MLP step": (["mlp", "100"], ["--compile"], ["mlp_mlx.py", "20"]),
    "charlm step": (["charlm", *CHARLM, "--steps", "30"], ["--compile"],
                    ["charlm_mlx.py", *CHARLM, "--steps", "5"]),
    "charlm, a token": (["charlm", *WRITING], None, ["charlm_mlx.py", *WRITING]),
}
OPENBLAS = ctypes.util.find_library("openblas")
RECORDED = ["charlm", *CHARLM, "--steps", "40"]
# name: words for `lazuli record`; None: not preloaded
RECORDINGS = {
    "not preloaded": None,
    "preloaded, off": ["-o", "off"],
    "waiting for its start": ["--start=mark:never"],
    "evals and kernels": ["--only=eval,kernel", "--stacks=none"],
    "everything": [],
}


def told(out):
    """Seconds of a step or token, and bytes at the peak."""
    step = re.search(r"median ([\d.]+) ms", out)
    pace = re.search(r"([\d.]+) tokens/s", out)
    peak = re.search(r"peak ([\d.]+) MB", out)
    seconds = float(step[1]) / 1e3 if step else 1 / float(pace[1])
    return seconds, float(peak[1])


def run(command, **variables):
    """What a program tells, and its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, **variables})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"programs.py: {' '.join(command)} exits with "
                 f"{done.returncode}\n{done.stderr}")
    used = sum(getattr(after, k) - getattr(before, k)
               for k in ("ru_utime", "ru_stime"))
    return *told(done.stdout), used


def beside(build, rounds, markdown):
    if not PYTHON:
        print("programs.py: no original here (LAZULI_MLX_PYTHON)",
              file=sys.stderr)
    table = Table(markdown, (16, 9, 9, 9, 21, 21, 9, 21, 9, 9))
    table.row("program", "Lazuli", "compiled", "MLX", "times faster",
              "compiled", "OpenBLAS", "times faster", "peak", "MLX's")
    table.rule()
    for case, (ours, compile_it, twin) in CASES.items():
        program = [os.path.join(build, "programs", ours[0]), *ours[1:]]
        sides = {"plain": (program, {})}
        if compile_it:
            sides["compiled"] = (program + compile_it, {})
        if PYTHON:
            twin = [PYTHON, os.path.join(HERE, twin[0]), *twin[1:]]
            sides["original"] = (twin, {})
            if OPENBLAS:
                sides["openblas"] = (twin, {"LD_PRELOAD": OPENBLAS})
        times, peaks = {s: [] for s in sides}, {}
        for i in range(rounds):
            for side in list(sides)[::1 if i % 2 else -1]:
                command, variables = sides[side]
                seconds, peak, _ = run(command, **variables)
                times[side].append(seconds)
                peaks[side] = max(peak, peaks.get(side, 0))

        def middle(side):
            t = times.get(side)
            return duration(statistics.median(t)) if t else "-"

        def faster(side, than="original"):
            if side not in times or than not in times:
                return "-"
            return spread([b / a for a, b in zip(times[side], times[than])])

        table.row(case, middle("plain"), middle("compiled"), middle("original"),
                  faster("plain"), faster("compiled"), middle("openblas"),
                  faster("plain", "openblas"),
                  f"{max(peaks.get('compiled', 0), peaks['plain']):.1f} MB",
                  f"{peaks['original']:.1f} MB" if PYTHON else "-")


def recorded(build, rounds, markdown):
    print("\nrecording the training of charlm, against the program alone")
    table = Table(markdown, (22, 10, 21, 21, 10))
    table.row("recorded", "step", "step, ratio", "processor, ratio", "trace")
    table.rule()
    program = [os.path.join(build, "programs", RECORDED[0]), *RECORDED[1:]]
    lazuli = os.path.join(build, "bin", "lazuli")
    steps, used, size = ({n: [] for n in RECORDINGS} for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "charlm.lzt")
        for i in range(rounds):
            names = list(RECORDINGS)
            for name in names[i % len(names):] + names[:i % len(names)]:
                words = RECORDINGS[name]
                if words is None:
                    command = program
                else:
                    out = [] if "-o" in words else ["-o", trace]
                    command = [lazuli, "record", *out, *words, "--", *program]
                seconds, _, cpu = run(command)
                steps[name].append(seconds)
                used[name].append(cpu)
                size[name].append(0)
                if os.path.exists(trace):
                    size[name][-1] = os.path.getsize(trace)
                    os.unlink(trace)
    alone = "not preloaded"
    for name in RECORDINGS:
        table.row(name, duration(statistics.median(steps[name])),
                  *(spread([a / b for a, b in zip(x[name], x[alone])])
                    for x in (steps, used)),
                  f"{max(size[name]) / 1e6:.1f} MB" if max(size[name]) else "-")


def main():
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    quick, markdown = "--quick" in sys.argv, "--markdown" in sys.argv
    rounds = next((int(a[9:]) for a in sys.argv if a.startswith("--rounds=")),
                  3 if quick else 7)
    build = words[0] if words else os.path.join(ROOT, "build")
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {rounds} "
          f"rounds, load {os.getloadavg()[0]:.1f} when it began\n", flush=True)
    beside(build, rounds, markdown)
    recorded(build, 2 * rounds, markdown)


if __name__ == "__main__":
    main()
