"""Cases of ops_original.py: normalisation, rotation, attention."""

import mlx.core as mx
import numpy as np


def add(o):
    def maybe(d, value, chance=0.3):
        return None if d.r.random() < chance else value

    def norm(d, bias):
        t = d.r.choice(o.FLOATS)
        a = d.array(t if d.r.random() < 0.95 else "int32", d.shape())
        n = (o.dims(a) or (1,))[-1] + (d.r.random() < 0.05)
        args = [a, maybe(d, d.array(t, (n,)))]
        if bias:
            args.append(maybe(d, d.array(t, (n,))))
        return args + [d.r.choice([1e-5, 0.1])]

    # Not of no elements along the last axis: the original divides by zero.
    o.case("fast_rms_norm", lambda d: norm(d, False), mx.fast.rms_norm, loose=4)
    # Variances near zero amplify the order of sums.
    o.case("fast_layer_norm", lambda d: norm(d, True), mx.fast.layer_norm,
           loose=16)

    def rope(d, dynamic):
        shape = list(d.shape(2, 5)) or [1]
        shape[-1] = d.r.choice([4, 8, 16])
        # A batch of none with an offset for each of none is refused.
        dims = d.r.choice([2, 4, shape[-1], shape[-1], 3, 32, 0])
        freqs = maybe(d, np.abs(d.array("float32", (max(1, dims // 2),))) + 1,
                      0.6)
        base = maybe(d, 10000.0, 0.05) if freqs is None else maybe(d, 9.0, 0.95)
        offset = d.r.randint(0, 9)
        if dynamic:
            kind = d.r.choice(["int32", "uint32", "int64", "uint8", "float32"])
            offset = d.array(kind, d.r.choice([(), (1,), (shape[0] or 1,), (3,)]),
                             positive=True)
        return [d.array(d.r.choice(o.FLOATS), tuple(shape)), dims,
                d.r.random() < 0.5, base, d.r.choice([1.0, 0.5]), offset, freqs]

    def roped(x, dims, traditional, base, scale, offset, freqs):
        return mx.fast.rope(x, dims, traditional=traditional, base=base,
                            scale=scale, offset=offset, freqs=freqs)

    o.case("fast_rope", lambda d: rope(d, False), roped, loose=4)
    o.case("fast_rope_dynamic", lambda d: rope(d, True), roped, loose=4)

    def attention(d):
        b, g, r = d.r.randint(1, 2), d.r.randint(1, 3), d.r.choice([1, 1, 2])
        lq, lk = d.r.randint(1, 9), d.r.randint(1, 9)
        n, e = d.r.choice([4, 8]), d.r.choice([4, 8])
        t = d.r.choice(o.FLOATS)
        wrong = d.r.random() < 0.05
        q = d.array(t, (b, g * r + wrong, lq, n))
        mode, mask = d.r.choice(["", "causal", "array", "none"]), None
        if mode == "array" or d.r.random() < 0.05:
            mask = d.array(d.r.choice(["bool", t]), d.fitting(
                (b, g * r, lq, lk)))
        sinks = maybe(d, d.array(t, (g * r,)), 0.7)
        return [q, d.array(t, (b, g, lk, n)), d.array(t, (b, g, lk, e)),
                d.r.choice([0.5, 0.1]), mode, mask, sinks]

    def attended(q, k, v, scale, mode, mask, sinks):
        if mode == "causal" and mask is not None:
            raise ValueError
        if mode == "none":
            raise ValueError
        how = "causal" if mode == "causal" else mask
        return mx.fast.scaled_dot_product_attention(
            q, k, v, scale=scale, mask=how, sinks=sinks)

    # The original rounds halves after each of its plain operations.
    o.case("fast_scaled_dot_product_attention", attention, attended, loose=8)
