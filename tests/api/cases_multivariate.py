"""Cases of ops_original.py: normal numbers that depend on each other."""

import mlx.core as mx
import numpy as np


def add(o):
    def draw(d):
        n = d.r.randint(1, 4)
        lead = d.r.choice([(), (), (2,), (3, 1)])
        a = d.n.normal(size=lead + (n, n))
        cov = (a @ np.swapaxes(a, -1, -2) + np.eye(n)).astype(np.float32)
        mean = d.array("float32", d.r.choice([(n,), (1, n), lead + (n,),
                                              (n + 1,), ()]))
        shape = list(d.r.choice([lead, (4,) + lead, (5,), ()]))
        return [mean, cov, shape, d.r.choice(["float32"] * 9 + ["float16"]),
                np.array([d.r.randrange(2**32), 7], np.uint32)]

    # The root is the same whatever signs the singular vectors have.
    o.case("random_multivariate_normal", draw,
           lambda m, c, s, t, k: mx.random.multivariate_normal(
               m, c, s, o.typed(t), k), loose=50)
