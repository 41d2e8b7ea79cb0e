"""Element-wise operations and casts: every one of the interface's tables for
every dtype."""

import mlx.core as mx

from generated import DTYPES, INTS, table
from sweep import SIZES, Case, laid

SIDE = {"small": (32, 32), "middle": (512, 512), "large": (2048, 2048)}
# What operands must be between.
RANGE = {name: (0.1, 0.9) for name in (
    "arccos arcsin arctanh erfinv log log10 log1p log2 rsqrt sqrt").split()}
RANGE["arccosh"] = (1.1, 4)
SECOND = {"power": (0, 3), "floor_divide": (1, 4), "remainder": (1, 4),
          "divide": (1, 4), "left_shift": (0, 3), "right_shift": (0, 3)}
# Neither numbers nor a shape are looked at.
PRODUCTS = {"inner", "outer", "kron", "matmul"}
# As an operation and not as a number: what MLX says of each dtype.
WRONG = {("sigmoid", "complex64"), ("expm1", "complex64"),
         ("erf", "complex64"), ("erfinv", "complex64"),
         ("arctan2", "complex64")}


def typed(name):
    return getattr(mx, name + "_" if name == "bool" else name)


def whole(low, high, dtype):
    """Bounds of integers."""
    if dtype in INTS and low % 1:
        return 1, 4
    return low, high


def unary(size, layout):
    names = {"copy": lambda a: mx.contiguous(a)}
    for name in table("ops_unary"):
        for t in DTYPES:
            if (name, t) in WRONG or name == "copy":
                continue
            low, high = whole(*RANGE.get(name, (-4, 4)), t)
            yield Case(name, f"{t} {layout} {size}",
                       lambda t=t, b=(low, high): [laid(
                           t, SIDE[size], layout, low=b[0], high=b[1])],
                       names.get(name) or getattr(mx, name))


def binary(size, layout):
    for name in table("ops_binary"):
        if name in PRODUCTS:
            continue
        for t in DTYPES:
            if (name, t) in WRONG:
                continue
            low, high = SECOND.get(name, (-4, 4))
            yield Case(name, f"{t} {layout} {size}",
                       lambda t=t, b=(low, high): [
                           laid(t, SIDE[size], "row", low=-4 if b[0] else 0),
                           laid(t, SIDE[size], layout, low=b[0], high=b[1],
                                seed=2)],
                       getattr(mx, name))
            if layout == "row":
                yield Case(name, f"{t} scalar {size}",
                           lambda t=t, b=(low, high): [
                               laid(t, SIDE[size], "row", low=0),
                               laid(t, (), "row", low=max(b[0], 1),
                                    high=b[1])],
                           getattr(mx, name))


def others(size, layout):
    for t in DTYPES:
        def args(*dtypes, t=t):
            return [laid(u or t, SIDE[size], layout, seed=k)
                    for k, u in enumerate(dtypes)]
        label = f"{t} {layout} {size}"
        yield Case("where", label, lambda a=args: a("bool", None, None),
                   mx.where)
        if t != "bool":  # MLX dies of a division by zero
            yield Case("divmod", label, lambda t=t: [
                laid(t, SIDE[size], layout),
                laid(t, SIDE[size], "row", low=1)], mx.divmod)
        yield Case("clip", label, lambda t=t, a=args: a(None) + [
            laid(t, (), "row", low=1, high=1),
            laid(t, (), "row", low=3, high=3)], mx.clip)
        yield Case("isclose", label, lambda a=args: a(None, None) + [
            1e-5, 1e-8, False], mx.isclose)
        if t in ("float16", "float32", "bfloat16", "float64"):
            yield Case("nan_to_num", label, lambda a=args: a(None) + [
                0.0, None, None], mx.nan_to_num)


def casts(size, layout):
    for t in DTYPES:
        for u in DTYPES:
            if t == u:
                continue
            yield Case("astype", f"{t} {u} {layout} {size}",
                       lambda t=t, u=u: [laid(
                           t, SIDE[size], layout,
                           low=0 if u[0] == "u" else -4), u],
                       lambda a, u: a.astype(typed(u)))


def cases(sizes, layouts):
    for size in sizes:
        for layout in layouts:
            for of in (unary, binary, others, casts):
                yield from of(size, layout)
