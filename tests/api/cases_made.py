"""Cases of ops_original.py: arrays from nothing, products."""

import mlx.core as mx

from draw import FLOATS, case, TYPED, typed


case("zeros", lambda d: [list(d.shape()), d.r.choice(TYPED)],
     lambda s, t: mx.zeros(s, typed(t)))
case("ones", lambda d: [list(d.shape()), d.r.choice(TYPED)],
     lambda s, t: mx.ones(s, typed(t)))
case("zeros_like", lambda d: [d.any()], mx.zeros_like)
case("ones_like", lambda d: [d.any()], mx.ones_like)
case("full", lambda d: (lambda s: [list(s), d.array(d.r.choice(
    ["float32", "int32", "bool"]), d.fitting(s)), d.r.choice(TYPED)])(
    d.shape()), lambda s, v, t: mx.full(s, v.astype(typed(t))))
case("arange", lambda d: [d.r.randint(-5, 5), d.r.randint(-5, 15),
                          d.r.choice([1, 2, -1, 3]),
                          d.r.choice(["float32", "int32", "int64"])],
     lambda b, e, s, t: mx.arange(b, e, s, typed(t)))
case("arange", lambda d: [d.r.uniform(-5, 5), d.r.uniform(-5, 15),
                          d.r.choice([0.5, -0.25, 1.5, float("inf"),
                                      -float("inf")]), "float32"],
     lambda b, e, s, t: mx.arange(b, e, s, typed(t)))


def product(d, extra=False):
    m, k, n = (d.r.randint(1, 6) for _ in range(3))
    batch = d.shape(0, 2)
    a = d.r.choice([batch + (m, k), (m, k), (k,)])
    b = d.r.choice([batch + (k, n), (k, n), (k,), (k + 1, n)])
    t = d.r.choice(FLOATS)
    args = [d.array(t, a), d.array(t, b)]
    if extra:
        args = [d.array(t, d.r.choice([(1,), (n,), (m, n)]))] + args
        args += [d.r.choice([1.0, 0.5]), d.r.choice([1.0, 2.0])]
    return args


case("matmul", product, mx.matmul, loose=4)
case("addmm", lambda d: product(d, True),
     lambda c, a, b, x, y: mx.addmm(c, a, b, x, y), loose=4)
