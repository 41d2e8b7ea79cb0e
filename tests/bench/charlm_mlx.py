#!/usr/bin/env python3
"""The twin of tests/programs/charlm on the original: the same options, the same
parameters to the bit, the same batches and draws, the same lines printed. The
training step is compiled unless told otherwise: the original's best."""

import argparse
import math
import time

import mlx.core as mx

IN_LAYER = 10
KEEP_MEAN, KEEP_SQUARE, EPSILON = 0.9, 0.999, 1e-8


def options():
    p = argparse.ArgumentParser()
    for name, value in (("steps", 200), ("batch", 16), ("context", 64),
                        ("dim", 128), ("layers", 4), ("heads", 4),
                        ("seed", 1), ("every", 10), ("generate", 200)):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--rate", type=float, default=0.002)
    p.add_argument("--temperature", type=float, default=0.7)
    p.add_argument("--prompt", default="The licens")
    p.add_argument("--save")
    p.add_argument("--quiet", action="store_true")
    p.add_argument("--no-compile", action="store_true")
    p.add_argument("text", nargs="?",
                   default="/usr/share/common-licenses/GPL-3")
    return p.parse_args()


def batches(tokens, o):
    """Places of the text, by the program's own generator."""
    state, places = o.seed, len(tokens) - o.context
    while True:
        rows = []
        for _ in range(o.batch):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            at = (state >> 8) % places
            rows.append(tokens[at:at + o.context + 1])
        yield (mx.array([r[:-1] for r in rows], dtype=mx.int32),
               mx.array([r[1:] for r in rows], dtype=mx.int32))


def describe(o, vocabulary):
    """(name, shape, bound, constant) of each parameter."""
    dim, wide, writers = o.dim, 4 * o.dim, 2 * o.layers

    def matrix(name, rows, columns, sharers=1):
        return (name, (rows, columns), math.sqrt(3 / (rows * sharers)), 0)

    out = [("embedding", (vocabulary, dim), math.sqrt(3 / dim), 0)]
    for i in range(o.layers):
        out += [(f"layers.{i}.{name}", *rest) for name, *rest in (
            ("attention_norm", (dim,), 0, 1),
            matrix("query", dim, dim),
            matrix("key", dim, dim),
            matrix("value", dim, dim),
            matrix("attention_out", dim, dim, writers),
            ("mlp_norm", (dim,), 0, 1),
            matrix("up", dim, wide),
            ("up_bias", (wide,), 0, 0),
            matrix("down", wide, dim, writers),
            ("down_bias", (dim,), 0, 0))]
    return out + [("norm", (dim,), 0, 1), matrix("head", dim, vocabulary)]


def init(o, vocabulary):
    known = describe(o, vocabulary)
    keys = mx.random.split(mx.random.key(o.seed), len(known))
    out = [mx.random.uniform(-bound, bound, shape, key=keys[i])
           if bound else mx.full(shape, constant, dtype=mx.float32)
           for i, (_, shape, bound, constant) in enumerate(known)]
    mx.eval(out)
    return out


def gelu(x):
    return x * 0.5 * (mx.erf(x * math.sqrt(0.5)) + 1)


def attend(o, w, x, cache, position):
    b, length, _ = x.shape
    width = o.dim // o.heads

    def heads(y):
        return y.reshape(b, length, o.heads, width).transpose(0, 2, 1, 3)

    def rope(y):
        return mx.fast.rope(y, width, traditional=False, base=10000.0,
                            scale=1.0, offset=position)

    q, k, v = rope(heads(x @ w[1])), rope(heads(x @ w[2])), heads(x @ w[3])
    if cache is not None:
        end = position + length
        begin = max(0, end - o.context)
        for name, fresh in (("k", k), ("v", v)):
            cache[name][:, :, position:end] = fresh
        k, v = cache["k"][:, :, begin:end], cache["v"][:, :, begin:end]
    out = mx.fast.scaled_dot_product_attention(
        q, k, v, scale=1 / math.sqrt(width),
        mask="causal" if length > 1 else None)
    return out.transpose(0, 2, 1, 3).reshape(b, length, o.dim) @ w[4]


def body(o, p, tokens, caches=None, position=0):
    x = p[0][tokens]
    for i in range(o.layers):
        w = p[1 + IN_LAYER * i:1 + IN_LAYER * (i + 1)]
        cache = caches[i] if caches else None
        x = x + attend(o, w, mx.fast.rms_norm(x, w[0], 1e-5), cache, position)
        normal = mx.fast.rms_norm(x, w[5], 1e-5)
        wide = gelu(mx.addmm(w[7], normal, w[6]))
        x = x + mx.addmm(w[9], wide, w[8])
    return mx.fast.rms_norm(x, p[-2], 1e-5)


