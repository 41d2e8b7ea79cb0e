"""A script whose work is done by a package of its own, and that fails."""
import mlx.core as mx
from parts import Net


def main():
    net = Net()
    x = mx.random.normal((4, 8))
    for _ in range(5):
        x = net(x)
    mx.eval(x)
    print(net.check(x))
    net(mx.ones((4, 7)))


main()
