#!/usr/bin/env python3
"""Operations through the C interface against MLX itself: values, shapes,
dtypes, and whether there is an error at all.

    ops_original.py LIBRARY FUNCTIONS.TSV [SEED [NAME…]]

run by an interpreter with mlx and numpy; of all cases or of those named.

A case is a line of CASES: the name after mlx_, how to draw the arguments, and
what MLX makes of them. Functions that are not in the library yet are passed
over and counted.
"""

import collections
import importlib
import pathlib
import random
import sys
import time
import zlib

import mlx.core as mx
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import lazuli  # noqa: E402

# Every cases_*.py beside this file adds its cases.
MORE = [importlib.import_module(path.stem)
        for path in sorted(HERE.glob("cases_*.py"))]

FLOATS = ["float32", "float16", "bfloat16"]
INTS = ["bool", "uint8", "int16", "int32", "uint32", "int64"]
SOME = ["float32", "int32", "bool", "float16", "uint8"]
ALL = FLOATS + INTS + ["complex64"]
TRIALS = 40
TOLERANCE = {"float32": 3e-5, "float16": 3e-3, "bfloat16": 3e-2,
             "complex64": 5e-5, "float64": 1e-12}


class Draw:
    """Random arguments of one case."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.n = np.random.default_rng(seed)

    def shape(self, low=0, high=4):
        return tuple(self.r.choice([1, 2, 3, 4, 5, 0, 7])
                     if self.r.random() < 0.9 else 1
                     for _ in range(self.r.randint(low, high)))

    def array(self, dtype, shape, positive=False):
        if dtype == "bool":
            return self.n.random(shape) < 0.5
        if dtype == "complex64":
            return (self.n.normal(size=shape) +
                    1j * self.n.normal(size=shape)).astype(np.complex64)
        if "int" in dtype:
            low = 0 if positive or dtype.startswith("u") else -9
            return self.n.integers(low, 10, shape).astype(dtype)
        x = np.asarray(self.n.normal(size=shape) * 2, np.float32)
        x = np.abs(x) + 0.1 if positive else x
        if dtype == "bfloat16":
            bits = (np.atleast_1d(x).view(np.uint32) >> 16).astype(np.uint16)
            return lazuli.Bits(bits.reshape(x.shape), "bfloat16")
        return x.astype(dtype)

    def any(self, dtypes=ALL, low=0, high=4, **more):
        return self.array(self.r.choice(dtypes), self.shape(low, high), **more)

    def fitting(self, shape, wrong=True):
        """A shape that broadcasts with `shape`; now and then one that does
        not."""
        other = [1 if self.r.random() < 0.3 else n for n in shape]
        other = other[self.r.randint(0, len(other)):]
        if wrong and self.r.random() < 0.1:
            other = [n + 2 for n in other]
        return tuple(other)

    def axis(self, ndim, wrong=True):
        edge = 1 if wrong and self.r.random() < 0.1 else 0
        return self.r.randint(-ndim - edge, max(ndim - 1 + edge, 0))

    def axes(self, ndim):
        return [self.axis(ndim) for _ in range(self.r.randint(0, ndim))]


def original(value):
    if isinstance(value, lazuli.Bits):
        return mx.view(mx.array(value.bits), mx.bfloat16)
    if value.dtype == np.float64:
        return mx.array(value, mx.float64)
    return mx.array(value)


def dims(value):
    return value.bits.shape if isinstance(value, lazuli.Bits) else value.shape


CASES = []


def case(name, draw, reference, loose=1, post=None):
    """post(values, arguments) is what is compared, where not all of it is."""
    CASES.append((name, draw, reference, loose, post))


# ---- element-wise -----------------------------------------------------------

for unary in ("abs ceil floor negative sign square logical_not "
              "conjugate").split():
    case(unary, lambda d: [d.any()], getattr(mx, unary))
for unary in ("sqrt rsqrt exp expm1 log log2 log10 log1p sin cos tan arctan "
              "sinh cosh tanh arcsinh sigmoid erf").split():
    case(unary, lambda d: [d.any(FLOATS + ["int32"], positive=True)],
         getattr(mx, unary), loose=4)
for unary in ("exp sin cos tanh").split():
    case(unary, lambda d: [d.any(["complex64", "bool", "int64"])],
         getattr(mx, unary), loose=4)
case("bitwise_invert", lambda d: [d.any(INTS)], mx.bitwise_invert)
case("real", lambda d: [d.any(["complex64"])], mx.real)
case("imag", lambda d: [d.any(["complex64"])], mx.imag)


def two(dtypes, positive=False):
    def draw(d):
        shape = d.shape()
        return [d.array(d.r.choice(dtypes), shape, positive),
                d.array(d.r.choice(dtypes), d.fitting(shape), positive)]
    return draw


for binary in ("add subtract multiply maximum minimum equal not_equal greater "
               "greater_equal less less_equal logical_and logical_or").split():
    case(binary, two(FLOATS + INTS), getattr(mx, binary))
for binary in "add subtract multiply equal".split():
    case(binary, two(["complex64", "float32"]), getattr(mx, binary))
case("divide", two(FLOATS + ["int32"], True), mx.divide)
for binary in "logaddexp arctan2 power".split():
    case(binary, two(FLOATS, True), getattr(mx, binary), loose=8)
for binary in "bitwise_and bitwise_or left_shift right_shift".split():
    case(binary, two(INTS, True), getattr(mx, binary))
# Not of bools: there MLX 0.31.2 says that True ^ True is True.
case("bitwise_xor", two(INTS[1:]), mx.bitwise_xor)


def select(d):
    shape = d.shape()
    return [d.array("bool", d.fitting(shape)), d.array(d.r.choice(SOME), shape),
            d.array(d.r.choice(SOME), d.fitting(shape))]


case("where", select, mx.where)
case("astype", lambda d: [d.any(["float32", "int32", "bool", "uint8",
                                 "bfloat16", "float16"], positive=True),
                          d.r.choice(["float32", "int32", "bool", "float16",
                                      "bfloat16", "complex64", "uint8"])],
     lambda a, t: a.astype(getattr(mx, t + "_" if t == "bool" else t)))

# ---- reductions -------------------------------------------------------------


def reduced(dtypes, extra, low=0):
    """Three forms: all axes, some, one."""
    def all_(d):
        return [d.any(dtypes, low)] + extra(d)

    def axes(d):
        a = d.any(dtypes, 1)
        return [a, d.axes(len(dims(a)))] + extra(d)

    def axis(d):
        a = d.any(dtypes, 1)
        return [a, d.axis(len(dims(a)))] + extra(d)
    return all_, axes, axis


def keep(d):
    return [d.r.random() < 0.5]


NO_F = FLOATS + ["int32", "bool", "uint8"]
for name, dtypes in (("sum", NO_F), ("prod", ["float32", "int32", "bool"]),
                     ("max", NO_F), ("min", NO_F), ("all", NO_F),
                     ("any", NO_F), ("mean", NO_F)):
    f = getattr(mx, name)
    a, b, one = reduced(dtypes, keep)
    case(name, a, lambda x, k, f=f: f(x, keepdims=k), loose=8)
    case(name + "_axes", b, lambda x, ax, k, f=f: f(x, ax, keepdims=k), loose=8)
    case(name + "_axis", one, lambda x, ax, k, f=f: f(x, ax, keepdims=k),
         loose=8)


def logsumexp(x, axes=None, keepdims=False):
    """MLX forgets to drop all but the last axis of (1, ..., 1, n)."""
    got = mx.logsumexp(x, axes, keepdims=keepdims)
    shape = np.sum(np.zeros(x.shape), None if axes is None else (
        axes if isinstance(axes, int) else tuple(axes)), keepdims=keepdims)
    return got.reshape(shape.shape)


a, b, one = reduced(FLOATS, keep)
case("logsumexp", a, lambda x, k: logsumexp(x, None, k), loose=8)
case("logsumexp_axes", b, logsumexp, loose=8)
case("logsumexp_axis", one, logsumexp, loose=8)
for name in ("var", "std"):
    f = getattr(mx, name)
    a, b, one = reduced(["float32", "int32"],
                        lambda d: [d.r.random() < 0.5, d.r.randint(0, 1)])
    case(name, a, lambda x, k, dd, f=f: f(x, keepdims=k, ddof=dd), loose=8)
    case(name + "_axes", b,
         lambda x, ax, k, dd, f=f: f(x, ax, keepdims=k, ddof=dd), loose=8)
    case(name + "_axis", one,
         lambda x, ax, k, dd, f=f: f(x, ax, keepdims=k, ddof=dd), loose=8)
a, b, one = reduced(FLOATS, keep)
case("softmax", a, lambda x, p: mx.softmax(x, precise=p), loose=4)
case("softmax_axes", b, lambda x, ax, p: mx.softmax(x, ax, precise=p), loose=4)
case("softmax_axis", one, lambda x, ax, p: mx.softmax(x, ax, precise=p),
     loose=4)
for name in ("argmax", "argmin"):
    f = getattr(mx, name)
    # Not of scalars: there MLX fails by accident.
    _, _, one = reduced(["float32", "int32", "uint8"], keep)
    case(name, lambda d: [d.any(["float32", "int32", "uint8"], 1)] + keep(d),
         lambda x, k, f=f: f(x, keepdims=k))
    case(name + "_axis", one, lambda x, ax, k, f=f: f(x, ax, keepdims=k))

# ---- shapes -----------------------------------------------------------------


def new_shape(d):
    a = d.any(SOME)
    size = int(np.prod(dims(a)))
    shape = d.r.choice([[size], [-1], [1, size], [size, 1, 1], [2, -1],
                        [-1, 3], [size + 1], [0, -1]])
    return [a, shape]


def with_axis(d, low=1):
    a = d.any(SOME, low)
    return [a, d.axis(len(dims(a)))]


def with_axes(d):
    a = d.any(SOME)
    return [a, d.axes(len(dims(a)))]


def bounds(d):
    a = d.any(SOME)
    shape = dims(a)
    steps = [d.r.choice([1, 1, 2, 3, -1, -2]) for _ in shape]
    start = [d.r.randint(-n - 1, n + 1) for n in shape]
    stop = [d.r.randint(-n - 1, n + 1) for n in shape]
    return [a, start, stop, steps]


def sliced(a, start, stop, steps):
    """Python's own slices, which are what MLX's C++ bounds mean, but that a
    bound before the first element stays there."""
    x = np.array(a)
    index = []
    for n, b, e, s in zip(x.shape, start, stop, steps):
        b = b + n if b < 0 else b
        e = e + n if e < 0 else e
        b = min(max(b, 0 if s > 0 else -1), n if s > 0 else n - 1)
        e = min(max(e, 0 if s > 0 else -1), n)
        index.append(list(range(b, e, s)))
    return x[np.ix_(*index)] if index else x


case("reshape", new_shape, lambda a, s: mx.reshape(a, s))
case("flatten", lambda d: (lambda a: [a, d.axis(max(1, len(dims(a)))),
                                      d.axis(max(1, len(dims(a))))])(
    d.any(SOME)), mx.flatten)
case("broadcast_to", lambda d: (lambda s: [
    d.array(d.r.choice(SOME), d.fitting(s)), list(s)])(d.shape()),
    mx.broadcast_to)
case("transpose", lambda d: [d.any(SOME)], mx.transpose)
case("transpose_axes", lambda d: (lambda a: [a, d.r.sample(
    range(len(dims(a))), len(dims(a)))])(d.any(SOME, 1)),
    lambda a, x: mx.transpose(a, x))
case("swapaxes", lambda d: (lambda a: [a, d.axis(len(dims(a))),
                                       d.axis(len(dims(a)))])(d.any(SOME, 1)),
     mx.swapaxes)
case("moveaxis", lambda d: (lambda a: [a, d.axis(len(dims(a))),
                                       d.axis(len(dims(a)))])(d.any(SOME, 1)),
     mx.moveaxis)
case("expand_dims", lambda d: (lambda a: [a, d.axis(len(dims(a)) + 1)])(
    d.any(SOME)), mx.expand_dims)
# MLX turns an axis that is out of range around twice here: none are drawn.
case("expand_dims_axes", lambda d: (lambda a: [a, [
    d.axis(len(dims(a)) + 1, wrong=False) for _ in range(d.r.randint(0, 2))]])(
    d.any(SOME)), lambda a, x: mx.expand_dims(a, x))
case("squeeze", lambda d: [d.any(SOME)], mx.squeeze)
case("squeeze_axis", with_axis, mx.squeeze)
case("squeeze_axes", with_axes, lambda a, x: mx.squeeze(a, x))
case("slice", bounds, sliced)
case("contiguous", lambda d: [d.any(SOME), d.r.random() < 0.5], mx.contiguous)
case("copy", lambda d: [d.any()], lambda a: a)


def joined(d):
    shape = list(d.shape(1, 3))
    axis = d.axis(len(shape), wrong=False)
    parts = []
    for _ in range(d.r.randint(1, 4)):
        s = list(shape)
        s[axis] = d.r.randint(0, 4)
        if d.r.random() < 0.05:
            s[0] += 1
        parts.append(d.array(d.r.choice(SOME), tuple(s)))
    return [parts, axis]


def stacked(d):
    shape = d.shape(0, 3)
    return [[d.array(d.r.choice(SOME), shape)
             for _ in range(d.r.randint(1, 4))], d.axis(len(shape) + 1)]


case("concatenate_axis", joined, lambda p, axis: mx.concatenate(p, axis))
case("concatenate", lambda d: joined(d)[:1], mx.concatenate)
case("stack_axis", stacked, lambda p, axis: mx.stack(p, axis))
case("stack", lambda d: stacked(d)[:1], mx.stack)

# ---- from nothing, products -------------------------------------------------

TYPED = ["float32", "int32", "bool", "float16", "complex64"]


def typed(name):
    return getattr(mx, name + "_" if name == "bool" else name)


case("zeros", lambda d: [list(d.shape()), d.r.choice(TYPED)],
     lambda s, t: mx.zeros(s, typed(t)))
case("ones", lambda d: [list(d.shape()), d.r.choice(TYPED)],
     lambda s, t: mx.ones(s, typed(t)))
case("zeros_like", lambda d: [d.any()], mx.zeros_like)
case("ones_like", lambda d: [d.any()], mx.ones_like)
case("full", lambda d: (lambda s: [list(s), d.array(d.r.choice(
    ["float32", "int32", "bool"]), d.fitting(s)), d.r.choice(TYPED)])(
    d.shape()), lambda s, v, t: mx.full(s, v.astype(typed(t))))
case("arange", lambda d: [d.r.randint(-5, 5), d.r.randint(-5, 15),
                          d.r.choice([1, 2, -1, 3]),
                          d.r.choice(["float32", "int32", "int64"])],
     lambda b, e, s, t: mx.arange(b, e, s, typed(t)))
case("arange", lambda d: [d.r.uniform(-5, 5), d.r.uniform(-5, 15),
                          d.r.choice([0.5, -0.25, 1.5]), "float32"],
     lambda b, e, s, t: mx.arange(b, e, s, typed(t)))


def product(d, extra=False):
    m, k, n = (d.r.randint(1, 6) for _ in range(3))
    batch = d.shape(0, 2)
    a = d.r.choice([batch + (m, k), (m, k), (k,)])
    b = d.r.choice([batch + (k, n), (k, n), (k,), (k + 1, n)])
    t = d.r.choice(FLOATS)
    args = [d.array(t, a), d.array(t, b)]
    if extra:
        args = [d.array(t, d.r.choice([(1,), (n,), (m, n)]))] + args
        args += [d.r.choice([1.0, 0.5]), d.r.choice([1.0, 2.0])]
    return args


case("matmul", product, mx.matmul, loose=4)
case("addmm", lambda d: product(d, True),
     lambda c, a, b, x, y: mx.addmm(c, a, b, x, y), loose=4)

# ---- made of others ----------------------------------------------------------

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
case("eye", lambda d: [d.r.randint(0, 6), d.r.randint(1, 6),
                       d.r.randint(-7, 7), d.r.choice(TYPES5)],
     lambda n, m, k, t: mx.eye(n, m, k, typed(t)))
case("identity", lambda d: [d.r.randint(1, 6), d.r.choice(TYPES5)],
     lambda n, t: mx.identity(n, typed(t)))
case("tri", lambda d: [d.r.randint(0, 6), d.r.randint(0, 6),
                       d.r.randint(-7, 7), d.r.choice(TYPES5)],
     lambda n, m, k, t: mx.tri(n, m, k, typed(t)))
for name in ("tril", "triu"):
    case(name, lambda d: [d.any(SOME, 1), d.r.randint(-4, 4)],
         getattr(mx, name))
case("diag", lambda d: [d.any(SOME, 0, 3), d.r.randint(-4, 4)], mx.diag)


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

# ---- positions --------------------------------------------------------------

INDEX = ["int32", "uint32", "int64", "uint8", "int16"]


def indices(d, n, shape):
    """Integers that are positions of an axis of n, some from its end."""
    kind = d.r.choice(INDEX)
    low = 0 if kind.startswith("u") else -n
    return d.n.integers(low, max(n, low + 1), shape).astype(kind)


def taken(d):
    a = d.any(SOME, 1)
    axis = d.axis(len(dims(a)))
    n = dims(a)[axis] if -len(dims(a)) <= axis < len(dims(a)) else 1
    return [a, indices(d, n, d.shape(0, 2)), axis]


case("take_axis", taken, mx.take)
case("take", lambda d: (lambda a: [a, indices(
    d, int(np.prod(dims(a))), d.shape(0, 2))])(d.any(SOME)), mx.take)


def along(d):
    a = d.any(SOME, 1)
    shape = list(dims(a))
    axis = d.axis(len(shape), wrong=False)
    n = shape[axis]
    if d.r.random() < 0.3:
        shape[d.r.randrange(len(shape))] = 1
    shape[axis] = d.r.randint(1, 4) if n else 0
    return [a, indices(d, n, tuple(shape)), axis]


case("take_along_axis", along, mx.take_along_axis)


def put(d):
    a, i, axis = along(d)
    # One value a place: which of several stays is not said.
    i = np.take(np.argsort(d.n.random(dims(a)), axis).astype(np.int32),
                np.arange(min(i.shape[axis], dims(a)[axis])), axis)
    return [a, i, d.array("float32", d.fitting(i.shape)), axis]


case("put_along_axis", put, mx.put_along_axis)


def added(a, i, v, axis):
    out = np.array(a)
    i, v = np.array(i), np.array(v)
    full = np.broadcast_shapes(i.shape, v.shape)
    other = list(full)
    if out.size == 0:
        return out
    axis = axis % out.ndim
    other[axis] = out.shape[axis]
    out = np.broadcast_to(out, np.broadcast_shapes(tuple(other), out.shape))
    out = out.copy()
    i, v = np.broadcast_to(i, full), np.broadcast_to(v, full)
    grid = list(np.indices(full))
    grid[axis] = i
    np.add.at(out, tuple(grid), v.astype(out.dtype))
    return out


def add_along(d):
    a = d.array("float32", d.shape(1))
    axis = d.axis(a.ndim, wrong=False)
    shape = list(a.shape)
    shape[axis] = d.r.randint(1, 4) if a.shape[axis] else 0
    return [a, indices(d, a.shape[axis], tuple(shape)),
            d.array("float32", d.fitting(tuple(shape), wrong=False)), axis]


case("scatter_add_axis", add_along, added, loose=4)


def gathered(d):
    a = d.array(d.r.choice(SOME), tuple(d.r.randint(1, 5)
                                        for _ in range(d.r.randint(1, 3))))
    axes = d.r.sample(range(a.ndim), d.r.randint(0, a.ndim))
    sizes = [d.r.randint(0 if d.r.random() < 0.1 else 1,
                         1 if k in axes else n)
             for k, n in enumerate(a.shape)]
    shape = d.shape(0, 2)
    return [a, [indices(d, a.shape[k], d.fitting(
        shape, False) if d.r.random() < 0.5 else shape) for k in axes], axes, sizes]


def gather(a, i, axes, sizes):
    a, i = np.array(a), [np.array(x) for x in i]
    lead = np.broadcast_shapes(*[x.shape for x in i])
    i = [np.broadcast_to(x, lead) for x in i]
    out = np.zeros(lead + tuple(sizes), a.dtype)
    for at in np.ndindex(*lead):
        start = [0] * a.ndim
        for x, k in zip(i, axes):
            start[k] = int(x[at]) % a.shape[k]
        out[at] = a[tuple(slice(b, b + n) for b, n in zip(start, sizes))]
    return out


case("gather", gathered, gather)
case("gather_single", lambda d: next(
    [a, i[0], axes[0], sizes] for a, i, axes, sizes in iter(
        lambda: gathered(d), None) if len(axes) == 1),
    lambda a, i, axis, sizes: gather(a, [i], [axis], sizes))


def scattered(d):
    a, i, axes, sizes = gathered(d)
    lead = np.broadcast_shapes(*[x.shape for x in i])
    return [a, i, d.array("float32", lead + tuple(sizes)), axes]


def scatter(combine):
    def run(a, i, updates, axes):
        out, updates = np.array(a), np.array(updates)
        i = [np.array(x) for x in i]
        lead = np.broadcast_shapes(*[x.shape for x in i])
        i = [np.broadcast_to(x, lead) for x in i]
        updates = np.array(mx.array(updates).astype(
            mx.array(out).dtype))
        sizes = updates.shape[len(lead):]
        for at in np.ndindex(*lead):
            start = [0] * out.ndim
            for x, k in zip(i, axes):
                start[k] = int(x[at]) % out.shape[k]
            where = tuple(slice(b, b + n) for b, n in zip(start, sizes))
            out[where] = combine(out[where], updates[at])
        return out
    return run


for name, combine in (("scatter", lambda o, u: u),
                      ("scatter_add", np.add), ("scatter_prod", np.multiply),
                      ("scatter_max", np.maximum),
                      ("scatter_min", np.minimum)):
    case(name, scattered, scatter(combine), loose=4)
    case(name + "_single", lambda d: next(
        [a, i[0], u, axes[0]] for a, i, u, axes in iter(
            lambda: scattered(d), None) if len(axes) == 1),
        lambda a, i, u, axis, f=scatter(combine): f(a, [i], u, [axis]),
        loose=4)


def masked(d):
    a = d.any(SOME, 1)
    n = d.r.randint(1, len(dims(a)))
    mask = d.array("bool", dims(a)[:n])
    rest = dims(a)[n:]
    value = d.r.choice([(), d.fitting(rest), (int(mask.sum()),) + rest])
    return [a, mask, d.array("float32", value)]


def masked_scatter(a, mask, value):
    if value.ndim > a.ndim - mask.ndim + 1:
        raise ValueError
    out = np.array(a)
    value = np.array(value.astype(a.dtype))
    rest = out.shape[mask.ndim:]
    n = int(np.array(mask).sum())
    out[np.array(mask)] = (value if value.ndim == len(rest) + 1 else
                           np.broadcast_to(value, (n,) + rest))
    return out


case("masked_scatter", masked, masked_scatter)


def slice_bounds(d):
    a = d.any(SOME)
    b = bounds(d)
    shape = dims(b[0])
    part = sliced(np.zeros(shape), *b[1:]).shape
    return [d.array(d.r.choice(SOME), shape),
            d.array("float32", d.fitting(part))] + b[1:]


def slice_update(combine):
    def run(a, u, start, stop, steps):
        out = np.array(a)
        position = np.arange(out.size).reshape(out.shape)
        where = sliced(position, start, stop, steps)
        u = np.broadcast_to(np.array(u.astype(a.dtype)), where.shape)
        flat = out.reshape(-1)
        flat[where] = combine(flat[where], u)
        return flat.reshape(out.shape)
    return run


for name, combine in (("slice_update", lambda o, u: u),
                      ("slice_update_add", np.add),
                      ("slice_update_prod", np.multiply),
                      ("slice_update_max", np.maximum),
                      ("slice_update_min", np.minimum)):
    case(name, slice_bounds, slice_update(combine), loose=2)


def dynamic(d):
    a = d.array(d.r.choice(SOME), tuple(d.r.randint(1, 5)
                                        for _ in range(d.r.randint(1, 3))))
    axes = d.r.sample(range(a.ndim), d.r.randint(1, a.ndim))
    sizes = [d.r.randint(1, n) for n in a.shape]
    start = np.array([d.r.randint(0, a.shape[k] - sizes[k]) for k in axes],
                     d.r.choice(["int32", "uint32", "int64"]))
    return a, start, axes, sizes


case("slice_dynamic", lambda d: list(dynamic(d)),
     lambda a, b, x, n: mx.slice(a, b, x, n))
case("slice_update_dynamic", lambda d: (lambda v: [
    v[0], d.array("float32", tuple(v[3])), v[1], v[2]])(dynamic(d)),
    lambda a, u, b, x: mx.slice_update(a, u, b, x))


def padded(d):
    a = d.any(SOME, 1)
    n = len(dims(a))
    axes = d.r.sample(range(n), d.r.randint(0, n))
    low = -1 if d.r.random() < 0.05 else 0
    return [a, axes, [d.r.randint(low, 3) for _ in axes],
            [d.r.randint(low, 3) for _ in axes],
            d.array(d.r.choice(["float32", "int32"]), ())]


def pad(a, axes, low, high, value, mode):
    width = [(0, 0)] * a.ndim
    for k, b, e in zip(axes, low, high):
        width[k] = (b, e)
    if mode == "edge" and a.size == 0:
        return mx.zeros([n + b + e for n, (b, e) in zip(a.shape, width)],
                        a.dtype)
    if any(b < 0 or e < 0 for b, e in width):
        raise ValueError
    out = mx.pad(a, width, mode=mode) if mode == "edge" else None
    if out is None:
        out = np.pad(np.array(a), width,
                     constant_values=np.array(value.astype(a.dtype)))
    return out


case("pad", lambda d: padded(d) + ["constant"], pad)
case("pad", lambda d: (lambda v: v if all(dims(v[0])) else padded(
    Draw(1)))(padded(d)) + ["edge"], pad)
case("pad_symmetric", lambda d: [d.any(SOME, 1), d.r.randint(0, 3),
                                 np.float32(1.5), "constant"],
     lambda a, n, v, m: pad(a, list(range(a.ndim)), [n] * a.ndim,
                            [n] * a.ndim, v, m))

# ---- order ------------------------------------------------------------------

ORDERED = ["float32", "int32", "uint8", "float16", "bfloat16"]


def orderable(d, dtypes, low=0):
    """Not empty: MLX divides by zero there."""
    while True:
        a = d.any(dtypes, low)
        if 0 not in dims(a):
            return a


def with_order(dtypes):
    return lambda d: (lambda a: [a, d.axis(len(dims(a)))])(
        orderable(d, dtypes, 1))


case("sort", lambda d: [orderable(d, ORDERED)],
     lambda a: mx.sort(a, axis=None))
case("sort_axis", with_order(ORDERED), mx.sort)
case("argsort", lambda d: [orderable(d, ["float32"])],
     lambda a: mx.argsort(a, axis=None))
case("argsort_axis", with_order(["float32"]), mx.argsort)


def ranked(d):
    a = d.array(d.r.choice(["float32", "int32"]), tuple(
        d.r.randint(1, 7) for _ in range(d.r.randint(1, 3))))
    axis = d.axis(a.ndim)
    n = a.shape[axis] if -a.ndim <= axis < a.ndim else 1
    return [a, d.r.randint(-n - 1, n), axis]


def halves(values, arguments):
    """Of a partition only the element in the middle and who is before it."""
    a, kth, axis = arguments
    k = kth % a.shape[axis]
    if values.dtype == np.uint32:
        values = np.take_along_axis(a, values.astype(np.int64), axis)
    return np.concatenate([
        np.sort(np.take(values, range(k), axis), axis),
        np.take(values, [k], axis),
        np.sort(np.take(values, range(k + 1, a.shape[axis]), axis), axis)],
        axis)


case("partition_axis", ranked, mx.partition, post=halves)
case("argpartition_axis", lambda d: (lambda v: [
    v[0].astype(np.float32)] + v[1:])(ranked(d)), mx.argpartition, post=halves)
case("partition", lambda d: (lambda v: [v[0].reshape(-1), v[1]])(ranked(d)),
     lambda a, k: mx.partition(a, k, axis=None),
     post=lambda v, args: halves(v, args + [0]))
case("argpartition", lambda d: (lambda v: [v[0].reshape(-1), v[1]])(ranked(d)),
     lambda a, k: mx.argpartition(a, k, axis=None),
     post=lambda v, args: halves(v, args + [0]))
case("topk_axis", ranked, mx.topk,
     post=lambda v, args: np.sort(v, args[2]))
case("topk", lambda d: ranked(d)[:2], lambda a, k: mx.topk(a, k, axis=None),
     post=lambda v, args: np.sort(v))
case("median", lambda d: (lambda a: [a, d.axes(len(dims(a))),
                                     d.r.random() < 0.5])(
    orderable(d, ["float32", "int32"], 1)),
    lambda a, x, k: mx.median(a, axis=x, keepdims=k))
for name, dtypes in (("cumsum", ORDERED + ["bool"]),
                     ("cumprod", ["float32", "int32"]), ("cummax", ORDERED),
                     ("cummin", ORDERED), ("logcumsumexp", ["float32"])):
    case(name, lambda d, t=dtypes: (lambda a: [
        a, d.axis(len(dims(a))), d.r.random() < 0.5, d.r.random() < 0.5])(
        orderable(d, t, 1)), lambda a, x, r, i, f=getattr(mx, name): f(
            a, x, reverse=r, inclusive=i), loose=8)

# ---- linear algebra ---------------------------------------------------------

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

# ---- Fourier and Hadamard transforms -----------------------------------------

NORMS = ["backward", "ortho", "forward"]


def transformed(many, two=False):
    def draw(d):
        shape = tuple(d.r.choice([1, 2, 3, 5, 8, 12, 0 if d.r.random() < 0.1
                                  else 7]) for _ in range(d.r.randint(1, 3)))
        a = d.array(d.r.choice(["float32", "complex64", "int32", "bfloat16"]),
                    shape)
        count = (2 if two else d.r.randint(0, len(shape))) if many else 1
        order = list(range(-len(shape), len(shape)))
        # A wrong axis is not for MLX 0.31.2, which reads past the shape.
        axes = [d.r.choice(order) for _ in range(count)]
        n = [max(1, shape[x] + d.r.choice([0, 0, 0, 1, -1, 3])) for x in axes]
        if n and d.r.random() < 0.05:
            n[0] = 0
        norm = d.r.randrange(3)
        return [a, n, axes, norm] if many else [a, n[0], axes[0], norm]
    return draw


for one in "fft ifft rfft irfft".split():
    case(f"fft_{one}", transformed(False), lambda a, n, x, o, f=one:
         getattr(mx.fft, f)(a, n, x, NORMS[o]), loose=8)
    for kind in "2n":
        case(f"fft_{one}{kind}", transformed(True, kind == "2"),
             lambda a, n, x, o, f=one + kind:
             getattr(mx.fft, f)(a, n, x, NORMS[o]), loose=8)
for one in "fftshift ifftshift".split():
    case(f"fft_{one}", lambda d: (lambda a: [a, d.axes(a.ndim)])(
        d.any(["float32", "int32", "complex64"])), getattr(mx.fft, one))
for one in "fftfreq rfftfreq".split():
    case(f"fft_{one}", lambda d: [d.r.randint(0, 9), d.r.choice([1., .5, -2.])],
         getattr(mx.fft, one))
case("hadamard_transform", lambda d: [
    d.array(d.r.choice(["float32", "float16", "int32", "bfloat16"]),
            d.shape(0, 2) + (d.r.choice([1, 2, 3, 8, 12, 40, 64, 56]),)),
    d.r.choice([None, None, 1.0, 0.25])],
    lambda a, s: mx.hadamard_transform(a, s), loose=8)

# ---- random: the same key, the same bits ------------------------------------

KEY = [lambda d: np.array([d.r.randrange(2**32), d.r.randrange(2**32)],
                          np.uint32)]
case("random_bits", lambda d: [list(d.shape()), d.r.choice([1, 2, 4]),
                               KEY[0](d)], None)
case("random_split", lambda d: [KEY[0](d)],
     lambda k: list(mx.random.split(k)))
case("random_split_num", lambda d: [KEY[0](d), d.r.randint(1, 5)],
     lambda k, n: mx.random.split(k, n))
case("random_uniform", lambda d: [
    np.float32(d.r.uniform(-2, 0)), np.float32(d.r.uniform(0, 3)),
    list(d.shape()), d.r.choice(FLOATS), KEY[0](d)],
    lambda lo, hi, s, t, k: mx.random.uniform(lo, hi, s, typed(t), k), loose=2)
case("random_normal", lambda d: [
    list(d.shape()), d.r.choice(FLOATS), d.r.choice([0.0, 1.5]),
    d.r.choice([1.0, 0.5]), KEY[0](d)],
    lambda s, t, m, v, k: mx.random.normal(s, typed(t), m, v, k), loose=8)

for cases in MORE:
    cases.add(sys.modules[__name__])

# ---- running ----------------------------------------------------------------

def wanted(reference, arguments):
    """MLX's results as numpy arrays with their dtypes' names, or None where
    it refuses."""
    def convert(v):
        if isinstance(v, list) and v and isinstance(
                v[0], (np.ndarray, np.generic, lazuli.Bits)):
            return [original(x) for x in v]
        return original(v) if isinstance(
            v, (np.ndarray, np.generic, lazuli.Bits)) else v
    try:
        with mx.stream(mx.cpu):
            result = reference(*[convert(v) for v in arguments])
            results = list(result) if isinstance(
                result, (list, tuple)) else [result]
            found = []
            for r in results:
                if isinstance(r, np.ndarray):
                    found.append((r, r.dtype.name))
                    continue
                mx.eval(r)
                name = str(r.dtype).split(".")[-1].rstrip("_")
                if name == "bfloat16":
                    r = mx.view(r, mx.uint16)
                found.append((np.array(r), name))
            return found
    except (ValueError, RuntimeError, TypeError, IndexError):
        return None


def wide(values, name):
    if name == "bfloat16":
        bits = np.atleast_1d(values).astype(np.uint32) << 16
        return bits.view(np.float32).reshape(values.shape)
    return values


def differs(got, want, loose):
    if len(got) != len(want):
        return f"{len(got)} results, not {len(want)}"
    for (g, gt), (w, wt) in zip(got, want):
        if gt != wt:
            return f"dtype {gt}, not {wt}"
        if g.shape != w.shape:
            return f"shape {g.shape}, not {w.shape}"
        g, w = wide(g, gt), wide(w, wt)
        if gt in TOLERANCE:
            t = TOLERANCE[gt] * loose
            if not np.allclose(g, w, t, t, equal_nan=True):
                return f"{g!r}\nnot\n{w!r}"
        elif not np.array_equal(g, w):
            return f"{g!r}\nnot\n{w!r}"
    return None


def main():
    lib = lazuli.Library(sys.argv[1], sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    begin, calls, refused, wrong, absent = time.time(), 0, 0, 0, set()
    seen = collections.Counter()
    for name, draw, reference, loose, post in CASES:
        nth, seen[name] = seen[name], seen[name] + 1
        if sys.argv[4:] and name not in sys.argv[4:]:
            continue
        if not lib.has(name):
            absent.add(name)
            continue
        if reference is None:
            continue
        bad = 0
        for trial in range(TRIALS):
            # By name: a new case changes what no other one draws.
            d = Draw(seed * 1000003 + zlib.crc32(name.encode()) % 99991 +
                     trial * 101 + nth * 13)
            arguments = draw(d)
            with np.errstate(all="ignore"):
                want = wanted(reference, arguments)
            try:
                got = lib.call(name, *arguments)
            except lazuli.Refused as error:
                got = None
                message = str(error)
            calls += 1
            refused += want is None
            if got is None or want is None:
                problem = (None if got is want is None else
                           f"refused ({message})" if got is None else
                           "taken, where MLX refuses")
            else:
                if post:
                    got = [(post(g, arguments), t) for g, t in got]
                    want = [(post(w, arguments), t) for w, t in want]
                problem = differs(got, want, loose)
            if problem and bad < 2:
                shown = [(dims(a), a.dtype) if hasattr(a, "dtype") else a
                         for a in arguments]
                print(f"{name}{shown}: {problem}")
            bad += problem is not None
        if bad:
            print(f"{name}: {bad} of {TRIALS} wrong\n")
        wrong += bad
    print(f"{len(CASES)} cases, {calls} calls, {refused} refused by MLX, "
          f"{wrong} wrong, not there: {' '.join(sorted(absent)) or 'none'} "
          f"({time.time() - begin:.1f} s, seed {seed})")
    return 1 if wrong or calls == 0 else 0


sys.exit(main())
