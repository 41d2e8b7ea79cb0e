#!/usr/bin/env python3
"""Every operation beside the original, looking for what is slower.

    sweep.py [--family=NAME]… [--only=REGEX] [--size=small|middle|large]…
             [--layout=NAME]… [--below=RATIO] [--all] [--wall] [BUILD]

Run by an interpreter with mlx and numpy (LAZULI_MLX_PYTHON). A family is a file
sweep_<family>.py beside this one, with cases(sizes, layouts): calls of our C
interface and the same call of MLX. Both are made in this process by turns; a
ratio is MLX's time over ours, each side's the median of its rounds: processor
time with one thread for our kernels, as MLX has, which others on the machine
disturb least; --wall: by the clock, with all threads. What comes out below 1.15
is measured again, longer; what stays below RATIO (1.0 unless told) is printed,
in the end slowest first. --all prints each case. Small cases hold the cost of
calling: ours by ctypes, about a microsecond."""

import argparse
import ctypes as c
import importlib
import os
import pathlib
import re
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[1:1] = [str(ROOT / "tests" / "api")]
if not os.environ.get("LAZULI_MLX_PYTHON"):
    sys.exit("sweep.py: no original here (LAZULI_MLX_PYTHON)")
if os.path.abspath(os.environ["LAZULI_MLX_PYTHON"]) != os.path.abspath(
        sys.executable):
    os.execv(os.environ["LAZULI_MLX_PYTHON"],
             [os.environ["LAZULI_MLX_PYTHON"], *sys.argv])

WALL = "--wall" in sys.argv
if not WALL:
    os.environ.setdefault("LAZULI_THREADS", "1")

import mlx.core as mx
import numpy as np

import draw
import lazuli

SIZES = {"small": 1 << 10, "middle": 1 << 18, "large": 1 << 22}
LAYOUTS = ["row", "transposed", "strided", "broadcast"]
clock = time.perf_counter if WALL else time.process_time
REST = 0.003  # seconds in which threads of the side before go to sleep
NOTHING = 1.4e-6  # seconds of a call that computes nothing
SLOW, CLEAR = 0.1, 2  # a call of so many seconds, so much faster: said by one
SHORT, LONG = (2, 0.0005), (7, 0.004)  # rounds, seconds of one


class Case:
    """`name` and `arguments` as Library.call() takes them, `reference` what
    MLX does with the same; `label` tells it from the others of that name."""

    def __init__(self, name, label, arguments, reference):
        self.name, self.label = name, label
        self.arguments, self.reference = arguments, reference


def values(dtype, shape, low=-4, high=4, seed=1):
    """Random numbers from low up to high; unsigned ones from 0."""
    r = np.random.default_rng(seed)
    if dtype == "bool":
        return r.random(shape) < 0.5
    if "int" in dtype:
        low = max(low, 0) if dtype[0] == "u" else low
        return r.integers(low, high, shape, endpoint=True).astype(dtype)
    x = r.uniform(low, high, shape)
    if dtype == "complex64":
        return (x + 1j * r.uniform(low, high, shape)).astype(dtype)
    if dtype != "bfloat16":
        return x.astype(dtype)
    bits = (np.float32(x).reshape(-1).view(np.uint32) >> 16).astype(np.uint16)
    return lazuli.Bits(bits.reshape(shape), dtype)


def laid(dtype, shape, layout, **more):
    """Random numbers, laid out that way."""
    return lay(values(dtype, shape, **more), layout)


def lay(value, layout):
    """These values row by row; their last axes turned; every other element of
    the last; their first row for all."""
    bits = isinstance(value, lazuli.Bits)
    x = value.bits if bits else value
    n, shape = x.ndim, list(x.shape)

    def view(base, *steps):
        base = np.ascontiguousarray(base)
        return lazuli.Laid(
            None, layout, lazuli.Bits(base, value.dtype) if bits else base,
            list(steps), False)
    if layout == "transposed" and n > 1:
        turned = [*range(n - 2), n - 1, n - 2]
        return view(x.transpose(turned), ("transpose_axes", turned))
    if layout == "strided" and n:
        return view(np.repeat(x, 2, -1),
                    ("slice", [0] * n, [*shape[:-1], 2 * shape[-1]],
                     [1] * (n - 1) + [2]))
    if layout == "broadcast" and n > 1:
        return view(x[:1], ("broadcast_to", shape))
    return value


def table(rows, sizes, layouts):
    """Cases of rows: name, more of the label, dtypes, extents of each size,
    arguments of some extents and a way to make arrays (of dtype .t), MLX's
    own."""
    for size in sizes:
        for layout in layouts:
            for name, label, dtypes, extents, arguments, reference in rows:
                for some in extents.get(size, ()):
                    for t in dtypes:
                        def array(*shape, t=t, layout=layout, **more):
                            return laid(t, shape, layout, **more)
                        array.t, array.layout = t, layout
                        what = "x".join(map(str, some))
                        yield Case(
                            name, f"{label} {t} {what} {layout} {size}",
                            lambda f=arguments, s=some, a=array: f(*s, a),
                            reference)


