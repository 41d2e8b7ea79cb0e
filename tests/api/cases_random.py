"""Cases of ops_original.py: random numbers: the same key, the same bits."""

import mlx.core as mx
import numpy as np

from draw import FLOATS, case, typed, KEY


case("random_bits", lambda d: [list(d.shape()), d.r.choice([1, 2, 4]),
                               KEY[0](d)], None)
case("random_split", lambda d: [KEY[0](d)],
     lambda k: list(mx.random.split(k)))
case("random_split_num", lambda d: [KEY[0](d), d.r.randint(1, 5)],
     lambda k, n: mx.random.split(k, n))
case("random_uniform", lambda d: [
    np.float32(d.r.uniform(-2, 0)), np.float32(d.r.uniform(0, 3)),
    list(d.shape()), d.r.choice(FLOATS), KEY[0](d)],
    lambda lo, hi, s, t, k: mx.random.uniform(lo, hi, s, typed(t), k), loose=2)
NORMALS = list(FLOATS) + ["complex64"]
case("random_normal", lambda d: [
    list(d.shape()), d.r.choice(NORMALS), d.r.choice([0.0, 1.5]),
    d.r.choice([1.0, 0.5]), KEY[0](d)],
    lambda s, t, m, v, k: mx.random.normal(s, typed(t), m, v, k), loose=8)


def apart(d):
    shape = d.shape()
    some = d.r.choice([None, d.array("float32", d.fitting(shape))])
    return [list(shape), d.r.choice(NORMALS), some, d.r.choice([
        None, d.array("float32", d.fitting(shape))]), KEY[0](d)]


case("random_normal_broadcast", apart,
     lambda s, t, m, v, k: mx.random.normal(s, typed(t), m, v, k), loose=8)
