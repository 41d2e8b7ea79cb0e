"""Small operations, many of them: every one and its end are told by line."""
import mlx.core as mx

a = mx.array([1.0, 2.0])
b = mx.array([3.0, 4.0])
mx.eval(a, b)


def add(x, y):
    return x + y  # built


def work():
    for i in range(1000):
        c = add(a, b)  # let go: the one before
        d = add(c, c)
        del c  # let go: still an input, as d
        mx.exp(a), mx.sin(a), mx.cos(a), mx.log(a), mx.tanh(a), a - b  # ways
        if i % 100 == 99:
            mx.eval(d)
    return d


print(work().tolist())
