"""Cases of ops_original.py: reductions."""

import mlx.core as mx
import numpy as np

from draw import FLOATS, dims, case, keep


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
