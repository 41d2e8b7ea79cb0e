"""Where Python asks an array for its truth, its text or its value."""
import mlx.core as mx

x = mx.ones(3)
if mx.any(x > 0): print("one line")  # expect: control-flow
if mx.all(x > 0):  # expect: control-flow
    print("two lines")
y = 3 if mx.all(x > 0) else 4  # expect: control-flow
y = [i for i in range(3) if (x > i).all()]  # expect: control-flow x3
y = mx.all(x > 0) and 3  # expect: control-flow
while mx.any(x > 5): print("never")  # expect: control-flow
assert mx.all(x > 0), "no"  # expect: control-flow
print("a" if x[0] > 0 else "b")  # expect: control-flow
if x.sum() > 0 and x.max() > 0: pass  # expect: control-flow x2
if not x.sum(): pass  # expect: control-flow
if 0 < x.sum() < 5: pass  # expect: control-flow x2
y = x.max() in [mx.array(1.0)]  # expect: control-flow
print(max(x[0], x[1] * 2))  # expect: control-flow
print("%.2f" % x.mean().item())  # expect: item
print(str(x * 2))  # expect: print
print({"loss": x.sum() * 3})  # expect: print
print(f"{x.sum() * 2}")  # expect: print
print((x * 3).tolist())  # expect: convert
k = int((x * 3).max())  # expect: item
t = bool((x * 0).any())  # expect: control-flow
