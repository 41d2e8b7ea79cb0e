"""Random numbers: every distribution, many shapes, from the same key."""

import mlx.core as mx
import numpy as np

from draw import typed
from sweep import lay, table, values

SHAPES = {"small": [(1000,), (32, 32), (3, 5)],
          "middle": [(262144,), (512, 511)],
          "large": [(4194304,), (2048, 2048)]}
LISTS = {"small": [(32, 32), (4, 250)], "middle": [(512, 512), (16, 16384)],
         "large": [(2048, 2048), (64, 65536), (65536, 64)]}
FLOATS = ["float32", "float16", "bfloat16"]
KEY = np.array([7, 2026], np.uint32)


def scalar(x, t="float32"):
    return np.asarray(x, t)


def row(name, dtypes, arguments, reference, label="", extents=SHAPES):
    return f"random_{name}", label, dtypes, extents, arguments, reference


def chance(s, a, shape=None):
    return lay(values("float32", s if shape is None else shape, 0, 1), a.layout)


def bounded(*s, low=scalar(-1), high=scalar(2)):
    *s, a = s
    return [low, high, s, a.t, KEY]


def plain(*s):
    *s, a = s
    return [s, a.t, KEY]


def moved(*s):
    *s, a = s
    return [s, a.t, 0.5, 2.0, KEY]


# Bits alone have no name in MLX's Python.
ROWS = [
    row("uniform", FLOATS, bounded,
        lambda lo, hi, s, t, k: mx.random.uniform(lo, hi, s, typed(t), k)),
    row("uniform", ["float32"], lambda *s: bounded(
        *s, low=s[-1](*s[:-1]), high=s[-1](s[-2])),
        lambda lo, hi, s, t, k: mx.random.uniform(lo, hi, s, typed(t), k),
        "bounds of each"),
    row("normal", [*FLOATS, "complex64"], moved,
        lambda s, t, m, v, k: mx.random.normal(s, typed(t), m, v, k)),
    row("normal_broadcast", FLOATS,
        lambda *s: [[*s[:-1]], s[-1].t, s[-1](s[-2]), s[-1](*s[:-1]), KEY],
        lambda s, t, m, v, k: mx.random.normal(s, typed(t), m, v, k)),
    row("truncated_normal", FLOATS, bounded,
        lambda lo, hi, s, t, k: mx.random.truncated_normal(
            lo, hi, s, typed(t), k)),
    row("randint", ["int32", "uint8", "int16", "uint32", "int64"],
        lambda *s: bounded(*s, low=scalar(1, "int32"), high=scalar(
            99, "int32")),
        lambda lo, hi, s, t, k: mx.random.randint(lo, hi, s, typed(t), k)),
    row("bernoulli", ["bool"],
        lambda *s: [chance(s, s[-1], ()), [*s[:-1]], KEY],
        lambda p, s, k: mx.random.bernoulli(p, s, k), "one chance"),
    row("bernoulli", ["bool"],
        lambda *s: [chance(s[:-1], s[-1]), [*s[:-1]], KEY],
        lambda p, s, k: mx.random.bernoulli(p, s, k), "a chance each"),
    row("gumbel", FLOATS, plain,
        lambda s, t, k: mx.random.gumbel(s, typed(t), k)),
    row("laplace", FLOATS, moved,
        lambda s, t, m, v, k: mx.random.laplace(s, typed(t), m, v, k)),
    *(row("categorical", ["float32", "float16"],
          lambda n, m, a, x=x: [a(n, m), x, KEY],
          lambda a, x, k: mx.random.categorical(a, x, key=k), f"axis {x}",
          LISTS)
      for x in (0, 1)),
    row("categorical_num_samples", ["float32"],
        lambda n, m, a: [a(n, m), 1, 4, KEY],
        lambda a, x, n, k: mx.random.categorical(a, x, num_samples=n, key=k),
        "", LISTS),
    row("categorical_shape", ["float32"],
        lambda n, m, a: [a(n, m), 1, [3, n], KEY],
        lambda a, x, s, k: mx.random.categorical(a, x, shape=s, key=k),
        "", LISTS),
    *(row("permutation", ["float32", "uint8", "int64"],
          lambda n, m, a, x=x: [a(n, m), x, KEY], mx.random.permutation,
          f"axis {x}", LISTS)
      for x in (0, 1)),
    row("permutation_arange", ["int32"], lambda n, a: [n, KEY],
        lambda n, k: mx.random.permutation(n, key=k), "",
        {"small": [(1000,)], "middle": [(262144,)], "large": [(4194304,)]}),
    row("key", ["uint32"], lambda n, a: [n], mx.random.key, "",
        {"small": [(7,)]}),
    row("split", ["uint32"], lambda n, a: [KEY],
        lambda k: list(mx.random.split(k)), "", {"small": [(2,)]}),
    row("split_num", ["uint32"], lambda n, a: [KEY, n], mx.random.split, "",
        {"small": [(1,), (1000,)], "middle": [(262144,)],
         "large": [(2097152,)]}),
    row("multivariate_normal", ["float32"],
        lambda n, m, a: [a(m), 9 * np.eye(m, dtype="float32"), [n], a.t, KEY],
        lambda m, c, s, t, k: mx.random.multivariate_normal(
            m, c, s, typed(t), k), "",
        {"small": [(32, 8)], "middle": [(16384, 16)], "large": [(65536, 64)]}),
]
# What is given no array knows no layout.
GIVEN = {"random_categorical", "random_permutation", "random_bernoulli",
         "random_normal_broadcast", "random_categorical_num_samples"}


def cases(sizes, layouts):
    for layout in layouts:
        yield from table([r for r in ROWS if layout == "row" or r[0] in GIVEN],
                         sizes, [layout])
