"""A convolutional net, trained by a compiled step over batches of a generator
that makes them in numpy."""
from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm(4)
        self.pool = nn.MaxPool2d(2, 2)
        self.last = nn.Linear(4 * 7 * 7, 10)

    def __call__(self, x):
        x = self.pool(nn.relu(self.norm(self.first(x))))
        return self.last(x.reshape(x.shape[0], -1))


def loss_of(net, x, y):
    return nn.losses.cross_entropy(net(x), y, reduction="mean")


net = Net()
optimizer = optim.AdamW(learning_rate=1e-3)
mx.eval(net.parameters())  # expect: eval
state = [net.state, optimizer.state, mx.random.state]


@partial(mx.compile, inputs=state, outputs=state)
def step(x, y):
    loss, grads = nn.value_and_grad(net, loss_of)(net, x, y)
    optimizer.update(net, grads)
    return loss


def batches(count):
    draw = np.random.default_rng(0)
    for _ in range(count):
        images = draw.standard_normal((8, 14, 14, 1), dtype=np.float32)
        yield mx.array(images), mx.array(draw.integers(0, 10, 8))


best = float("inf")
for x, y in batches(4):
    loss = step(x, y)
    mx.eval(state)  # expect: eval x4
    if loss < best:  # expect: control-flow x4
        best = loss.item()
net.eval()
scores = net(mx.zeros((4, 14, 14, 1)))
print(np.array(scores).shape)  # expect: convert
