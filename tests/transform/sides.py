"""The same transformations on both sides: through the C interface, and MLX's
own. A function takes a list of arrays and gives one; each transformation makes
a function of a function, so they nest in any order."""

import ctypes as c
import pathlib
import sys

import mlx.core as mx
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))
import lazuli  # noqa: E402
from lazuli import Handle, Refused  # noqa: E402

CALLBACK = c.CFUNCTYPE(c.c_int, c.POINTER(Handle), Handle)


class Messages(list):
    """Of the call in progress; the log keeps those of calls inside it."""

    def __init__(self, owner):
        super().__init__()
        self.owner = owner

    def append(self, message):
        super().append(message)
        self.owner.log.append(message)


class Ours(lazuli.Library):
    """Arrays are handles, kept until clear()."""

    def __init__(self, path, table):
        super().__init__(path, table)
        self.pool, self.keep = [], []
        self.messages, self.log = Messages(self), []
        self.lib.mlx_closure_new_func.restype = Handle
        self.calls = 0

    def clear(self):
        for kind, handle in self.pool:
            getattr(self.lib, f"{kind}_free")(handle)
        self.pool, self.keep = [], []

    def hold(self, handle):
        self.pool.append(("mlx_array", handle))
        return handle

    def same(self, handle):
        again = Handle()
        self.lib.mlx_array_set(c.byref(again), handle)
        return again

    # The two that make Library.call() one of graphs instead of values.
    def array(self, value):
        if isinstance(value, Handle):
            return self.same(value)
        return super().array(value)

    def results(self, kind, handle):
        if kind == "mlx_array":
            return [self.hold(self.same(handle))]
        return [self.hold(a) for a in self.items(handle)]

    def items(self, vector):
        found = []
        for i in range(self.lib.mlx_vector_array_size(vector)):
            a = Handle()
            self.lib.mlx_vector_array_get(c.byref(a), vector, c.c_size_t(i))
            found.append(a)
        return found

    def vector(self, arrays):
        vector = self.lib.mlx_vector_array_new()
        for a in arrays:
            self.lib.mlx_vector_array_append_value(vector, a)
        return vector

    def given(self, value):
        return self.hold(self.array(value))

    def closure(self, fn):
        def run(res, inputs):
            self.calls += 1
            try:
                out = fn([self.hold(a) for a in self.items(inputs)])
                res.contents.ctx = self.vector(out).ctx
                return 0
            except Refused:
                return 1
        callback = CALLBACK(run)
        self.keep.append(callback)
        closure = self.lib.mlx_closure_new_func(callback)
        self.pool.append(("mlx_closure", closure))
        return closure

    def check(self, status):
        if status:
            raise Refused(self.messages[-1] if self.messages else "no message")

    def taken(self, *vectors):
        found = []
        for v in vectors:
            found += [self.hold(a) for a in self.items(v)]
            self.lib.mlx_vector_array_free(v)
        return found

    def two(self, name, fn, xs, given):
        first, second = Handle(), Handle()
        a, b = self.vector(xs), self.vector([self.given(g) for g in given])
        self.messages.clear()
        status = getattr(self.lib, name)(
            c.byref(first), c.byref(second), self.closure(fn), a, b)
        self.lib.mlx_vector_array_free(a)
        self.lib.mlx_vector_array_free(b)
        self.check(status)
        return self.taken(first, second)

    def applied(self, closure):
        def run(xs):
            out, a = Handle(), self.vector(xs)
            self.messages.clear()
            status = self.lib.mlx_closure_apply(c.byref(out), closure, a)
            self.lib.mlx_vector_array_free(a)
            self.check(status)
            return self.taken(out)
        return run

    # ---- transformations -------------------------------------------------

    def operation(self, name):
        return lambda arguments: self.call(name, *arguments)

    def vjp(self, fn, cotangents):
        return lambda xs: self.two("mlx_vjp", fn, xs, cotangents)

    def jvp(self, fn, tangents):
        return lambda xs: self.two("mlx_jvp", fn, xs, tangents)

    def vmap(self, fn, in_axes, out_axes):
        def axes(values):
            return (c.c_int * max(1, len(values)))(
                *[-1 if x is None else x for x in values])

        def run(xs):
            inside, outside, out = Handle(), Handle(), Handle()
            a = self.vector(xs)
            self.messages.clear()
            n = c.c_size_t(len(in_axes))
            status = self.lib.mlx_detail_vmap_trace(
                c.byref(inside), c.byref(outside), self.closure(fn), a,
                axes(in_axes), n)
            if not status:
                many = self.lib.mlx_vector_array_size(outside)
                to = (out_axes * many)[:many]
                status = self.lib.mlx_detail_vmap_replace(
                    c.byref(out), a, inside, outside, axes(in_axes), n,
                    axes(to), c.c_size_t(len(to)))
            self.lib.mlx_vector_array_free(a)
            self.lib.mlx_vector_array_free(inside)
            self.lib.mlx_vector_array_free(outside)
            self.check(status)
            return self.taken(out)
        return run

    def compile(self, fn, shapeless=False):
        out = Handle()
        self.check(self.lib.mlx_compile(
            c.byref(out), self.closure(fn), c.c_bool(shapeless)))
        self.pool.append(("mlx_closure", out))
        return self.applied(out)

    def checkpoint(self, fn):
        out = Handle()
        self.check(self.lib.mlx_checkpoint(c.byref(out), self.closure(fn)))
        self.pool.append(("mlx_closure", out))
        return self.applied(out)

    def made(self, fn, arguments):
        """Results as (values, dtype), or the message of the refusal."""
        try:
            return [self.numpy(a) for a in fn(
                [self.given(x) for x in arguments])]
        except Refused as error:
            return str(error) or "refused"


