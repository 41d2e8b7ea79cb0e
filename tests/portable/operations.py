#!/usr/bin/env python3
"""Every operation of the interface, exported and imported: what comes back is
what the operation gives when it is called, bit for bit.

    operations.py LIBRARY FUNCTIONS.TSV [SEED [NAME…]]

The cases are those of tests/api, each as a function of its arrays, with half of
them captured, and traced for any shape. Run by an interpreter with mlx, for
these cases' sake alone.
"""

import ctypes as c
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))
import against  # noqa: E402
import generated  # noqa: E402
import lazuli  # noqa: E402
import ops_original  # noqa: E402

Handle = lazuli.Handle
DRAWN, GENERATED = 6, 1  # calls a case
CALLBACK = c.CFUNCTYPE(c.c_int, c.POINTER(Handle), c.c_void_p)


class Traced(lazuli.Library):
    """A library whose calls may be made inside of a function: arrays are then
    those of `feed`, and results go to the vector `out`."""

    feed = out = record = None

    def __init__(self, path, table):
        super().__init__(path, table)
        for name in ("mlx_closure_new_func", "mlx_imported_function_new",
                     "mlx_array_new"):
            getattr(self.lib, name).restype = Handle

    def array(self, value):
        if self.feed is None:
            if self.record is not None:
                self.record.append(value)
            return super().array(value)
        return self.share(next(self.feed))

    def share(self, handle):
        copy = Handle()
        self.lib.mlx_array_set(c.byref(copy), handle)
        return copy

    def results(self, kind, handle):
        if self.out is None:
            return super().results(kind, handle)
        if kind == "mlx_array":
            self.lib.mlx_vector_array_append_value(self.out, handle)
        else:
            for i in range(self.lib.mlx_vector_array_size(handle)):
                a = Handle()
                self.lib.mlx_vector_array_get(c.byref(a), handle, c.c_size_t(i))
                self.lib.mlx_vector_array_append_value(self.out, a)
                self.lib.mlx_array_free(a)
        return []

    def vector(self, handles):
        vector = self.lib.mlx_vector_array_new()
        for a in handles:
            self.lib.mlx_vector_array_append_value(vector, a)
        return vector

    def check(self, status):
        if status:
            raise lazuli.Refused(self.messages[-1])


def through_file(lib, path, name, arguments, arrays, captured, shapeless):
    """The operation's results by way of a file. captured: of which arrays."""
    handles = [lazuli.Library.array(lib, a) for a in arrays]
    inputs = [h for h, is_in in zip(handles, captured) if not is_in]
    problem = []

    @CALLBACK
    def function(res, given):
        at, feed = 0, []
        given = Handle(given)
        for h, is_in in zip(handles, captured):
            if is_in:
                feed.append(h)
                continue
            a = Handle()
            lib.lib.mlx_vector_array_get(c.byref(a), given, c.c_size_t(at))
            feed.append(a)
            at += 1
        res[0] = lib.lib.mlx_vector_array_new()
        lib.feed, lib.out = iter(feed), res[0]
        try:
            lib.call(name, *arguments)
        except lazuli.Refused as error:
            problem.append(str(error))
        finally:
            lib.feed = lib.out = None
        for a, is_in in zip(feed, captured):
            if not is_in:
                lib.lib.mlx_array_free(a)
        return 1 if problem else 0

    closure = lib.lib.mlx_closure_new_func(function)
    vector, res = lib.vector(inputs), Handle()
    imported = Handle()
    file = str(path).encode()
    lib.messages.clear()
    try:
        lib.check(lib.lib.mlx_export_function(
            file, closure, vector, c.c_bool(shapeless)))
        imported = lib.lib.mlx_imported_function_new(file)
        lib.check(0 if imported.ctx else 1)
        lib.check(lib.lib.mlx_imported_function_apply(
            c.byref(res), imported, vector))
        return lib.results("mlx_vector_array", res)
    finally:
        lib.lib.mlx_closure_free(closure)
        lib.lib.mlx_imported_function_free(imported)
        for v in (vector, res):
            lib.lib.mlx_vector_array_free(v)
        for h in handles:
            lib.lib.mlx_array_free(h)


def same(got, want):
    return len(got) == len(want) and all(
        gt == wt and g.shape == w.shape and g.tobytes() == w.tobytes()
        for (g, gt), (w, wt) in zip(got, want))


def close(got, want):
    return against.differs(got, want, 4) is None


def main():
    lib = Traced(sys.argv[1], sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    path = pathlib.Path(tempfile.gettempdir()) / f"operations{os.getpid()}.mlxfn"
    begin, done, wrong, names = time.time(), 0, 0, set()
    every = [(case, DRAWN) for case in ops_original.cases()]
    every += [(case, GENERATED) for case in generated.cases()]
    for number, (case, trials) in enumerate(every):
        name = case.name
        if (sys.argv[4:] and name not in sys.argv[4:]) or not lib.has(name):
            continue
        bad = 0
        for trial, drawn in enumerate(case.seeds(seed, trials)):
            arguments = case.arguments(drawn)
            if arguments is None:
                continue
            lib.record = []
            try:
                want = lib.call(name, *arguments)
            except lazuli.Refused:
                continue
            finally:
                arrays, lib.record = lib.record, None
            if not same(want, lib.call(name, *arguments)):
                continue  # drawn anew with each call
            form = (number + trial) % 3
            captured = [form == 1 and i % 2 == 1
                        for i in range(len(arrays))]
            # The type of a product depends on whether an extent is 1.
            shapeless = form == 2 and not name.startswith("prod")
            try:
                got = through_file(lib, path, name, arguments, arrays, captured,
                                   shapeless)
                # Means count elements when they run where shapes are open.
                fine = (close if shapeless else same)(got, want)
                problem = None if fine else f"{got}\nnot\n{want}"
            except lazuli.Refused as error:
                problem = f"refused ({error})"
            done += 1
            names.add(name)
            if problem and not bad:
                shown = against.shown(arguments)
                print(f"{name}{shown}: {problem}"[:2000])
            bad += problem is not None
        if bad:
            print(f"{name}: {bad} of {trials} wrong\n")
        wrong += bad
    path.unlink(missing_ok=True)
    print(f"{done} functions of {len(names)} operations, {wrong} wrong "
          f"({time.time() - begin:.1f} s, seed {seed})")
    return 1 if wrong or not done else 0


if __name__ == "__main__":
    sys.exit(main())
