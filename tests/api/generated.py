"""Cases made from the tables of operations: every operation of ops_unary.def,
ops_binary.def and ops_reduce.def, and those with an axis, for every dtype of
every operand; and the drawn cases of ops_original.py with any dtype.

The layouts are not drawn here: see layouts.py."""

import pathlib
import re
import zlib

import mlx.core as mx
import numpy as np

import against
import layouts
import ops_original
from draw import Case, Draw, dims
from lazuli import DTYPES, Bits

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INTS = [t for t in DTYPES if "int" in t]
REAL = ["float16", "float32", "float64", "bfloat16"]
DIGITS = {"float16": (11, -14), "float32": (24, -126), "float64": (53, -1022),
          "bfloat16": (8, -126), "complex64": (24, -126)}

# Units of the last place that the two may be apart: our own bound, from the
# table of element-wise operations, and beside it what MLX strays from the exact
# value. Of complex numbers the unit is that of the magnitude.
STRAY = {"exp": 80, "sin": 8, "cos": 8, "sigmoid": 80, "logaddexp": 64,
         "erfinv": 160, "erf": 8, "tanh": 4, "power": 8, "expm1": 4, "log1p": 8,
         "tan": 8, "log": 8, "log2": 8, "log10": 8, "arcsinh": 8,
         "arccosh": 8, "arctanh": 8, "sinh": 8, "cosh": 8, "arcsin": 4,
         "arccos": 4, "arctan": 4, "rsqrt": 2, "degrees": 2, "radians": 2,
         "reciprocal": 1, "arctan2": 4}
# The same as a distance, where results are near zero.
SLACK = {"erf": 5e-7, "sin": 2e-7, "cos": 2e-7, "logaddexp": 5e-7}
# MLX computes these of float64 with the polynomials of float32.
SINGLE = {"exp", "sigmoid", "sin", "cos", "erf", "erfinv", "logaddexp"}
# MLX gives infinity for what is within this factor of the largest number.
EARLY = {"exp": 2.2}
# Dtypes for which a function of MLX 0.31.2 on this platform is wrong. Complex:
# it lets go of the imaginary part, or dies; halves: a remainder that is IEEE 754's, not
# that of the division which rounds down; logsumexp and logcumsumexp: the
# difference from the largest is taken in integers, which wrap; xor of bools:
# True ^ True is True; nan_to_num: the largest number of a half is 0.
FAULTY = {"remainder": {"complex64", "float16", "bfloat16"},
          "arctan2": {"complex64"}, "sigmoid": {"complex64"},
          "expm1": {"complex64"}, "erf": {"complex64"},
          "erfinv": {"complex64"}, "logsumexp": {"bool", *INTS},
          "logcumsumexp": {"bool", *INTS}, "bitwise_xor": {"bool"},
          "nan_to_num": {"float16", "bfloat16", "float64"}}


# Dtypes that MLX has not, or in another sense, and Lazuli has: softmax of
# integers is of integers there unless it is along the last axis; whether einsum
# takes integers there depends on its way to the sum.
NOT_THERE = {name: {"float64", "complex64"} for name in (
    "conv1d conv2d conv3d conv_general conv_transpose1d conv_transpose2d "
    "conv_transpose3d to_fp8").split()}
NOT_THERE.update(dict.fromkeys(
    ("gather_mm", "block_masked_mm"), {"float64", "float16", "bfloat16"}))
FAULTY["linalg_eig"] = {"complex64"}
NOT_THERE["einsum"] = {"bool", *INTS}
NOT_THERE.update(dict.fromkeys(
    ("softmax", "softmax_axes", "softmax_axis"), {"bool", *INTS}))


def table(name):
    text = (ROOT / "runtime" / "api" / f"{name}.def").read_text()
    return re.findall(r"^[A-Z]+\((\w+)\)", text, re.M)


def bounds():
    text = (ROOT / "runtime" / "ops" / "elementwise.def").read_text()
    ulps = {}
    for kind, name, ulp in re.findall(
            r"^EW_(FLOAT|COMPLEX)(?:_LANES)?\((\w+), (\d+),", text, re.M):
        ulps[name.lower(), kind] = int(ulp)
    return ulps


