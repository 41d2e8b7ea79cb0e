#!/usr/bin/env python3
"""Every function of the interface with each of its handles empty in turn.

    nothing.py LIBRARY FUNCTIONS.TSV

The handler must hear of it once, the message must name the function and the
argument, the result must be the one that stands for failure, outputs must stay
untouched, and the library must work as before.
"""

import csv
import ctypes
import re
import sys

c = ctypes


class Handle(c.Structure):
    _fields_ = [("ctx", c.c_void_p)]


class Iterator(c.Structure):
    _fields_ = [("ctx", c.c_void_p), ("map_ctx", c.c_void_p)]


class OptionalInt(c.Structure):
    _fields_ = [("value", c.c_int), ("has_value", c.c_bool)]


class OptionalFloat(c.Structure):
    _fields_ = [("value", c.c_float), ("has_value", c.c_bool)]


PLAIN = {
    "int": c.c_int, "size_t": c.c_size_t, "bool": c.c_bool, "float": c.c_float,
    "double": c.c_double, "uint64_t": c.c_uint64, "int64_t": c.c_int64,
    "uintptr_t": c.c_size_t,
    "mlx_dtype": c.c_int, "mlx_device_type": c.c_int, "mlx_fft_norm": c.c_int,
    "mlx_compile_mode": c.c_int,
}
STRUCTS = {
    "mlx_optional_int": OptionalInt, "mlx_optional_dtype": OptionalInt,
    "mlx_optional_float": OptionalFloat,
    "mlx_map_string_to_array_iterator": Iterator,
    "mlx_map_string_to_string_iterator": Iterator,
}
# Functions for which nothing is something: they take empty handles.
TAKES_NOTHING = re.compile(r"_free$|^mlx_(device|stream)_equal$")
# Those whose result is a value, so failure is 0.
VALUES = re.compile(r"^mlx_array_(size|ndim|itemsize|nbytes|dim|dtype)$|"
                    r"^mlx_vector_\w+_size$|_group_(size|rank)$")
# Arguments that may be empty, beyond those that their prototype marks.
OPTIONAL = {("mlx_distributed_group_split", "res")}


class Parameter:
    def __init__(self, text, position):
        self.optional = "may be null" in text
        text = re.sub(r"/\*.*?\*/", "", text).replace("const ", "").strip()
        match = re.match(r"(\w+)\s*(\**)\s*(\w+)?$", text)
        self.known = match is not None
        if not match:
            return
        self.type, self.stars, self.name = match.groups()
        self.name = self.name or f"argument {position}"
        self.handle = (not self.stars and self.type.startswith("mlx_")
                       and self.type not in PLAIN
                       and self.type != "mlx_io_vtable"
                       and not self.type.startswith("mlx_optional"))


def parameters(text):
    text = text.strip()
    if text in ("", "void"):
        return []
    if "(" in re.sub(r"/\*.*?\*/", "", text):
        return None  # takes a callback
    return [Parameter(p, i) for i, p in enumerate(text.split(","))]


