#!/usr/bin/env python3
"""Files of many arrays against MLX itself: each writes what the other reads,
and broken files are refused with words that name them.

    io_original.py LIBRARY FUNCTIONS.TSV
"""

import ctypes as c
import pathlib
import struct
import sys

import mlx.core as mx
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import files  # noqa: E402
import lazuli  # noqa: E402
from files import (SAMPLES, TEXTS, array_map, call, check, each,  # noqa: E402
                   given, lib, raw, refused, same, text_map, work)

# ---- safetensors -------------------------------------------------------------

def load(path):
    arrays, texts = lazuli.Handle(), lazuli.Handle()
    call("load_safetensors", c.byref(arrays), c.byref(texts),
         str(path).encode(), lib.stream)
    result = (each(arrays, "array", lib.numpy),
              each(texts, "string", lambda v: v.value.decode()))
    raw.mlx_map_string_to_array_free(arrays)
    raw.mlx_map_string_to_string_free(texts)
    return result


def safetensors():
    theirs = {k: given(v) for k, v in SAMPLES.items()}
    # MLX 0.31.2 writes no empty arrays, but reads them.
    empty = theirs.pop("empty")
    mx.save_safetensors(str(work / "theirs"), theirs, TEXTS)
    arrays, texts = load(work / "theirs.safetensors")
    check("texts of theirs", texts == TEXTS)
    check("names of theirs", set(arrays) == set(theirs))
    for key in arrays:
        check(f"{key} of theirs", same(arrays[key], theirs[key]))

    # Without texts MLX writes null for them.
    mx.save_safetensors(str(work / "bare"), theirs)
    arrays, texts = load(work / "bare.safetensors")
    check("theirs without texts", texts == {} and set(arrays) == set(theirs))

    theirs["empty"] = empty
    given_maps = array_map(SAMPLES), text_map(TEXTS)
    call("save_safetensors", str(work / "ours").encode(), *given_maps)
    arrays, texts = mx.load(str(work / "ours.safetensors"),
                            return_metadata=True)
    check("texts of ours", texts == TEXTS)
    check("names of ours", set(arrays) == set(theirs))
    again = load(work / "ours.safetensors")[0]
    for key in arrays:
        check(f"{key} of ours", same(again[key], arrays[key]) and
              same(again[key], theirs[key]))

    # What is not computed yet, and not in row-major order.
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    a, b = lib.array(x), lazuli.Handle()
    call("transpose", c.byref(b), a, lib.stream)
    call("save_safetensors", str(work / "lazy.safetensors").encode(),
         array_map({"t": b}), text_map({}))
    check("a transposed array", np.array_equal(
        np.array(mx.load(str(work / "lazy.safetensors"))["t"]), x.T))

    # A file is written over by what is loaded from it.
    arrays, texts = lazuli.Handle(), lazuli.Handle()
    path = str(work / "lazy.safetensors").encode()
    call("load_safetensors", c.byref(arrays), c.byref(texts), path, lib.stream)
    call("save_safetensors", path, arrays, texts)
    check("written over itself", np.array_equal(
        load(work / "lazy.safetensors")[0]["t"][0], x.T))

    refused("float64", ["float64", "'w'"], "save_safetensors",
            str(work / "no").encode(),
            array_map({"w": np.zeros(2)}), text_map({}))
    check("nothing was written", not (work / "no.safetensors").exists())


