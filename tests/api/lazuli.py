"""The library through its C interface, from Python: numpy arrays go in and come
out, names and types of arguments are those of functions.tsv."""

import csv
import ctypes as c
import re

import numpy as np

DTYPES = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16",
          "int32", "int64", "float16", "float32", "float64", "bfloat16",
          "complex64"]


class Handle(c.Structure):
    _fields_ = [("ctx", c.c_void_p)]


class OptionalInt(c.Structure):
    _fields_ = [("value", c.c_int), ("has_value", c.c_bool)]


class OptionalFloat(c.Structure):
    _fields_ = [("value", c.c_float), ("has_value", c.c_bool)]


PLAIN = {"int": c.c_int, "size_t": c.c_size_t, "bool": c.c_bool,
         "float": c.c_float, "double": c.c_double, "uint64_t": c.c_uint64,
         "int64_t": c.c_int64, "mlx_dtype": c.c_int, "mlx_fft_norm": c.c_int}


class Bits:
    """An array whose dtype numpy has not: its bits, and the name."""

    def __init__(self, bits, dtype):
        self.bits, self.dtype = bits, dtype


class Laid:
    """An array of these values in memory that is laid out as the steps say:
    views, each (function, arguments), of `base`."""

    def __init__(self, value, layout, base, steps, lazy):
        self.value, self.layout, self.base = value, layout, base
        self.steps, self.lazy = steps, lazy


class Refused(Exception):
    pass


def dtype_number(value):
    return DTYPES.index(str(value).split(".")[-1])