class Library:
    def __init__(self, path):
        self.lib = c.CDLL(path)
        self.messages = []
        kind = c.CFUNCTYPE(None, c.c_char_p, c.c_void_p)
        self.handler = kind(lambda m, _: self.messages.append(m.decode()))
        self.lib.mlx_set_error_handler(self.handler, None, None)
        self.keep = []
        self.full = {}

    def make(self, name, *arguments, type_=Handle):
        function = getattr(self.lib, name)
        function.restype = type_
        return function(*arguments)

    def handle(self, type_):
        """A valid object of the type, or None where there is none to make."""
        if type_ not in self.full:
            self.full[type_] = self.new_handle(type_)
        return self.full[type_]

    def new_handle(self, type_):
        one = c.c_int * 1
        if type_ == "mlx_array":
            data = (c.c_float * 4)(1, 2, 3, 4)
            return self.make("mlx_array_new_data", data, (c.c_int * 2)(2, 2),
                             c.c_int(2), c.c_int(10))
        if type_ == "mlx_stream":
            return self.make("mlx_default_cpu_stream_new")
        if type_ == "mlx_device":
            return self.make("mlx_device_new_type", 0, 0)
        if type_ == "mlx_string":
            return self.make("mlx_string_new_data", b"text")
        if type_ == "mlx_vector_array":
            return self.make("mlx_vector_array_new_value",
                             self.handle("mlx_array"))
        if type_ == "mlx_vector_vector_array":
            return self.make("mlx_vector_vector_array_new_value",
                             self.handle("mlx_vector_array"))
        if type_ == "mlx_vector_int":
            return self.make("mlx_vector_int_new_value", 1)
        if type_ == "mlx_vector_string":
            return self.make("mlx_vector_string_new_value", b"text")
        if type_ == "mlx_distributed_group":
            group = Handle()
            self.lib.mlx_distributed_init(c.byref(group), False, None)
            return group
        if type_ == "mlx_device_info":
            info = Handle()
            self.lib.mlx_device_info_get(
                c.byref(info), self.handle("mlx_device"))
            return info
        if type_.endswith("_iterator"):
            owner = type_[:-len("_iterator")]
            return self.make(type_ + "_new", self.handle(owner), type_=Iterator)
        if type_.startswith("mlx_closure") and type_ not in ("mlx_closure",):
            return None
        if type_ == "mlx_closure":
            kind = c.CFUNCTYPE(c.c_int, c.c_void_p, Handle)
            function = kind(lambda res, arguments: 1)
            self.keep.append(function)
            return self.make("mlx_closure_new_func", function)
        if type_ in ("mlx_map_string_to_array", "mlx_map_string_to_string",
                     "mlx_io_gguf", "mlx_node_namer",
                     "mlx_fast_metal_kernel_config",
                     "mlx_fast_cuda_kernel_config"):
            return self.make(type_ + "_new")
        return None  # kernels, exporters: they need more than this

    def value(self, p):
        """Something valid for the parameter, and where to look at it after."""
        if p.handle:
            made = self.handle(p.type)
            return Handle() if made is None else made
        if p.stars == "*" and p.type.startswith("mlx_") and p.type not in PLAIN:
            return Handle()
        if p.stars == "*" and p.type == "char":
            return c.c_char_p(b"text")
        if p.stars and p.type == "FILE":
            return c.c_void_p(1)  # never reached
        if p.stars:
            return (c.c_int64 * 16)()
        if p.type in STRUCTS:
            return STRUCTS[p.type]()
        return PLAIN[p.type](1)

    def call(self, name, params, values, returns):
        function = getattr(self.lib, name)
        function.restype = (
            Handle if returns.startswith("mlx_") and returns not in PLAIN
            else c.c_void_p if "*" in returns else PLAIN.get(returns))
        if returns in STRUCTS:
            function.restype = STRUCTS[returns]
        arguments = [
            c.byref(v) if isinstance(v, c.Structure) and p.stars else v
            for p, v in zip(params, values)]
        self.messages.clear()
        return function(*arguments)


def failed_as_it_should(name, result):
    if isinstance(result, c.Structure):
        return result.ctx is None
    if VALUES.search(name) or result is None:
        return not result
    return bool(result) if isinstance(result, int) else False


def main():
    lib = Library(sys.argv[1])
    wrong, calls, functions, absent = [], 0, 0, 0
    with open(sys.argv[2], newline="") as file:
        table = list(csv.DictReader(file, delimiter="\t",
                                    quoting=csv.QUOTE_NONE))
    for row in table:
        name, returns = row["function"], row["returns"]
        params = parameters(row["parameters"])
        if not hasattr(lib.lib, name):
            absent += 1
            continue
        if params is None or TAKES_NOTHING.search(name):
            continue
        if any(not p.known or p.type == "mlx_io_vtable" for p in params):
            continue
        required = [i for i, p in enumerate(params) if p.handle and
                    not p.optional and (name, p.name) not in OPTIONAL]
        functions += bool(required)
        for empty in required:
            values = [lib.value(p) for p in params]
            if any(values[i].ctx is None for i in required if i != empty):
                continue  # there is nothing to make a whole one of
            values[empty] = STRUCTS.get(params[empty].type, Handle)()
            outputs = [v for p, v in zip(params, values)
                       if isinstance(v, c.Structure) and p.stars]
            result = lib.call(name, params, values, returns)
            calls += 1
            said = lib.messages[-1] if lib.messages else ""
            what = f"{name} with an empty {params[empty].name}"
            if len(lib.messages) != 1:
                wrong.append(f"{what}: {len(lib.messages)} reports {said}")
            elif not said.startswith("[") or " at " not in said:
                wrong.append(f"{what}: it says {said!r}")
            elif not any(word in said.lower() for word in
                         (f"argument {params[empty].name}".lower(),
                          "does not exist")):
                wrong.append(f"{what} is not named: {said!r}")
            if returns != "void" and not failed_as_it_should(name, result):
                wrong.append(f"{what}: gives {result!r}")
            if any(v.ctx is not None for v in outputs):
                wrong.append(f"{what}: an output was written")
    # Nothing of that leaves a trace.
    lib.messages.clear()
    text = Handle()
    lib.lib.mlx_array_tostring(c.byref(text), lib.handle("mlx_array"))
    shown = lib.make("mlx_string_data", text, type_=c.c_char_p)
    if shown != b"array([[1, 2],\n       [3, 4]], dtype=float32)":
        wrong.append(f"afterwards an array is shown as {shown!r}")
    print(f"{functions} functions, {calls} calls, {absent} not there yet")
    for line in wrong:
        print(line)
    return 1 if wrong or calls < 100 else 0


sys.exit(main())
