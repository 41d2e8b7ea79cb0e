#!/usr/bin/env python3
"""GGUF files against MLX itself and against the format, block type by block type.

    gguf_original.py LIBRARY FUNCTIONS.TSV
"""

import ctypes as c
import pathlib
import struct
import sys

import mlx.core as mx
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import files  # noqa: E402
import gguf_blocks  # noqa: E402
import lazuli  # noqa: E402
from files import (SAMPLES, call, check, given, lib, raw, refused,  # noqa: E402
                   rng, same, work)


def gguf_strings(g, key):
    v = lazuli.Handle()
    if raw.mlx_io_gguf_get_metadata_vector_string(c.byref(v), g, key.encode()):
        return None
    texts = []
    for i in range(raw.mlx_vector_string_size(v)):
        text = c.c_char_p()
        raw.mlx_vector_string_get(c.byref(text), v, c.c_size_t(i))
        texts.append(text.value.decode())
    return texts


def gguf_text(g, key):
    s = lazuli.Handle()
    if raw.mlx_io_gguf_get_metadata_string(c.byref(s), g, key.encode()):
        return None
    return raw.mlx_string_data(s).decode()


def gguf_array(g, key, which="metadata_array"):
    a = lazuli.Handle()
    if getattr(raw, f"mlx_io_gguf_get_{which}")(c.byref(a), g, key.encode()):
        return None
    return lib.numpy(a)


def gguf_load(path):
    g = lazuli.Handle()
    call("load_gguf", c.byref(g), str(path).encode(), lib.stream)
    return g


def first_runs(values):
    """Every other 32 weights of a flat run of them."""
    flat = np.array(values[0] if isinstance(values, tuple) else values)
    flat = flat.reshape(-1)
    return flat[np.arange(flat.size) // 32 % 2 == 0]


def gguf_agrees(what, path, faulty=False):
    """Both read the file, and find the same. faulty: only shapes, dtypes and
    the first of each two runs of 32 weights: MLX 0.31.2 gives the second run of
    a Q4_K pair the scale and the minimum of the first."""
    theirs, metadata = mx.load(str(path), return_metadata=True)
    g = gguf_load(path)
    keys = lazuli.Handle()
    call("io_gguf_get_keys", c.byref(keys), g)
    check(f"{what}: {len(theirs)} arrays",
          raw.mlx_vector_string_size(keys) == len(theirs))
    for key, value in theirs.items():
        ours = gguf_array(g, key, "array")
        if faulty:
            ours, value = ((first_runs(ours), ours[1]) if
                           ours[0].shape == value.shape else None,
                           mx.array(first_runs(value)))
        check(f"{what}: {key}", ours is not None and same(ours, value))
    for key, value in metadata.items():
        if isinstance(value, str):
            check(f"{what}: {key}", gguf_text(g, key) == value)
        elif isinstance(value, list):
            check(f"{what}: {key}", gguf_strings(g, key) == value)
        else:
            ours = gguf_array(g, key)
            check(f"{what}: {key}", ours is not None and same(ours, value))


def gguf_text_bytes(text):
    return struct.pack("<Q", len(text)) + text


def gguf_file(name, kind, dims, data, values=b"", count=0):
    path = work / f"{name}.gguf"
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, count) + values
    head += gguf_text_bytes(b"l.weight") + struct.pack("<I", len(dims))
    head += b"".join(struct.pack("<Q", n) for n in dims)
    head += struct.pack("<IQ", kind, 0)
    path.write_bytes(head + bytes(-len(head) % 32) + data)
    return path


