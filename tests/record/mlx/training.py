"""A small model, trained: plain, then compiled."""
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

mx.random.seed(0)
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
mx.eval(model.parameters())  # expect: eval
optimizer = optim.Adam(learning_rate=1e-2)
X = mx.random.normal((64, 16))
Y = mx.random.randint(0, 4, (64,))


def loss_of(model, x, y):
    return nn.losses.cross_entropy(model(x), y, reduction="mean")


grads_of = nn.value_and_grad(model, loss_of)
state = [model.state, optimizer.state]


def step(x, y):
    loss, grads = grads_of(model, x, y)
    optimizer.update(model, grads)
    return loss


compiled = mx.compile(step, inputs=state, outputs=state)

for i in range(5):
    loss = step(X, Y)
    mx.eval(loss, state)  # expect: eval x5
print(f"{loss.item():.4f}")
for i in range(5):
    loss = compiled(X, Y)
    mx.eval(loss, state)  # expect: eval x5
print(f"{loss.item():.4f}")
big = mx.zeros((1024, 1024)) + 1  # peak
mx.eval(big)  # expect: eval
del big
print("peak", mx.get_peak_memory())
print("active", mx.get_active_memory())
