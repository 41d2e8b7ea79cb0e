"""Convolutions: extents, channels, kernels, steps, groups."""

import mlx.core as mx

from sweep import table

FLOATS = ["float32", "float16", "bfloat16"]
# Size: batch, extent, channels in, out, side of the kernel.
FORMS = {
    1: {"small": [(1, 32, 4, 8, 3), (4, 64, 16, 16, 5), (1, 1000, 1, 1, 3)],
        "middle": [(8, 512, 64, 64, 3), (1, 16384, 16, 16, 5),
                   (1, 65536, 1, 4, 9), (64, 64, 64, 64, 1)],
        "large": [(16, 4096, 64, 64, 3), (4, 65536, 16, 16, 3)]},
    2: {"small": [(1, 8, 4, 8, 3), (1, 16, 3, 16, 3), (2, 12, 16, 16, 1),
                  (1, 28, 1, 8, 5)],
        "middle": [(8, 28, 32, 32, 3), (1, 64, 64, 64, 3), (4, 64, 3, 16, 7),
                   (16, 16, 64, 128, 1), (1, 512, 1, 1, 3)],
        "large": [(16, 64, 64, 64, 3), (4, 224, 3, 32, 7), (1, 2048, 1, 1, 3),
                  (16, 64, 64, 64, 1)]},
    3: {"small": [(1, 6, 4, 8, 3), (1, 8, 2, 2, 2)],
        "middle": [(1, 16, 16, 16, 3), (2, 24, 4, 8, 3)],
        "large": [(1, 32, 32, 32, 3), (2, 64, 8, 8, 2)]},
}
GROUPED = {
    1: {"small": [(2, 64, 8, 8, 3)], "middle": [(8, 512, 64, 64, 4)],
        "large": [(16, 4096, 64, 64, 4)]},
    2: {"small": [(1, 12, 8, 8, 3)],
        "middle": [(4, 32, 64, 64, 3), (1, 56, 96, 96, 5)],
        "large": [(8, 112, 64, 64, 3)]},
}
# MLX refuses three dimensions in groups, and transposed ones in groups.


def row(n, label, extents, stride=1, pad=None, dilation=1, groups=None,
        name="conv", more=()):
    """`groups`: of so many channels; `pad` as many as keep the extent."""
    def given(batch, extent, inner, outer, side, a):
        g = inner // groups if groups else 1
        p = side // 2 if pad is None else pad
        return [a(batch, *n * [extent], inner),
                a(outer, *n * [side], inner // g),
                *n * [stride], *n * [p], *n * [dilation], *more, g]

    def reference(x, w, *rest):
        *v, g = rest
        parts = [v[k] if n == 1 else tuple(v[k:k + n])
                 for k in range(0, len(v), n)]
        return getattr(mx, f"{name}{n}d")(x, w, *parts, g)
    return f"{name}{n}d", label, FLOATS, extents, given, reference


def general(n, label, stride=1, low=1, high=1, dilation=1, apart=1, flip=False):
    def given(batch, extent, inner, outer, side, a):
        return [a(batch, *n * [extent], inner), a(outer, *n * [side], inner),
                n * [stride], n * [low], n * [high], n * [dilation],
                n * [apart], 1, flip]

    return ("conv_general", f"{n}d {label}", FLOATS, FORMS[n], given,
            lambda x, w, s, lo, hi, k, i, g, f: mx.conv_general(
                x, w, s, (lo, hi), k, i, g, f))


ROWS = []
for n in (1, 2, 3):
    ROWS += [
        row(n, "", FORMS[n]), row(n, "stride 2", FORMS[n], 2),
        row(n, "dilation 2", FORMS[n], 1, None, 2),
        row(n, "", FORMS[n], name="conv_transpose", more=n * [0]),
        row(n, "stride 2", FORMS[n], 2, name="conv_transpose", more=n * [1]),
        general(n, "flipped", flip=True), general(n, "uneven", low=0, high=2),
        general(n, "apart", apart=2),
        general(n, "all", 2, 2, 1, 2, 3, True),
    ]
for n in (1, 2):
    ROWS += [row(n, f"groups of {k}{more}", GROUPED[n], stride, groups=k)
             for k in (1, 4)
             for more, stride in (("", 1), (" stride 2", 2))]


def cases(sizes, layouts):
    return table(ROWS, sizes, [x for x in layouts if x != "broadcast"])
