#!/usr/bin/env python3
"""Programs by chance: graphs of a few operations on shared values, of which
some are asked for. What is fused, merged, written in place or planned again must
not be seen in the values: they are what the operations give one by one.

    programs.py LIBRARY FUNCTIONS.TSV [--seed N] [--count N] [--seconds N]

run by an interpreter with mlx (of which nothing is computed) and numpy. A
program that differs is printed; --seed that --count 1 runs it alone."""

import argparse
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import against  # noqa: E402
import layouts  # noqa: E402
import lazuli  # noqa: E402
from draw import Draw  # noqa: E402

UNARY = ("tanh sigmoid abs negative erf sin cos square exp floor sign "
         "logical_not isnan").split()
BINARY = "add subtract multiply maximum minimum greater equal".split()
# Results that no way of computing rounds, of operands that are so themselves;
# where those of STEP are of others, a rounding makes another number.
EXACT = set("abs negative maximum minimum max_axis min_axis slice reshape "
            "swapaxes broadcast_to concatenate_axis take_axis where expand_dims "
            "greater equal floor sign logical_not isnan astype "
            "arange".split())
STEP = set("greater equal floor sign logical_not isnan".split())
# Results that stay near 1; of others these take no operands: they would make a
# rounding large.
TAME = set("tanh sigmoid erf sin cos softmax_axis fast_layer_norm fast_rms_norm "
           "greater equal sign logical_not isnan".split())
STEEP = set("sin cos exp square".split())
REDUCE = "sum mean max min logsumexp".split()


class Value:
    """A number of a value of the program, among a step's arguments."""

    def __init__(self, at):
        self.at = at

    def __repr__(self):
        return f"v{self.at}"