ULPS = bounds()


def unit(x, dtype):
    digits, low = DIGITS[dtype]
    _, e = np.frexp(np.where(np.isfinite(x), np.abs(x), 1.0))
    return np.exp2(np.maximum(e - 1.0, low) - (digits - 1))


def within(name):
    """Whether results are as close as the bounds of operation `name` say."""
    def close(g, w, dtype):
        if dtype not in DIGITS:
            return np.array_equal(g, w)
        kind = "COMPLEX" if dtype == "complex64" else "FLOAT"
        ulps = max(ULPS.get((name, kind), 0), 1 if dtype in (
            "float16", "bfloat16") else 0) + STRAY.get(name, 0) * (
            4 if dtype == "complex64" else 1)
        single = dtype == "float64" and name in SINGLE
        spacing = "float32" if single else dtype
        if single and name == "erfinv":
            ulps *= 16  # near 1
        slack = SLACK.get(name, 2e-38)
        if single and name in ("sin", "cos"):
            slack = 4e-6  # of a hundred, as float32
        coarse = unit(1.0, dtype) * 2.0**23 if dtype in REAL[::3] else 1
        largest = np.finfo(np.float32).max / EARLY.get(name, 1)
        with np.errstate(all="ignore"):
            g, w = [np.asarray(x, np.complex128 if dtype == "complex64"
                               else np.float64) for x in (g, w)]
            return bool(np.all(
                (g == w) | (np.isnan(g) & np.isnan(w)) |
                (np.abs(g - w) <= ulps * unit(w, spacing)) |
                (np.abs(g - w) <= slack * coarse) |
                ((w == np.inf) & (g > largest) & (name in EARLY))))
    return close


class Wild(Draw):
    """Arrays of any dtype, with what is special about it."""

    def shape(self, low=0, high=4):
        if self.r.random() < 0.08:
            return self.r.choice([(1000,), (33, 70), (3, 257), (2, 3, 129),
                                  (130, 65)])
        return super().shape(low, high)

    def wild(self, dtype, shape):
        kind = self.r.random()
        n = self.n
        if dtype == "bool":
            x = n.random(shape) < 0.5
        elif dtype in INTS:
            info = np.iinfo(dtype)
            x = np.asarray(n.integers(max(info.min, -9), 10, shape), dtype)
            if kind < 0.5:
                x = np.where(n.random(shape) < 0.3, n.integers(
                    info.min, info.max, shape, dtype, True), x)
                x = np.where(n.random(shape) < 0.2, n.choice(np.array(
                    [info.min, info.max, 0], dtype), shape), x)
        else:
            x = n.normal(size=shape) * 2
            if kind < 0.5:
                x = np.where(n.random(shape) < 0.3, n.choice(
                    [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5,
                     2.5, 1e-3, 100.0, -40.0], shape), x)
            if dtype == "complex64":
                x = x + 1j * n.normal(size=shape)
        return self.finish(np.asarray(x), dtype)

    def finish(self, x, dtype):
        if layouts.of(self.seed) == "broadcast" and x.ndim and x.size:
            axis = self.r.randrange(x.ndim)
            x = np.repeat(x.take([0], axis), x.shape[axis], axis)
        with np.errstate(all="ignore"):
            if dtype != "bfloat16":
                return x.astype(dtype)
            x = x.astype(np.float32)
            bits = np.atleast_1d(x).view(np.uint32) >> 16
            return Bits(bits.astype(np.uint16).reshape(x.shape), dtype)

    def whole(self, dtype, shape, low, high):
        """Numbers between, of dtypes that have them."""
        if dtype == "bool":
            return self.finish(np.ones(shape), dtype)
        if dtype.startswith("u"):
            low = max(low, 1 if low < 0 else low)
        x = self.n.integers(low, high + 1, shape)
        return self.finish(np.asarray(x), dtype)


class Generated(Case):
    """The draw is of Wild; what comes of a seed may be no case (None)."""

    def __init__(self, name, label, draw, reference, loose=1, post=None):
        self.name, self.label, self.draw = name, label, draw
        self.reference, self.loose, self.post = reference, loose, post
        self.nth = zlib.crc32(label.encode()) % 9973

    def arguments(self, seed):
        return self.draw(Wild(seed))


