"""What is made of reductions: means, norms, softmax, comparisons as a whole."""

import math

import mlx.core as mx

from sweep import Case, laid
from sweep_reduce import AXES, SHAPES

FLOATS = ["float32", "float16", "bfloat16", "float64"]
SOME = [*FLOATS, "int32", "uint8", "complex64"]
ORDERS = [0.0, 1.0, -1.0, 2.0, 3.0, 0.5, math.inf, -math.inf]


def axes_of(shape):
    """Each one, and some together."""
    return [*([k] for k in range(len(shape))), *AXES[len(shape)][2:]]


def parts(shape):
    """name, label, dtypes, arguments of an array, MLX's own"""
    for x in axes_of(shape):
        for keep in (False, True):
            for name in ("sum", "max", "mean", "all"):
                yield (f"{name}_axes", f"{x} keep {keep}", ["float32", "int8"],
                       lambda a, x=x, k=keep: [a(*shape), x, k],
                       lambda a, x, k, f=getattr(mx, name): f(a, x, keepdims=k))
        for name in ("var", "std"):
            yield (f"{name}_axes", f"{x}", SOME,
                   lambda a, x=x: [a(*shape), x, True, 1],
                   lambda a, x, k, d, f=getattr(mx, name): f(a, x, k, d))
        yield ("logsumexp_axes", f"{x} keep", FLOATS,
               lambda a, x=x: [a(*shape), x, True],
               lambda a, x, k: mx.logsumexp(a, x, k))
        yield ("median", f"{x}", FLOATS + ["int32", "uint8"],
               lambda a, x=x: [a(*shape), x, False],
               lambda a, x, k: mx.median(a, axis=x, keepdims=k))
        for precise in (False, True):
            yield ("softmax_axes", f"{x} precise {precise}", FLOATS,
                   lambda a, x=x, p=precise: [a(*shape), x, p],
                   lambda a, x, p: mx.softmax(a, x, precise=p))
        yield ("linalg_norm_l2", f"{x}", SOME,
               lambda a, x=x: [a(*shape), x, False],
               lambda a, x, k: mx.linalg.norm(a, None, x, k))
        if len(x) == 2:
            yield ("linalg_norm_matrix", f"fro {x}", SOME,
                   lambda a, x=x: [a(*shape), "fro", x, False],
                   lambda a, o, x, k: mx.linalg.norm(a, o, x, k))
        for order in ORDERS:
            if len(x) == 1 or order in (1, -1, math.inf, -math.inf):
                yield ("linalg_norm", f"{order} {x}", SOME,
                       lambda a, x=x, o=order: [a(*shape), o, x, False],
                       lambda a, o, x, k: mx.linalg.norm(a, o, x, k))
    n = shape[-1]
    for w in (False, True):
        yield ("fast_rms_norm", f"weight {w}", FLOATS,
               lambda a, w=w: [a(*shape), a(n) if w else None, 1e-5],
               mx.fast.rms_norm)
        for b in (False, True):
            yield ("fast_layer_norm", f"weight {w} bias {b}", FLOATS,
                   lambda a, w=w, b=b: [a(*shape), a(n) if w else None,
                                        a(n) if b else None, 1e-5],
                   mx.fast.layer_norm)
    yield ("inner", "", SOME, lambda a: [a(*shape), a(n)], mx.inner)
    yield ("trace", "", SOME, lambda a: [a(*shape), 0, 0, 1, "float32"],
           lambda a, o, x, y, t: mx.trace(a, o, x, y, mx.float32))
    for name in ("allclose", "isclose"):
        yield (name, "", SOME, lambda a: [a(*shape), a(*shape), 1e-5, 1e-8, False],
               lambda a, b, r, t, e, f=getattr(mx, name): f(a, b, r, t, e))
    yield ("array_equal", "", SOME, lambda a: [a(*shape), a(*shape), True],
           lambda a, b, e: mx.array_equal(a, b, e))


def cases(sizes, layouts):
    for size in sizes:
        for layout in layouts:
            for shape in SHAPES[size]:
                for name, label, dtypes, arguments, reference in parts(shape):
                    for t in dtypes:
                        def array(*s, t=t):
                            return laid(t, s, layout)
                        yield Case(
                            name, f"{label} {t} {'x'.join(map(str, shape))} "
                            f"{layout} {size}",
                            lambda f=arguments, a=array: f(a), reference)
