"""Fourier transforms: lengths of all kinds, many lines and few, along the last
axis, the first, and several."""

import mlx.core as mx

from sweep import SIZES, Case, laid

LENGTHS = [8, 17, 37, 164, 251, 961, 1000, 1001, 1021, 1517, 2039, 4096, 4099,
           16381, 32768, 65537]
FIRST = [16, 37, 251, 1000, 4096, 4099]  # of lines along the first axis
FEW = [1, 2, 3, 5]  # lines
SIDES = [32, 251, 512, 1000, 2048]  # of squares


def along(name, t, layout, size, shape, axis):
    return Case(f"fft_{name}", f"{t} {list(shape)} {axis} {layout} {size}",
                lambda: [laid(t, shape, layout), shape[axis], axis, 0],
                lambda a, n, x, o, f=getattr(mx.fft, name): f(a, n, x))


def over(name, t, layout, size, shape):
    """All axes of squares and cubes."""
    axes = list(range(-len(shape), 0))
    return Case(f"fft_{name}", f"{t} {list(shape)} {layout} {size}",
                lambda: [laid(t, shape, layout), list(shape), axes, 0],
                lambda a, n, x, o, f=getattr(mx.fft, name): f(a, n, x))


def shifted(name, t, layout, size, shape):
    return Case(f"fft_{name}", f"{t} {list(shape)} {layout} {size}",
                lambda: [laid(t, shape, layout), [0, 1]],
                getattr(mx.fft, name))


def cases(sizes, layouts):
    for size in sizes:
        most = SIZES[size]
        for layout in layouts:
            if layout == "broadcast":
                continue
            for name in ("fft", "ifft", "rfft", "irfft"):
                t = "float32" if name == "rfft" else "complex64"
                given = name, t, layout, size
                for k in LENGTHS:
                    yield along(*given, (max(1, most // k), k), -1)
                    if size != "small" and most // k > max(FEW):
                        for few in FEW:
                            yield along(*given, (few, k), -1)
                for k in FIRST:
                    yield along(*given, (k, max(1, most // k)), 0)
                for n in SIDES:
                    if most // 4 <= n * n <= most:
                        yield over(f"{name}2", t, layout, size, (n, n))
                n = round(most ** (1 / 3))
                for k in (n, n // 4 * 4):
                    yield over(f"{name}n", t, layout, size, (k, k, k))
            for name in ("fftshift", "ifftshift"):
                for n in SIDES:
                    if most // 4 <= n * n <= most:
                        yield shifted(name, "complex64", layout, size, (n, n))
                        yield shifted(name, "float32", layout, size, (n, n))
