"""Element-wise operations and casts, every one of the interface's tables for
every dtype; products of all pairs; what is made of numbers alone."""

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


def products(size, layout):
    n = SIDE[size][0]
    for t in DTYPES:
        label = f"{t} {layout} {size}"

        def a(*shape, t=t):
            return laid(t, shape, layout)
        yield Case("outer", label, lambda a=a: [a(n), a(n)], mx.outer)
        if size != "large":  # of one line with few
            yield Case("outer", f"{t} {layout} wide {size}",
                       lambda a=a: [a(n // 8), a(n * 8)], mx.outer)
            yield Case("outer", f"{t} {layout} high {size}",
                       lambda a=a: [a(n * 8), a(n // 8)], mx.outer)
        for side in (4, 8, n // 8):
            yield Case("kron", f"{t} {side} {layout} {size}",
                       lambda a=a, k=side: [a(n // k, n // k), a(k, k)],
                       mx.kron)


def made(size, layout):
    """Arrays of numbers alone."""
    n, shape = SIDE[size][0], list(SIDE[size])
    if layout != "row":
        return
    for t in DTYPES:
        of, label = typed(t), f"{t} {size}"
        yield Case("full", label, lambda t=t: [
            shape, laid(t, (), "row"), t], lambda s, v, _: mx.full(s, v))
        yield Case("full_like", label, lambda t=t: [
            laid(t, shape, "row"), laid(t, (), "row"), t],
            lambda a, v, _: mx.full(a.shape, v))
        for name in ("ones", "zeros"):
            yield Case(name, label, lambda t=t: [shape, t],
                       lambda s, _, f=getattr(mx, name), of=of: f(s, of))
            yield Case(f"{name}_like", label,
                       lambda t=t: [laid(t, shape, "row")],
                       getattr(mx, f"{name}_like"))
        if t != "bool":
            yield Case("arange", label, lambda t=t: [0.0, float(n * n), 1.0, t],
                       lambda a, b, k, _, of=of: mx.arange(a, b, k, of))
        yield Case("linspace", label, lambda t=t: [-1.0, 1.0, n * n, t],
                   lambda a, b, k, _, of=of: mx.linspace(a, b, k, of))
        yield Case("eye", label, lambda t=t: [n, n, 1, t],
                   lambda n, m, k, _, of=of: mx.eye(n, m, k, of))
        yield Case("identity", label, lambda t=t: [n, t],
                   lambda n, _, of=of: mx.identity(n, of))
        yield Case("tri", label, lambda t=t: [n, n, 0, t],
                   lambda n, m, k, _, of=of: mx.tri(n, m, k, of))


def cases(sizes, layouts):
    for size in sizes:
        for layout in layouts:
            for of in (unary, binary, others, casts, products, made):
                yield from of(size, layout)
