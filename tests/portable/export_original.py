#!/usr/bin/env python3
"""Functions through files, in the library and in MLX itself: the same functions,
exported with the same arguments and called with the same, give the same values
or are refused alike. Every imported function runs in a process of its own.

    export_original.py LIBRARY FUNCTIONS.TSV [NAME…]

A scenario is a function over either module, what it is traced with, and what it
is called with; the last may be refused. MLX's side runs the same steps.
"""

import ctypes as c
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))
import lazuli  # noqa: E402

Handle = lazuli.Handle
CALLBACK = c.CFUNCTYPE(c.c_int, c.POINTER(Handle), c.c_void_p)
CALLBACK_NAMES = c.CFUNCTYPE(c.c_int, c.POINTER(Handle), c.c_void_p,
                             c.c_void_p)


class Array:
    """A handle that knows its shape; not freed, as these programs are short."""

    def __init__(self, module, handle):
        self.m, self.handle = module, handle

    @property
    def shape(self):
        lib = self.m.lib.lib
        lib.mlx_array_ndim.restype = c.c_size_t
        n = lib.mlx_array_ndim(self.handle)
        return tuple((c.c_int * n).from_address(lib.mlx_array_shape(
            self.handle))) if n else ()


class Module:
    real = False
    """The library's functions by name: those of MLX that the scenarios use have
    the same names and orders of arguments there."""


    def __init__(self, path, table):
        outer = self

        class Wrapped(lazuli.Library):
            def array(self, value):
                if not isinstance(value, Array):
                    return super().array(value)
                copy = Handle()
                self.lib.mlx_array_set(c.byref(copy), value.handle)
                return copy

            def results(self, kind, handle):
                if kind == "mlx_array":
                    copy = Handle()
                    self.lib.mlx_array_set(c.byref(copy), handle)
                    return [Array(outer, copy)]
                return outer.items(handle)

        self.lib = Wrapped(path, table)
        for name in ("closure_new_func", "closure_kwargs_new_func",
                     "imported_function_new", "function_exporter_new",
                     "map_string_to_array_new"):
            getattr(self.lib.lib, "mlx_" + name).restype = Handle

    def __getattr__(self, name):
        def call(*arguments):
            got = self.lib.call(name, *arguments)
            return got[0] if len(got) == 1 else got
        return call

    def array(self, value, dtype=None):
        return Array(self, lazuli.Library.array(
            self.lib, np.asarray(value, dtype)))

    def numpy(self, a):
        return self.lib.numpy(a.handle)[0]

    def items(self, vector):
        found = []
        for i in range(self.lib.lib.mlx_vector_array_size(vector)):
            a = Handle()
            self.lib.lib.mlx_vector_array_get(c.byref(a), vector, c.c_size_t(i))
            found.append(Array(self, a))
        return found

    def vector(self, arrays):
        vector = self.lib.lib.mlx_vector_array_new()
        for a in arrays:
            self.lib.lib.mlx_vector_array_append_value(vector, a.handle)
        return vector

    def map(self, arrays):
        found = self.lib.lib.mlx_map_string_to_array_new()
        for key, a in arrays.items():
            self.lib.lib.mlx_map_string_to_array_insert(
                found, key.encode(), a.handle)
        return found

    def check(self, status):
        if status:
            raise lazuli.Refused(self.lib.messages[-1])

    def export(self, path, function, traces, shapeless):
        file, lib = path.encode(), self.lib.lib
        self.lib.messages.clear()
        names = [sorted(kwargs) for _, kwargs in traces]
        raised = []

        def run(res, args, kwargs):
            try:
                out = function(self, *args, **kwargs)
                out = out if isinstance(out, (list, tuple)) else [out]
                res[0] = self.vector(out)
                return 0
            except lazuli.Refused as error:
                raised.append(error)
                return 1

        if len(traces) > 1:
            plain = CALLBACK(
                lambda res, v: run(res, self.items(Handle(v)), {}))
            closure = lib.mlx_closure_new_func(plain)
            exporter = lib.mlx_function_exporter_new(
                file, closure, c.c_bool(shapeless))
            self.check(0 if exporter.ctx else 1)
            try:
                for args, _ in traces:
                    self.check(lib.mlx_function_exporter_apply(
                        exporter, self.vector(args)))
            finally:
                lib.mlx_function_exporter_free(exporter)
            return
        (args, kwargs), keys = traces[0], names[0]

        def named(res, v, m):
            given = {}
            for key in keys:
                a = Handle()
                lib.mlx_map_string_to_array_get(
                    c.byref(a), Handle(m), key.encode())
                given[key] = Array(self, a)
            return run(res, self.items(Handle(v)), given)
        callback = CALLBACK_NAMES(named)
        closure = lib.mlx_closure_kwargs_new_func(callback)
        self.check(lib.mlx_export_function_kwargs(
            file, closure, self.vector(args), self.map(kwargs),
            c.c_bool(shapeless)))

    def imported(self, path):
        function = self.lib.lib.mlx_imported_function_new(path.encode())
        self.check(0 if function.ctx else 1)

        def call(args, kwargs):
            res = Handle()
            self.lib.messages.clear()
            self.check(self.lib.lib.mlx_imported_function_apply_kwargs(
                c.byref(res), function, self.vector(args), self.map(kwargs)))
            return [self.numpy(a) for a in self.items(res)]
        return call