class Program:
    """leaves: numpy arrays; steps: (function, arguments); wanted: the values
    that are asked for, at once or one by one; again: run twice."""

    def __init__(self, seed):
        d = Draw(seed)
        r = self.r = d.r
        self.d, self.seed = d, seed
        self.b, self.m, self.n, self.k = (
            r.choice([1, 2, 3]), r.choice([1, 4, 17, 64, 130, 300]),
            r.choice([1, 5, 16, 33, 128]), r.choice([3, 8, 40]))
        shapes = [(self.m, self.n), (self.n,), (self.m, 1), (1, self.n),
                  (self.b, self.m, self.n), (), (self.n, self.k),
                  (self.n, self.n), (self.b, 1, self.n)]
        self.leaves, self.shapes, self.types = [], [], []
        self.exact, self.tame = [], []
        for shape in [shapes[0]] + r.choices(shapes, k=r.randint(0, 3)):
            t = r.choices(["float32", "float16", "int32"], [8, 1, 1])[0]
            x = np.asarray(d.n.normal(size=shape), np.float32)
            self.leaves.append((x * 4).astype(t) if t == "int32" else
                               x.astype(t))
            self.shapes.append(shape)
            self.types.append(t)
            self.exact.append(True)
            self.tame.append(True)
        self.steps = []
        for _ in range(r.choice([3, 6, 10, 16, 24])):
            self.grow()
        made = range(len(self.leaves), len(self.shapes))
        self.wanted = sorted({made[-1], *r.sample(made, min(len(made), r.choice(
            [0, 0, 1, 2])))}) if len(made) else [0]
        self.together = r.random() < 0.7

    # ---- growing: shapes are known without computing ---------------------

    def add(self, function, arguments, shape, dtype):
        if np.prod(shape, dtype=int) > 200000 or len(shape) > 5:
            return
        read = [v.at for a in arguments
                for v in (a if isinstance(a, list) else [a])
                if isinstance(v, Value)]
        exact = function in EXACT and all(self.exact[i] for i in read)
        if function in STEP and not exact:
            return
        tame = all(self.tame[i] for i in read)
        if function in STEEP and not tame:
            return
        self.exact.append(exact)
        self.tame.append(function in TAME or tame and function in EXACT)
        self.steps.append((function, arguments))
        self.shapes.append(tuple(shape))
        self.types.append(dtype)

    def pick(self, low=0):
        """A value, new ones rather than old ones, of at least `low` axes."""
        fits = [i for i, s in enumerate(self.shapes) if len(s) >= low]
        at = self.r.choice(fits[-4:] if self.r.random() < 0.7 else fits)
        return at, self.shapes[at], self.types[at]

    def grow(self):
        r = self.r
        kind = r.choice("uuubbbbbrrsnmmvvvvcwtai")
        if kind == "i":  # a ramp, as a row or a column
            n = r.choice([self.m, self.n])
            self.add("arange", [1, n + 1, 1, r.choice(["float32", "int32"])],
                     (n,), "float32")
            if self.steps and self.steps[-1][0] == "arange":
                self.types[-1] = self.steps[-1][1][3]
                self.tame[-1] = False
                if r.random() < 0.6:
                    self.add("expand_dims", [Value(len(self.shapes) - 1), 1],
                             (n, 1), self.types[-1])
            return
        at, shape, t = self.pick(0 if kind in "ub" else 1)
        floating = t.startswith("float")
        if kind == "u":
            name = r.choice(UNARY)
            if name == "negative" and t == "bool":
                return
            self.add(name, [Value(at)], shape, self.after(name, t))
        elif kind == "b":
            self.two(at, shape, t)
        elif kind == "r":
            name, axis, keep = r.choice(REDUCE + ["var"]), self.axis(shape), \
                r.random() < 0.5
            if not floating:
                return
            rest = [0] if name == "var" else []
            self.add(f"{name}_axis", [Value(at), axis, keep] + rest,
                     self.without(shape, axis, keep), t)
        elif kind == "s" and floating:
            self.add("softmax_axis", [Value(at), self.axis(shape), True], shape,
                     t)
        elif kind == "n" and floating:
            if r.random() < 0.5:
                self.add("fast_layer_norm", [Value(at), None, None, 1e-3], shape,
                         t)
            else:
                self.add("fast_rms_norm", [Value(at), None, 1e-3], shape, t)
        elif kind == "m":
            self.product()
        elif kind == "v":
            self.view(at, shape, t)
        elif kind == "c" and floating:
            self.add("cumsum", [Value(at), self.axis(shape), r.random() < 0.5,
                                r.random() < 0.5], shape, t)
        elif kind == "w":
            self.choose(at, shape, t)
        elif kind == "t":
            axis = self.axis(shape)
            index = self.d.n.integers(0, shape[axis], 3).astype(np.int32)
            out = list(shape)
            out[axis] = 3
            self.add("take_axis", [Value(at), index, axis], out, t)
        elif kind == "a" and t != "bool":
            to = r.choice(["float32", "float32", "float16"])
            self.add("astype", [Value(at), to], shape, to)

    def axis(self, shape):
        return self.r.randint(-len(shape), len(shape) - 1)

    @staticmethod
    def without(shape, axis, keep):
        shape, axis = list(shape), axis % len(shape)
        shape[axis:axis + 1] = [1] if keep else []
        return shape

    @staticmethod
    def after(name, t):
        if name in ("logical_not", "isnan"):
            return "bool"
        same = name in ("abs", "negative", "square", "floor", "sign")
        return t if same or t.startswith("float") else "float32"

    def other(self, shape, t):
        """A value that goes with this one."""
        fits = [i for i, (s, u) in enumerate(zip(self.shapes, self.types))
                if self.meets(s, shape)]
        at = self.r.choice(fits)
        return at, np.broadcast_shapes(shape, self.shapes[at]), self.types[at]

    @staticmethod
    def meets(s, u):
        try:
            np.broadcast_shapes(s, u)
            return True
        except ValueError:
            return False

    @staticmethod
    def promoted(t, u):
        order = ["bool", "int32", "float16", "float32"]
        return max(t, u, key=order.index)

    def two(self, at, shape, t):
        name = self.r.choice(BINARY)
        with_, out, u = self.other(shape, t)
        if name == "subtract" and t == u == "bool":
            return
        dtype = "bool" if name in ("greater", "equal") else self.promoted(t, u)
        pair = [Value(at), Value(with_)]
        self.r.shuffle(pair)
        self.add(name, pair, out, dtype)

    def choose(self, at, shape, t):
        tests = [i for i, (s, u) in enumerate(zip(self.shapes, self.types))
                 if u == "bool" and self.meets(s, shape)]
        if not tests:
            return
        which = self.r.choice(tests)
        shape = np.broadcast_shapes(shape, self.shapes[which])
        with_, out, u = self.other(shape, t)
        self.add("where", [Value(which), Value(at), Value(with_)], out,
                 self.promoted(t, u))

    def product(self):
        pairs = [(i, j) for i, s in enumerate(self.shapes)
                 for j, u in enumerate(self.shapes)
                 if len(s) >= 1 and len(u) >= 2 and s[-1] == u[-2] and
                 self.meets(s[:-2], u[:-2]) and
                 "float" in self.types[i] and "float" in self.types[j]]
        if not pairs:
            return
        i, j = self.r.choice(pairs)
        s, u = self.shapes[i], self.shapes[j]
        lead = np.broadcast_shapes(s[:-2], u[:-2])
        out = lead + s[-2:-1] + u[-1:]
        t = self.promoted(self.types[i], self.types[j])
        sums = [k for k, v in enumerate(self.shapes)
                if len(v) <= len(out) and len(s) > 1 and self.meets(v, out) and
                np.broadcast_shapes(v, out) == out and self.types[k] == t]
        if sums and self.r.random() < 0.4:
            self.add("addmm", [Value(self.r.choice(sums)), Value(i), Value(j),
                               0.5, self.r.choice([1.0, 2.0])], out, t)
        else:
            self.add("matmul", [Value(i), Value(j)], out, t)

    def view(self, at, shape, t):
        r, n = self.r, len(shape)
        kind = r.choice(["slice", "reshape", "swap", "spread", "join", "expand"])
        if kind == "slice":
            start = [r.randint(0, k - 1) for k in shape]
            stop = [r.randint(b + 1, k) for b, k in zip(start, shape)]
            step = [r.choice([1, 1, 1, 2]) for _ in shape]
            self.add("slice", [Value(at), start, stop, step],
                     [len(range(*x)) for x in zip(start, stop, step)], t)
        elif kind == "reshape":
            size = int(np.prod(shape, dtype=int))
            to = r.choice([[size], list(shape) + [1], [1, size],
                           list(shape[:-2]) + [-1]])
            known = int(np.prod([k for k in to if k > 0], dtype=int))
            self.add("reshape", [Value(at), to],
                     [size // known if k < 0 else k for k in to], t)
        elif kind == "swap" and n > 1:
            x, y = r.sample(range(n), 2)
            out = list(shape)
            out[x], out[y] = out[y], out[x]
            self.add("swapaxes", [Value(at), x, y], out, t)
        elif kind == "spread":
            out = [r.choice([k, 3]) if k == 1 else k for k in shape]
            out = [2] * r.randint(0, 1) + out
            self.add("broadcast_to", [Value(at), out], out, t)
        elif kind == "join":
            axis = r.randrange(n)
            fits = [i for i, s in enumerate(self.shapes) if len(s) == n and
                    self.types[i] == t and
                    s[:axis] + s[axis + 1:] == shape[:axis] + shape[axis + 1:]]
            parts = [at] + r.choices(fits, k=r.randint(1, 2))
            out = list(shape)
            out[axis] = sum(self.shapes[i][axis] for i in parts)
            self.add("concatenate_axis", [[Value(i) for i in parts], axis], out,
                     t)
        elif kind == "expand":
            axis = r.randint(0, n)
            self.add("expand_dims", [Value(at), axis],
                     shape[:axis] + (1,) + shape[axis:], t)

    def __repr__(self):
        leaves = ", ".join(f"{s} {t}" for s, t in zip(
            self.shapes, self.types[:len(self.leaves)]))
        lines = [f"v{i + len(self.leaves)} = {f}{tuple(a)}"
                 for i, (f, a) in enumerate(self.steps)]
        return "\n  ".join([f"\n  leaves {leaves}", *lines,
                            f"asked for: {self.wanted}"]) + "\n"


def close(g, w, dtype):
    """What fusing may change is how often sums are rounded."""
    t = {"float32": 3e-4, "float16": 2e-2}.get(dtype)
    if t is None:
        return np.array_equal(g, w)
    g, w = g.astype(np.float64), w.astype(np.float64)
    return np.allclose(g, w, t, t * max(1, np.nanmax(np.abs(np.where(
        np.isfinite(w), w, 0)), initial=0)), equal_nan=True)


class Found:
    """A program that differed once. Leaves are of the shapes."""

    def __init__(self, seed, shapes, *steps):
        n = np.random.default_rng(seed).normal
        self.seed, self.together = seed, True
        self.leaves = [np.asarray(n(size=s), np.float32) for s in shapes]
        self.steps = steps
        self.wanted = [len(shapes) + len(steps) - 1]

    __repr__ = Program.__repr__
    shapes = property(lambda self: [x.shape for x in self.leaves])
    types = property(lambda self: ["float32"] * len(self.leaves))


V = Value
# The sum of broadcast rows took the memory of a row that is read again.
FOUND = [Found(k, [(5, 5), (5, 1, 5)], ("add", [V(0), V(1)]),
               ("sum_axis", [V(2), -1, False])) for k in range(9)]


class Runner:
    def __init__(self, library):
        self.library = library

    def steps(self, program):
        """One by one, each from and into memory of its own."""
        values = list(program.leaves)
        for function, arguments in program.steps:
            (value, _), = self.library.call(
                function, *replaced(arguments, values))
            values.append(value)
        return [(values[i], str(values[i].dtype)) for i in program.wanted]

    def whole(self, program, turn):
        lib, r = self.library, program.seed
        values = [lib.array(layouts.lay(
            x, layouts.of(r + i + turn * 4), r + i)) for i, x in enumerate(
                program.leaves)]
        made = []
        try:
            for function, arguments in program.steps:
                values.append(lib.graph(function, replaced(arguments, values)))
            keep = set(program.wanted)
            made = [values[i] for i in program.wanted]
            # What is not held need not be written.
            for i, a in enumerate(values):
                if i not in keep:
                    lib.lib.mlx_array_free(a)
            values = []
            if program.together:
                lib.eval(made)
            return [lib.numpy(a) for a in made]
        finally:
            for a in values or made:
                lib.lib.mlx_array_free(a)


def replaced(arguments, values):
    def one(a):
        if isinstance(a, Value):
            return values[a.at]
        return [one(x) for x in a] if isinstance(a, list) else a
    return [one(a) for a in arguments]


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("library")
    parse.add_argument("table")
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--count", type=int, default=2500)
    parse.add_argument("--seconds", type=float, default=0)
    asked = parse.parse_args()
    np.seterr(all="ignore")
    run = Runner(lazuli.Library(asked.library, asked.table))
    begin = time.time()
    seed, wrong, operations = asked.seed, 0, 0
    queue = list(FOUND)
    while queue or seed < asked.seed + asked.count or (
            time.time() < begin + asked.seconds):
        program = queue.pop() if queue else Program(seed)
        want = run.steps(program)
        operations += len(program.steps)
        # The second time its plan is there already.
        for turn in range(2):
            problem = against.differs(run.whole(program, turn), want, close)
            if problem:
                wrong += 1
                print(f"seed {program.seed}, turn {turn}: {program}{problem}"
                      "\n", flush=True)
                break
        seed += isinstance(program, Program)
    print(f"programs of seeds {asked.seed} to {seed - 1}, {operations} "
          f"operations, {wrong} wrong ({time.time() - begin:.1f} s)")
    return 1 if wrong or operations == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
