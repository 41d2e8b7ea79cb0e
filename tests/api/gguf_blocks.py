"""Blocks of GGUF tensors as the format describes them, decoded with numpy: what
MLX decodes as well, and what it does not. Blocks are rows of bytes."""

import numpy as np


def half(b, at):
    """A column of the float16 at a byte."""
    return b[:, at:at + 2].copy().view(np.float16).astype(np.float32)


def signed(b):
    return b.view(np.int8).astype(np.float32)


def bits(b, width):
    """(n, k) bytes as (n, 8 / width, k) fields, the lowest first."""
    shifts = np.arange(0, 8, width, dtype=np.uint8)[None, :, None]
    return b[:, None, :] >> shifts & np.uint8(2**width - 1)


def flat(a):
    return a.reshape(len(a), -1)


def nibbles(b):
    """Low halves of all bytes, then high ones."""
    return flat(bits(b, 4))


def f(a):
    return a.astype(np.float32)


def each(values, count):
    """Every scale for `count` weights."""
    return np.repeat(values, count, 1)


def high_bits(b, at):
    """32 bits of a word, each worth 16."""
    word = b[:, at:at + 4].copy().view(np.uint32)
    return f(word >> np.arange(32, dtype=np.uint32) & 1) * 16


def q5_0(b):
    return (f(nibbles(b[:, 6:])) + high_bits(b, 2) - 16) * half(b, 0)


def q5_1(b):
    return (f(nibbles(b[:, 8:])) + high_bits(b, 4)) * half(b, 0) + half(b, 2)


def pairs(b):
    """Scales and minima from 12 bytes: three rows of four bytes, of which the
    first two have 6 bits and 2 of the last four's, the third their low 4."""
    d, m, low = b[:, :4], b[:, 4:8], b[:, 8:]
    scales = np.concatenate([d & 63, low & 15 | d >> 6 << 4], 1)
    minima = np.concatenate([m & 63, low >> 4 | m >> 6 << 4], 1)
    return f(scales), f(minima)


def q2_k(b):
    q = flat(np.concatenate([bits(b[:, 16:48], 2), bits(b[:, 48:80], 2)], 1))
    scales = f(b[:, :16] & 15) * half(b, 80)
    minima = f(b[:, :16] >> 4) * half(b, 82)
    return f(q) * each(scales, 16) - each(minima, 16)


def q3_k(b):
    low = flat(np.concatenate([bits(b[:, 32:64], 2), bits(b[:, 64:96], 2)], 1))
    high = flat(bits(b[:, :32], 1))
    scales = nibbles(b[:, 96:104]) | flat(bits(b[:, 104:108], 2)) << 4
    scales = (f(scales) - 32) * half(b, 108)
    return each(scales, 16) * (f(low) + 4 * f(high) - 4)


def fours(b):
    """Four runs of 32 bytes, each of 64 weights."""
    return flat(np.concatenate(
        [bits(b[:, at:at + 32], 4) for at in range(0, 128, 32)], 1))


def q4_k(b):
    scales, minima = pairs(b[:, 4:16])
    return (f(fours(b[:, 16:])) * each(scales * half(b, 0), 32) -
            each(minima * half(b, 2), 32))


def q5_k(b):
    scales, minima = pairs(b[:, 4:16])
    q = f(fours(b[:, 48:])) + 16 * f(flat(bits(b[:, 16:48], 1)))
    return q * each(scales * half(b, 0), 32) - each(minima * half(b, 2), 32)


def q6_k(b):
    low = np.concatenate([nibbles(b[:, :64]), nibbles(b[:, 64:128])], 1)
    high = flat(np.concatenate(
        [bits(b[:, 128:160], 2), bits(b[:, 160:192], 2)], 1))
    scales = signed(b[:, 192:208]) * half(b, 208)
    return each(scales, 16) * (f(low | high << 4) - 32)


def q8_k(b):
    return b[:, :4].copy().view(np.float32) * signed(b[:, 4:260])


IQ4 = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53,
                69, 89, 113], np.float32)
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)


def iq4_nl(b):
    return half(b, 0) * IQ4[nibbles(b[:, 2:])]


def iq4_xs(b):
    low = bits(b[:, 4:8], 4).transpose(0, 2, 1).reshape(-1, 8)
    high = bits(b[:, 2:4], 2).transpose(0, 2, 1).reshape(-1, 8)
    scales = (f(low | high << 4) - 32) * half(b, 0)
    names = np.concatenate(
        [nibbles(b[:, at:at + 16]) for at in range(8, 136, 16)], 1)
    return each(scales, 32) * IQ4[names]


def mxfp4(b):
    values = np.concatenate([E2M1, -E2M1])[nibbles(b[:, 1:])]
    return np.ldexp(values, b[:, :1].astype(np.int32) - 127)


# number: name, weights and bytes of a block, where its float16 lie, decoder,
# whether MLX 0.31.2 decodes it
TYPES = {
    6: ("Q5_0", 32, 22, [0], q5_0, False),
    7: ("Q5_1", 32, 24, [0, 2], q5_1, False),
    10: ("Q2_K", 256, 84, [80, 82], q2_k, True),
    11: ("Q3_K", 256, 110, [108], q3_k, False),
    12: ("Q4_K", 256, 144, [0, 2], q4_k, True),
    13: ("Q5_K", 256, 176, [0, 2], q5_k, False),
    14: ("Q6_K", 256, 210, [208], q6_k, True),
    15: ("Q8_K", 256, 292, [], q8_k, False),
    20: ("IQ4_NL", 32, 18, [0], iq4_nl, False),
    23: ("IQ4_XS", 256, 136, [0], iq4_xs, False),
    39: ("MXFP4", 32, 17, [], mxfp4, False)}


def random(rng, number, n):
    """n > 0 blocks of chance; one has no scale, one scales that overflow."""
    _, _, width, halves, _, _ = TYPES[number]
    b = rng.integers(0, 256, (n, width)).astype(np.uint8)
    for at in halves:
        scale = rng.normal(size=n) * 2.0**rng.integers(-20, 3, n)
        scale[0], scale[-1] = 0, 60000
        b[:, at:at + 2] = scale.astype(np.float16).view(np.uint8).reshape(n, 2)
    if number == 15:
        b[:, :4] = rng.normal(size=n).astype(np.float32).view(
            np.uint8).reshape(n, 4)
    return b


def decoded(number, b):
    with np.errstate(all="ignore"):
        return TYPES[number][4](b).reshape(-1)