def add_unary(found):
    names = {"copy": lambda a: a}
    for name in table("ops_unary"):
        for t in DTYPES:
            if t in FAULTY.get(name, ()):
                continue

            def draw(d, t=t, small=name in ("sin", "cos", "tan")):
                # Of large numbers MLX's results are none.
                return [d.whole(t, d.shape(), -99, 99) if small and t in INTS
                        else d.wild(t, d.shape())]
            found.append(Generated(
                name, t, draw, names.get(name) or getattr(mx, name),
                within(name)))


# Second operands that MLX survives: integers are not divided by zero or by -1
# and have no negative power; shifts stay below the width.
SECOND = {"floor_divide": (2, 9), "remainder": (2, 9), "power": (0, 5),
          "left_shift": (0, 7), "right_shift": (0, 7), "divide": None}


def result(t, u):
    """The dtype in which two meet."""
    def zero(name):
        return mx.zeros((), getattr(mx, name + "_" if name == "bool" else name))
    return str((zero(t) + zero(u)).dtype).split(".")[-1].rstrip("_")


def pair(name, t, u):
    def draw(d):
        shape = d.shape()
        other = d.fitting(shape)
        if d.r.random() < 0.3:
            shape, other = other, shape
        if SECOND.get(name) and t not in REAL and u not in REAL:
            a = d.whole(t, shape, -9, 9) if name == "power" else d.wild(
                t, shape)
            return [a, d.whole(u, other, *SECOND[name])]
        return [d.wild(t, shape), d.wild(u, other)]
    return draw


def add_binary(found):
    products = {"inner", "outer", "kron", "matmul"}
    for name in table("ops_binary"):
        if name in products:
            continue
        for t in DTYPES:
            for u in DTYPES:
                if result(t, u) in FAULTY.get(name, ()):
                    continue
                found.append(Generated(name, f"{t} {u}", pair(name, t, u),
                                       getattr(mx, name), within(name)))


def single(g, w, t):
    """exp of float64 is that of float32 in MLX."""
    close = {"float16": 2e-2, "bfloat16": 2e-1}.get(t, 2e-4)
    return np.allclose(g, w, close, close, equal_nan=True)

def two(d):
    return [d.r.random() < 0.5, d.r.random() < 0.5]


def forms(d, t, low=1, wild=True):
    # Small of halves: MLX adds and multiplies in halves.
    shape = d.shape(low) if t in REAL[1:3] or wild else Draw.shape(
        d, low, 4 if t in DTYPES[:9] else 2)
    a = d.wild(t, shape) if wild else d.array(t, shape)
    return a, len(shape)


def add_reduce(found):
    exact = {"all", "any", "max", "min"}
    more = {"var": 1, "std": 1}
    for name in table("ops_reduce") + list(more):
        f = getattr(mx, name)
        if name == "logsumexp":
            from cases_reduce import logsumexp as f
        loose = within(name) if name in exact else 16
        if name == "logsumexp":
            loose = single
        for t in DTYPES:
            if t in FAULTY.get(name, ()):
                continue

            def rest(d, name=name):
                return [d.r.random() < 0.5] + [d.r.randint(0, 1)] * (
                    name in more)

            def call(x, axes, k, *ddof, f=f):
                return f(x, axes, k, *ddof)

            found.append(Generated(
                name, t, lambda d, t=t, n=name, rest=rest: [
                    forms(d, t, 0, n in exact)[0]] + rest(d),
                lambda x, k, *ddof, call=call: call(x, None, k, *ddof), loose))

            def axes(d, t=t, n=name, rest=rest):
                a, ndim = forms(d, t, 1, n in exact)
                return [a, d.axes(ndim)] + rest(d)

            def axis(d, t=t, n=name, rest=rest):
                a, ndim = forms(d, t, 1, n in exact)
                return [a, d.axis(ndim)] + rest(d)
            found.append(Generated(name + "_axes", t, axes, call, loose))
            found.append(Generated(name + "_axis", t, axis, call, loose))


