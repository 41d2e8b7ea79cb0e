"""Cases of ops_original.py: linear algebra."""

import mlx.core as mx
import numpy as np

from draw import case, keep


def matrix(d, kind="any", dtypes=("float32", "float64"), wrong=True):
    """Well-conditioned, of a small batch; now and then what is refused."""
    n, m = d.r.randint(1, 6), d.r.randint(1, 6)
    batch = tuple(d.r.choice([[], [2], [1, 3]]))
    shape = batch + ((n, m) if kind == "any" else (n, n))
    dtype = d.r.choice(dtypes)
    if wrong and d.r.random() < 0.1:
        dtype = d.r.choice(["int32", "float16"])
    if wrong and kind != "any" and d.r.random() < 0.1:
        shape = batch + (n, n + 1)
    if wrong and d.r.random() < 0.05:
        shape = (n,)
    a = d.n.normal(size=shape)
    if dtype == "complex64":
        a = a + 1j * d.n.normal(size=shape)
    if kind != "any" and shape[-1:] == shape[-2:-1]:
        a = a + 4 * n * np.eye(n)
        if kind == "symmetric":
            a = (a + np.conj(np.swapaxes(a, -1, -2))) / 2
            a = a + np.diag(np.arange(n) * 2.0)
    return a.astype(dtype)


for one in "inv pinv".split():
    case(f"linalg_{one}", lambda d, k="square" if one == "inv" else "any":
         [matrix(d, k)], getattr(mx.linalg, one), loose=20)
for one in "cholesky cholesky_inv tri_inv".split():
    case(f"linalg_{one}",
         lambda d: [matrix(d, "symmetric"), d.r.random() < 0.5],
         lambda a, u, f=getattr(mx.linalg, one): f(a, upper=u), loose=20)
case("linalg_qr", lambda d: [matrix(d)],
     lambda a: list(mx.linalg.qr(a)), loose=40)
case("linalg_svd", lambda d: [matrix(d, dtypes=(
    "float32", "float64", "complex64")), False],
     lambda a, uv: mx.linalg.svd(a, uv), loose=20)
case("linalg_eigvalsh", lambda d: [matrix(d, "symmetric", (
    "float32", "float64", "complex64")), d.r.choice("LU")],
    mx.linalg.eigvalsh, loose=40)
# Columns of vectors are unique up to a factor; both come from LAPACK, so where
# the routines are the same the factors are.
case("linalg_svd", lambda d: [matrix(d), True],
     lambda a, uv: mx.linalg.svd(a, uv), loose=100)
case("linalg_eigh", lambda d: [matrix(d, "symmetric"), d.r.choice("LU")],
     lambda a, u: list(mx.linalg.eigh(a, u)), loose=100)
case("linalg_eigvals", lambda d: [matrix(d, "square", (
    "float32", "float64", "complex64"))], mx.linalg.eigvals, loose=100)


def turned(values, arguments):
    """Vectors are unique up to a factor: their largest element becomes real."""
    if values.ndim < arguments[0].ndim or values.size == 0:
        return values
    place = np.argmax(np.abs(values) > 0.99 * np.abs(values).max(
        -2, keepdims=True), -2)[..., None, :]
    largest = np.take_along_axis(values, place, -2)
    return values * np.conj(largest) / np.abs(largest)


# Not of complex matrices: there MLX's vectors are the conjugates.
case("linalg_eig", lambda d: [matrix(d, "square")],
     lambda a: list(mx.linalg.eig(a)), loose=100, post=turned)
case("linalg_lu", lambda d: [matrix(d)],
     lambda a: list(mx.linalg.lu(a)), loose=40)
case("linalg_lu_factor", lambda d: [matrix(d)],
     lambda a: list(mx.linalg.lu_factor(a)), loose=40)


def system(d):
    a = matrix(d, "square", wrong=d.r.random() < 0.3)
    n = a.shape[-1]
    shape = d.r.choice([(n,), (n, 2)]) if a.ndim < 3 else a.shape[:-1] + (2,)
    if d.r.random() < 0.1:
        shape = shape[:-2] + (n + 1,)
    return [a, d.array(d.r.choice(["float32", "float32", "int32"]), shape)]


case("linalg_solve", system, mx.linalg.solve, loose=40)
case("linalg_solve_triangular", lambda d: system(d) + [d.r.random() < 0.5],
     lambda a, b, u: mx.linalg.solve_triangular(a, b, upper=u), loose=40)


def crossed(d):
    shape = [2, d.r.randint(1, 3), d.r.randint(1, 3)]
    axis = d.r.choice([-1, -1, -2, 0, 1, 2])
    other = [1 if d.r.random() < 0.2 else n for n in shape]
    shape[axis], other[axis] = d.r.choice([2, 3]), d.r.choice([2, 3, 3, 4])
    return [d.array(d.r.choice(["float32", "int32"]), tuple(shape)),
            d.array("float32", tuple(other)), axis]


case("linalg_cross", crossed, mx.linalg.cross, loose=4)


def normed(*orders):
    def draw(d):
        a = d.any(["float32", "float16", "int32", "complex64"], 0, 3)
        axes = d.r.choice([None, [d.axis(max(a.ndim, 1))],
                           [0, 1], [-1, 0], [-2, -1], [1, 2]])
        # MLX 0.31.2 mistakes the axes where negative ones go away.
        keep = d.r.random() < 0.5 or axes == [-2, -1]
        return [a] + ([d.r.choice(orders)] if orders else []) + [axes, keep]
    return draw


INF = float("inf")
case("linalg_norm", normed(0.0, 1.0, -1.0, 2.0, 2.0, -2.0, 3.0, 0.5, INF, -INF),
     lambda a, o, x, k: mx.linalg.norm(a, o, x, k), loose=8)
case("linalg_norm_matrix", normed("f", "fro", "nuc", "no"),
     lambda a, o, x, k: mx.linalg.norm(a, o, x, k), loose=8)
case("linalg_norm_l2", normed(),
     lambda a, x, k: mx.linalg.norm(a, None, x, k), loose=8)
