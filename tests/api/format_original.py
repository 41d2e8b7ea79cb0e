#!/usr/bin/env python3
"""The text of random arrays, as this library and as MLX itself write it.

    format_original.py LIBRARY      run by an interpreter that has mlx

Python's binding of MLX writes True where its C interface writes true; nothing
else is allowed to differ.
"""

import ctypes
import random
import re
import sys

import mlx.core as mx
import numpy as np

CASES = 4000
TYPES = [
    mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16,
    mx.int32, mx.int64, mx.float16, mx.float32, mx.float64, mx.bfloat16,
    mx.complex64,
]  # in the order of mlx_dtype


class Handle(ctypes.Structure):
    _fields_ = [("ctx", ctypes.c_void_p)]


def library(path):
    lib = ctypes.CDLL(path)
    lib.mlx_array_new_data.restype = Handle
    lib.mlx_array_new_data.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    lib.mlx_array_tostring.argtypes = [ctypes.POINTER(Handle), Handle]
    lib.mlx_string_data.restype = ctypes.c_char_p
    lib.mlx_string_data.argtypes = [Handle]
    lib.mlx_string_free.argtypes = [Handle]
    lib.mlx_array_free.argtypes = [Handle]
    return lib


def random_shape(rng):
    n = rng.choice([0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5])
    return [rng.choice([0, 1, 1, 2, 3, 5, 6, 7, 8, 12]) if rng.random() < 0.5
            else rng.randint(1, 4) for _ in range(n)]


def random_bits(rng, size, itemsize):
    """Bits of every kind: any at all, small integers, special values."""
    return rng.integers(0, 256, size * itemsize, dtype=np.uint8)


def random_values(pick, rng, number, size):
    """Bytes of `size` elements of type TYPES[number]."""
    dtype = TYPES[number]
    bits = random_bits(rng, size, dtype.size)
    if dtype == mx.bool_:
        return bits & 1
    if pick < 0.3 or dtype not in (mx.float16, mx.float32, mx.float64,
                                   mx.bfloat16, mx.complex64):
        return bits
    special = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e-7, 123456.0,
               1234567.0, 0.1, 1e20, 100000.0, 1e6, 999999.5]
    parts = 2 if dtype == mx.complex64 else 1
    if pick < 0.6:
        x = rng.choice(special, size * parts)
    else:
        x = rng.normal(size=size * parts) * 10.0 ** rng.integers(-8, 9)
    if dtype == mx.float64:
        return x.astype(np.float64).view(np.uint8)
    x = x.astype(np.float32)
    if dtype == mx.float16:
        return x.astype(np.float16).view(np.uint8)
    if dtype == mx.bfloat16:
        return (x.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
    return x.view(np.uint8)


def original(number, shape, data):
    """MLX's array of these bits."""
    dtype = TYPES[number]
    if dtype == mx.bfloat16:
        with mx.stream(mx.cpu):
            return mx.view(mx.array(data.view(np.uint16).reshape(shape)), dtype)
    kinds = {mx.bool_: np.bool_, mx.complex64: np.complex64,
             mx.float64: np.float64}
    kind = kinds.get(dtype) or np.dtype(str(dtype).split(".")[-1])
    with mx.stream(mx.cpu):
        return mx.array(data.view(kind).reshape(shape), dtype)


def main():
    lib = library(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rng, nrng = random.Random(seed), np.random.default_rng(seed)
    wrong = 0
    for case in range(CASES):
        number = rng.randrange(len(TYPES))
        shape = random_shape(rng)
        size = int(np.prod(shape, dtype=np.int64))
        with np.errstate(all="ignore"):
            data = np.ascontiguousarray(
                random_values(rng.random(), nrng, number, size))
        want = str(original(number, shape, data))
        if TYPES[number] == mx.bool_:
            want = re.sub("True", "true", re.sub("False", "false", want))
        text = Handle()
        extents = (ctypes.c_int * max(1, len(shape)))(*shape)
        keep = np.append(data, np.uint8(0))  # an address even when empty
        a = lib.mlx_array_new_data(
            keep.ctypes.data, extents, len(shape), number)
        status = lib.mlx_array_tostring(ctypes.byref(text), a)
        got = lib.mlx_string_data(text).decode() if status == 0 else None
        lib.mlx_string_free(text)
        lib.mlx_array_free(a)
        if got != want:
            wrong += 1
            if wrong <= 5:
                print(f"case {case}, {TYPES[number]} {shape}:\n{got}\n"
                      f"where MLX writes\n{want}")
    print(f"{CASES} arrays, {wrong} written differently (seed {seed})")
    return 1 if wrong else 0


sys.exit(main())
