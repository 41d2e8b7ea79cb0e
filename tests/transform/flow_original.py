#!/usr/bin/env python3
"""Values asked for in the middle of a transformed function, argument numbers,
wrong shapes and numbers of arrays: as MLX has them, an error for an error.

    flow_original.py LIBRARY FUNCTIONS.TSV
"""

import ctypes as c
import sys

import mlx.core as mx
import numpy as np

import sides

import against  # noqa: E402

X = np.array([1, 2], np.float32)


class Mine:
    """Operations of ours in the form of the steps below."""

    def __init__(self, ours):
        self.ours = ours

    def call(self, name, *rest):
        return self.ours.call(name, *rest)[0]

    def evaluate(self, name, a):
        v = self.ours.vector([a])
        self.ours.messages.clear()
        status = getattr(self.ours.lib, f"mlx_{name}")(v)
        self.ours.lib.mlx_vector_array_free(v)
        self.ours.check(status)

    def item(self, a):
        value = c.c_float()
        self.ours.messages.clear()
        self.ours.check(self.ours.lib.mlx_array_item_float32(
            c.byref(value), a))
        return value.value

    def constant(self, value):
        return self.ours.given(np.asarray(value))

    def grad(self, fn, argnums):
        def run(xs):
            closure, numbers = sides.Handle(), (c.c_int * 4)(*argnums)
            self.ours.check(self.ours.lib.mlx_value_and_grad(
                c.byref(closure), self.ours.closure(fn), numbers,
                c.c_size_t(len(argnums))))
            self.ours.pool.append(("mlx_closure_value_and_grad", closure))
            values, grads = sides.Handle(), sides.Handle()
            vector = self.ours.vector(xs)
            self.ours.messages.clear()
            status = self.ours.lib.mlx_closure_value_and_grad_apply(
                c.byref(values), c.byref(grads), closure, vector)
            self.ours.lib.mlx_vector_array_free(vector)
            self.ours.check(status)
            self.ours.taken(values)
            return self.ours.taken(grads)
        return run


class Theirs:
    NAMES = {"sum": lambda a, keep: a.sum(keepdims=keep),
             "argmax": lambda a, keep: mx.argmax(a, keepdims=keep),
             "prod_axes": lambda a, axes, keep: mx.prod(a, axes, keep)}

    def call(self, name, *rest):
        return self.NAMES.get(name, getattr(mx, name, None))(*rest)

    def evaluate(self, name, a):
        getattr(mx, name)(a)

    def item(self, a):
        return a.item()

    def constant(self, value):
        return mx.array(value)

    def grad(self, fn, argnums):
        def run(xs):
            got = mx.grad(lambda *a: fn(list(a))[0], argnums=argnums)(*xs)
            return list(got) if isinstance(got, (list, tuple)) else [got]
        return run


def steps(s):
    """Functions of one array, by name, out of s's operations."""
    def total(x):
        return s.call("sum", s.call("multiply", x, x), False)

    def thrice(y):
        return [s.call("multiply", y, s.constant(np.float32(3)))]

    def ends(how, of):
        def run(xs):
            y = total(xs[0])
            z = y if of == "value" else s.call(
                "add", s.constant(np.float32(1)), s.constant(np.float32(2)))
            if how == "item":
                return thrice(y) if s.item(z) > 1 else [y]
            s.evaluate(how, z)
            return thrice(s.call("multiply", y, z))
        return run
    return {f"{how} of a {of}": ends(how, of)
            for how in ("eval", "item", "async_eval")
            for of in ("value", "constant")}


def transformed(side, s, fn):
    one, ones = [np.float32(1)], [np.ones(2, np.float32)]
    batch = side.vmap(fn, [0], [0])
    yield "vjp", side.vjp(fn, one), X
    yield "jvp", side.jvp(fn, ones), X
    yield "compile", side.compile(fn), X
    yield "vmap", batch, X[None]
    yield "vjp of compile", side.vjp(side.compile(fn), one), X
    yield "compile of vjp", side.compile(side.vjp(fn, one)), X
    yield "vmap of vjp", side.vmap(side.vjp(fn, one), [0], [0]), X[None]
    yield "vjp of checkpoint", side.vjp(side.checkpoint(fn), one), X
    yield "vjp of vjp", side.vjp(side.vjp(fn, one), one + ones), X