class Original:
    real = True

    def __init__(self):
        import mlx.core as mx
        self.mx = mx

    def __getattr__(self, name):
        return getattr(self.mx, name)

    def array(self, value, dtype=None):
        return self.mx.array(np.asarray(value, dtype))

    def export(self, path, function, traces, shapeless):
        def run(*args, **kwargs):
            out = function(self, *args, **kwargs)
            return out if isinstance(out, (list, tuple)) else [out]
        if len(traces) == 1:
            args, kwargs = traces[0]
            self.mx.export_function(path, run, *args, shapeless=shapeless,
                                    **kwargs)
            return
        with self.mx.exporter(path, run, shapeless=shapeless) as exporter:
            for args, kwargs in traces:
                exporter(*args, **kwargs)

    def imported(self, path):
        function = self.mx.import_function(path)
        return lambda args, kwargs: [np.array(a)
                                     for a in function(*args, **kwargs)]


# ---- scenarios ---------------------------------------------------------------

SCENARIOS = {}


def scenario(name, function, traces, calls, shapeless=False):
    """traces and calls: lists of (arguments, named arguments) in numpy."""
    def whole(x):
        return x if isinstance(x, tuple) and len(x) == 2 and isinstance(
            x[0], list) else (x, {})
    SCENARIOS[name] = (function, [whole(t) for t in traces],
                       [whole(t) for t in calls], shapeless)


