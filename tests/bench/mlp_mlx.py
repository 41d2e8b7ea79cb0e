#!/usr/bin/env python3
"""The twin of tests/programs/mlp on the original: mlp_mlx.py [STEPS [BATCH]].
Same images, same weights; the training step is compiled."""

import math
import sys
import time

import mlx.core as mx

PIXELS, HIDDEN, CLASSES, RATE = 784, 512, 10, 0.1


def drawn(key, rows, columns, bound):
    return mx.random.uniform(-bound, bound, (rows, columns), key=key)


def loss(w1, b1, w2, b2, x, labels):
    hidden = mx.maximum(mx.addmm(b1, x, w1), 0.0)
    logits = mx.addmm(b2, hidden, w2)
    right = mx.take_along_axis(logits, labels, axis=-1)
    return mx.mean(mx.logsumexp(logits, axis=-1, keepdims=True) - right)


gradient = mx.value_and_grad(loss, argnums=[0, 1, 2, 3])


@mx.compile
def step(p, x, labels):
    value, gradients = gradient(*p, x, labels)
    return [a - RATE * g for a, g in zip(p, gradients)], value


def main():
    steps, batch = [int(a) for a in sys.argv[1:]] + [200, 256][len(sys.argv) - 1:]
    mx.set_default_device(mx.cpu)
    keys = mx.random.split(mx.random.key(1), 4)
    p = [drawn(keys[0], PIXELS, HIDDEN, math.sqrt(6 / PIXELS)),
         mx.zeros(HIDDEN),
         drawn(keys[1], HIDDEN, CLASSES, math.sqrt(3 / HIDDEN)),
         mx.zeros(CLASSES)]
    x = drawn(keys[2], batch, PIXELS, 1.0)
    labels = mx.argmax(x @ drawn(keys[3], PIXELS, CLASSES, 1.0), axis=-1,
                       keepdims=True)
    mx.eval(labels)
    times, losses = [], []
    for _ in range(steps):
        begin = time.monotonic()
        p, value = step(p, x, labels)
        mx.eval(p, value)
        losses.append(value.item())
        times.append(time.monotonic() - begin)
    median = sorted(times)[len(times) // 2]
    print(f"trained: loss {losses[0]:.4f} to {losses[-1]:.4f}, {steps} steps, "
          f"median {median * 1e3:.3f} ms, "
          f"peak {mx.get_peak_memory() / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
