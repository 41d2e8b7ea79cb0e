#!/usr/bin/env python3
"""Files of many arrays against MLX itself: each writes what the other reads,
and broken files are refused with words that name them.

    io_original.py LIBRARY FUNCTIONS.TSV
"""

import ctypes as c
import pathlib
import struct
import sys
import tempfile

import mlx.core as mx
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lazuli  # noqa: E402

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


# ---- gguf --------------------------------------------------------------------

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


def gguf_agrees(what, path):
    """Both read the file, and find the same."""
    theirs, metadata = mx.load(str(path), return_metadata=True)
    g = gguf_load(path)
    keys = lazuli.Handle()
    call("io_gguf_get_keys", c.byref(keys), g)
    check(f"{what}: {len(theirs)} arrays",
          raw.mlx_vector_string_size(keys) == len(theirs))
    for key, value in theirs.items():
        ours = gguf_array(g, key, "array")
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
    bits = (rng.normal(size=64).astype(np.float32).view(np.uint32) >> 16)
    gguf_agrees("bf16", gguf_file("bf16", 30, [64],
                                  bits.astype(np.uint16).tobytes()))
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

    g = raw.mlx_io_gguf_new()
    call("io_gguf_set_array", g, b"w", lib.array(SAMPLES["bfloat16"]))
    refused("bfloat16", ["bfloat16", "'w'"], "save_gguf", b"no", g)
    whole = (work / "theirs.gguf").read_bytes()
    path = work / "cut.gguf"
    for n in [0, 3, 10, 30, 100, 200, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:n])
        refused(f"cut to {n}", [str(path)], "load_gguf",
                c.byref(lazuli.Handle()), str(path).encode(), lib.stream)
    path.write_bytes(b"nonsense" * 10)
    refused("no gguf", ["GGUF", str(path)], "load_gguf",
            c.byref(lazuli.Handle()), str(path).encode(), lib.stream)
    refused("a type", ["l.weight", "type 6"], "load_gguf",
            c.byref(lazuli.Handle()),
            str(gguf_file("t6", 6, [32], bytes(64))).encode(), lib.stream)
    refused("odd width", ["multiple of 32"], "load_gguf",
            c.byref(lazuli.Handle()),
            str(gguf_file("odd", 8, [30], bytes(64))).encode(), lib.stream)


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
gguf()
print(f"{checks} checks, {failures} failed")
sys.exit(1 if failures or not checks else 0)