def train(o, p, tokens):
    count = len(p)

    def loss(*arguments):
        p, (x, y) = arguments[:count], arguments[count:]
        logits = body(o, p, x) @ p[-1]
        right = mx.take_along_axis(logits, y[..., None], axis=-1)
        return mx.mean(mx.logsumexp(logits, axis=-1, keepdims=True) - right)

    gradient = mx.value_and_grad(loss, argnums=list(range(count)))

    def step(p, means, squares, x, y, rate):
        value, gradients = gradient(*p, x, y)
        means = [m * KEEP_MEAN + g * (1 - KEEP_MEAN)
                 for m, g in zip(means, gradients)]
        squares = [s * KEEP_SQUARE + mx.square(g) * (1 - KEEP_SQUARE)
                   for s, g in zip(squares, gradients)]
        p = [a - rate * m / (mx.sqrt(s) + EPSILON)
             for a, m, s in zip(p, means, squares)]
        return p, means, squares, value

    if not o.no_compile:
        step = mx.compile(step)
    means = [mx.zeros_like(a) for a in p]
    squares = [mx.zeros_like(a) for a in p]
    first = last = None
    times = []
    drawn = batches(tokens, o)
    for i in range(o.steps):
        told = o.every and (i % o.every == 0 or i == o.steps - 1)
        begin = time.monotonic()
        x, y = next(drawn)
        n = i + 1
        rate = mx.array(o.rate * math.sqrt(1 - KEEP_SQUARE**n)
                        / (1 - KEEP_MEAN**n))
        p, means, squares, value = step(p, means, squares, x, y, rate)
        mx.eval(p, means, squares, value)
        if told or i in (0, o.steps - 1):
            last = value.item()
        times.append(time.monotonic() - begin)
        first = last if first is None else first
        if told:
            print(f"step {n} loss {last:.6f}", flush=True)
    median = sorted(times)[len(times) // 2]
    print(f"trained: loss {first:.4f} to {last:.4f}, {o.steps} steps in "
          f"{sum(times):.2f} s, median {median * 1e3:.2f} ms, "
          f"{o.batch * o.context / median:.0f} tokens/s, "
          f"peak {mx.get_peak_memory() / 1e6:.2f} MB")
    return p


def generate(o, p, signs):
    prompt = [signs.index(c) for c in o.prompt.encode()][-o.context:]
    shape = (1, o.heads, len(prompt) + o.generate, o.dim // o.heads)
    caches = [{"k": mx.zeros(shape), "v": mx.zeros(shape)}
              for _ in range(o.layers)]
    key, position = mx.random.key(o.seed), 0

    def step(tokens):
        nonlocal key, position
        x = body(o, p, tokens, caches, position)
        logits = x[:, -1] @ p[-1]
        position += tokens.shape[1]
        if o.temperature > 0:
            key, drawn = mx.random.split(key)
            token = mx.random.categorical(logits * (1 / o.temperature),
                                          key=drawn)
        else:
            token = mx.argmax(logits, axis=-1)
        token = token.reshape(1, 1)
        mx.async_eval(token)
        return token

    begin = time.monotonic()
    token, out = step(mx.array([prompt], dtype=mx.int32)), []
    for i in range(o.generate):
        following = step(token) if i + 1 < o.generate else None
        out.append(token.item())
        token = following
    seconds = time.monotonic() - begin
    if not o.quiet:
        print(o.prompt + bytes(signs[i] for i in out).decode("latin-1"))
    print(f"wrote: {o.generate} characters in {seconds:.3f} s, "
          f"{o.generate / seconds:.0f} tokens/s, "
          f"peak {mx.get_peak_memory() / 1e6:.2f} MB")


def main():
    o = options()
    mx.set_default_device(mx.cpu)
    if o.quiet:
        o.every = 0
    with open(o.text, "rb") as file:
        text = file.read()
    signs = sorted(set(text))
    token_of = {c: i for i, c in enumerate(signs)}
    tokens = [token_of[c] for c in text]
    p = init(o, len(signs))
    if o.steps:
        p = train(o, p, tokens)
    if o.save:
        names = [name for name, *_ in describe(o, len(signs))]
        mx.save_safetensors(o.save, dict(zip(names, p)))
    if o.generate:
        mx.reset_peak_memory()
        generate(o, p, signs)


if __name__ == "__main__":
    main()
