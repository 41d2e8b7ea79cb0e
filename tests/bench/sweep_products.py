"""Products of matrices in their forms, of quantised ones, and what is made of
products: rotation, attention, Hadamard's transform."""

import functools

import lazuli
import mlx.core as mx
import numpy as np

from cases_quantized import as_numpy
from draw import original, typed
from sweep import lay, table, values

FLOATS = ["float32", "float16", "bfloat16"]
WIDER = [*FLOATS, "float64", "complex64"]
# Batch, rows, inner, columns.
MATRICES = {
    "small": [(1, 1, 1), (4, 4, 4), (32, 32, 32), (1, 32, 32), (32, 1, 32),
              (32, 32, 1), (3, 17, 5)],
    "middle": [(256, 256, 256), (1, 512, 512), (512, 512, 1), (512, 1, 512),
               (4, 1024, 128), (1000, 37, 11), (64, 4096, 64)],
    "large": [(512, 512, 512), (1, 2048, 2048), (2048, 2048, 1),
              (2048, 1, 2048), (8, 2048, 2048), (65536, 64, 16)],
}
BATCHES = {
    "small": [(16, 4, 4, 4), (4, 8, 8, 8), (64, 1, 4, 4), (8, 1, 32, 1)],
    "middle": [(16384, 4, 4, 4), (1024, 8, 8, 8), (64, 64, 64, 64),
               (4096, 1, 16, 16), (2048, 16, 1, 16), (4096, 1, 64, 1)],
    "large": [(262144, 4, 4, 4), (1024, 64, 64, 64), (65536, 1, 64, 1),
              (65536, 1, 8, 8)],
}
SUMS = {"small": [(4, 6, 5, 7), (16, 2, 3, 16)],
        "middle": [(32, 16, 24, 32), (4, 128, 64, 16)],
        "large": [(64, 64, 64, 32)]}
EINSUMS = {
    "ij,jk->ik": "ij jk", "bij,bjk->bik": "bij bjk", "ij,ij->": "ij ij",
    "ij->ji": "ij", "ij->j": "ij", "ii->i": "ii", "ij,j->i": "ij j",
    "i,j->ij": "i j", "bij,kj->bik": "bij kj", "bijk,bijk->bi": "bijk bijk",
    "bij,jk,kl->bil": "bij jk kl", "ij,ik->jk": "ij ik",
    "bhik,bhjk->bhij": "bhik bhjk", "ij,ij->ij": "ij ij",
}
VECTORS = {"small": [(4,), (1000,)], "middle": [(262144,)],
           "large": [(4194304,)]}
FORMS = [("affine", g, b) for b in (2, 3, 4, 5, 6, 8)
         for g in ((32, 64, 128) if b == 4 else (64,))]
