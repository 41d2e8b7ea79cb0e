"""Every way to ask for a value. A line that evaluates says what for; a line
that does not must not appear in the report."""
import mlx.core as mx
import numpy as np

a = mx.array([1.0, 2.0, 3.0])
b = a * 2 + 1
mx.eval(b)  # expect: eval
mx.eval(b)
total = b.sum()
print(total.item())  # expect: item
print(total.item())
print(b - 1)  # expect: print
text = f"{b.max()}"  # expect: print
if b.min() > 0:  # expect: control-flow
    print("positive")
while not (b.max() < 0):  # expect: control-flow
    break
assert (b * 2 > 0).all()  # expect: control-flow
n = np.array(b * 3)  # expect: convert
v = memoryview(b + 3)  # expect: convert
l = (b / 2).tolist()  # expect: convert
f = float(b[0])  # expect: item
i = int(  # expect: item
    b[1]
)
c = mx.exp(b)
mx.async_eval(c)  # expect: async_eval
d = mx.tanh(c)
print(d.tolist()[0] > 0)  # expect: convert
mx.save("saved.npy", d + 1)  # expect: save
mx.save_safetensors("saved.safetensors", {"x": d + 2})  # expect: save


def nested(x):
    return helper(x * 2)


def helper(x):
    return (x + 1).sum().item()  # expect: item


print(nested(a))
print([x.item() for x in (a * 7)])  # expect: item
