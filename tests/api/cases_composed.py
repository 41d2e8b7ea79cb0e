"""Cases of ops_original.py: operations made of others."""

import mlx.core as mx
import numpy as np

from cases_elementwise import two
from draw import FLOATS, SOME, dims, case, TYPED, typed


def quotient(d):
    """MLX dies of an integer divided by zero."""
    a, b = two(["float32", "int32", "uint8"])(d)
    return [a, b if b.dtype == np.float32 else np.where(b == 0, 3, b).astype(
        b.dtype)]


case("floor_divide", quotient, mx.floor_divide)
case("divmod", quotient,
     lambda a, b: list(mx.divmod(a, b)))
for unary in "degrees radians".split():
    case(unary, lambda d: [d.any(FLOATS + ["int32"])], getattr(mx, unary))
case("reciprocal", lambda d: [d.any(FLOATS + ["int32"], positive=True)],
     mx.reciprocal)
case("round", lambda d: [d.any(FLOATS + ["int32"]), d.r.choice([0, 1, 2, -1])],
     mx.round)


def odd(d, shape=None, halves=True):
    """With infinities and numbers that are none."""
    a = d.array(d.r.choice(["float32", "int32"] + ["float16"] * halves),
                d.shape() if shape is None else shape)
    if a.dtype != np.int32 and a.size:
        for value in (np.inf, -np.inf, np.nan):
            a = np.where(d.n.random(a.shape) < 0.2, value, a).astype(a.dtype)
    return a


for unary in "isnan isinf isposinf isneginf isfinite".split():
    case(unary, lambda d: [odd(d)], getattr(mx, unary))


def near(d):
    shape = d.shape()
    a = odd(d, shape)
    b = a if d.r.random() < 0.3 else odd(d, d.fitting(shape))
    b = np.where(d.n.random(b.shape) < 0.3, b * (1 + 1e-6), b).astype(b.dtype)
    return [a, b]


for name in ("isclose", "allclose"):
    case(name, lambda d: near(d) + [1e-5, 1e-8, d.r.random() < 0.5],
         lambda a, b, r, t, n, f=getattr(mx, name): f(
             a, b, rtol=r, atol=t, equal_nan=n))
case("array_equal", lambda d: near(d) + [d.r.random() < 0.5],
     lambda a, b, n: mx.array_equal(a, b, equal_nan=n))
# Not of float16, whose largest number MLX takes for 0 here.
case("nan_to_num", lambda d: [odd(d, halves=False), 0.5, d.r.choice([None, 9.0]),
                              d.r.choice([None, -9.0])],
     lambda a, n, p, m: mx.nan_to_num(a, n, p, m))
case("clip", lambda d: (lambda a: [
    a, d.r.choice([None, np.float32(-1), d.array("int32", d.fitting(dims(a)))]),
    d.r.choice([None, np.float32(1)])])(d.any(SOME)), mx.clip)

TYPES5 = ["float32", "int32", "bool", "float16", "uint8"]
case("linspace", lambda d: [d.r.uniform(-3, 3), d.r.uniform(-3, 9),
                            d.r.choice([0, 1, 2, 5, 33, -1]),
                            d.r.choice(["float32", "float16", "int32"])],
     lambda a, b, n, t: mx.linspace(a, b, n, typed(t)))
case("eye", lambda d: [d.r.choice([0, 1, 2, 5, 6, 100]), d.r.choice([
    1, 2, 5, 200]), d.r.randint(-7, 7), d.r.choice(TYPES5)],
     lambda n, m, k, t: mx.eye(n, m, k, typed(t)))
case("identity", lambda d: [d.r.randint(1, 6), d.r.choice(TYPES5)],
     lambda n, t: mx.identity(n, typed(t)))
case("tri", lambda d: [d.r.choice([0, 1, 4, 6, 100]), d.r.choice([
    0, 1, 5, 200]), d.r.randint(-7, 7), d.r.choice(TYPES5)],
     lambda n, m, k, t: mx.tri(n, m, k, typed(t)))
for name in ("tril", "triu"):
    case(name, lambda d: [d.any(SOME, 1), d.r.randint(-4, 4)],
         getattr(mx, name))
# MLX refuses to write nothing into a diagonal of no elements.
case("diag", lambda d: (lambda a: [a, d.r.choice([-3, -1, 2, 4] + [0] * (
    0 not in dims(a)))])(d.any(SOME, 0, 3)), mx.diag)


def diagonal(d):
    a = d.any(SOME, 1)
    n = len(dims(a))
    return [a, d.r.randint(-3, 3), d.axis(n), d.axis(n)]


case("diagonal", diagonal, mx.diagonal)
# MLX never returns from sums over some empty diagonals.
case("trace", lambda d: [d.array(d.r.choice(SOME), tuple(
    d.r.randint(2, 4) for _ in range(d.r.randint(2, 4)))), d.r.randint(-1, 1),
    d.r.choice([0, -1]), d.r.choice([1, 0]), d.r.choice(["float32", "int32"])],
     lambda a, k, x, y, t: mx.trace(a, k, x, y, typed(t)), loose=8)
