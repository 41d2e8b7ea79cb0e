"""MLX itself, in a process of its own: what it makes of the arguments of a case,
that it refuses them, or that it dies of them or does not come back."""

import os
import pickle
import select
import struct
import subprocess
import sys

import lazuli

DIED, UNKNOWN = "died", "unknown"
PATIENCE = 20  # seconds for one call


def wanted(reference, arguments):
    """MLX's results as numpy arrays with their dtypes' names, or None where
    it refuses."""
    import mlx.core as mx
    import numpy as np
    from draw import is_array, original

    def convert(v):
        if isinstance(v, list) and v and is_array(v[0]):
            return [original(x) for x in v]
        return original(v) if is_array(v) else v
    try:
        with mx.stream(mx.cpu):
            result = reference(*[convert(v) for v in arguments])
            results = list(result) if isinstance(
                result, (list, tuple)) else [result]
            found = []
            for r in results:
                if isinstance(r, np.ndarray):
                    found.append((r, r.dtype.name))
                    continue
                mx.eval(r)
                name = str(r.dtype).split(".")[-1].rstrip("_")
                if name == "bfloat16":
                    r = mx.view(r, mx.uint16)
                found.append((np.array(r), name))
            return found
    except (ValueError, RuntimeError, TypeError, IndexError) as error:
        # numpy has no bfloat16: not MLX's refusal but the reference's.
        return UNKNOWN if "PEP 3118" in str(error) else None


class Original:
    """answers(number, seeds) yields what case `number` of `module`'s list gives
    for each seed: wanted()'s results or DIED. The process that dies is made
    again."""

    def __init__(self, module):
        self.module, self.process, self.deaths = module, None, 0

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, self.module], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.pending = b""

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()
            self.process = None

    def take(self, size):
        fd = self.process.stdout.fileno()
        while len(self.pending) < size:
            if not select.select([fd], [], [], PATIENCE)[0]:
                return None
            more = os.read(fd, 1 << 16)
            if not more:
                return None
            self.pending += more
        got, self.pending = self.pending[:size], self.pending[size:]
        return got

    def answers(self, number, seeds):
        at = 0
        while at < len(seeds):
            if not self.process:
                self.start()
            pickle.dump((number, seeds[at:]), self.process.stdin)
            self.process.stdin.flush()
            while at < len(seeds):
                head = self.take(8)
                body = head and self.take(struct.unpack("q", head)[0])
                at += 1
                if body is None:
                    self.deaths += 1
                    self.stop()
                    yield DIED
                    break
                yield pickle.loads(body)


def serve(module):
    """The process: requests from stdin, results to what was stdout."""
    import importlib
    import numpy as np
    np.seterr(all="ignore")
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    cases = importlib.import_module(module).cases()
    while True:
        try:
            number, seeds = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        case = cases[number]
        for seed in seeds:
            arguments = case.arguments(seed)
            body = pickle.dumps(
                None if arguments is None else
                wanted(case.reference, arguments), pickle.HIGHEST_PROTOCOL)
            out.write(struct.pack("q", len(body)) + body)
            out.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
