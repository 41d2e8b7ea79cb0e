"""Cases of ops_original.py: Einstein sums, distributions, a group of one."""

import mlx.core as mx
import numpy as np


def add(o):
    def sums(d):
        """Subscripts over a few letters, now and then wrong ones."""
        letters = d.r.sample("abcdefgH", 5)
        extent = {c: d.r.randint(1, 4) for c in letters}
        terms, arrays, dots = [], [], [d.r.randint(1, 3) for _ in range(2)]
        kind = d.r.choice(["float32"] * 5 + ["float16", "complex64"])
        count = d.r.choice([1, 2, 2, 2, 3, 4])
        for _ in range(count):
            # Not none: MLX overlooks an empty one at the end.
            term = [d.r.choice(letters) for _ in range(d.r.randint(1, 3))]
            if d.r.random() < 0.8:
                term = list(dict.fromkeys(term))
            shape = [extent[c] for c in term]
            for k in range(len(shape)):
                # MLX loses its way where three operands broadcast.
                if (count < 3 and d.r.random() < 0.1 and
                        term.count(term[k]) == 1):
                    shape[k] = 1
            text = "".join(term)
            if d.r.random() < 0.2:
                lead = dots[:d.r.randint(0, 2)][::-1]
                text, shape = "..." + text, lead + shape
            terms.append(text)
            arrays.append(d.array(kind, tuple(shape)))
        text = ",".join(terms)
        used = [c for c in letters if c in text]
        if d.r.random() < 0.8:
            out = d.r.sample(used, d.r.randint(0, len(used)))
            if "..." in text:
                out = ["..."] + out
            text += "->" + "".join(out)
        elif "..." in text and d.r.random() < 0.9:
            text = text.replace("...", "")
            arrays = [x.reshape(x.shape[x.ndim - len(t):]) if x.size and
                      int(np.prod(x.shape[:x.ndim - len(t)])) == 1 else x
                      for x, t in zip(arrays, text.split(","))]
        if d.r.random() < 0.05:
            text = text.replace(",", ",,", 1) + "1"
        return [text, arrays]

    o.case("einsum", sums, lambda t, a: mx.einsum(t, *a), loose=16)

    key = o.KEY[0]
    real = ["float32", "float16", "bfloat16"]

    o.case("random_bernoulli", lambda d: (lambda s: [
        np.abs(d.array("float32", d.fitting(s))) % 1, list(s), key(d)])(
        d.shape()), lambda p, s, k: mx.random.bernoulli(p, s, k))
    o.case("random_randint", lambda d: [
        np.int32(d.r.randint(-9, 0)), np.int32(d.r.randint(1, 99)),
        list(d.shape()), d.r.choice(["int32", "uint8", "int64", "float32"]),
        key(d)], lambda a, b, s, t, k: mx.random.randint(
            a, b, s, o.typed(t), k))
    o.case("random_truncated_normal", lambda d: [
        np.float32(d.r.uniform(-2, 0)), np.float32(d.r.uniform(0, 2)),
        list(d.shape()), d.r.choice(real + ["int32"]), key(d)],
        lambda a, b, s, t, k: mx.random.truncated_normal(
            a, b, s, o.typed(t), k), loose=16)
    o.case("random_gumbel", lambda d: [
        list(d.shape()), d.r.choice(["float32", "int32"]), key(d)],
        lambda s, t, k: mx.random.gumbel(s, o.typed(t), k), loose=32)
    o.case("random_laplace", lambda d: [
        list(d.shape()), d.r.choice(real), d.r.choice([0.0, 2.0]),
        d.r.choice([1.0, 0.5]), key(d)],
        lambda s, t, m, v, k: mx.random.laplace(s, o.typed(t), m, v, k),
        loose=8)

    def logits(d):
        a = d.array("float32", tuple(d.r.randint(1, 5)
                                     for _ in range(d.r.randint(1, 3))))
        return a, d.axis(a.ndim)

    o.case("random_categorical", lambda d: list(logits(d)) + [key(d)],
           lambda a, x, k: mx.random.categorical(a, x, key=k))
    o.case("random_categorical_num_samples", lambda d: list(logits(d)) + [
        d.r.randint(1, 4), key(d)], lambda a, x, n, k: mx.random.categorical(
            a, x, num_samples=n, key=k))

    def shaped(d):
        a, axis = logits(d)
        rest = list(a.shape)
        del rest[axis % a.ndim]
        return [a, axis, [d.r.randint(1, 3)] * d.r.randint(0, 1) + rest, key(d)]

    o.case("random_categorical_shape", shaped,
           lambda a, x, s, k: mx.random.categorical(a, x, shape=s, key=k))
    o.case("random_permutation", lambda d: (lambda a: [
        a, d.axis(len(o.dims(a)), wrong=False), key(d)])(
        o.orderable(d, o.SOME, 1)),
        lambda a, x, k: mx.random.permutation(a, x, k))
    o.case("random_permutation_arange", lambda d: [d.r.randint(1, 99), key(d)],
           lambda n, k: mx.random.permutation(n, key=k))
