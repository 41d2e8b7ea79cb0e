"""What the cases of ops_original.py are made with: random arguments, and the
list of cases."""

import random
import zlib

import mlx.core as mx
import numpy as np

import lazuli

FLOATS = ["float32", "float16", "bfloat16"]
INTS = ["bool", "uint8", "int16", "int32", "uint32", "int64"]
SOME = ["float32", "int32", "bool", "float16", "uint8"]
ALL = FLOATS + INTS + ["complex64"]


class Draw:
    """Random arguments of one case."""

    def __init__(self, seed):
        self.seed = seed
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


def is_array(value):
    return isinstance(value, (np.ndarray, np.generic, lazuli.Bits))


def original(value):
    if isinstance(value, lazuli.Bits):
        return mx.view(mx.array(value.bits), mx.bfloat16)
    if value.dtype == np.float64:
        return mx.array(value, mx.float64)
    return mx.array(value)


def dims(value):
    return value.bits.shape if isinstance(value, lazuli.Bits) else value.shape


class Case:
    """One function with a way to draw its arguments and what MLX makes of them.

    post(values, arguments) is what is compared, where not all of it is."""

    def __init__(self, name, draw, reference, loose, post):
        self.name, self.draw, self.reference = name, draw, reference
        self.loose, self.post = loose, post
        self.nth = sum(c.name == name for c in CASES)

    def seeds(self, seed, count):
        """By name: a new case changes what no other one draws."""
        first = (seed * 1000003 + zlib.crc32(self.name.encode()) % 99991 +
                 self.nth * 13)
        return [first + 101 * i for i in range(count)]

    def arguments(self, seed):
        return self.draw(Draw(seed))


CASES = []


def case(name, draw, reference, loose=1, post=None):
    CASES.append(Case(name, draw, reference, loose, post))


TYPED = ["float32", "int32", "bool", "float16", "complex64"]


def typed(name):
    return getattr(mx, name + "_" if name == "bool" else name)


INDEX = ["int32", "uint32", "int64", "uint8", "int16"]


def indices(d, n, shape):
    """Integers that are positions of an axis of n, some from its end."""
    kind = d.r.choice(INDEX)
    low = 0 if kind.startswith("u") else -n
    return d.n.integers(low, max(n, low + 1), shape).astype(kind)


ORDERED = ["float32", "int32", "uint8", "float16", "bfloat16"]


def orderable(d, dtypes, low=0):
    """Not empty: MLX divides by zero there."""
    while True:
        a = d.any(dtypes, low)
        if 0 not in dims(a):
            return a


KEY = [lambda d: np.array([d.r.randrange(2**32), d.r.randrange(2**32)],
                          np.uint32)]


def keep(d):
    return [d.r.random() < 0.5]