FORMS += [("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)]
LONG = {"small": [(8, 128), (1, 256)], "middle": [(512, 512), (4, 65536)],
        "large": [(2048, 2048)]}
# Rows of x, inner, rows of w.
QUANTISED = {
    "small": [(1, 256, 128), (4, 128, 128)],
    "middle": [(1, 512, 512), (16, 512, 512), (1, 4096, 128), (1, 128, 4096)],
    "large": [(1, 2048, 2048), (8, 2048, 2048), (64, 1024, 1024)],
}
# Batch, heads, heads of keys, queries, keys, width.
HEADS = {
    "small": [(1, 2, 2, 4, 4, 8), (1, 4, 2, 1, 32, 16), (1, 2, 2, 16, 16, 32)],
    "middle": [(1, 8, 8, 64, 64, 64), (2, 8, 2, 1, 512, 64),
               (1, 4, 4, 128, 128, 32)],
    "large": [(2, 8, 8, 256, 256, 64), (4, 16, 4, 1, 2048, 64),
              (1, 8, 2, 512, 512, 128)],
}


@functools.lru_cache(4)
def packed(shape, form, t):
    """Quantised: codes, scales, biases or None."""
    mode, group, bits = form
    with mx.stream(mx.cpu):
        parts = mx.quantize(original(values(t, shape)), group, bits, mode)
    parts = [as_numpy(p) for p in parts]
    return parts + [None] * (3 - len(parts))


def form_row(name, form, extents, arguments, reference, label="",
             dtypes=FLOATS):
    mode, group, bits = form
    return (name, f"{mode} {bits} by {group} {label}", dtypes, extents,
            arguments, reference)


def of_form(form):
    """What has codes in it."""
    mode, group, bits = form
    how = [group, bits, mode]
    yield form_row("quantize", form, LONG,
                   lambda n, k, a: [a(n, k), *how, None],
                   lambda w, g, b, m, s: list(mx.quantize(w, g, b, m)))
    yield form_row("dequantize", form, LONG, lambda n, k, a: [
        *packed((n, k), form, a.t), *how, None, None],
        lambda w, s, z, g, b, m, _, t: mx.dequantize(w, s, z, g, b, m))
    for turned in (True, False):
        yield form_row(
            "quantized_matmul", form, QUANTISED,
            lambda m, k, n, a, turned=turned: [
                a(m, k), *packed((n, k) if turned else (k, n), form, a.t),
                turned, *how], lambda x, w, s, z, *rest: mx.quantized_matmul(
                x, w, s, z, *rest), "turned" if turned else "")
    yield form_row("gather_qmm", form, QUANTISED, lambda m, k, n, a: [
        a(4, m, k), *packed((4, n, k), form, a.t), None,
        np.array([2, 0, 3, 3], "uint32"), True, *how, False],
        lambda x, w, s, z, p, q, t, g, b, m, o: mx.gather_qmm(
            x, w, s, z, p, q, t, g, b, m))
    if mode in ("mxfp8", "nvfp4"):  # all of which MLX knows it
        yield form_row("qqmm", form, QUANTISED, lambda m, k, n, a: [
            a(1, k), *packed((n, k), form, a.t)[:2], *how, None, None],
            lambda x, w, s, g, b, m, *_: mx.qqmm(x, w, s, g, b, m))


def sides(text, given):
    extents = dict(zip("bhijkl", given))
    extents.update(h=4, j=given[-1], k=given[-2], l=given[1])
    return [tuple(extents[c] for c in term) for term in text.split()]


def rope(name, label, traditional, offset, freqs=False):
    def given(b, h, _, length, keys, width, a):
        f = values("float32", (width // 2,), 1, 9) if freqs else None
        return [a(b, h, length, width), width, traditional,
                None if freqs else 10000.0, 1.0, offset, f]

    return (name, label, FLOATS, HEADS, given,
            lambda x, d, tr, base, scale, at, f: mx.fast.rope(
                x, d, traditional=tr, base=base, scale=scale, offset=at,
                freqs=f))


def attention(label, mode, mask=None, sinks=False):
    def given(b, h, g, lq, lk, d, a):
        m = None
        if mask:
            m = values(a.t if mask == "added" else mask, (lq, lk))
        return [a(b, h, lq, d), a(b, g, lk, d), a(b, g, lk, d), d ** -0.5,
                mode, m, values(a.t, (h,)) if sinks else None]

    return ("fast_scaled_dot_product_attention", label, FLOATS, HEADS, given,
            lambda q, k, v, scale, mode, m, s:
                mx.fast.scaled_dot_product_attention(
                    q, k, v, scale=scale, mask=mode or m, sinks=s))


def segments(m, k, n, a):
    at = np.linspace(0, k, 9).astype("uint32")
    return [a(m, k), a(k, n), np.stack([at[:-1], at[1:]], -1)]


def masked(m, k, n, a, kind="bool", block=32):
    def mask(rows, columns):
        return values(kind, (-(-rows // block), -(-columns // block)))
    return [a(m, k), a(k, n), block, mask(m, n), mask(m, k), mask(k, n)]


ROWS = [
    ("matmul", "", WIDER, MATRICES, lambda m, k, n, a: [a(m, k), a(k, n)],
     mx.matmul),
    ("matmul", "turned", FLOATS, MATRICES, lambda m, k, n, a: [
        a(m, k), lay(values(a.t, (k, n)), "transposed")], mx.matmul),
    ("matmul", "batch", WIDER, BATCHES, lambda b, m, k, n, a: [
        a(b, m, k), a(b, k, n)], mx.matmul),
    ("matmul", "batch by one", FLOATS, BATCHES, lambda b, m, k, n, a: [
        a(b, m, k), a(k, n)], mx.matmul),
    ("matmul", "one by batch", FLOATS, BATCHES, lambda b, m, k, n, a: [
        a(m, k), a(b, k, n)], mx.matmul),
    ("matmul", "each by each", FLOATS,
     {k: [s for s in v if s[0] < 100] for k, v in BATCHES.items()},
     lambda b, m, k, n, a: [a(4, 1, m, k), a(b, k, n)], mx.matmul),
    ("matmul", "vectors", WIDER, VECTORS, lambda n, a: [a(n), a(n)], mx.matmul),
    ("matmul", "by a vector", WIDER, MATRICES, lambda m, k, n, a: [
        a(m, k), a(k)], mx.matmul),
    ("matmul", "vector by", WIDER, MATRICES, lambda m, k, n, a: [
        a(k), a(k, n)], mx.matmul),
    *(("addmm", f"{label} {x} {y}", WIDER, MATRICES,
       lambda m, k, n, a, c=c, x=x, y=y: [
           a(*c(m, n)), a(m, k), a(k, n), x, y],
       lambda c, a, b, x, y: mx.addmm(c, a, b, x, y))
      for label, c in (("full", lambda m, n: (m, n)),
                       ("bias", lambda m, n: (n,)))
      for x, y in ((1.0, 1.0), (0.5, 2.0))),
    ("addmm", "batch", FLOATS, BATCHES, lambda b, m, k, n, a: [
        a(n), a(b, m, k), a(b, k, n), 1.0, 1.0],
     lambda c, a, b, x, y: mx.addmm(c, a, b, x, y)),
    ("inner", "", FLOATS, MATRICES, lambda m, k, n, a: [a(m, k), a(n, k)],
     mx.inner),
    ("inner", "vectors", FLOATS, VECTORS, lambda n, a: [a(n), a(n)], mx.inner),
    ("tensordot", "", FLOATS, SUMS, lambda p, q, r, s, a: [
        a(p, q, r), a(r, q, s), [1, 2], [1, 0]],
     lambda a, b, x, y: mx.tensordot(a, b, [x, y])),
    ("tensordot_axis", "", FLOATS, SUMS, lambda p, q, r, s, a: [
        a(p, q, r), a(q, r, s), 2], mx.tensordot),
    *(("einsum", text, FLOATS, SUMS, lambda *s, text=text, terms=terms: [
        text, [s[-1](*e) for e in sides(terms, s[:-1])]],
        lambda t, p: mx.einsum(t, *p)) for text, terms in EINSUMS.items()),
    ("gather_mm", "", ["float32"], BATCHES, lambda b, m, k, n, a: [
        a(b, m, k), a(8, k, n), None,
        np.random.default_rng(2).integers(0, 8, b).astype("uint32"), False],
     lambda a, b, x, y, s: mx.gather_mm(a, b, x, y)),
    ("gather_mm", "sorted", ["float32"], BATCHES, lambda b, m, k, n, a: [
        a(b, m, k), a(8, k, n), None, np.sort(np.random.default_rng(
            2).integers(0, 8, b)).astype("uint32"), True],
     lambda a, b, x, y, s: mx.gather_mm(a, b, x, y, sorted_indices=s)),
    *(("block_masked_mm", f"{kind} by {block}", ["float32"], MATRICES,
       lambda m, k, n, a, kind=kind, block=block: masked(
           m, k, n, a, kind, block), mx.block_masked_mm)
      for kind in ("bool", "float32") for block in (32, 64)),
    ("segmented_mm", "", ["float32"], MATRICES, segments, mx.segmented_mm),
    *(("hadamard_transform", f"of {k}", FLOATS,
       {"small": [(1024,)], "middle": [(262144,)], "large": [(4194304,)]},
       lambda n, a, k=k: [a(max(1, n // k), k), None], mx.hadamard_transform)
      for k in (4, 28, 64, 256, 1024, 4096, 20 * 64)),
    rope("fast_rope", "", False, 3), rope("fast_rope", "pairs", True, 3),
    rope("fast_rope", "frequencies", False, 3, True),
    rope("fast_rope_dynamic", "", False, np.asarray(3, "int32")),
    attention("", ""), attention("causal", "causal"),
    attention("mask", "", "bool"), attention("added", "", "added"),
    attention("sinks", "", None, True),
]
for form in FORMS:
    ROWS += of_form(form)


def cases(sizes, layouts):
    return table(ROWS, sizes, [x for x in layouts if x != "broadcast"])