class Library:
    def __init__(self, path, table):
        self.lib = c.CDLL(path)
        self.messages = []
        kind = c.CFUNCTYPE(None, c.c_char_p, c.c_void_p)
        self.handler = kind(lambda m, _: self.messages.append(m.decode()))
        self.lib.mlx_set_error_handler(self.handler, None, None)
        self.parameters = {}
        with open(table, newline="") as file:
            for row in csv.DictReader(file, delimiter="\t",
                                      quoting=csv.QUOTE_NONE):
                if "(*" not in row["parameters"]:
                    self.parameters[row["function"]] = [
                        self.parameter(p) for p in row["parameters"].split(",")]
        for name in ("shape", "strides"):
            function = getattr(self.lib, f"mlx_array_{name}")
            function.restype = c.c_void_p
            function.argtypes = [Handle]
        self.lib.mlx_array_data_uint8.restype = c.c_void_p
        self.lib.mlx_array_new_data.restype = Handle
        self.lib.mlx_vector_array_new.restype = Handle
        self.lib.mlx_vector_array_size.restype = c.c_size_t
        self.lib.mlx_default_cpu_stream_new.restype = Handle
        self.stream = self.lib.mlx_default_cpu_stream_new()

    @staticmethod
    def parameter(text):
        text = re.sub(r"/\*.*?\*/", "", text).replace("const ", "").strip()
        match = re.match(r"(\w+)\s*(\**)\s*(\w*)$", text)
        return match.groups() if match else (text, "", "")

    def has(self, name):
        return hasattr(self.lib, f"mlx_{name}")

    # ---- values ----------------------------------------------------------

    def array(self, value):
        if isinstance(value, Laid):
            return self.laid(value)
        if isinstance(value, Bits):
            number, value = dtype_number(value.dtype), value.bits
        else:
            value = np.asarray(value)
            number = DTYPES.index(value.dtype.name)
        data = np.ascontiguousarray(value).reshape(value.shape)
        shape = (c.c_int * max(1, data.ndim))(*data.shape)
        keep = data if data.size else np.zeros(1)
        a = self.lib.mlx_array_new_data(
            c.c_void_p(keep.ctypes.data), shape, data.ndim, number)
        if not a.ctx:  # nothing may be something, where it is optional
            raise Refused(self.messages[-1])
        return a

    def laid(self, laid):
        a = self.array(laid.base)
        for name, *arguments in laid.steps:
            given = []
            for one in arguments:
                if isinstance(one, list):
                    given.append((c.c_int * max(1, len(one)))(*one))
                    given.append(c.c_size_t(len(one)))
                else:
                    given.append(one)
            if getattr(self.lib, f"mlx_{name}")(
                    c.byref(a), a, *given, self.stream):
                self.lib.mlx_array_free(a)
                raise Refused(self.messages[-1])
        if not laid.lazy and self.lib.mlx_array_eval(a):
            self.lib.mlx_array_free(a)
            raise Refused(self.messages[-1])
        return a

    def numpy(self, a):
        """The values, whatever the layout, and the dtype's name."""
        lib = self.lib
        if lib.mlx_array_eval(a):
            raise Refused(self.messages[-1])
        lib.mlx_array_ndim.restype = c.c_size_t
        ndim, dtype = lib.mlx_array_ndim(a), DTYPES[lib.mlx_array_dtype(a)]
        shape = list((c.c_int * ndim).from_address(lib.mlx_array_shape(a)))
        strides = list((c.c_int64 * ndim).from_address(
            lib.mlx_array_strides(a)))
        kind = np.dtype("uint16" if dtype == "bfloat16" else dtype)
        if 0 in shape:
            return np.zeros(shape, kind), dtype
        first = lib.mlx_array_data_uint8(a)
        low = sum(min(0, s * (n - 1)) for s, n in zip(strides, shape))
        high = sum(max(0, s * (n - 1)) for s, n in zip(strides, shape))
        raw = (c.c_uint8 * ((high - low + 1) * kind.itemsize)).from_address(
            first + low * kind.itemsize)
        flat = np.frombuffer(raw, kind)
        view = np.lib.stride_tricks.as_strided(
            flat[-low:], shape, [s * kind.itemsize for s in strides])
        return view.copy(), dtype

    # ---- calls -----------------------------------------------------------

    def call(self, name, *arguments):
        """Calls mlx_<name>; outputs and the stream are not given. Runs of ints
        are lists, whose lengths are not given either. A list of results."""
        arguments = list(arguments)
        made, outputs = [], []
        self.messages.clear()
        try:
            values = self.passed(name, arguments, made, outputs)
            if getattr(self.lib, f"mlx_{name}")(*values):
                raise Refused(self.messages[-1])
            return [result for kind, handle in outputs
                    for result in self.results(kind, handle)]
        finally:
            for kind, handle in outputs + made:
                getattr(self.lib, f"{kind}_free")(handle)

    def passed(self, name, arguments, made, outputs):
        values, previous = [], None
        for kind, stars, label in self.parameters[f"mlx_{name}"]:
            if kind in ("mlx_array", "mlx_vector_array") and stars:
                outputs.append((kind, Handle()))
                values.append(c.byref(outputs[-1][1]))
            elif kind == "mlx_stream":
                values.append(self.stream)
            elif kind == "size_t" and label.endswith("_num"):
                values.append(c.c_size_t(previous or 0))
            else:
                values.append(self.value(kind, stars, arguments.pop(0), made))
                previous = getattr(values[-1], "_length_", None)
        assert not arguments, (name, arguments)
        return values

    def graph(self, name, arguments):
        """The same with arrays given as handles; the handle of the result,
        which nothing has computed yet."""
        arguments, made, outputs = list(arguments), [], []
        self.messages.clear()
        try:
            values = self.passed(name, arguments, made, outputs)
            if getattr(self.lib, f"mlx_{name}")(*values):
                raise Refused(self.messages[-1])
            return outputs[0][1]
        finally:
            for kind, handle in made:
                getattr(self.lib, f"{kind}_free")(handle)

    def eval(self, handles):
        """All at once."""
        vector = self.lib.mlx_vector_array_new()
        for a in handles:
            self.lib.mlx_vector_array_append_value(vector, a)
        no = self.lib.mlx_eval(vector)
        self.lib.mlx_vector_array_free(vector)
        if no:
            raise Refused(self.messages[-1])

    def value(self, kind, stars, given, made):
        if isinstance(given, Handle):
            return given
        if kind == "mlx_array":
            handle = Handle() if given is None else self.array(given)
            made.append((kind, handle))
            return handle
        if kind == "mlx_vector_array":
            vector = self.lib.mlx_vector_array_new()
            made.append((kind, vector))
            for item in given:
                a = Handle()
                if isinstance(item, Handle):
                    self.lib.mlx_array_set(c.byref(a), item)
                else:
                    a = self.array(item)
                no = self.lib.mlx_vector_array_append_value(vector, a)
                self.lib.mlx_array_free(a)
                if no:
                    raise Refused(self.messages[-1])
            return vector
        if kind == "char":
            return c.c_char_p(given.encode())
        if stars:
            if given is None:
                return None
            return (PLAIN[kind] * len(given))(*given)
        if kind == "mlx_dtype":
            return c.c_int(dtype_number(given))
        if kind == "mlx_optional_float":
            return OptionalFloat(given or 0, given is not None)
        if kind in ("mlx_optional_int", "mlx_optional_dtype"):
            return OptionalInt(given or 0, given is not None)
        return PLAIN[kind](given)

    def results(self, kind, handle):
        if kind == "mlx_array":
            return [self.numpy(handle)]
        found = []
        for i in range(self.lib.mlx_vector_array_size(handle)):
            a = Handle()
            self.lib.mlx_vector_array_get(c.byref(a), handle, c.c_size_t(i))
            found.append(self.numpy(a))
            self.lib.mlx_array_free(a)
        return found