VIEWS = {
    "transpose_axes": mx.transpose, "broadcast_to": mx.broadcast_to,
    "reshape": mx.reshape,
    "slice": lambda a, *parts: a[tuple(map(slice, *parts))],
}


def theirs(value):
    """The same for MLX."""
    if isinstance(value, list) and value and (
            isinstance(value[0], lazuli.Laid) or draw.is_array(value[0])):
        return [theirs(v) for v in value]
    if isinstance(value, lazuli.Laid):
        a = theirs(value.base)
        for name, *arguments in value.steps:
            a = VIEWS[name](a, *arguments)
        mx.eval(a)
        return a
    if draw.is_array(value):
        a = draw.original(value)
        mx.eval(a)
        return a
    return value


class Sides:
    """Both ways of one case, ready to be run again and again."""

    def __init__(self, library, case):
        self.library, self.made, self.outputs = library, [], []
        lib = library.lib
        given = library.passed(
            case.name, list(case.arguments), self.made, self.outputs)
        call = getattr(lib, "mlx_" + case.name)
        results = [h for _, h in self.outputs]
        evaluate = lib.mlx_array_eval
        if any(kind == "mlx_vector_array" for kind, _ in self.outputs):
            evaluate = lib.mlx_eval
        for kind, handle in self.made:
            if kind == "mlx_array" and handle.ctx:
                lib.mlx_array_eval(handle)
        given_mx = [theirs(a) for a in case.arguments]
        reference = case.reference

        def ours():
            if call(*given):
                raise lazuli.Refused(library.messages[-1])
            for h in results:
                if evaluate(h):
                    raise lazuli.Refused(library.messages[-1])

        def original():
            mx.eval(reference(*given_mx))
        self.ways = ours, original

    def measure(self, rounds, seconds):
        """Median seconds of either, or None where MLX refuses."""
        first = []
        for way in self.ways:
            way()
            begin = clock()
            way()
            first.append(max(clock() - begin, 1e-7))
        if first[1] > max(CLEAR * first[0], SLOW):
            return first
        counts = [max(1, int(seconds / spent)) for spent in first]
        times = [], []
        for k in range(rounds):
            for side in (0, 1) if k % 2 else (1, 0):
                time.sleep(REST)
                way, count = self.ways[side], counts[side]
                begin = clock()
                for _ in range(count):
                    way()
                times[side].append((clock() - begin) / count)
        return [statistics.median(t) for t in times]

    def end(self):
        for kind, handle in self.made + self.outputs:
            getattr(self.library.lib, f"{kind}_free")(handle)


def measure(library, case):
    """(ours, MLX's) seconds; None where either refuses."""
    try:
        sides = Sides(library, case)
    except (lazuli.Refused, ValueError, RuntimeError, TypeError):
        return None
    try:
        found = sides.measure(*SHORT)
        if found[1] < 1.15 * found[0]:
            found = sides.measure(*LONG)
        return found
    except (lazuli.Refused, ValueError, RuntimeError, TypeError):
        return None
    finally:
        sides.end()


def line(ratio, ours, original, what):
    print(f"{ratio:7.2f}  {ours * 1e6:10.1f}  {original * 1e6:10.1f}  {what}",
          flush=True)


def main():
    families = sorted(p.stem[6:] for p in HERE.glob("sweep_*.py"))
    parse = argparse.ArgumentParser()
    parse.add_argument("build", nargs="?", default=str(ROOT / "build"))
    parse.add_argument("--family", action="append", choices=families)
    parse.add_argument("--only", default="")
    parse.add_argument("--size", action="append", choices=SIZES)
    parse.add_argument("--layout", action="append", choices=LAYOUTS)
    parse.add_argument("--below", type=float, default=1.0)
    parse.add_argument("--all", action="store_true")
    parse.add_argument("--wall", action="store_true")
    asked = parse.parse_args()
    library = lazuli.Library(
        os.path.join(asked.build, "lib", "libmlxc.so"),
        str(ROOT / "tests" / "interface" / "functions.tsv"))
    library.lib.mlx_array_eval.argtypes = [lazuli.Handle]
    mx.set_default_device(mx.cpu)
    begin, count, refused, slow = time.time(), 0, [], []
    print(" faster     ours, µs     MLX, µs  case")
    for family in asked.family or families:
        module = importlib.import_module(f"sweep_{family}")
        for case in module.cases(asked.size or list(SIZES),
                                 asked.layout or LAYOUTS):
            what = f"{family} {case.name} {case.label}"
            if not re.search(asked.only, what):
                continue
            case.arguments = case.arguments()
            found = measure(library, case)
            case.arguments = None
            if not found:
                refused.append(what)
                if asked.all:
                    print(f"refused: {what}")
                continue
            count += 1
            if found[0] < NOTHING:
                continue
            row = found[1] / found[0], *found, what
            if row[0] < asked.below:
                slow.append(row)
            if asked.all or row[0] < asked.below:
                line(*row)
    print(f"\nbelow {asked.below}:")
    for row in sorted(slow):
        line(*row)
    print(f"{len(slow)} of {count} below {asked.below}; {len(refused)} that "
          f"one side refuses; {time.time() - begin:.0f} s")


if __name__ == "__main__":
    main()
