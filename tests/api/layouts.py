"""Arrays of given values in memory of every layout."""

import random

import numpy as np

from draw import dims
from lazuli import Bits, Laid

LAYOUTS = ["row", "transposed", "strided", "reversed", "broadcast", "offset",
           "reshaped", "computed", "mixed"]


def plain(value):
    return value.bits if isinstance(value, Bits) else np.asarray(value)


def like(value, data):
    return Bits(data, value.dtype) if isinstance(value, Bits) else data


def filled(r, data, shape):
    """Of elements that must not show: those of `data`, in disorder."""
    if data.size == 0:
        return np.zeros(shape, data.dtype)
    flat = data.reshape(-1)
    size = int(np.prod(shape, dtype=int))
    first = r.randrange(flat.size)
    return np.roll(np.resize(flat, size), first).reshape(shape)


def whole(shape):
    return [0] * len(shape), list(shape), [1] * len(shape)


def transposed(r, x):
    order = list(range(x.ndim))
    r.shuffle(order)
    back = [order.index(k) for k in range(x.ndim)]
    return x.transpose(order), [("transpose_axes", back)] if order else []


def strided(r, x):
    if not x.ndim:
        return offset(r, x)
    axis, step = r.randrange(x.ndim), r.choice([2, 3])
    shape = list(x.shape)
    shape[axis] = shape[axis] * step + 1
    first = r.randrange(step)
    start, stop, steps = whole(shape)
    start[axis], steps[axis] = first, step
    stop[axis] = first + x.shape[axis] * step
    base = filled(r, x, shape)
    place = [slice(None)] * x.ndim
    place[axis] = slice(first, first + x.shape[axis] * step, step)
    base[tuple(place)] = x
    stop[axis] = min(stop[axis], shape[axis])
    return base, [("slice", start, stop, steps)]


def reversed_(r, x):
    axes = [k for k in range(x.ndim) if x.shape[k] and r.random() < 0.6]
    if not axes:
        return offset(r, x)
    start, stop, steps = whole(x.shape)
    for k in axes:
        start[k], stop[k], steps[k] = x.shape[k] - 1, -x.shape[k] - 1, -1
    return np.flip(x, axes), [("slice", start, stop, steps)]


def broadcast(r, x):
    # To the bit: -0 is not 0.
    axes = [k for k in range(x.ndim) if x.shape[k] and x.tobytes() == np.repeat(
        x.take([0], k), x.shape[k], k).tobytes()]
    if not axes:
        return transposed(r, x)
    base = x
    for k in axes:
        base = base.take([0], k)
    return base, [("broadcast_to", list(x.shape))]


def offset(r, x):
    """Rows of a larger array."""
    before, after = r.randint(1, 3), r.randint(0, 2)
    shape = (before + (x.shape[0] if x.ndim else 1) + after,) + x.shape[1:]
    base = filled(r, x, shape)
    start, stop, steps = whole(shape)
    start[0], stop[0] = before, shape[0] - after
    base[before:shape[0] - after] = x
    views = [("slice", start, stop, steps)]
    return base, views + [] if x.ndim else views + [("reshape", [])]


def reshaped(r, x):
    return x.reshape(-1), [("reshape", list(x.shape))]


def computed(r, x):
    """By a kernel that may become one with what reads it."""
    if x.dtype == bool:
        return ~x, [("logical_not",)]
    return -x, [("negative",)]


def mixed(r, x):
    """Backwards through every other element of a transposed array."""
    base, last = transposed(r, x)
    base, first = (strided if r.random() < 0.5 else reversed_)(
        r, np.ascontiguousarray(base).reshape(base.shape))
    return base, first + last


MAKERS = {"row": lambda r, x: (x, []), "transposed": transposed,
          "strided": strided, "reversed": reversed_, "broadcast": broadcast,
          "offset": offset, "reshaped": reshaped, "computed": computed,
          "mixed": mixed}


def lay(value, layout, seed):
    """The array, so laid out, evaluated or not yet."""
    r = random.Random(seed)
    if layout == "computed" and isinstance(value, Bits):
        base, steps = value.bits ^ 0x8000, [("negative",)]
    else:
        base, steps = MAKERS[layout](r, plain(value))
    return Laid(value, layout, like(value, base), steps, r.random() < 0.5)


def of(seed):
    """The layout of the first array that a call with this seed is given: all of
    them in turn."""
    return LAYOUTS[seed % len(LAYOUTS)]


def lay_all(arguments, seed):
    """Every array among a call's arguments: the first as of(seed) says, the
    others by chance."""
    r = random.Random(seed)
    todo = [of(seed)]

    def one(value):
        if isinstance(value, list) and value and isinstance(
                value[0], (np.ndarray, Bits)):
            return [one(v) for v in value]
        if isinstance(value, (np.ndarray, np.generic, Bits)):
            layout = todo.pop() if todo else r.choice(LAYOUTS)
            return lay(value, layout, r.random())
        return value
    return [one(a) for a in arguments]