case("full_like", lambda d: (lambda a: [
    a, d.array(d.r.choice(["float32", "int32"]), d.fitting(dims(a))),
    d.r.choice(TYPED)])(d.any(SOME)),
    lambda a, v, t: mx.full(a.shape, v.astype(typed(t))))
for name in ("bartlett", "hanning", "hamming", "blackman"):
    case(name, lambda d: [d.r.choice([-1, 0, 1, 2, 3, 8, 33])],
         getattr(mx, name), loose=2)

case("atleast_1d", lambda d: [d.any(SOME)], mx.atleast_1d)
case("atleast_2d", lambda d: [d.any(SOME)], mx.atleast_2d)
case("atleast_3d", lambda d: [d.any(SOME)], mx.atleast_3d)
case("tile", lambda d: [d.any(SOME), [d.r.choice([0, 1, 2, 3])
                                      for _ in range(d.r.randint(0, 4))]],
     mx.tile)
case("repeat", lambda d: [d.any(SOME), d.r.choice([0, 1, 2, 3, -1])], mx.repeat)
case("repeat_axis", lambda d: (lambda a: [
    a, d.r.choice([0, 1, 2, 3]), d.axis(len(dims(a)))])(d.any(SOME, 1)),
    mx.repeat)
case("roll", lambda d: [d.any(SOME), [d.r.randint(-9, 9)]],
     lambda a, k: mx.roll(a, k[0]))
case("roll_axis", lambda d: (lambda a: [
    a, [d.r.randint(-9, 9)], d.axis(len(dims(a)))])(d.any(SOME, 1)),
    lambda a, k, x: mx.roll(a, k[0], x))
case("roll_axes", lambda d: (lambda a: (lambda x: [
    a, [d.r.randint(-9, 9) for _ in x], x])(d.axes(len(dims(a)))))(
    d.any(SOME, 1)), lambda a, k, x: mx.roll(a, tuple(k), tuple(x)))


def cut(d):
    a = d.any(SOME, 1)
    axis = d.axis(len(dims(a)))
    n = max(dims(a))
    return [a, sorted(d.r.randint(0, n) for _ in range(d.r.randint(0, 3))),
            axis]


case("split", lambda d: (lambda a: [a, d.r.choice([1, 2, 3, 0]),
                                    d.axis(len(dims(a)))])(d.any(SOME, 1)),
     lambda a, n, x: list(mx.split(a, n, x)))
case("split_sections", cut, lambda a, at, x: list(mx.split(a, at, x)))
case("broadcast_arrays", lambda d: (lambda s: [[
    d.array(d.r.choice(SOME), d.fitting(s))
    for _ in range(d.r.randint(1, 3))]])(d.shape()),
    lambda p: list(mx.broadcast_arrays(*p)))
case("meshgrid", lambda d: [[d.array("float32", (d.r.randint(1, 4),))
                             for _ in range(d.r.randint(1, 3))],
                            d.r.random() < 0.5, d.r.choice(["xy", "ij", "no"])],
     lambda p, sp, ix: list(mx.meshgrid(*p, sparse=sp, indexing=ix)))

case("outer", lambda d: [d.any(["float32", "int32"]), d.any(["float32"])],
     mx.outer)


def inner(d):
    k = d.r.randint(1, 4)
    return [d.array("float32", d.shape(0, 2) + (k,)),
            d.array("float32", d.r.choice([(), (k,), (2, k), (3, k + 1)]))]


case("inner", inner, mx.inner, loose=4)
case("kron", lambda d: [d.any(["float32", "int32"], 0, 3),
                        d.any(["float32"], 0, 3)], mx.kron)


def dotted(d):
    common = [d.r.randint(1, 4) for _ in range(d.r.randint(0, 2))]
    a, b = list(d.shape(0, 2)), list(d.shape(0, 2))
    a, b = [n or 1 for n in a], [n or 1 for n in b]
    at, bt = [], []
    a, b = a + common, common + b
    n = len(common)
    at = [i - n for i in range(n)]
    bt = list(range(n))
    if n and d.r.random() < 0.1:
        b[0] += 1
    return [d.array("float32", tuple(a)), d.array("float32", tuple(b)), at, bt]


case("tensordot", dotted,
     lambda a, b, x, y: mx.tensordot(a, b, [x, y]), loose=4)
case("tensordot_axis", lambda d: (lambda v: v[:2] + [len(v[2])])(dotted(d)),
     lambda a, b, n: mx.tensordot(a, b, n), loose=4)
case("view", lambda d: [d.any(["float32", "int16", "uint8", "int64"]),
                        d.r.choice(["float32", "int16", "uint8", "int32"])],
     lambda a, t: mx.view(a, typed(t)))
case("stop_gradient", lambda d: [d.any(SOME)], mx.stop_gradient)
case("depends", lambda d: [[d.any(SOME), d.any(SOME)], [d.any(SOME)]],
     lambda a, b: list(mx.depends(a, b)))
case("to_fp8", lambda d: [d.any(FLOATS)], mx.to_fp8)
case("from_fp8", lambda d: [d.array("uint8", d.shape()), d.r.choice(FLOATS)],
     lambda a, t: mx.from_fp8(a, typed(t)))