def gguf():
    names = ["float32", "float16", "int8", "int16", "int32", "scalar"]
    arrays = {n: SAMPLES.get(n, np.float32(3)) for n in names}
    numbers = {n: SAMPLES[n].reshape(-1) for n in lazuli.DTYPES
               if "int" in n or n in ("bool", "float32")}
    numbers["one"] = np.int32(7)
    words = ["one", "", "dr\u00ed"]
    mx.save_gguf(str(work / "theirs"), {k: given(v) for k, v in arrays.items()},
                 {"text": "hello", "words": words,
                  **{k: given(v) for k, v in numbers.items()}})
    gguf_agrees("theirs", work / "theirs.gguf")

    g = raw.mlx_io_gguf_new()
    for key, value in arrays.items():
        call("io_gguf_set_array", g, key.encode(), lib.array(value))
    for key, value in numbers.items():
        call("io_gguf_set_metadata_array", g, key.encode(), lib.array(value))
    call("io_gguf_set_metadata_string", g, b"text", b"hello")
    v = raw.mlx_vector_string_new()
    for word in words:
        call("vector_string_append_value", v, word.encode())
    call("io_gguf_set_metadata_vector_string", g, b"words", v)
    call("save_gguf", str(work / "ours").encode(), g)
    gguf_agrees("ours", work / "ours.gguf")
    theirs, metadata = mx.load(str(work / "ours.gguf"), return_metadata=True)
    check("ours: names", set(theirs) == set(arrays))
    check("ours: metadata", metadata["words"] == words and
          set(metadata) == {"text", "words", *numbers})

    wide = gguf_text_bytes(b"d") + struct.pack("<Id", 12, 2.5)
    wide += gguf_text_bytes(b"dd") + struct.pack("<IIQdd", 9, 12, 2, 1.5, -3)
    # MLX 0.31.2 loses its place after a double.
    g = gguf_load(gguf_file("wide", 0, [4], bytes(16), wide, 2))
    check("doubles", same(gguf_array(g, "d"), mx.array(2.5)) and
          same(gguf_array(g, "dd"), mx.array([1.5, -3.0])))

    aligned = gguf_text_bytes(b"general.alignment") + struct.pack("<II", 4, 128)
    path = gguf_file("aligned", 0, [4], bytes(64) +
                     np.arange(4, dtype=np.float32).tobytes(), aligned, 1)
    # Whatever lies between: moved so that the data is at the next 128.
    data = path.read_bytes()
    body = data[:-16].rstrip(b"\0")
    body += bytes(-len(body) % 128)
    path.write_bytes(body + data[-16:])
    gguf_agrees("aligned to 128", path)
    g = gguf_load(path)
    call("save_gguf", str(work / "aligned2").encode(), g)
    again = gguf_array(gguf_load(work / "aligned2.gguf"), "l.weight", "array")
    check("aligned to 128, again", np.array_equal(again[0], np.arange(4)))


def packed():
    blocks = {2: 18, 3: 20, 8: 34}
    for kind, width in blocks.items():
        data = bytearray(rng.integers(0, 256, width * 6).astype(np.uint8))
        for at in range(0, len(data), width):  # finite scales
            data[at:at + 2] = np.float16(rng.normal()).tobytes()
            if kind == 3:
                data[at + 2:at + 4] = np.float16(rng.normal()).tobytes()
        path = gguf_file(f"q{kind}", kind, [64, 3], bytes(data))
        if kind != 3:
            gguf_agrees(f"type {kind}", path)
            continue
        # MLX 0.31.2 takes the biases for weights here: by the format instead.
        b = np.frombuffer(bytes(data), np.uint8).reshape(-1, width)
        g = gguf_load(path)
        words, _ = gguf_array(g, "l.weight", "array")
        quants = np.stack([words.view(np.uint8) & 15, words.view(np.uint8) >> 4],
                          -1).reshape(-1, 32)
        check("type 3: weights", np.array_equal(
            quants, np.concatenate([b[:, 4:] & 15, b[:, 4:] >> 4], 1)))
        for part, at in (("l.scales", 0), ("l.biases", 2)):
            check(f"type 3: {part}", np.array_equal(
                gguf_array(g, part, "array")[0].reshape(-1),
                b[:, at:at + 2].copy().view(np.float16).reshape(-1)))


def refused_file(what, words, path):
    refused(what, [*words, str(path)], "load_gguf", c.byref(lazuli.Handle()),
            str(path).encode(), lib.stream)


