"""Cases of ops_original.py: Fourier and Hadamard transforms."""

import mlx.core as mx

from draw import case


NORMS = ["backward", "ortho", "forward"]


def transformed(many, two=False):
    def draw(d):
        shape = tuple(d.r.choice([1, 2, 3, 5, 8, 12, 0 if d.r.random() < 0.1
                                  else 7]) for _ in range(d.r.randint(1, 3)))
        a = d.array(d.r.choice(["float32", "complex64", "int32", "bfloat16"]),
                    shape)
        count = (2 if two else d.r.randint(0, len(shape))) if many else 1
        order = list(range(-len(shape), len(shape)))
        # A wrong axis is not for MLX 0.31.2, which reads past the shape.
        axes = [d.r.choice(order) for _ in range(count)]
        n = [max(1, shape[x] + d.r.choice([0, 0, 0, 1, -1, 3])) for x in axes]
        if n and d.r.random() < 0.05:
            n[0] = 0
        norm = d.r.randrange(3)
        return [a, n, axes, norm] if many else [a, n[0], axes[0], norm]
    return draw


for one in "fft ifft rfft irfft".split():
    case(f"fft_{one}", transformed(False), lambda a, n, x, o, f=one:
         getattr(mx.fft, f)(a, n, x, NORMS[o]), loose=8)
    for kind in "2n":
        case(f"fft_{one}{kind}", transformed(True, kind == "2"),
             lambda a, n, x, o, f=one + kind:
             getattr(mx.fft, f)(a, n, x, NORMS[o]), loose=8)
for one in "fftshift ifftshift".split():
    case(f"fft_{one}", lambda d: (lambda a: [a, d.axes(a.ndim)])(
        d.any(["float32", "int32", "complex64"])), getattr(mx.fft, one))
for one in "fftfreq rfftfreq".split():
    case(f"fft_{one}", lambda d: [d.r.randint(0, 9), d.r.choice([1., .5, -2.])],
         getattr(mx.fft, one))
case("hadamard_transform", lambda d: [
    d.array(d.r.choice(["float32", "float16", "int32", "bfloat16"]),
            d.shape(0, 2) + (d.r.choice([1, 2, 3, 8, 12, 40, 64, 56]),)),
    d.r.choice([None, None, 1.0, 0.25])],
    lambda a, s: mx.hadamard_transform(a, s), loose=8)