def f32(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


F = np.float32


def i32(*values):
    return np.array(values, np.int32)


x5 = f32(5)
scenario("abs_sin", lambda m, x: m.abs(m.sin(x)), [[x5]],
         [[x5], [f32(5, seed=2)], [f32(4)], [f32(5, 1)], [i32(1, 2, 3, 4, 5)],
          [x5, x5], []])
scenario("nothing", lambda m: m.array([[3, 4]], F), [[]], [[], [x5]])
scenario("constant_alone", lambda m, x: [m.array([1, 2], F), x], [[x5]], [[x5]])
scenario("same_twice", lambda m, x: [x, m.exp(x), x], [[x5]], [[x5]])

xyz = i32(1, 2, 3), i32(1, 1, 0), i32(2, 2, 2)


def plus_named(m, x, z=None):
    return m.add(x, z)


for name, named in (("z", {"z": xyz[2]}), ("y", {"y": xyz[2]}),
                    ("none", {}), ("both", {"z": xyz[2], "y": xyz[1]})):
    scenario(f"named_{name}", plus_named, [([xyz[0]], {"z": xyz[2]})],
             [([xyz[0]], named)])
scenario("named_by_place", plus_named, [([xyz[0]], {"z": xyz[2]})],
         [[xyz[0], xyz[2]]])
scenario("only_named", lambda m, x, y: m.subtract(x, y),
         [([], {"x": xyz[0], "y": xyz[1]})],
         [([], {"y": xyz[1], "x": xyz[0]}), [xyz[0], xyz[1]],
          ([], {"a": xyz[0], "b": xyz[1]}),
          ([], {"x": xyz[0], "y": xyz[1], "z": xyz[2]})])


def total(m, *args):
    out = m.array([1, 1, 1, 1], F)
    for a in args:
        out = m.add(out, a)
    return out


ONE = np.array(1, F)
scenario("many_traces", total, [[ONE] * n for n in (0, 2, 3)],
         [[ONE] * n for n in range(5)])
scenario("same_signature_twice", total, [[ONE], [ONE]], [[ONE]])
scenario("shapeless_signature_twice", total, [[f32(4)], [f32(1)]], [[f32(4)]],
         True)
scenario("many_shapeless", total, [[ONE], [ONE, ONE], [ONE, ONE, ONE]],
         [[ONE], [ONE, ONE], [ONE, ONE, ONE], [ONE, f32(4)]], True)


def by_shape(m, y):
    x = m.array(y.shape[0], np.int32)
    for j in range(10):
        x = m.add(x, m.array(y.shape[0] + j, np.int32))
    return m.multiply(x, m.array(y.shape[0], np.int32))


scenario("by_shape", by_shape, [[f32(n)] for n in (1, 2, 3)],
         [[f32(n)] for n in (1, 2, 3, 4)])


def branches(m, x, y):
    return m.add(x, y if y.shape[0] <= 2 else m.add(y, y))


for open_ in (False, True):
    for n in (2, 3):
        scenario(f"branches_{n}_{open_}", branches, [[ONE, f32(n)]],
                 [[ONE, f32(n)]], open_)
scenario("take_along", lambda m, a, b: m.take_along_axis(a, b, 0),
         [[f32(4, 4), i32([0, 1, 2, 3], [1, 2, 0, 3])]],
         [[f32(4, 4), i32([0, 1, 2, 3], [1, 2, 0, 3])]])
scenario("put_along",
         lambda m, a, b, v: m.put_along_axis(a, b, v, 0),
         [[f32(4, 4), i32([0, 1, 2, 3], [1, 2, 0, 3]), f32(2, 4)]],
         [[f32(4, 4), i32([0, 1, 2, 3], [1, 2, 0, 3]), f32(2, 4, seed=3)]])
scenario("divmod", lambda m, a, b: m.divmod(a, b),
         [[np.array([5, -10], F), np.array([3, -2], F)]],
         [[np.array([5, -10], F), np.array([3, -2], F)]])
scenario("argpartition", lambda m, a: m.argsort(a, 0) if m.real else m.argsort_axis(a, 0), [[f32(4, 2)]], [[f32(4, 2, seed=4)]])

# ---- of any shape ------------------------------------------------------------


def mean(m, x, axis, keep=False):
    return (m.mean(x, axis, keepdims=keep) if m.real
            else m.mean_axis(x, axis, keep))


def total_of(m, x, axis):
    return (m.sum(x, axis) if m.real
            else m.sum_axis(x, axis, False))


def softmax(m, x):
    return (m.softmax(x, -1) if m.real
            else m.softmax_axis(x, -1, False))


def norm_by_hand(m, x):
    centred = m.subtract(x, mean(m, x, -1, True))
    return m.multiply(centred, m.rsqrt(mean(m, m.square(centred), -1, True)))


def any_shape(name, function, trace, *calls):
    scenario("any_" + name, function, [trace], [trace, *calls], True)


w = f32(3, 6, seed=9)
any_shape("linear", lambda m, x: m.add(m.matmul(x, m.array(w)),
                                       m.array(w[0])),
          [f32(2, 3)], [f32(7, 3)], [f32(1, 3)], [f32(3)])
any_shape("linear_batch", lambda m, x: m.matmul(x, m.array(w)),
          [f32(1, 40, 3)], [f32(1, 9, 3)], [f32(5, 2, 3)])
any_shape("mean", lambda m, x: mean(m, x, 0), [f32(4, 3)], [f32(9, 3)],
          [f32(1, 2)])
any_shape("mean_of_one", lambda m, x: mean(m, x, 0), [f32(1, 3)], [f32(9, 3)])
any_shape("sum", lambda m, x: total_of(m, x, 1), [f32(4, 3)], [f32(2, 7)])
any_shape("norm", norm_by_hand, [f32(4, 3)], [f32(2, 7)])
any_shape("softmax", softmax, [f32(4, 3)], [f32(2, 7)])
any_shape("reshape_hole", lambda m, x: m.reshape(x, [-1, 2]), [f32(4, 2)],
          [f32(3, 6)], [f32(3, 3)])
any_shape("reshape_fixed", lambda m, x: m.reshape(x, [2, 4]), [f32(4, 2)],
          [f32(1, 8)], [f32(4, 4)])
any_shape("flatten", lambda m, x: m.flatten(x, 0, 1), [f32(4, 2, 3)],
          [f32(3, 5, 2)])
any_shape("unflatten", lambda m, x: m.unflatten(x, 0, [2, -1]), [f32(4, 3)],
          [f32(6, 2)], [f32(3, 2)])
any_shape("transpose", lambda m, x: m.transpose(x), [f32(4, 2)], [f32(3, 5)])
any_shape("expand_squeeze", lambda m, x: m.squeeze(m.expand_dims(x, 0), 0)
          if m.real else m.squeeze_axis(m.expand_dims(x, 0), 0),
          [f32(4, 2)], [f32(3, 5)])
any_shape("concatenate", lambda m, x, y: m.concatenate([x, y], 0)
          if m.real else m.concatenate_axis([x, y], 0),
          [f32(4, 2), f32(1, 2)], [f32(3, 5), f32(3, 5)])
any_shape("broadcast_pair", lambda m, x, y: m.multiply(x, y),
          [f32(4, 1), f32(1, 2)], [f32(3, 5), f32(3, 1)],
          [f32(3, 5), f32(2, 5)])
any_shape("select", lambda m, x, y: m.where(m.greater(x, y), x, y),
          [f32(4, 1), f32(1, 2)], [f32(3, 5), f32(3, 1)])
any_shape("embedding", lambda m, i: m.take(m.array(f32(10, 4)), i, 0)
          if m.real else m.take_axis(m.array(f32(10, 4)), i, 0),
          [i32(1, 2, 3)], [i32(9)])
scenario("any_slice", lambda m, x: x[:2] if m.real else m.slice(
    x, [0], [2], [1]), [[f32(4)]], [[f32(6)]], True)
any_shape("argmax", lambda m, x: m.argmax(x, 1) if m.real
          else m.argmax_axis(x, 1, False), [f32(4, 3)], [f32(2, 7)])
any_shape("sort", lambda m, x: m.sort(x, 0) if m.real
          else m.sort_axis(x, 0), [f32(4, 3)], [f32(2, 7)])
any_shape("cumsum", lambda m, x: m.cumsum(x, 0) if m.real
          else m.cumsum(x, 0, False, True), [f32(4, 3)], [f32(2, 7)])
any_shape("astype", lambda m, x: m.abs(x).astype(m.int32) if m.real
          else m.astype(m.abs(x), "int32"), [f32(4, 3)], [f32(2, 7)])

for name, shape, shapes in (
        ("conv1d", (8, 3, 3), [(4, 64, 3), (1, 33, 3), (2, 128, 3)]),
        ("conv2d", (6, 3, 3, 3), [(2, 32, 32, 3), (1, 31, 31, 3),
                                  (4, 16, 24, 3)])):
    any_shape(name, lambda m, x, k=f32(*shape), n=name: getattr(m, n)(
        x, m.array(k), 2, 1) if m.real else getattr(m, n)(
            x, m.array(k), *([2, 1, 1] if n == "conv1d" else
                             [2, 2, 1, 1, 1, 1]), 1),
        *[[f32(*s)] for s in shapes])
any_shape("conv_grouped", lambda m, x: m.conv2d(
    x, m.array(f32(6, 3, 3, 2)), 2, 1, 1, 2) if m.real else m.conv2d(
        x, m.array(f32(6, 3, 3, 2)), 2, 2, 1, 1, 1, 1, 2),
    [f32(2, 32, 32, 4)], [f32(1, 32, 32, 4)], [f32(3, 15, 20, 4)])

# MLX 0.31.2 itself fails here: it keeps the batch of the trace, leaves out a
# mean over one element, keeps the extents of the trace, reads memory that is
# none, and has no shapes for cumulative sums. There the function is called
# without a file instead.
BEYOND = {"any_linear_batch", "any_mean_of_one", "any_unflatten", "any_mean",
          "any_cumsum"}

# ---- running ------------------------------------------------------------------

def side(which, arguments):
    return Original() if which == "mlx" else Module(*arguments)


def outcomes(module, path, calls):
    """In the importing process: values of each call, or None."""
    try:
        function = module.imported(path)
    except (lazuli.Refused, ValueError, RuntimeError):
        return None
    found = []
    for args, kwargs in calls:
        try:
            found.append(function(
                [module.array(a) for a in args],
                {k: module.array(v) for k, v in kwargs.items()}))
        except (lazuli.Refused, ValueError, RuntimeError) as error:
            found.append(str(error))
    return found


def export_all(which, names, arguments, folder):
    """Exports every scenario; which of them went."""
    module, gone = side(which, arguments), set()
    for name in names:
        function, traces, _, shapeless = SCENARIOS[name]
        given = [([module.array(a) for a in args],
                  {k: module.array(v) for k, v in kwargs.items()})
                 for args, kwargs in traces]
        try:
            module.export(f"{folder}/{which}-{name}.mlxfn", function, given,
                          shapeless)
            gone.add(name)
        except (lazuli.Refused, ValueError, RuntimeError):
            pass
    return gone


def import_all(which, names, arguments, folder):
    """In a new process, which has none of the closures."""
    module = side(which, arguments)
    return {name: outcomes(module, f"{folder}/{which}-{name}.mlxfn",
                           SCENARIOS[name][2]) for name in names}


def describe(outcome):
    return (outcome if isinstance(outcome, str) else
            [a.tolist() for a in outcome])


def direct(arguments, names):
    """What the functions give when they are called."""
    module = side("lazuli", arguments)
    found = {}
    for name in names:
        function, _, calls, _ = SCENARIOS[name]
        found[name] = []
        for args, kwargs in calls:
            try:
                got = function(module, *map(module.array, args), **{
                    k: module.array(v) for k, v in kwargs.items()})
                got = got if isinstance(got, list) else [got]
                found[name].append([module.numpy(a) for a in got])
            except lazuli.Refused as error:
                found[name].append(str(error))
    return found


def compare(ours, theirs):
    problems = []
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if isinstance(a, str) and isinstance(b, str):
            continue
        if isinstance(a, str) or isinstance(b, str):
            problems.append(f"call {i}: {describe(a)}\nMLX: {describe(b)}")
            continue
        fine = len(a) == len(b) and all(
            x.dtype == y.dtype and x.shape == y.shape and
            np.allclose(x, y, 2e-5, 2e-5) for x, y in zip(a, b))
        if not fine:
            problems.append(f"call {i}: {describe(a)}\nMLX: {describe(b)}")
    return problems


def main():
    if sys.argv[1] == "--import":
        which, folder, names = sys.argv[2], sys.argv[3], [
            n for n in sys.argv[4].split(",") if n != "-"]
        with open(f"{folder}/{which}.pickle", "wb") as file:
            pickle.dump(import_all(which, names, sys.argv[5:], folder), file)
        return 0
    arguments, names = sys.argv[1:3], sys.argv[3:] or sorted(SCENARIOS)
    wrong = calls = refused = 0
    with tempfile.TemporaryDirectory() as folder:
        found, gone = {}, {}
        for which in ("mlx", "lazuli"):
            some = [n for n in names if which == "lazuli" or n not in BEYOND]
            gone[which] = export_all(which, some, arguments, folder)
            subprocess.run([sys.executable, os.path.abspath(__file__),
                            "--import", which, folder,
                            ",".join(sorted(gone[which])) or "-", *arguments],
                           check=True)
            with open(f"{folder}/{which}.pickle", "rb") as file:
                found[which] = pickle.load(file)
    own = BEYOND.intersection(names)
    found["mlx"].update(direct(arguments, own))
    gone["mlx"].update(own)
    for name in names:
        ours, theirs = found["lazuli"].get(name), found["mlx"].get(name)
        problems = []
        if (name in gone["lazuli"]) != (name in gone["mlx"]):
            problems.append(f"exported: {name in gone['lazuli']}, by MLX: "
                            f"{name in gone['mlx']}")
        elif (ours is None) != (theirs is None):
            problems.append(f"imported: {ours is not None}, by MLX: "
                            f"{theirs is not None}")
        elif ours is not None:
            problems = compare(ours, theirs)
            calls += len(ours)
            refused += sum(isinstance(o, str) for o in ours)
        for problem in problems:
            print(f"{name}: {problem}"[:1200])
        wrong += bool(problems)
    print(f"{len(names)} functions, {calls} calls, {refused} of them refused, "
          f"{wrong} functions wrong")
    return 1 if wrong or not calls else 0


if __name__ == "__main__":
    sys.exit(main())