def add_along(found):
    """Along one axis: sorts, runs, positions of extremes."""
    def filled(d, t, wild):
        while True:
            a, n = forms(d, t, 1, wild)
            if 0 not in dims(a):  # MLX divides by zero
                return a, n

    def some(t, extra, wild=True):
        def draw(d):
            a, n = filled(d, t, wild)
            return [a, d.axis(n)] + extra(d)
        return draw

    def none(d):
        return []

    for t in DTYPES:
        def last(d, t=t):
            # Of integers along another axis MLX's result is of integers.
            return [filled(d, t, False)[0], -1, d.r.random() < 0.5]
        found.append(Generated("sort_axis", t, some(t, none), mx.sort,
                               within("sort")))
        # Numbers that are none confuse MLX's order of complex positions.
        found.append(Generated("argsort_axis", t, some(
            t, none, t != "complex64"), mx.argsort))
        for name in ("argmax", "argmin"):
            found.append(Generated(
                f"{name}_axis", t, some(t, lambda d: [d.r.random() < 0.5]),
                lambda a, x, k, f=getattr(mx, name): f(a, x, keepdims=k)))
        for name in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"):
            if t in FAULTY.get(name, ()):
                continue
            found.append(Generated(
                name, t, some(t, two, name in ("cummax", "cummin")),
                lambda a, x, r, i, f=getattr(mx, name): f(
                    a, x, reverse=r, inclusive=i),
                single if name == "logcumsumexp" else 16))
        found.append(Generated(
            "softmax_axis", t, last if t in INTS + ["bool"] else some(
                t, lambda d: [d.r.random() < 0.5], False),
            lambda a, x, p: mx.softmax(a, x, precise=p), single))


def add_cast(found):
    for t in DTYPES:
        for u in DTYPES:
            def draw(d, t=t, u=u):
                # What does not fit is undefined.
                if t in REAL + ["complex64"] and u in INTS:
                    return [d.whole(t, d.shape(), 0 if u[0] == "u" else -100,
                                    100), u]
                return [d.wild(t, d.shape()), u]

            def cast(a, u):
                return a.astype(getattr(mx, u + "_" if u == "bool" else u))
            found.append(Generated("astype", f"{t} {u}", draw, cast))
            found.append(Generated(
                "where", f"{t} {u}", lambda d, t=t, u=u: (lambda s: [
                    d.wild(d.r.choice(["bool", "bool", "float32", "int8"]),
                           d.fitting(s)), d.wild(t, s),
                    d.wild(u, d.fitting(s))])(d.shape()), mx.where))


class Any(Draw):
    """Some arrays of another dtype than was asked for."""

    def array(self, dtype, shape, positive=False):
        if self.r.random() < 0.3:
            dtype = self.r.choice(DTYPES)
        return super().array(dtype, shape, positive)


def lenient(loose):
    """Of float64 MLX has only what float32 has, where it is not plain
    arithmetic."""
    def close(g, w, t):
        if t not in against.TOLERANCE:
            return np.array_equal(g, w)
        t = loose * against.TOLERANCE["float32" if t == "float64" else t]
        return np.allclose(g, w, t, t, equal_nan=True)
    return close


class Drawn(Generated):
    """A case of ops_original.py."""

    def __init__(self, case, kind):
        loose = case.loose
        if kind is Any and not callable(loose):
            loose = lenient(loose)
        super().__init__(case.name, f"{kind.__name__} {case.nth}", case.draw,
                         case.reference, loose, case.post)
        self.kind = kind

    def arguments(self, seed):
        try:
            given = self.draw(self.kind(seed))
            types = {str(getattr(a, "dtype", "")) for part in given
                     for a in (part if isinstance(part, list) else [part])}
            plain = re.sub("_(axis|axes)$", "", self.name)
            if self.kind is Any and types & (
                    NOT_THERE.get(self.name, set()) | FAULTY.get(plain, set())):
                return None
            return given
        except (AttributeError, TypeError, ValueError):
            if self.kind is Draw:
                raise
            return None  # the draw has no room for that dtype


def cases():
    found = []
    for add in (add_unary, add_binary, add_reduce, add_along, add_cast):
        add(found)
    for case in ops_original.cases():
        if case.reference:
            found += [Drawn(case, Draw), Drawn(case, Any)]
    return found
