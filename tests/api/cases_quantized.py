"""Cases of ops_original.py: quantised matrices; picked, masked, cut products."""

import lazuli
import mlx.core as mx
import numpy as np

MODES = [("affine", 64, 4), ("affine", 32, 2), ("affine", 32, 8),
         ("affine", 64, 3), ("affine", 32, 5), ("affine", 128, 6),
         ("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)]


def as_numpy(a):
    if a.dtype == mx.bfloat16:
        return lazuli.Bits(np.array(mx.view(a, mx.uint16)), "bfloat16")
    return np.array(a)


def add(o):
    def wish(d):
        mode, group, bits = d.r.choice(MODES)
        if d.r.random() < 0.05:
            group *= 2
        return mode, group, bits

    def draw_quantize(d):
        mode, group, bits = wish(d)
        # The original packs 32 codes at a time.
        shape = (d.r.randint(1, 4), d.r.choice([1, 2, 3]) * max(32, group))
        if d.r.random() < 0.3:
            shape = (2,) + shape
        if d.r.random() < 0.1:
            shape = shape[1:] if len(shape) == 2 else shape[:-1] + (group + 1,)
        t = d.r.choice(o.FLOATS + ["int32"] * (d.r.random() < 0.1))
        return [d.array(t, shape), group, bits, mode, None]

    o.case("quantize", draw_quantize,
           lambda w, g, b, m, s: list(mx.quantize(w, g, b, m)))

    def packed(d, shape, wanted=None, types=o.FLOATS):
        """A quantised matrix and its format."""
        mode, group, bits = wanted or d.r.choice(MODES)
        shape = shape[:-1] + (shape[-1] * 128,)
        t = d.r.choice(types)
        with mx.stream(mx.cpu):
            parts = mx.quantize(o.original(o.Draw.array(d, t, shape)), group,
                                bits, mode)
        parts = [as_numpy(p) for p in parts]
        parts += [None] * (3 - len(parts))
        return parts, (mode, group, bits), t

    def draw_dequantize(d):
        parts, (mode, group, bits), _ = packed(d, (d.r.randint(1, 3), 1))
        if d.r.random() < 0.05:
            bits = 8 if bits != 8 else 4
        dtype = d.r.choice([None, 10, 9, 12, 7])
        return parts + [group, bits, mode, None, dtype]

    def dequantized(w, s, b, group, bits, mode, scale, dtype):
        t = None if dtype is None else o.typed(lazuli.DTYPES[dtype])
        return mx.dequantize(w, s, b, group, bits, mode, dtype=t)

    o.case("dequantize", draw_dequantize, dequantized)

    def draw_product(d, gather=False):
        transpose = d.r.random() < 0.6
        lead = d.r.choice([(), (), (2,)]) if not gather else (d.r.randint(1, 4),)
        rows = 128 if not transpose else d.r.randint(1, 5)
        # Not transposed the original sums halves in halves: ten times farther
        # from the exact product than ours.
        parts, (mode, group, bits), t = packed(
            d, lead + (rows, 1), None, o.FLOATS if transpose else ["float32"])
        inner = 128
        if d.r.random() < 0.05:
            inner += 1
        x = d.array(t, d.r.choice([(inner,), (3, inner), (1, inner),
                                   (2, 9, inner), (4, 2, 1, inner)])
                    if not lead else d.r.choice(
                        [(2, 3, inner), (2, 1, inner), (4, 2, 3, inner)]))
        rest = [transpose, group, bits, mode]
        if not gather:
            return [x] + parts + rest
        n = int(np.prod(o.dims(x)[:-2]))
        kind = d.r.choice(["uint32", "int32", "int64"])
        shape = d.shape(0, 2)
        lhs = d.n.integers(0, n, shape).astype(kind)
        rhs = d.n.integers(0, lead[0], d.r.choice([shape, ()])).astype(kind)
        lhs = lhs if d.r.random() < 0.8 else None
        return [x] + parts + [lhs, rhs] + rest + [False]

    o.case("quantized_matmul", draw_product,
           lambda x, w, s, b, tr, g, bi, m: mx.quantized_matmul(
               x, w, s, b, tr, g, bi, m), loose=60)
    o.case("gather_qmm", lambda d: draw_product(d, True),
           lambda x, w, s, b, lhs, rhs, tr, g, bi, m, so: mx.gather_qmm(
               x, w, s, b, lhs, rhs, tr, g, bi, m), loose=60)

    def draw_qqmm(d):
        form = d.r.choice([("mxfp8", 32, 8), ("nvfp4", 16, 4),
                           ("mxfp4", 32, 4)])
        parts, (mode, group, bits), t = packed(d, (d.r.randint(1, 5), 1), form)
        # One row: the original does no more on the CPU.
        x = d.array(t, d.r.choice([(128,), (1, 128), (1, 1, 128)]))
        return [x] + parts[:2] + [group, bits, mode, None, None]

    o.case("qqmm", draw_qqmm,
           lambda x, w, s, g, b, m, gx, gw: mx.qqmm(x, w, s, g, b, m),
           loose=60)

    def draw_gather_mm(d):
        m, k, n = (d.r.randint(1, 5) for _ in range(3))
        t = "float32"  # all that the original does on the CPU
        a = d.array(t, d.r.choice([(3, m, k), (m, k), (k,), (2, 2, m, k)]))
        b = d.array(t, d.r.choice([(3, k, n), (k, n), (2, k, n),
                                   (2, k + 1, n)]))
        shape = d.shape(0, 2)
        count = [max(1, int(np.prod(o.dims(v)[:-2]))) for v in (a, b)]
        ix = [d.n.integers(0, c, shape).astype(d.r.choice(["uint32", "int32"]))
              for c in count]
        ix = [i if d.r.random() < 0.8 else None for i in ix]
        return [a, b] + ix + [False]

    o.case("gather_mm", draw_gather_mm,
           lambda a, b, x, y, s: mx.gather_mm(a, b, x, y), loose=8)

    def draw_masked(d):
        m, k, n = (d.r.randint(1, 100) for _ in range(3))
        block = d.r.choice([32, 64, 32, 64, 16])
        lead = d.r.choice([(), (2,)])
        t = "float32"
        count = [-(-x // block) for x in (m, k, n)]
        kind = d.r.choice(["bool", "bool", t])

        def mask(*shape):
            return d.array(kind, lead + shape) if d.r.random() < 0.6 else None
        # Not of a broadcast operand: the original masks it for one matrix
        # and multiplies others by the result.
        return [d.array(t, lead + (m, k)), d.array(t, lead + (k, n)), block,
                mask(count[0], count[2]), mask(count[0], count[1]),
                mask(count[1], count[2])]

    o.case("block_masked_mm", draw_masked,
           lambda a, b, k, x, y, z: mx.block_masked_mm(a, b, k, x, y, z),
           loose=40)

    def draw_segments(d):
        m, k, n = (d.r.randint(1, 9) for _ in range(3))
        t = "float32"
        at = np.sort(d.n.integers(0, k + 1, d.shape(0, 2) + (2,)), -1)
        return [d.array(t, (m, k)), d.array(t, (k, n)),
                at.astype(d.r.choice(["uint32", "int32"]))]

    o.case("segmented_mm", draw_segments, mx.segmented_mm, loose=8)
