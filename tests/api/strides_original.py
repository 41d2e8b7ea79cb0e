#!/usr/bin/env python3
"""Where results lie in memory, against MLX itself, which shows it through the
buffer protocol: strides, and whether a result is a view of what it was made of,
and where in it. Chains of views drawn by chance from one array.

    strides_original.py LIBRARY FUNCTIONS.TSV [--seed N] [--count N] [--show]

Strides of axes of extent 1, and of arrays without elements, say nothing and are
not compared. A copy where MLX has a view is wrong. Not wrong, but counted, and
printed by --show:
- a view where MLX copies: nobody loses by it;
- results of element-wise operations in another order than MLX's, but without
  holes: what several operations make in one kernel keeps the order of what it
  reads where that has one, and neither promises an order of what it computes.
MLX 0.31.2 leaves the last stride of view() as it was where that axis has the
extent 1 and is the first in memory, so that its values are wrong, and takes a
column-major array that was unflattened for column-major still."""

import argparse
import collections
import ctypes as c
import pathlib
import random
import sys

import mlx.core as mx
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lazuli  # noqa: E402

mx.set_default_device(mx.cpu)


# ---- what is done: (name, our arguments, MLX's function) ---------------------

def axis_of(r, shape):
    return r.randrange(-len(shape), len(shape))


def factors(r, n):
    """A shape of n elements."""
    shape = []
    while n > 1:
        k = r.choice([k for k in range(2, n + 1) if n % k == 0])
        shape.append(k)
        n //= k
    if r.random() < 0.3:
        shape.insert(r.randint(0, len(shape)), 1)
    return shape


def order(r, shape):
    axes = list(range(len(shape)))
    r.shuffle(axes)
    return axes


def slices(r, shape):
    start, stop, step = [], [], []
    for n in shape:
        s = r.choice([1, 1, 1, 2, 3, -1, -2])
        a, b = sorted((r.randint(0, n), r.randint(0, n)))
        if s < 0:
            a, b = max(0, b - 1), (a - 1 if a else -n - 1)
        start.append(a)
        stop.append(b)
        step.append(s)
    return start, stop, step


def python_slices(start, stop, step, shape):
    return tuple(slice(a, None if s < 0 and b < 0 else b, s)
                 for a, b, s in zip(start, stop, step))


def transpose(r, shape):
    return "transpose", [], mx.transpose


def transpose_axes(r, shape):
    axes = order(r, shape)
    return "transpose_axes", [axes], lambda a: mx.transpose(a, axes)


def swapaxes(r, shape):
    x, y = axis_of(r, shape), axis_of(r, shape)
    return "swapaxes", [x, y], lambda a: mx.swapaxes(a, x, y)


def moveaxis(r, shape):
    x, y = axis_of(r, shape), axis_of(r, shape)
    return "moveaxis", [x, y], lambda a: mx.moveaxis(a, x, y)


def take_slice(r, shape):
    s = slices(r, shape)
    index = python_slices(*s, shape)
    return "slice", list(s), lambda a: a[index]


def reshape(r, shape):
    new = factors(r, int(np.prod(shape)))
    return "reshape", [new], lambda a: mx.reshape(a, new)


def flatten(r, shape):
    x, y = sorted(r.randrange(len(shape)) for _ in range(2))
    return "flatten", [x, y], lambda a: mx.flatten(a, x, y)


def unflatten(r, shape):
    x = r.randrange(len(shape))
    new = factors(r, shape[x]) or [1]
    return "unflatten", [x, new], lambda a: mx.unflatten(a, x, new)


def squeeze(r, shape):
    return "squeeze", [], mx.squeeze


def expand_dims(r, shape):
    x = r.randrange(len(shape) + 1)
    return "expand_dims", [x], lambda a: mx.expand_dims(a, x)


def broadcast_to(r, shape):
    new = [r.choice([2, 3]) if n == 1 else n for n in shape]
    new = [r.choice([1, 2])] * r.randint(0, 1) + new
    return "broadcast_to", [new], lambda a: mx.broadcast_to(a, new)


def split(r, shape):
    x = r.randrange(len(shape))
    n = r.choice([k for k in range(1, shape[x] + 1) if shape[x] % k == 0])
    return "split", [n, x], lambda a: mx.split(a, n, x)


def split_sections(r, shape):
    x = r.randrange(len(shape))
    at = sorted(r.randint(0, shape[x]) for _ in range(2))
    return "split_sections", [at, x], lambda a: mx.split(a, at, x)


