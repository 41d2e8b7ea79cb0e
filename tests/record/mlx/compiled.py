"""What mx.compile makes of functions, and when it has to do it again."""
import mlx.core as mx


def gelu(x):
    y = x / 1.41421
    return x * (1 + mx.erf(y)) / 2


def scaled(x, factor):
    return mx.tanh(x * factor)


fast = mx.compile(gelu)
by_factor = mx.compile(scaled)
x = mx.ones((8, 8))
mx.eval(x)
mx.eval(fast(x))
mx.eval(fast(x))
mx.eval(fast(mx.ones((4, 4))))
mx.eval(fast(x.astype(mx.float16)))
mx.eval(by_factor(x, 1.0))
mx.eval(by_factor(x, 2.0))
grad = mx.grad(lambda x: fast(x).sum())
mx.eval(grad(x))


def evaluates(x):
    mx.eval(x)
    return x


try:
    mx.compile(evaluates)(x + 1)
except Exception as error:
    print("caught", type(error).__name__)
mx.eval(fast(x))
