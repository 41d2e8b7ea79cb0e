"""Reductions: every form of axes, every dtype."""

import mlx.core as mx

from generated import DTYPES, INTS, table
from sweep import Case, laid

SHAPES = {
    "small": ((32, 32), (8, 8, 16), (4, 256), (256, 4)),
    "middle": ((512, 512), (64, 64, 64), (16, 16384), (16384, 16)),
    "large": ((2048, 2048), (128, 256, 128), (64, 65536), (65536, 64)),
}
INEXACT = {"logsumexp", "var", "std"}
AXES = {2: ([0], [1], [0, 1]), 3: ([1], [0, 2], [1, 2])}


def cases(sizes, layouts):
    for size in sizes:
        for layout in layouts:
            for name in [*table("ops_reduce"), "var", "std"]:
                for t in DTYPES:
                    # As MLX computes them of integers, they are not numbers.
                    if name in INEXACT and t in INTS + ["bool", "complex64"]:
                        continue
                    yield from forms(name, t, size, layout)
            for name in ("argmax", "argmin"):
                for t in DTYPES:
                    yield from positions(name, t, size, layout)


def forms(name, t, size, layout):
    f, more = getattr(mx, name), [0] * (name in ("var", "std"))
    for shape in SHAPES[size]:
        for axes in AXES[len(shape)]:
            label = f"{t} {'x'.join(map(str, shape))} axes {axes} {layout} {size}"
            yield Case(name + "_axes", label,
                       lambda s=shape, x=axes: [
                           laid(t, s, layout), list(x), False, *more],
                       lambda a, x, k, *ddof: f(a, x, k, *ddof))


def positions(name, t, size, layout):
    f = getattr(mx, name)
    for shape in SHAPES[size][:2]:
        for axis in range(len(shape)):
            label = f"{t} {'x'.join(map(str, shape))} axis {axis} {layout} {size}"
            yield Case(name + "_axis", label,
                       lambda s=shape, x=axis: [laid(t, s, layout), x, False],
                       lambda a, x, k: f(a, x, keepdims=k))