def broken():
    def header(text, data=b""):
        return struct.pack("<Q", len(text)) + text + data

    ok = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    cases = {
        "short": (b"abc", ["3 bytes"]),
        "long": (struct.pack("<Q", 1000) + b"{}", ["1000", "10"]),
        "huge": (struct.pack("<Q", 2**60) + b"{}", ["header length"]),
        "json": (header(b'{"a": nonsense}'), ["JSON", "byte"]),
        "list": (header(b"[1]"), ["object"]),
        "lacks": (header(b'{"a":{"dtype":"F32","shape":[2]}}'),
                  ["'a'", "data_offsets"]),
        "dtype": (header(ok.replace(b"F32", b"X99"), bytes(8)),
                  ["'a'", "X99"]),
        "offsets": (header(ok.replace(b"0,8", b"0,9"), bytes(9)),
                    ["'a'", "(0, 9)", "8 bytes"]),
        "back": (header(ok.replace(b"0,8", b"8,0"), bytes(8)), ["(8, 0)"]),
        "three": (header(ok.replace(b"0,8", b"0,8,9"), bytes(9)),
                  ["two numbers"]),
        "negative": (header(ok.replace(b"[2]", b"[-2]"), bytes(8)),
                     ["shape"]),
        "overflow": (header(ok.replace(
            b"[2]", b"[2000000000,2000000000,2000000000]"), bytes(8)),
            ["shape"]),
        "truncated": (header(ok, bytes(7)), ["'a'", "incomplete"]),
        "list of texts": (header(b'{"__metadata__":["a","b"]}'),
                          ["__metadata__", "object"]),
        "texts": (header(b'{"__metadata__":{"k":3}}'), ["'k'", "string"]),
    }
    for name, (data, words) in cases.items():
        path = work / f"{name}.safetensors"
        path.write_bytes(data)
        arrays, texts = lazuli.Handle(), lazuli.Handle()
        refused(name, words + [str(path)], "load_safetensors",
                c.byref(arrays), c.byref(texts), str(path).encode(),
                lib.stream)
        check(f"{name}: outputs untouched", not arrays.ctx and not texts.ctx)
    refused("absent", ["absent.safetensors"], "load_safetensors",
            c.byref(lazuli.Handle()), c.byref(lazuli.Handle()),
            b"absent.safetensors", lib.stream)


# ---- readers and writers of the program --------------------------------------

class Vtable(c.Structure):
    _fields_ = [(name, c.CFUNCTYPE(result, *arguments))
                for name, result, *arguments in (
        ("is_open", c.c_bool, c.c_void_p), ("good", c.c_bool, c.c_void_p),
        ("tell", c.c_size_t, c.c_void_p),
        ("seek", None, c.c_void_p, c.c_int64, c.c_int),
        ("read", None, c.c_void_p, c.c_void_p, c.c_size_t),
        ("read_at", None, c.c_void_p, c.c_void_p, c.c_size_t, c.c_size_t),
        ("write", None, c.c_void_p, c.c_void_p, c.c_size_t),
        ("label", c.c_void_p, c.c_void_p), ("free", None, c.c_void_p))]


class Memory:
    """A file in memory, behind the callbacks."""

    def __init__(self, data=b""):
        self.name = c.create_string_buffer(b"memory")
        self.data, self.at, self.freed, fields = bytearray(data), 0, 0, {
            "is_open": lambda d: True, "good": lambda d: True,
            "tell": lambda d: self.at, "seek": self.seek, "read": self.read,
            "read_at": self.read_at, "write": self.write,
            "label": lambda d: c.addressof(self.name), "free": self.free}
        self.vtable = Vtable(*(kind(fields[name])
                               for name, kind in Vtable._fields_))

    def seek(self, _, offset, whence):
        self.at = offset + (0, self.at, len(self.data))[whence]

    def read_at(self, _, to, n, offset):
        c.memmove(to, bytes(self.data[offset:offset + n]), n)

    def read(self, _, to, n):
        self.read_at(_, to, n, self.at)
        self.at += n

    def write(self, _, source, n):
        self.data[self.at:self.at + n] = c.string_at(source, n)
        self.at += n

    def free(self, _):
        self.freed += 1


def callbacks():
    for kind in ("reader", "writer"):
        make = getattr(raw, f"mlx_io_{kind}_new")
        make.restype, make.argtypes = lazuli.Handle, [c.c_void_p, Vtable]
    memory = Memory()
    writer = raw.mlx_io_writer_new(None, memory.vtable)
    call("save_safetensors_writer", writer, array_map(SAMPLES),
         text_map(TEXTS))
    raw.mlx_io_writer_free(writer)
    check("the writer is freed once", memory.freed == 1)
    (work / "written.safetensors").write_bytes(memory.data)
    theirs = mx.load(str(work / "written.safetensors"))
    check("names of written", set(theirs) == set(SAMPLES))

    source = Memory(memory.data)
    reader = raw.mlx_io_reader_new(None, source.vtable)
    arrays, texts = lazuli.Handle(), lazuli.Handle()
    call("load_safetensors_reader", c.byref(arrays), c.byref(texts), reader,
         lib.stream)
    raw.mlx_io_reader_free(reader)
    check("loads keep the reader", source.freed == 0)
    for key, value in each(arrays, "array", lib.numpy).items():
        check(f"{key} of the reader", same(value, theirs[key]))
    raw.mlx_map_string_to_array_free(arrays)


safetensors()
callbacks()
broken()
sys.exit(files.end())
