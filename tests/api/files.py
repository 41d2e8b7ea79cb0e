"""What the tests of files share: the library of the command line, checks that are
counted, maps of the interface as dicts.

    SCRIPT LIBRARY FUNCTIONS.TSV
"""

import ctypes as c
import pathlib
import sys
import tempfile

import mlx.core as mx
import numpy as np

import lazuli

mx.set_default_device(mx.cpu)
lib = lazuli.Library(sys.argv[1], sys.argv[2])
raw = lib.lib
for name in ("map_string_to_array_new", "map_string_to_string_new",
             "io_gguf_new", "vector_string_new", "string_new"):
    getattr(raw, f"mlx_{name}").restype = lazuli.Handle
raw.mlx_string_data.restype = c.c_char_p
raw.mlx_vector_string_size.restype = c.c_size_t
work = pathlib.Path(tempfile.mkdtemp())
checks = failures = 0


def check(what, fine):
    global checks, failures
    checks += 1
    if not fine:
        failures += 1
        print(f"wrong: {what}")


def call(name, *arguments):
    lib.messages.clear()
    if getattr(raw, f"mlx_{name}")(*arguments):
        raise lazuli.Refused(lib.messages[-1] if lib.messages else "?")


# ---- maps and strings --------------------------------------------------------

def array_map(arrays):
    m = raw.mlx_map_string_to_array_new()
    for key, value in arrays.items():
        a = value if isinstance(value, lazuli.Handle) else lib.array(value)
        call("map_string_to_array_insert", m, key.encode(), a)
        raw.mlx_array_free(a)
    return m


def text_map(texts):
    m = raw.mlx_map_string_to_string_new()
    for key, value in texts.items():
        call("map_string_to_string_insert", m, key.encode(), value.encode())
    return m


class Iterator(c.Structure):
    _fields_ = [("ctx", c.c_void_p), ("map_ctx", c.c_void_p)]


for kind in ("array", "string"):
    getattr(raw, f"mlx_map_string_to_{kind}_iterator_new").restype = Iterator


def each(m, kind, convert):
    found = {}
    at = getattr(raw, f"mlx_map_string_to_{kind}_iterator_new")(m)
    key = c.c_char_p()
    value = lazuli.Handle() if kind == "array" else c.c_char_p()
    while getattr(raw, f"mlx_map_string_to_{kind}_iterator_next")(
            c.byref(key), c.byref(value), at) == 0:
        found[key.value.decode()] = convert(value)
    getattr(raw, f"mlx_map_string_to_{kind}_iterator_free")(at)
    return found


def same(ours, theirs):
    """Ours: (values, dtype); theirs: an array of MLX."""
    name = str(theirs.dtype).split(".")[-1].rstrip("_")
    if name == "bfloat16":
        theirs = mx.view(theirs, mx.uint16)
    theirs = np.array(theirs)
    return (ours[1] == name and ours[0].shape == theirs.shape and
            np.array_equal(ours[0], theirs, equal_nan=True))


def given(value):
    """The same array for MLX."""
    if isinstance(value, lazuli.Bits):
        return mx.view(mx.array(value.bits), mx.bfloat16)
    return mx.array(value)


def refused(what, words, name, *arguments):
    try:
        call(name, *arguments)
        check(f"{what}: taken", False)
    except lazuli.Refused as error:
        for word in words:
            check(f"{what}: '{error}' lacks '{word}'", word in str(error))


rng = np.random.default_rng(3)
SAMPLES = {
    dtype: (rng.random((3, 4)) < 0.5) if dtype == "bool" else
    (rng.normal(size=(2, 3)) + 1j).astype(np.complex64)
    if dtype == "complex64" else
    rng.integers(0, 100, (5, 2, 1)).astype(dtype) if "int" in dtype else
    lazuli.Bits(rng.integers(0, 2**14, (7,)).astype(np.uint16), dtype)
    if dtype == "bfloat16" else rng.normal(size=(4, 5)).astype(dtype)
    for dtype in lazuli.DTYPES if dtype != "float64"}
SAMPLES["empty"] = np.zeros((0, 3), np.float32)
SAMPLES["scalar.\u00e9\"'"] = np.float32(2.5)
TEXTS = {"format": "mlx", "why": "quotes \" and \n newlines, \u03bb"}


def end():
    """The exit status."""
    print(f"{checks} checks, {failures} failed")
    return 1 if failures or not checks else 0
