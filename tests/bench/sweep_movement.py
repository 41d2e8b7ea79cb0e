"""What moves elements to places that are looked up: positions, order, scans."""

import mlx.core as mx
import numpy as np

from sweep import Case, laid, values

SIDE = {"small": 32, "middle": 512, "large": 2048}
WIDTHS = ["uint8", "float16", "float32", "int64"]
ORDERED = ["bool", "uint8", "uint16", "int32", "int64", "float16", "bfloat16",
           "float32", "float64", "complex64"]
FLOATS = ["float16", "bfloat16", "float32", "float64", "complex64"]


def indices(n, shape, seed=3):
    return np.random.default_rng(seed).integers(0, n, shape).astype("uint32")


def places(n, axis):
    return np.argsort(np.random.default_rng(5).random((n, n)), axis).astype(
        "uint32")


def put(a, u, *index):
    a = mx.array(a)
    a[index] = u
    return a


def add_along(a, i, u, axis):
    """Its only door in Python: what take_along_axis hands back, into rows of
    zeros."""
    return mx.vjp(lambda v: mx.take_along_axis(v, i, axis), [a], [u])[1]


# name, dtypes, arguments of a side and a way to make arrays, MLX's own
PARTS = [
    ("kron", WIDTHS, lambda n, a: [a(n // 8, n // 8), a(8, 8)], mx.kron),
    ("take_axis", WIDTHS, lambda n, a: [a(n, n), indices(n, n), 0], mx.take),
    ("take_axis", WIDTHS, lambda n, a: [a(n, n), indices(n, n), 1], mx.take),
    ("take", WIDTHS, lambda n, a: [a(n, n), indices(n * n, n * n)],
     lambda a, i: mx.take(a, i)),
    ("take_along_axis", WIDTHS, lambda n, a: [a(n, n), indices(n, (n, n)), 0],
     mx.take_along_axis),
    ("put_along_axis", WIDTHS, lambda n, a: [a(n, n), places(n, 0), a(n, n), 0],
     mx.put_along_axis),
    ("put_along_axis", WIDTHS, lambda n, a: [a(n, n), places(n, 1), a(n, n), 1],
     mx.put_along_axis),
    ("masked_scatter", WIDTHS, lambda n, a: [
        a(n, n), values("bool", (n, n)), a(n * n)],
     lambda a, m, v: put(a, v, m)),
]
for name in ("sort", "argsort"):
    PARTS += [(f"{name}_axis", ORDERED, lambda n, a, x=x: [a(n, n), x],
               getattr(mx, name)) for x in (0, 1)]
    PARTS.append((name, ORDERED, lambda n, a: [a(n, n)],
                  lambda a, f=getattr(mx, name): f(a, None)))
for name in ("partition", "argpartition", "topk"):
    PARTS += [(f"{name}_axis", ORDERED,
               lambda n, a, x=x: [a(n, n), n // 4, x], getattr(mx, name))
              for x in (0, 1)]
    PARTS.append((name, ORDERED, lambda n, a: [a(n, n), n // 4],
                  lambda a, k, f=getattr(mx, name): f(a, k, None)))
for name in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"):
    dtypes = FLOATS if name == "logcumsumexp" else ORDERED
    for shape, axes in ((lambda n: (n, n), (0, 1)),
                        (lambda n: (n * n // 8, 8), (0, 1)),
                        (lambda n: (n * n,), (0,))):
        PARTS += [(name, dtypes, lambda n, a, x=x, b=b, i=i, s=shape: [
            a(*s(n)), x, b, i], lambda a, x, b, i, f=getattr(mx, name): f(
                a, x, reverse=b, inclusive=i))
            for x in axes for b in (False, True) for i in (True, False)]
# Slices along the first axis, and elements by positions along both.
PARTS += [
    ("gather", ORDERED, lambda n, a: [
        a(n, n), [indices(n, n)], [0], [1, n]], lambda a, i, *_: a[i[0]]),
    ("gather", ORDERED, lambda n, a: [
        a(n, n), [indices(n, n * n), indices(n, n * n, 4)], [0, 1], [1, 1]],
     lambda a, i, *_: a[i[0], i[1]]),
]
for name, change in (("", put), ("_add", None), ("_prod", "multiply"),
                     ("_max", "maximum"), ("_min", "minimum")):
    def at(a, u, *index, way=change or "add"):
        return way(a, u, *index) if callable(way) else getattr(
            a.at[index], way)(u)
    PARTS += [
        (f"scatter{name}", ORDERED, lambda n, a: [
            a(n, n), [indices(n, n)], a(n, 1, n), [0]],
         lambda a, i, u, _, f=at: f(a, mx.squeeze(u, 1), i[0])),
        (f"scatter{name}", ORDERED, lambda n, a: [
            a(n, n), [indices(n, n * n), indices(n, n * n, 4)],
            a(n * n, 1, 1), [0, 1]],
         lambda a, i, u, _, f=at: f(a, mx.squeeze(u, (1, 2)), i[0], i[1])),
    ]
PARTS += [("scatter_add_axis", ORDERED, lambda n, a, x=x: [
    a(n, n, layout="row"), indices(n, (n, n)), a(n, n), x], add_along)
          for x in (0, 1)]


def written(x):
    """Whether it belongs into a label."""
    return isinstance(x, (int, tuple)) or (
        isinstance(x, list) and all(map(written, x)))


def cases(sizes, layouts):
    for size in sizes:
        for layout in layouts:
            if layout == "broadcast":
                continue
            for name, dtypes, arguments, reference in PARTS:
                for t in dtypes:
                    def array(*shape, t=t, layout=layout):
                        return laid(t, shape, layout)
                    given = arguments(SIDE[size], lambda *shape, **_: shape)
                    plain = [g for g in given if written(g)]
                    yield Case(
                        name, f"{t} {plain} {layout} {size}",
                        lambda f=arguments, n=SIDE[size], a=array: f(n, a),
                        reference)