def forms(side, s):
    """(name, function, arguments) of gradients and their arguments."""
    def product(xs):
        return [s.call("sum", s.call("multiply", xs[0], s.call(
            "multiply", xs[1], xs[1])), False)]
    for n in ([0], [1], [0, 1], [2], [-1], [], [0, 0], [1, 0]):
        yield f"argnums {n}", s.grad(product, n), [X, X + 1]

    def doubled(xs):
        return [s.call("multiply", xs[0], s.constant(np.float32(2)))]

    def summed(keep):
        return lambda xs: [s.call("sum", doubled(xs)[0], keep)]
    yield "of an array", s.grad(doubled, [0]), [X]
    yield "of one element", s.grad(summed(True), [0]), [X]
    yield "of an integer", s.grad(
        lambda xs: [s.call("argmax", xs[0], False)], [0]), [X]
    yield "of a constant", s.grad(
        lambda xs: [s.constant(np.float32(2))], [0]), [X]
    for kind in ("int32", "bool", "float16"):
        yield f"by {kind}", s.grad(summed(False), [0]), [X.astype(kind)]
    half = X.astype("float16")
    for name, given in (("none", []), ("two", [X, X]), ("scalar", [X[0]]),
                        ("half", [half])):
        yield f"vjp of {name}", side.vjp(doubled, given), [X]
        yield f"jvp of {name}", side.jvp(doubled, given), [X]
    yield "stop_gradient", s.grad(lambda xs: [s.call("sum", s.call(
        "multiply", s.call("stop_gradient", xs[0]), xs[0]), False)], [0]), [X]

    def of(*names):
        def run(xs, names=names):
            return [s.call(names[0], *xs, *names[1:])]
        return run
    # Zeros among the factors; what is infinite, what has no derivative.
    factors = np.array([[[0, 2, 3], [0, 5, 0]], [[1, 2, 3], [4, 0, 2]]],
                       np.float32)
    for axes in ([2], [0, 2], [0, 1, 2]):
        g = np.ones(factors.sum(tuple(axes)).shape, np.float32)
        yield f"prod over {axes}", side.vjp(of("prod_axes", axes, False), [
            g]), [factors]
        yield f"prod along {axes}", side.jvp(of("prod_axes", axes, True), [
            factors + 1]), [factors]
    yield "prod of integers", side.jvp(of("prod_axes", [0], False), [
        np.arange(4, dtype=np.int32)]), [np.array([0, 1, 2, 3], np.int32)]
    ends = np.array([np.inf, -np.inf, 1], np.float32)
    yield "logaddexp", side.vjp(of("logaddexp"), [
        np.ones(3, np.float32)]), [ends, np.ones(3, np.float32)]
    bits = np.array([1, 2, 3], np.int32)
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift",
                 "right_shift"):
        yield f"vjp of {name}", side.vjp(of(name), [bits]), [bits, bits]
    for name in ("greater", "equal", "less_equal"):
        yield f"jvp of {name}", side.jvp(of(name), [half, half]), [half, half]
    yield "take", side.jvp(of("take"), [X, bits]), [X, bits % 2]

    def added(xs):
        return [s.call("add", xs[0], xs[1])]
    yield "vmap of a constant", side.vmap(
        lambda xs: [xs[0], s.constant(X)], [0], [0, None]), [
        np.ones((3, 2), np.float32)]
    for name, axes, to in (("sizes", [0, 0], [0]), ("axis", [3, 0], [0]),
                           ("result", [0, None], [4]), ("one", [1, None], [1]),
                           ("last", [-2, None], [0])):
        yield f"vmap {name}", side.vmap(added, axes, to), [
            np.ones((2, 3), np.float32), np.ones((3, 3), np.float32)]


def every(side, s):
    for name, fn in steps(s).items():
        for kind, run, x in transformed(side, s, fn):
            yield f"{kind}, {name}", run, [x]
    yield from forms(side, s)


# Python's grad, not MLX's, refuses numbers from the end. We refuse async_eval
# inside a transformation whatever it is of; MLX, where it depends on arguments.
OTHERWISE = ("argnums [-1]", "async_eval of a constant")


def main():
    ours, theirs = sides.Ours(sys.argv[1], sys.argv[2]), sides.MLX()
    mx.set_default_device(mx.cpu)
    wrong = refused = count = 0
    for (name, mine, xs), (_, other, _) in zip(
            every(ours, Mine(ours)), every(theirs, Theirs())):
        ours.log.clear()
        want, got = theirs.made(other, xs), ours.made(mine, xs)
        count += 1
        refused += isinstance(want, str)
        problem = None
        if isinstance(want, str) != isinstance(got, str):
            problem = None if name.endswith(OTHERWISE) else f"{got!r}\nnot\n{want!r}"
        elif not isinstance(want, str):
            problem = against.differs(got, want, 1)
        elif "eval]" in want and not any("eval" in m for m in ours.log):
            problem = f"{ours.log}\nnot\n{want}"
        if problem:
            print(f"{name}: {problem}")
            wrong += 1
    print(f"{count} functions, {refused} refused by MLX, {wrong} wrong")
    return 1 if wrong or count < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
