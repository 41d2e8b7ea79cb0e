"""What moves elements to places that are looked up: positions, order, scans."""

import mlx.core as mx
import numpy as np

from sweep import Case, laid, values

SIDE = {"small": 32, "middle": 512, "large": 2048}
WIDTHS = ["uint8", "float16", "float32", "int64"]
ORDERED = ["bool", "uint8", "uint16", "int32", "int64", "float16", "bfloat16",
           "float32", "float64", "complex64"]


def indices(n, shape, seed=3):
    return np.random.default_rng(seed).integers(0, n, shape).astype("uint32")


def places(n, axis):
    return np.argsort(np.random.default_rng(5).random((n, n)), axis).astype(
        "uint32")


def put(a, u, *index):
    a = mx.array(a)
    a[index] = u
    return a


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
for name in ("partition", "argpartition", "topk"):
    PARTS.append((f"{name}_axis", ORDERED[:-1],
                  lambda n, a: [a(n, n), n // 4, 1], getattr(mx, name)))
for name in ("cumsum", "cumprod", "cummax", "cummin"):
    for shape in (lambda n: (n, n), lambda n: (n * n // 8, 8)):
        PARTS += [(name, ORDERED, lambda n, a, x=x, b=b, s=shape: [
            a(*s(n)), x, b, True], lambda a, x, b, i, f=getattr(mx, name): f(
                a, x, reverse=b, inclusive=i))
            for x in (0, 1) for b in (False, True)]

def cases(sizes, layouts):
    for size in sizes:
        for layout in layouts:
            if layout == "broadcast":
                continue
            for name, dtypes, arguments, reference in PARTS:
                for t in dtypes:
                    def array(*shape, t=t, layout=layout):
                        return laid(t, shape, layout)
                    given = arguments(SIDE[size], lambda *shape: shape)
                    plain = [g for g in given
                             if isinstance(g, (int, tuple, list))]
                    yield Case(
                        name, f"{t} {plain} {layout} {size}",
                        lambda f=arguments, n=SIDE[size], a=array: f(n, a),
                        reference)
