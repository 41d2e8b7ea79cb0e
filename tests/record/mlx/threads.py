"""Evaluations from several threads and streams; a fork; a generator."""
import os
import threading
import mlx.core as mx


def work(number):
    x = mx.full((32, 32), number / 100.0)
    with mx.stream(mx.cpu):
        for _ in range(20):
            x = mx.tanh(x @ x)
            mx.eval(x)


threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()


def values():
    for n in range(3):
        yield (mx.array(n) + 1).item()


print(list(values()))
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
s = mx.new_stream(mx.cpu)
y = mx.add(mx.ones((4,)), 1, stream=s)
mx.eval(y)
mx.synchronize(s)
print(y.shape)
