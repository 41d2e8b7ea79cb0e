"""Cases of ops_original.py: shapes, joining, slices."""

import mlx.core as mx
import numpy as np

from draw import SOME, dims, case


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
# Nor here, where it is less than -ndim.
case("squeeze_axes", lambda d: (lambda a: [a, [
    max(x, -len(dims(a))) for x in d.axes(len(dims(a)))]])(d.any(SOME)), lambda a, x: mx.squeeze(a, x))
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
case("concatenate", lambda d: joined(d)[:1],
     lambda p: mx.concatenate(p, None))
case("stack_axis", stacked, lambda p, axis: mx.stack(p, axis))
case("stack", lambda d: stacked(d)[:1], mx.stack)


def unflattened(d):
    a = d.any(SOME, 1)
    axis = d.axis(len(dims(a)))
    n = dims(a)[axis] if -len(dims(a)) <= axis < len(dims(a)) else 1
    return [a, axis, d.r.choice([[n], [1, n], [-1, 1], [n, 1, 1], [2, -1],
                                 [n + 1], [-1, -1], []])]


case("unflatten", unflattened, lambda a, x, s: mx.unflatten(a, x, s))