def diagonal(r, shape):
    if len(shape) < 2:
        return squeeze(r, shape)
    x, y = r.sample(range(len(shape)), 2)
    k = r.randint(-shape[x] + 1, shape[y] - 1)
    return "diagonal", [k, x, y], lambda a: mx.diagonal(a, k, x, y)


def as_strided(r, shape):
    """Of whole arrays alone: MLX dies of others."""
    size = int(np.prod(shape))
    n = r.randint(1, max(1, size // 2))
    new, steps = [n, 2], [1, r.choice([0, 1, size - n])]
    return ("as_strided", [new, steps, 0],
            lambda a: mx.as_strided(a, new, steps, 0))


def atleast(r, shape):
    n = r.choice([1, 2, 3])
    return (f"atleast_{n}d", [],
            [mx.atleast_1d, mx.atleast_2d, mx.atleast_3d][n - 1])


def view(r, shape):
    return "view", ["int32"], lambda a: mx.view(a, mx.int32)


def narrow_view(r, shape):
    return "view", ["int16"], lambda a: mx.view(a, mx.int16)


def stop_gradient(r, shape):
    return "stop_gradient", [], mx.stop_gradient


def contiguous(r, shape):
    cols = r.random() < 0.5
    return ("contiguous", [cols],
            lambda a: mx.contiguous(a, allow_col_major=cols))


# What is computed keeps the layout of what it was computed of.
def negative(r, shape):
    return "negative", [], mx.negative


def astype(r, shape):
    return "astype", ["float16"], lambda a: a.astype(mx.float16)


def add_self(r, shape):
    return "add", [None], lambda a: a + a


VIEWS = [transpose, transpose_axes, swapaxes, moveaxis, take_slice, take_slice,
         reshape, reshape, flatten, unflatten, squeeze, expand_dims,
         broadcast_to, split, split_sections, diagonal, atleast,
         view, narrow_view, stop_gradient, contiguous]
COMPUTED = [negative, astype, add_self]
COMPUTED_NAMES = ("negative", "astype", "add")


# ---- where a result lies -----------------------------------------------------

class Place:
    """Strides in elements, first byte, shape."""

    def __init__(self, shape, strides, first):
        self.shape, self.strides, self.first = shape, strides, first

    def told(self):
        if 0 in self.shape:
            return None
        return tuple(s for n, s in zip(self.shape, self.strides) if n > 1)

    def is_dense(self, order):
        """order: -1 row-major, 1 column-major."""
        step = 1
        for n, s in zip(self.shape[::order], self.strides[::order]):
            if n > 1 and s != step:
                return False
            step *= n
        return True

    def has_no_holes(self):
        """In some order of the axes; of stride 0 are those that repeat."""
        step = 1
        for s, n in sorted(zip(self.strides, self.shape)):
            if n > 1 and s not in (0, step):
                return False
            step *= n if s else 1
        return True


def theirs_of(a):
    x = np.array(a, copy=False)
    return Place(x.shape, [s // x.itemsize for s in x.strides],
                 x.__array_interface__["data"][0])


def ours_of(lib, a):
    raw = lib.lib
    if raw.mlx_array_eval(a):
        raise lazuli.Refused(lib.messages[-1])
    n = raw.mlx_array_ndim(a)
    shape = tuple((c.c_int * n).from_address(raw.mlx_array_shape(a)))
    strides = (c.c_int64 * n).from_address(raw.mlx_array_strides(a))
    return Place(shape, list(strides), raw.mlx_array_data_uint8(a) or 0)


def apply_ours(lib, name, arguments, a):
    """Every result, as handles."""
    raw = lib.lib
    arguments = [a if v is None else v for v in arguments]
    result = lib.graph(name, [a, *arguments])
    if not name.startswith("split"):
        return [result]
    parts = []
    for i in range(raw.mlx_vector_array_size(result)):
        part = lazuli.Handle()
        raw.mlx_vector_array_get(c.byref(part), result, c.c_size_t(i))
        parts.append(part)
    raw.mlx_vector_array_free(result)
    return parts


class Compare:
    def __init__(self, lib, show):
        self.lib, self.show = lib, show
        self.compared = self.views = 0
        self.problems = collections.Counter()
        self.better = collections.Counter()
        self.ordered = collections.Counter()
        self.faulty = collections.Counter()
        self.examples = {}

    def note(self, counter, chain, text):
        counter[chain[-1][0]] += 1
        self.examples.setdefault((id(counter), chain[-1][0]), (chain, text))

    def one(self, chain, ours, theirs, base_ours, base_theirs):
        """base_…: where the memory of the array begins and ends."""
        self.compared += 1
        if ours.shape != theirs.shape:
            return self.note(self.problems, chain,
                             f"shape {ours.shape}, not {theirs.shape}")
        if 0 in ours.shape:
            return None
        name = chain[-1][0]
        if (name == "view" and theirs.strides[-1] != 1 or
                name == "contiguous" and not theirs.is_dense(-1) and
                not theirs.is_dense(1)):
            return self.note(self.faulty, chain, "MLX is wrong")
        is_view = base_theirs[0] <= theirs.first < base_theirs[1]
        our_view = base_ours[0] <= ours.first < base_ours[1]
        self.views += is_view
        if is_view and not our_view:
            return self.note(self.problems, chain, "a copy, not a view")
        if our_view and not is_view:
            return self.note(self.better, chain, "a view, not a copy")
        if is_view and ours.first - base_ours[0] != theirs.first - base_theirs[0]:
            return self.note(self.problems, chain, "another place in memory")
        if ours.told() != theirs.told():
            if name in COMPUTED_NAMES and ours.has_no_holes():
                return self.note(self.ordered, chain, "another order")
            return self.note(
                self.problems, chain,
                f"strides {ours.strides}, not {theirs.strides} of shape "
                f"{ours.shape}")
        return None

    def differing(self):
        return sum(sum(counter.values()) for counter in (
            self.problems, self.better, self.ordered, self.faulty))

    def chain(self, seed):
        r = random.Random(seed)
        shape = r.choice([(4, 6), (2, 3, 4), (12,), (2, 1, 3, 4), (1, 8), (5, 1),
                          (6, 2, 2), (3, 3)])
        values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        ours, theirs = self.lib.array(values), mx.array(values)
        raw = self.lib.lib
        handles = [ours]
        at, their_at = ours_of(self.lib, ours), theirs_of(theirs)
        size = values.nbytes
        bases = ((at.first, at.first + size),
                 (their_at.first, their_at.first + size))
        chain, keep = [("array", shape)], [theirs]
        try:
            for _ in range(r.randint(1, 4)):
                shape = theirs.shape
                if not shape or 0 in shape:
                    break
                kinds = (COMPUTED if r.random() < 0.08 else
                         VIEWS + [as_strided] * (len(chain) == 1))
                name, arguments, function = r.choice(kinds)(r, shape)
                try:
                    result = function(theirs)
                except ValueError:
                    break
                results = list(result) if isinstance(
                    result, (list, tuple)) else [result]
                made = apply_ours(self.lib, name, arguments, ours)
                handles += made
                k = r.randrange(len(results))
                ours, theirs = made[k], results[k]
                keep.append(theirs)
                chain.append((name, arguments, k) if len(made) > 1 else
                             (name, arguments))
                places = ours_of(self.lib, ours), theirs_of(theirs)
                before = self.differing()
                self.one(list(chain), *places, *bases)
                if self.differing() > before:
                    break  # what follows would differ as well
                # What was copied or computed is looked into from here on.
                if not bases[1][0] <= places[1].first < bases[1][1]:
                    extent = theirs.nbytes
                    bases = tuple((p.first, p.first + extent) for p in places)
                if theirs.dtype not in (mx.float32, mx.int32):
                    break
        finally:
            for a in handles:
                raw.mlx_array_free(a)

    def end(self):
        for counter, what in ((self.problems, "wrong"),
                              (self.better, "not wrong"),
                              (self.ordered, "not wrong"),
                              (self.faulty, "not wrong")):
            for name, n in counter.most_common():
                if counter is not self.problems and not self.show:
                    continue
                chain, text = self.examples[id(counter), name]
                print(f"{what}: {name} {n} times: {text}\n   {chain}")
        print(f"{self.compared} results compared, {self.views} of them views; "
              f"{sum(self.better.values())} are views here alone, "
              f"{sum(self.ordered.values())} in another order, "
              f"{sum(self.problems.values())} wrong")
        return 1 if self.problems or self.views < self.compared // 3 else 0


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("library")
    parse.add_argument("table")
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--count", type=int, default=4000)
    parse.add_argument("--show", action="store_true")
    asked = parse.parse_args()
    lib = lazuli.Library(asked.library, asked.table)
    lib.lib.mlx_array_ndim.restype = c.c_size_t
    compare = Compare(lib, asked.show)
    for i in range(asked.count):
        compare.chain(asked.seed * 1000003 + i)
    return compare.end()


if __name__ == "__main__":
    sys.exit(main())