def decoded():
    """What becomes float16; MLX's dtype and values where it has them."""
    bits = (rng.normal(size=64).astype(np.float32).view(np.uint32) >> 16)
    gguf_agrees("bf16", gguf_file("bf16", 30, [64],
                                  bits.astype(np.uint16).tobytes()))
    for kind, (name, weights, width, _, _, known) in gguf_blocks.TYPES.items():
        # 9000 blocks are more than one piece of some types.
        for dims in ([weights * 2, 3], [weights * 9, 1000], [weights, 0]):
            n = int(np.prod(dims)) // weights
            b = (gguf_blocks.random(rng, kind, n) if n else
                 np.zeros((0, width), np.uint8))
            path = gguf_file(name, kind, dims, b.tobytes())
            if known:
                gguf_agrees(f"{name} {dims}", path, kind == 12)
            ours, dtype = gguf_array(gguf_load(path), "l.weight", "array")
            want = (gguf_blocks.decoded(kind, b) if n else
                    np.zeros(0, np.float32)).reshape(dims[::-1])
            if kind == 39:  # exact
                ours = (ours.astype(np.uint32) << 16).view(np.float32)
            else:
                with np.errstate(all="ignore"):
                    want = want.astype(np.float16)
            check(f"{name} {dims} by the format",
                  dtype == ("bfloat16" if kind == 39 else "float16") and
                  np.array_equal(ours, want, equal_nan=True))
        # A last block that is not whole takes all its bytes.
        b = gguf_blocks.random(rng, kind, 3)
        path = gguf_file(name, kind, [weights * 2 + 5], b.tobytes())
        ours = gguf_array(gguf_load(path), "l.weight", "array")[0]
        check(f"{name}: part of a block", ours.shape == (weights * 2 + 5,))
        if known:
            gguf_agrees(f"{name}: part of a block", path, kind == 12)
        path.write_bytes(path.read_bytes()[:-1])
        refused_file(f"{name}: cut", ["'l.weight'", "incomplete"], path)
    for kind, dtype in ((27, "int64"), (28, "float64")):
        values = np.arange(6).astype(dtype) - 3
        ours = gguf_array(gguf_load(gguf_file(
            dtype, kind, [3, 2], values.tobytes())), "l.weight", "array")
        check(dtype, ours[1] == dtype and
              np.array_equal(ours[0], values.reshape(2, 3)))


def lazy():
    """A file that was cut after it was opened is an error when its values are
    read; one output of three can be read alone."""
    b = gguf_blocks.random(rng, 12, 8)
    path = gguf_file("later", 12, [256, 8], b.tobytes())
    a = lazuli.Handle()
    call("io_gguf_get_array", c.byref(a), gguf_load(path), b"l.weight")
    with open(path, "r+b") as file:
        file.truncate(200)
    refused("cut later", [str(path)], "array_eval", a)
    data = rng.integers(0, 60, (8, 18)).astype(np.uint8)
    g = gguf_load(gguf_file("alone", 2, [64, 4], data.tobytes()))
    ours = gguf_array(g, "l.scales", "array")[0]
    check("scales alone", np.array_equal(
        ours.reshape(-1), data[:, :2].copy().view(np.float16).reshape(-1)))


def broken():
    g = raw.mlx_io_gguf_new()
    call("io_gguf_set_array", g, b"w", lib.array(SAMPLES["bfloat16"]))
    refused("bfloat16", ["bfloat16", "'w'"], "save_gguf", b"no", g)
    whole = (work / "theirs.gguf").read_bytes()
    path = work / "cut.gguf"
    for n in [0, 3, 10, 30, 100, 200, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:n])
        refused_file(f"cut to {n}", [], path)
    path.write_bytes(b"nonsense" * 10)
    refused_file("no gguf", ["GGUF"], path)
    for kind, words in ((16, ["IQ2_XXS", "16"]), (9, ["Q8_1"]),
                        (4, ["unknown type 4"]), (77, ["unknown type 77"])):
        refused_file(f"type {kind}", ["'l.weight'", *words],
                     gguf_file(f"t{kind}", kind, [256], bytes(512)))
    refused_file("odd width", ["'l.weight'", "multiple of 32"],
                 gguf_file("odd", 8, [30], bytes(64)))


gguf()
packed()
decoded()
lazy()
broken()
sys.exit(files.end())
