"""What moves elements to places that are known: joining, repeating, cutting,
padding, diagonals, copies."""

import mlx.core as mx
import numpy as np

import lazuli
from sweep import Case, laid, values

SIDE = {"small": 32, "middle": 512, "large": 2048}
WIDTHS = ["uint8", "float16", "float32", "int64"]
SUMS = ["bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32",
        "complex64"]
ZERO = np.zeros((), "float32")


def put(a, u, *index):
    a = mx.array(a)
    a[index] = u
    return a


def inside(n, step=1):
    return [4, 4], [n - 4, n - 4], [step, step]


# name, dtypes, arguments of a side and a way to make arrays, MLX's own
PARTS = [
    ("concatenate_axis", WIDTHS, lambda n, a: [[a(n, n // 2), a(n, n // 2)], 1],
     mx.concatenate),
    ("concatenate_axis", WIDTHS, lambda n, a: [[a(n // 2, n), a(n // 2, n)], 0],
     mx.concatenate),
    ("concatenate_axis", WIDTHS, lambda n, a: [[a(n, n - 1), a(n, 1)], 1],
     mx.concatenate),
    ("stack_axis", WIDTHS, lambda n, a: [[a(n, n // 2), a(n, n // 2)], 0],
     mx.stack),
    ("stack_axis", WIDTHS, lambda n, a: [[a(n, n // 2), a(n, n // 2)], 1],
     mx.stack),
    ("stack_axis", WIDTHS, lambda n, a: [[a(n, n // 2), a(n, n // 2)], 2],
     mx.stack),
    ("stack_axis", WIDTHS, lambda n, a: [[a(n, n // 8) for _ in range(8)], 2],
     mx.stack),
    ("tile", WIDTHS, lambda n, a: [a(n // 4, n), [2, 2]], mx.tile),
    ("tile", WIDTHS, lambda n, a: [a(n, n // 4), [1, 4]], mx.tile),
    ("tile", WIDTHS, lambda n, a: [a(n // 8, 8), [1, n // 8, 1]], mx.tile),
    ("repeat_axis", WIDTHS, lambda n, a: [a(n, n // 4), 4, 1], mx.repeat),
    ("repeat_axis", WIDTHS, lambda n, a: [a(n // 4, n), 4, 0], mx.repeat),
    ("repeat_axis", WIDTHS, lambda n, a: [a(n, n // 3), 3, 1], mx.repeat),
    ("repeat", WIDTHS, lambda n, a: [a(n, n // 2), 2], mx.repeat),
    ("roll_axis", WIDTHS, lambda n, a: [a(n, n), [5], 1],
     lambda a, k, x: mx.roll(a, k[0], x)),
    ("roll_axis", WIDTHS, lambda n, a: [a(n, n), [5], 0],
     lambda a, k, x: mx.roll(a, k[0], x)),
    ("roll_axes", WIDTHS, lambda n, a: [a(n, n), [n // 2, n // 2], [0, 1]],
     lambda a, k, x: mx.roll(a, k, x)),
    ("roll", WIDTHS, lambda n, a: [a(n, n), [5]],
     lambda a, k: mx.roll(a, k[0])),
    ("pad", WIDTHS, lambda n, a: [
        a(n, n), [0, 1], [1, 1], [1, 1], ZERO, "constant"],
     lambda a, *_: mx.pad(a, 1)),
    ("pad", WIDTHS, lambda n, a: [a(n, n), [1], [0], [7], ZERO, "constant"],
     lambda a, *_: mx.pad(a, [(0, 0), (0, 7)])),
    ("pad", WIDTHS, lambda n, a: [a(n, n), [0], [7], [0], ZERO, "constant"],
     lambda a, *_: mx.pad(a, [(7, 0), (0, 0)])),
    ("pad", WIDTHS, lambda n, a: [
        a(n, n), [0, 1], [3, 3], [3, 3], ZERO, "edge"],
     lambda a, *_: mx.pad(a, 3, mode="edge")),
    ("pad_symmetric", WIDTHS, lambda n, a: [
        a(n // 2, n // 2), n // 4, ZERO, "constant"],
     lambda a, w, *_: mx.pad(a, w)),
    ("pad_symmetric", WIDTHS, lambda n, a: [
        a(n // 2, n // 2), n // 4, ZERO, "edge"],
     lambda a, w, *_: mx.pad(a, w, mode="edge")),
    ("diag", WIDTHS, lambda n, a: [a(n), 3], mx.diag),
    ("diag", WIDTHS, lambda n, a: [a(n, n), -3], mx.diag),
    ("diagonal", WIDTHS, lambda n, a: [a(n, n), 1, 0, 1], mx.diagonal),
    ("trace", SUMS, lambda n, a: [a(n, n), 0, 0, 1, "float32"],
     lambda a, k, x, y, t: mx.trace(a, k, x, y, mx.float32)),
    ("trace", SUMS, lambda n, a: [a(n, 8, n // 8), 0, 1, 2, "float32"],
     lambda a, k, x, y, t: mx.trace(a, k, x, y, mx.float32)),
    ("tril", WIDTHS, lambda n, a: [a(n, n), 0], mx.tril),
    ("triu", WIDTHS, lambda n, a: [a(n, n), 1], mx.triu),
    ("triu", SUMS, lambda n, a: [a(8, n // 8, n), -1], mx.triu),
    ("slice_update", WIDTHS, lambda n, a: [
        a(n, n), a(n - 8, n - 8), *inside(n)],
     lambda a, u, *_: put(a, u, slice(4, -4), slice(4, -4))),
    ("slice_update", WIDTHS, lambda n, a: [
        a(n, n), a(n // 2 - 4, n // 2 - 4), *inside(n, 2)],
     lambda a, u, *_: put(a, u, slice(4, -4, 2), slice(4, -4, 2))),
    ("slice_update", WIDTHS, lambda n, a: [
        a(n, n), a(n, 1), [0, 4], [n, 5], [1, 1]],
     lambda a, u, *_: put(a, u, slice(None), slice(4, 5))),
    ("contiguous", WIDTHS, lambda n, a: [a(n, n), False], mx.contiguous),
    ("contiguous", WIDTHS, lambda n, a: [a(8, n // 8, n), False],
     mx.contiguous),
    ("contiguous", WIDTHS, lambda n, a: [a(n // 8, n, 8), False],
     mx.contiguous),
    ("contiguous", WIDTHS, lambda n, a: [a(n, n // 8, 8, order=(1, 0, 2)),
                                         False], mx.contiguous),
    ("contiguous", WIDTHS, lambda n, a: [a(n, n // 8, 8, order=(2, 0, 1)),
                                         False], mx.contiguous),
    ("contiguous", WIDTHS, lambda n, a: [a(n, n // 8, 8, order=(1, 2, 0)),
                                         False], mx.contiguous),
    ("contiguous", WIDTHS, lambda n, a: [a(n, n // 8, 8, order=(2, 1, 0)),
                                         False], mx.contiguous),
    ("contiguous", WIDTHS, lambda n, a: [a(4, n // 8, n // 8, 16,
                                           order=(0, 3, 1, 2)), False],
     mx.contiguous),
    ("flatten", WIDTHS, lambda n, a: [a(n, n), 0, -1], mx.flatten),
    ("flatten", WIDTHS, lambda n, a: [a(8, n // 8, n), 0, 1], mx.flatten),
    ("unflatten", WIDTHS, lambda n, a: [a(n, n), 1, [-1, 8]], mx.unflatten),
    ("reshape", WIDTHS, lambda n, a: [a(n, n), [n // 4, -1]], mx.reshape),
]


def turned(dtype, order, shape):
    """An array whose axes lie in memory in another order."""
    back = [order.index(d) for d in range(len(order))]
    base = values(dtype, [shape[d] for d in back])
    return lazuli.Laid(
        None, "turned", base, [("transpose_axes", list(order))], False)


def cases(sizes, layouts):
    for size in sizes:
        for layout in layouts:
            for name, dtypes, arguments, reference in PARTS:
                for t in dtypes:
                    orders = []

                    def shape(*shape, order=None, orders=orders):
                        orders.append(order)
                        return shape

                    def array(*shape, order=None, t=t, layout=layout):
                        return (turned(t, order, shape) if order
                                else laid(t, shape, layout))
                    given = arguments(SIDE[size], shape)
                    if any(orders) and layout != "row":
                        continue
                    plain = [g for g in given if isinstance(
                        g, (int, tuple, list, str))] + [o for o in orders if o]
                    yield Case(
                        name, f"{t} {plain} {layout} {size}",
                        lambda f=arguments, n=SIDE[size], a=array: f(n, a),
                        reference)
