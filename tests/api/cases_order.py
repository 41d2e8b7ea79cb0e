"""Cases of ops_original.py: sorting, ranking, running sums."""

import mlx.core as mx
import numpy as np

from draw import dims, case, ORDERED, orderable


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
    if values.dtype == np.uint32 and a.dtype != np.uint32:  # positions
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
