"""Cases of ops_original.py: positions: taking, putting, cutting, padding."""

import mlx.core as mx
import numpy as np

from cases_shapes import bounds, sliced
from draw import SOME, Draw, dims, case, indices


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
    if mask.dtype != mx.bool_ or value.ndim > a.ndim - mask.ndim + 1:
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