def original(value):
    if isinstance(value, lazuli.Bits):
        return mx.view(mx.array(value.bits), mx.bfloat16)
    if value.dtype == np.float64:
        return mx.array(value, mx.float64)
    return mx.array(value)


def is_array(value):
    return isinstance(value, (np.ndarray, np.generic, lazuli.Bits))


def as_numpy(a):
    name = str(a.dtype).split(".")[-1].rstrip("_")
    mx.eval(a)
    return np.array(mx.view(a, mx.uint16) if name == "bfloat16" else a), name


class MLX:
    """Arrays are mx.array."""

    def operation(self, reference):
        def run(arguments):
            def convert(v):
                if isinstance(v, list):
                    return [convert(x) for x in v]
                return original(v) if is_array(v) else v
            result = reference(*[convert(v) for v in arguments])
            return list(result) if isinstance(
                result, (list, tuple)) else [result]
        return run

    def given(self, value):
        return original(value)

    def vjp(self, fn, cotangents):
        def run(xs):
            outs, grads = mx.vjp(lambda *a: fn(list(a)), list(xs), [
                original(g) for g in cotangents])
            return list(outs) + list(grads)
        return run

    def jvp(self, fn, tangents):
        def run(xs):
            outs, made = mx.jvp(lambda *a: fn(list(a)), list(xs), [
                original(g) for g in tangents])
            return list(outs) + list(made)
        return run

    def vmap(self, fn, in_axes, out_axes):
        def run(xs):
            count = []

            def counted(*a):
                out = fn(list(a))
                count.append(len(out))
                return tuple(out)
            # The number of results is known only after a call.
            if len(out_axes) == 1 or len(set(out_axes)) == 1:
                to = out_axes[0]
            else:
                try:
                    mx.vmap(counted, tuple(in_axes), 0)(*xs)
                finally:
                    if not count:
                        count.append(1)
                to = tuple((out_axes * count[0])[:count[0]])
            return list(mx.vmap(counted, tuple(in_axes), to)(*xs))
        return run

    def compile(self, fn, shapeless=False):
        made = mx.compile(lambda *a: fn(list(a)), shapeless=shapeless)
        return lambda xs: list(made(*xs))

    def checkpoint(self, fn):
        made = mx.checkpoint(lambda *a: fn(list(a)))
        return lambda xs: list(made(*xs))

    def made(self, fn, arguments):
        try:
            with mx.stream(mx.cpu):
                return [as_numpy(a) for a in fn(
                    [original(x) for x in arguments])]
        except (ValueError, RuntimeError, TypeError, IndexError) as error:
            return str(error) or "refused"
