"""Cases of transforms_original.py beside those of ops_original.py: what MLX
makes of positions and bounds in its own operations (there numpy says it), and
operations on numbers that have derivatives everywhere they are drawn."""

import mlx.core as mx
import numpy as np

from draw import Case


def slices(shape, start, stop, steps):
    """Bounds as the C++ interface means them, as Python's."""
    found = []
    for n, b, e, s in zip(shape, start, stop, steps):
        b = b + n if b < 0 else b
        e = e + n if e < 0 else e
        b = min(max(b, 0 if s > 0 else -1), n if s > 0 else n - 1)
        e = min(max(e, 0 if s > 0 else -1), n)
        if s < 0:
            b, e = (0, 0) if b < 0 else (b, None if e < 0 else e)
        found.append(slice(b, e, s))
    return tuple(found)


def fresh(a):
    """Another object for the same values: assignments change objects."""
    return a.reshape(a.shape)


def combine(a, where, u, name):
    if name == "set":
        out = fresh(a)
        out[where] = u.astype(a.dtype)
        return out
    return getattr(a.at[where], name)(u.astype(a.dtype))


def windows(shape, i, axes, sizes):
    """An index for each axis, which together name what gather reads."""
    lead = np.broadcast_shapes(*[tuple(x.shape) for x in i])
    rank = len(lead) + len(sizes)
    found = []
    for k, n in enumerate(sizes):
        extent = [1] * rank
        extent[len(lead) + k] = n
        at = mx.arange(n).reshape(extent)
        if k in axes:
            first = i[axes.index(k)]
            first = mx.where(first.astype(mx.int32) < 0,
                             first.astype(mx.int32) + shape[k],
                             first.astype(mx.int32))
            at = at + mx.broadcast_to(first, lead).reshape(
                lead + (1,) * len(sizes))
        found.append(mx.broadcast_to(at, lead + tuple(sizes)))
    return tuple(found)


def gather(a, i, axes, sizes):
    return a[windows(a.shape, i, axes, sizes)]


def scatter(name):
    def run(a, i, u, axes):
        lead = len(np.broadcast_shapes(*[tuple(x.shape) for x in i]))
        where = windows(a.shape, i, axes, list(u.shape[lead:]))
        return combine(a, where, u, name)
    return run


def slice_update(name):
    def run(a, u, start, stop, steps):
        if any(s < 0 for s in steps):  # MLX has no gradients of these
            raise ValueError("backwards")
        where = slices(a.shape, start, stop, steps)
        if a[where].size == 0:
            raise ValueError("nothing is written")
        return combine(a, where, u, name)
    return run


def pad(a, axes, low, high, value, mode):
    width = [(0, 0)] * a.ndim
    for k, b, e in zip(axes, low, high):
        width[k] = (b, e)
    if any(b < 0 or e < 0 for b, e in width):
        raise ValueError("negative width")
    if mode == "edge":
        return mx.pad(a, width, mode=mode)
    return mx.pad(a, width, constant_values=value.astype(a.dtype))


def scatter_add_axis(a, i, v, axis):
    full = np.broadcast_shapes(tuple(i.shape), tuple(v.shape))
    if a.size == 0 or 0 in full:
        raise ValueError("nothing to add")
    where = []
    for k in range(len(full)):
        extent = [1] * len(full)
        extent[k] = full[k]
        where.append(mx.broadcast_to(mx.arange(full[k]).reshape(extent), full))
    where[axis] = mx.broadcast_to(i, full)
    return a.at[tuple(where)].add(mx.broadcast_to(v, full))


OURS = {"slice": lambda a, b, e, s: a[slices(a.shape, b, e, s)],
        "gather": gather, "pad": pad, "scatter_add_axis": scatter_add_axis,
        "gather_single": lambda a, i, k, n: gather(a, [i], [k], n),
        "pad_symmetric": lambda a, n, v, m: pad(
            a, list(range(a.ndim)), [n] * a.ndim, [n] * a.ndim, v, m),
        "masked_scatter": lambda a, m, v: combine(a, m, v, "set")}
for _op, _name in (("", "set"), ("_add", "add"), ("_prod", "multiply"),
                   ("_max", "maximum"), ("_min", "minimum")):
    OURS["scatter" + _op] = scatter(_name)
    OURS[f"scatter{_op}_single"] = (
        lambda a, i, u, k, f=scatter(_name): f(a, [i], u, [k]))
    OURS["slice_update" + _op] = slice_update(_name)


def more():
    """Further cases."""
    found = []

    def case(name, draw, reference, loose=4):
        found.append(Case(name, draw, reference, loose, None))
        found[-1].nth += sum(c.name == name for c in found) + 100

    def between(low, high, kinds=("float32",)):
        def draw(d):
            shape = d.shape()
            x = d.n.random(shape) * (high - low) + low
            return [np.asarray(x, d.r.choice(kinds))]
        return draw

    small = between(-0.9, 0.9, ("float32", "float16"))
    for name in "arcsin arccos arctanh arctan erfinv".split():
        case(name, small, getattr(mx, name), 8)
    case("arccosh", between(1.2, 4.0), mx.arccosh, 8)
    signed = between(-2.0, 2.0, ("float32", "float16"))
    for name in ("abs square exp expm1 sin cos tanh sinh cosh arcsinh sigmoid "
                 "erf negative sign floor ceil").split():
        case(name, signed, getattr(mx, name), 8)

    def complexes(count):
        return lambda d: (lambda s: [
            d.array("complex64" if k == 0 or d.r.random() < 0.7 else "float32",
                    s if k == 0 else d.fitting(s, False))
            for k in range(count)])(d.shape())
    for name in ("real imag abs conjugate negative square exp sin cos "
                 "sqrt log sinh cosh tanh rsqrt log1p arctan").split():
        case(name, complexes(1), getattr(mx, name), 16)
    for name in "add subtract multiply divide power".split():
        case(name, complexes(2), getattr(mx, name), 16)

    def pair(d):
        m, k, n = (d.r.randint(1, 4) for _ in range(3))
        lead = d.r.choice([(), (2,)])
        return [d.array("complex64", lead + (m, k)),
                d.array("complex64", (k, n))]
    case("matmul", pair, mx.matmul, 16)
    for name in "sum prod mean".split():
        f = getattr(mx, name)
        case(name, lambda d: [d.array("complex64", d.shape()), False],
             lambda a, k, f=f: f(a, keepdims=k), 16)
    case("astype", lambda d: [d.array(d.r.choice(
        ["complex64", "float32"]), d.shape()), d.r.choice(
        ["complex64", "float32", "float16"])],
        lambda a, t: a.astype(getattr(mx, t)))
    for name in "maximum minimum".split():
        case(name, lambda d: [np.round(d.array("float32", (3, 4))),
                              np.round(d.array("float32", (3, 4)))],
             getattr(mx, name))
    for name in "max min".split():
        f = getattr(mx, name)
        case(name + "_axis", lambda d: [
            np.round(d.array("float32", (3, 5))), d.r.choice([0, 1]), False],
            lambda a, x, k, f=f: f(a, x, keepdims=k))
    return found
