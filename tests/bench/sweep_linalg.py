"""Decompositions, inverses, systems, norms: single matrices and batches."""

import mlx.core as mx
import numpy as np

from generated import DTYPES
from sweep import lay, table, values

SQUARE = {
    "small": [(8, 8), (32, 32), (64, 2, 2), (64, 4, 4), (4, 16, 16)],
    "middle": [(256, 256), (16384, 4, 4), (4096, 8, 8), (1024, 16, 16),
               (256, 32, 32), (64, 64, 64)],
    "large": [(512, 512), (262144, 4, 4), (65536, 8, 8), (1024, 64, 64)],
}
OBLONG = {
    "small": [(32, 8), (8, 32), (64, 3, 5)],
    "middle": [(2048, 64), (64, 2048), (4096, 12, 5), (4096, 5, 12),
               (64, 128, 32)],
    "large": [(16384, 64), (65536, 12, 5), (64, 256, 64)],
}
SIDES = {"small": [(32, 32)], "middle": [(512, 512), (64, 64, 64)],
         "large": [(2048, 2048), (16, 512, 512)]}
REAL = ["float32", "float64"]
WIDER = [*REAL, "complex64"]


def square(*shape):
    """Symmetric and definite, so that no function refuses it."""
    *shape, a = shape
    x = values(a.t, shape)
    x = (x + np.conj(np.swapaxes(x, -1, -2))) / 2
    return lay((x + 8 * shape[-1] * np.eye(shape[-1])).astype(a.t), a.layout)


def row(name, dtypes, extents, arguments, reference, label=""):
    return f"linalg_{name}", label, dtypes, extents, arguments, reference


def of(name):
    return getattr(mx.linalg, name)


# Complex decompositions and those of matrices that are not symmetric take
# whatever there is.
def drawn(*shape):
    *shape, a = shape
    return a(*shape)


ROWS = [
    *(row(n, REAL, SQUARE, lambda *s: [square(*s)], of(n))
      for n in ("inv", "lu", "lu_factor", "qr", "pinv")),
    *(row(n, REAL, SQUARE, lambda *s: [square(*s), True],
          lambda a, u, f=of(n): f(a, upper=u))
      for n in ("cholesky", "cholesky_inv", "tri_inv")),
    *(row(n, REAL, OBLONG, lambda *s: [drawn(*s)], of(n))
      for n in ("qr", "lu", "pinv")),
    *(row("svd", WIDER, extents, lambda *s, u=u: [drawn(*s), u],
          lambda a, u: mx.linalg.svd(a, u), "vectors" if u else "values")
      for u in (True, False) for extents in (SQUARE, OBLONG)),
    *(row(n, WIDER, SQUARE, lambda *s: [square(*s), "L"], of(n))
      for n in ("eigh", "eigvalsh")),
    *(row(n, WIDER, SQUARE, lambda *s: [drawn(*s)], of(n))
      for n in ("eig", "eigvals")),
    *(row("solve", ["float32"], SQUARE,
          lambda *s, n=n: [square(*s), s[-1](*s[:-2], n)], of("solve"),
          f"{n} right")
      for n in (1, 8)),
    row("solve_triangular", ["float32"], SQUARE,
        lambda *s: [square(*s), s[-1](*s[:-2], 8), True],
        lambda a, b, u: mx.linalg.solve_triangular(a, b, upper=u)),
    *(row("cross", ["float32", "int32", "float16"], {
        "small": [(32, 3)], "middle": [(65536, 3)], "large": [(1048576, 3)]},
        lambda n, k, a, w=w: [a(n, w), a(n, w), -1], of("cross"), f"{w} wide")
      for w in (2, 3)),
    *(row("norm", DTYPES, SIDES,
          lambda *s, o=o, x=x: [drawn(*s), o, x, False], of("norm"),
          f"order {o} axes {x}")
      for o in (0.0, 1.0, 2.0, 3.0, float("inf"), -float("inf"))
      for x in ([-1], [0])),
    *(row("norm", REAL, SIDES,
          lambda *s, o=o: [drawn(*s), o, [-2, -1], True], of("norm"),
          f"order {o} of matrices")
      for o in (1.0, -1.0, float("inf"))),
    *(row("norm_matrix", REAL, SIDES if o == "fro" else {
        k: v[1:3] for k, v in SQUARE.items()},
          lambda *s, o=o: [drawn(*s), o, [-2, -1], True], of("norm"), o)
      for o in ("fro", "nuc")),
    *(row("norm_l2", DTYPES, SIDES, lambda *s, x=x: [drawn(*s), x, False],
          lambda a, x, k: mx.linalg.norm(a, None, x, k), f"axes {x}")
      for x in (None, [-1], [0], [0, 1])),
]


def cases(sizes, layouts):
    # One matrix for a whole batch tells no more than a row of them.
    return table(ROWS, sizes, [x for x in layouts if x != "broadcast"])
