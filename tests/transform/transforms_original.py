#!/usr/bin/env python3
"""Transformations through the C interface against MLX itself: values, shapes,
dtypes, and whether there is an error at all.

    transforms_original.py LIBRARY FUNCTIONS.TSV [SEED [NAME…]]

The operations and their arguments are those of tests/api/ops_original.py and
of cases_smooth.py. Where MLX has no rule and we have, ours is held against a
loop (vmap) or against the other derivative (jvp): J'v·u = v·Ju.
"""

import os
import subprocess
import sys
import time

import mlx.core as mx
import numpy as np

import sides
from sides import is_array, lazuli

import against  # noqa: E402
import draw  # noqa: E402
import ops_original  # noqa: E402
import cases_smooth  # noqa: E402

REAL = ("float32", "float16", "bfloat16", "float64")
TOLERANCE = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 8e-2,
             "complex64": 2e-4, "float64": 1e-10}
# What MLX says where it has no rule.
LACKING = ("ot implemented", "NYI", "not yet implemented", "no vjp", "no jvp",
           "not supported", "unsupported", "not yet supported",
           "Type of cotangents does not match",
           "Cannot calculate JVP", "Cannot calculate VJP", "No JVP wrt", "Scales must be provided",
           "[flatten] start_axis", "[reshape] Cannot reshape array")


def dtype_of(v):
    return v.dtype if isinstance(v, lazuli.Bits) else np.asarray(v).dtype.name


def smooth(v):
    return dtype_of(v) in REAL + ("complex64",)


def slots_of(arguments, want):
    """Places of arrays: an index, or two for one in a list."""
    found = []
    for i, v in enumerate(arguments):
        if is_array(v) and want(v):
            found.append((i,))
        elif isinstance(v, list):
            found += [(i, j) for j, x in enumerate(v)
                      if is_array(x) and want(x)]
    return found


def value_at(arguments, slot):
    v = arguments[slot[0]]
    return v[slot[1]] if len(slot) > 1 else v


def bound(operation, arguments, slots):
    """The operation as a function of the arrays in the slots."""
    def run(xs):
        filled = [list(v) if isinstance(v, list) else v for v in arguments]
        for slot, x in zip(slots, xs):
            if len(slot) > 1:
                filled[slot[0]][slot[1]] = x
            else:
                filled[slot[0]] = x
        return operation(filled)
    return run


# What MLX 0.31.2 dies of, or is mistaken in: there ours is held against itself,
# a tangent against the gradient and a batch against a loop.
#  jvp of some operands of several: it reads tangents that were not given
#  (where is part of many); power takes one operand's for the other's; addmm
#  forgets its factors; logsumexp is one of bools where infinity is asked for.
#  That of Fourier transforms is of other axes than the function's.
#  vjp of sort (and of what sorts) goes the wrong way unless the permutation is
#  its own inverse; that of full is multiplied by what was filled in; that of
#  cumprod divides by the size of what is excluded; that of gather_qmm fails in the
#  midst of an evaluation, after which nothing is sure; which of equals a
#  partition moves is not said.
#  vmap: transforms of several axes write past their end; what is bitwise
#  forgets operands that are not mapped; negative axes of orders and of cut
#  parts, and reductions of all axes, are those of the whole batch; a view
#  changes the last axis even where that is the mapped one; masked_scatter
#  takes one example's value for another's; divmod reads an axis nobody wrote;
#  the gradient of a padded batch has another shape; triangular inverses forget
#  that they are.
#  Both of convolutions that are padded by more than their kernels, or grouped.
#  Of equals the greatest is one in a tangent, all in a gradient.
FFTS = " ".join(f"fft_{kind}{many}" for many in ("", "2", "n")
                for kind in ("fft", "ifft", "rfft", "irfft"))
PARTS = ("partition partition_axis argpartition argpartition_axis topk "
         "topk_axis ")
CONVS = "conv_general " + " ".join(
    f"conv{kind}{n}d" for kind in ("", "_transpose") for n in "123")
UPDATES = " ".join(f"slice_update{kind}" for kind in (
    "", "_add", "_prod", "_max", "_min")) + " "
FAULTS = {"jvp": "where arctan2 masked_scatter nan_to_num tril triu "
                 "slice_update_dynamic fast_scaled_dot_product_attention "
                 "logsumexp logsumexp_axis logsumexp_axes power addmm max min max_axis min_axis max_axes "
                 "min_axes slice slice_update " + PARTS + FFTS,
          "vjp": "sort sort_axis median full full_like cumprod gather_qmm "
                 "gather_mm slice masked_scatter block_masked_mm " + PARTS +
                 UPDATES + CONVS,
          "vmap": "bitwise_and bitwise_or bitwise_xor left_shift right_shift "
                  "argmin argmax argsort_axis argsort sort_axis sort median "
                  "view masked_scatter divmod linalg_tri_inv "
                  "linalg_cholesky_inv linalg_solve_triangular "
                  "slice expand_dims_axes slice_update_dynamic not_equal "
                  "array_equal " +
                  UPDATES + PARTS + FFTS + " " + CONVS,
          "vjp of vmap": "pad pad_symmetric"}
# One element of many steps reads its neighbours in MLX's gradient.
ODD = {"fast_rope": lambda a: a[1] == 2, "fast_rope_dynamic": lambda a: a[1] == 2}
# Vectors have signs, which nothing says.
SIGNS = ("linalg_eig", "linalg_eigh", "linalg_svd")
# MLX takes derivatives of the codes of a quantised matrix, of what it is made of
# on the CPU; we say that there are none.
FEWER = ("quantize",)
# Derivatives of functions of one complex number go the wrong way round too, but
# for those that are real.
COMPLEX = ("square exp expm1 sin cos tan sinh cosh tanh sqrt rsqrt log log1p "
           "log2 log10 sigmoid arctan arcsin arccos arctanh arcsinh arccosh "
           "power abs reciprocal softmax divide prod linalg_norm "
           "linalg_norm_matrix linalg_norm_l2").split()
# The value that MLX pads with gets a gradient of another shape.
ONLY = {"pad": [(0,)], "pad_symmetric": [(0,)]}


def mistaken(t, kind):
    if t.name in COMPLEX and "vmap" != kind and any(
            dtype_of(value_at(t.arguments, s)) == "complex64"
            for s in t.smooth()):
        return True
    return any(word in kind and t.name in names.split()
               for word, names in FAULTS.items())


class Trial:
    """One case with its arguments on both sides."""

    def __init__(self, ours, theirs, case, arguments, d):
        self.ours, self.theirs, self.d = ours, theirs, d
        self.name, reference = case.name, case.reference
        self.loose = 8 if callable(case.loose) else case.loose
        if self.name.startswith(("dequantize", "random_")):
            # MLX sums halves in halves.
            self.loose = 16
        reference = cases_smooth.OURS.get(self.name, reference)
        self.arguments, self.xs = arguments, []
        self.both = (ours.operation(self.name), theirs.operation(reference))

    def bind(self, slots):
        return [bound(f, self.arguments, slots) for f in self.both]

    def wrap(self, name, fns, *more):
        return [getattr(side, name)(f, *more)
                for side, f in zip((self.ours, self.theirs), fns)]

    def halves(self):
        """The coarsest numbers among arguments and results."""
        return max([TOLERANCE.get(dtype_of(value_at(self.arguments, s)), 0)
                    for s in slots_of(self.arguments, smooth)] +
                   [TOLERANCE.get(dtype, 0) for dtype in self.dtypes],
                   default=0)

    def run(self, fns, xs):
        """Ours and theirs."""
        self.xs = xs
        want = self.theirs.made(fns[1], xs)
        got = self.ours.made(fns[0], xs)
        return got, want

    def like(self, results):
        """Random arrays like the results of MLX; None where it refused."""
        if isinstance(results, str):
            return None
        return [self.noise(v.shape, t) for v, t in results]

    def noise(self, shape, dtype):
        if dtype in ("float64",):
            return self.d.n.normal(size=shape)
        x = self.d.array(dtype, shape)
        return x

    def smooth(self):
        slots = slots_of(self.arguments, smooth)
        return [s for s in slots if s in ONLY.get(self.name, slots)]

    def floats(self):
        slots = self.smooth()
        if len(slots) > 1 and self.d.r.random() < 0.3:
            slots = self.d.r.sample(slots, self.d.r.randint(1, len(slots)))
        return slots, [value_at(self.arguments, s) for s in slots]

    # ---- batches ---------------------------------------------------------

    def batched(self, slots, size=2):
        """Arguments with one more axis each, and where it is."""
        axes, xs = [], []
        for slot in slots:
            v = value_at(self.arguments, slot)
            rank = len(v.bits.shape if isinstance(v, lazuli.Bits) else v.shape)
            axes.append(self.d.r.choice([None, 0, 0, rank, rank // 2]))
            xs.append(v)
        if all(a is None for a in axes):
            axes[0] = 0
        return axes, [x if a is None else self.batch(x, a, size)
                      for x, a in zip(xs, axes)]

    @staticmethod
    def batch(v, axis, size):
        if isinstance(v, lazuli.Bits):
            rows = [np.roll(v.bits, k) for k in range(size)]
            return lazuli.Bits(np.stack(rows, axis), v.dtype)
        v = np.asarray(v)
        rows = [v * v.dtype.type(1 + 0.25 * k) if v.dtype.kind in "fc"
                else np.roll(v, k) for k in range(size)]
        return np.stack(rows, axis)


# ---- what is done with a function ---------------------------------------------
# Each gives the two functions and their arguments, or None.

def plain_vjp(t):
    slots, xs = t.floats()
    fns = t.bind(slots)
    cotangents = t.like(t.theirs.made(fns[1], xs))
    return cotangents and (t.wrap("vjp", fns, cotangents), xs)


def plain_jvp(t):
    slots, xs = t.floats()
    fns = t.bind(slots)
    tangents = [Trial.noise(t, np.shape(getattr(x, "bits", x)), dtype_of(x))
                for x in xs]
    t.plan = (slots, tangents, xs)
    return t.wrap("jvp", fns, tangents), xs


def plain_vmap(t):
    slots = slots_of(t.arguments, lambda v: True)
    if not slots:
        return None
    axes, xs = t.batched(slots)
    to = [t.d.r.choice([0, 0, 0, 1, 2])]
    t.plan = (slots, axes, xs)
    return t.wrap("vmap", t.bind(slots), axes, to), xs


def twice(first, second):
    """second(first(f)): derivatives of derivatives."""
    def made(t):
        slots, xs = t.floats()
        fns = t.bind(slots)
        for step in (first, second):
            if step in ("compile", "checkpoint"):
                fns = t.wrap(step, fns)
                continue
            if step == "jvp":
                fns = t.wrap("jvp", fns, [t.noise(
                    np.shape(getattr(x, "bits", x)), dtype_of(x)) for x in xs])
                continue
            cotangents = t.like(t.theirs.made(fns[1], xs))
            if cotangents is None:
                return None
            fns = t.wrap("vjp", fns, cotangents)
        return fns, xs
    return made


def vmap_of_vjp(t):
    slots, xs = t.floats()
    fns = t.bind(slots)
    cotangents = t.like(t.theirs.made(fns[1], xs))
    if cotangents is None:
        return None
    axes, xs = t.batched(slots)
    return t.wrap("vmap", t.wrap("vjp", fns, cotangents), axes, [0]), xs


def vjp_of_vmap(t):
    slots, _ = t.floats()
    axes, xs = t.batched(slots)
    fns = t.wrap("vmap", t.bind(slots), axes, [0])
    cotangents = t.like(t.theirs.made(fns[1], xs))
    return cotangents and (t.wrap("vjp", fns, cotangents), xs)


def vmap_of_vmap(t):
    slots, _ = t.floats()
    axes, xs = t.batched(slots)
    fns = t.wrap("vmap", t.bind(slots), axes, [0])
    again = [t.d.r.choice([0, None]) for _ in xs]
    if all(a is None for a in again):
        again[-1] = 0
    xs = [x if a is None else Trial.batch(x, a, 3) for x, a in zip(xs, again)]
    return t.wrap("vmap", fns, again, [0]), xs


def example(v, axis, b):
    if axis is None:
        return v
    if isinstance(v, lazuli.Bits):
        return lazuli.Bits(np.take(v.bits, b, axis), v.dtype)
    return np.take(v, b, axis)


def loop(t, again=False):
    """Our batch against our examples."""
    if not again and plain_vmap(t) is None:
        return None
    slots, axes, xs = t.plan
    t.xs = xs
    fn = t.bind(slots)[0]
    got = t.ours.made(t.ours.vmap(fn, axes, [0]), xs)
    size = next(np.shape(getattr(x, "bits", x))[a]
                for x, a in zip(xs, axes) if a is not None)
    rows = [t.ours.made(fn, [example(x, a, b) for x, a in zip(xs, axes)])
            for b in range(size)]
    if isinstance(got, str) or isinstance(rows[0], str):
        return (None if isinstance(got, str) and isinstance(rows[0], str)
                else f"refused: {got if isinstance(got, str) else rows[0]}")
    want = [(np.stack([row[k][0] for row in rows]), rows[0][k][1])
            for k in range(len(rows[0]))]
    return differs(got, want, t.loose, t.halves())


def inner(a, b):
    """The real part of their product: what a conjugate gradient keeps."""
    a = against.wide(a[0], a[1]).astype(np.complex128)
    b = against.wide(b[0], b[1]).astype(np.complex128)
    return float(np.sum(a * np.conj(b)).real), float(np.sum(np.abs(a * b)))


def agree(t, again=False):
    """Our tangent against our gradient: J'v.u = v.Ju."""
    if t.name in UNSAID:
        return None
    if not hasattr(t, "plan"):
        plain_jvp(t)
    slots, tangents, xs = t.plan
    t.xs = xs
    fn = t.bind(slots)[0]
    along = t.ours.made(t.ours.jvp(fn, tangents), xs)
    if isinstance(along, str):
        return (None if again or "has no" in along
                else f"refused: {along}")
    count = len(along) // 2
    if any(dtype not in TOLERANCE for _, dtype in along[:count]):
        return None
    cotangents = [t.noise(v.shape, dtype) for v, dtype in along[:count]]
    back = t.ours.made(t.ours.vjp(fn, cotangents), xs)
    if isinstance(back, str):
        return f"refused: {back}"
    def bits(v):
        return getattr(v, "bits", v), dtype_of(v)
    forth = [inner(bits(c), v) for c, v in zip(cotangents, along[count:])]
    other = [inner(bits(u), g) for u, g in zip(tangents, back[count:])]
    one, two = sum(x for x, _ in forth), sum(x for x, _ in other)
    size = sum(x for _, x in forth) + sum(x for _, x in other)
    tol = 4 * t.loose * max([t.halves()] + [TOLERANCE[d] for _, d in along])
    if not abs(one - two) <= tol * (1 + size):
        return f"result: v.Ju is {one}, J'v.u {two}"
    return None


UNSAID = ("scatter", "scatter_single")  # which of several stays

PARTS = 6

ALONE = {"vmap": loop, "jvp": agree, "vjp": agree}

KINDS = {
    "vjp": (plain_vjp, 6), "jvp": (plain_jvp, 4), "vmap": (plain_vmap, 6),
    "vjp vjp": (twice("vjp", "vjp"), 2), "jvp of vjp": (twice("vjp", "jvp"), 2),
    "vjp of jvp": (twice("jvp", "vjp"), 2),
    "vjp of compile": (twice("compile", "vjp"), 1),
    "compile of vjp": (twice("vjp", "compile"), 1),
    "vjp of checkpoint": (twice("checkpoint", "vjp"), 1),
    "vmap of vjp": (vmap_of_vjp, 2), "vjp of vmap": (vjp_of_vmap, 2),
    "vmap of vmap": (vmap_of_vmap, 2),
}


def few(values):
    return " ".join(f"{x:.5g}" for x in np.asarray(values).reshape(-1)[:4])


def differs(got, want, loose, least=0):
    if len(got) != len(want):
        return f"{len(got)} results, not {len(want)}"
    for k, ((g, gt), (w, wt)) in enumerate(zip(got, want)):
        if gt != wt:
            return f"result {k}: dtype {gt}, not {wt}"
        if g.shape != w.shape:
            return f"result {k}: shape {g.shape}, not {w.shape}"
        g, w = against.wide(g, gt), against.wide(w, wt)
        if gt not in TOLERANCE:
            if not np.array_equal(g, w):
                return f"result {k}: {few(g)}, not {few(w)}"
            continue
        if np.iscomplexobj(g):  # what is not finite has no form there
            g, w = (np.where(np.isfinite(g) & np.isfinite(w), x, 0)
                    for x in (g, w))
        if g.dtype.itemsize == 2 or gt == "bfloat16":  # beside a pole
            g, w = (np.clip(x, -1e3, 1e3) for x in (g, w))
        tol = max(TOLERANCE[gt], least) * loose
        finite = np.abs(w[np.isfinite(w)])
        top = tol * float(finite.max()) if finite.size else 0
        with np.errstate(all="ignore"):
            if not np.allclose(g, w, tol, tol + 0.1 * top, equal_nan=True):
                bad = ~np.isclose(g, w, tol, tol + 0.1 * top, equal_nan=True)
                return (f"result {k}: {bad.sum()} of {g.size}: "
                        f"{few(g[bad])}, not {few(w[bad])}")
    return None


def empty(arguments):
    """Of these MLX 0.31.2 divides by their size, in many derivatives."""
    return any(0 in np.shape(getattr(v, "bits", v)) for v in (
        value_at(arguments, slot)
        for slot in slots_of(arguments, lambda v: True)))


def show(v):
    if isinstance(v, list):
        return [show(x) for x in v]
    if is_array(v):
        v = getattr(v, "bits", v)
        return (v.shape, str(v.dtype))
    return v


class Run:
    def __init__(self, ours, seed):
        self.ours, self.seed = ours, seed
        self.theirs = sides.MLX()
        self.wrong = self.calls = self.refused = 0
        self.more, self.fewer = {}, {}

    def alone(self, t, kind):
        self.calls += 1
        return ALONE[kind](t)

    def judge(self, t, kind, got, want):
        self.calls += 1
        name = t.name
        if isinstance(want, str):
            self.refused += 1
            if isinstance(got, str):
                return None
            if any(w in want for w in LACKING):
                self.more.setdefault((kind, want), set()).add(name)
                return ALONE[kind](t, again=True) if kind in ALONE else None
            return f"taken, where MLX refuses: {want}"
        if isinstance(got, str):
            return f"refused: {got}"
        return differs(got, want, t.loose, t.halves())

    def arguments(self, case, trial, kind):
        """Arguments that MLX accepts, and what has a derivative: of whole
        numbers only vjp is looked at, which is zero."""
        for seed in case.seeds(self.seed * 1000 + trial, 16):
            d = draw.Draw(seed)
            arguments = case.draw(d)
            if arguments is None or empty(arguments):
                continue
            t = Trial(self.ours, self.theirs, case, arguments, d)
            with np.errstate(all="ignore"):
                results = self.theirs.made(
                    bound(t.both[1], arguments, []), [])
            if not isinstance(results, str) and not any(
                    v.size == 0 for v, _ in results) and (
                    kind in ("vjp", "vmap", "vmap of vmap") or
                    all(dtype in TOLERANCE for _, dtype in results)):
                t.dtypes = [dtype for _, dtype in results]
                return t
        return None

    def case(self, case, kinds):
        shown = 0
        for kind in kinds:
            make, trials = KINDS[kind]
            for trial in range(trials):
                t = self.arguments(case, trial + hash_of(kind), kind)
                if t is None or kind != "vmap" and not t.smooth():
                    continue
                alone = mistaken(t, kind)
                if "p" in kind.replace("vmap", "") and (
                        case.name in FEWER or ODD.get(
                            case.name, lambda a: False)(t.arguments)):
                    continue
                if alone and kind not in ALONE:
                    continue
                if os.environ.get("LAZULI_SAY"):
                    print(case.name, kind, show(t.arguments), flush=True)
                with np.errstate(all="ignore"):
                    if alone:
                        problem = self.alone(t, kind)
                    else:
                        made = make(t)
                        if not made:
                            continue
                        got, want = t.run(*made)
                        problem = self.judge(t, kind, got, want)
                self.ours.clear()
                self.wrong += problem is not None
                if problem and shown < 3:
                    print(f"{case.name}{show(t.arguments)} {kind} of "
                          f"{show(t.xs)}: {problem}", flush=True)
                    shown += 1


def hash_of(kind):
    return 100 * list(KINDS).index(kind)


def some(part):
    """Every PARTS-th case, from `part`; exits with 1 where one is wrong."""
    ours = sides.Ours(sys.argv[1], sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    mx.disable_compile()  # it would start a C++ compiler for each function
    names = [n for n in sys.argv[4:] if n not in KINDS]
    kinds = [k for k in sys.argv[4:] if k in KINDS] or list(KINDS)
    run = Run(ours, seed)
    begin = time.time()
    cases = [c for c in ops_original.cases() if c.reference]
    cases += cases_smooth.more()
    for case in cases[part::PARTS]:
        if (names and case.name not in names or case.name in SIGNS or
                not ours.has(case.name)):
            continue
        run.case(case, kinds)
    for (kind, why), of in sorted(run.more.items()):
        print(f"more than MLX: {kind} of {' '.join(sorted(of))} ({why[:70]})")
    print(f"part {part}: {run.calls} transformed, {run.refused} refused by "
          f"MLX, {run.wrong} wrong ({time.time() - begin:.1f} s, seed {seed})",
          flush=True)
    return 1 if run.wrong or (run.calls == 0 and not names) else 0


def main():
    """MLX's process memory does not survive all that it is asked here, so parts
    are processes, and one that dies of a signal is run again, eight times in all.
    On a busy machine part 4 (Hadamard transforms) dies in most runs, also where
    nothing of ours is called."""
    if "LAZULI_PART" in os.environ:
        return some(int(os.environ["LAZULI_PART"]))
    failed, deaths, part = 0, 0, 0
    while part < PARTS:
        status = subprocess.run([sys.executable] + sys.argv, env=dict(
            os.environ, LAZULI_PART=str(part))).returncode
        if status < 0 and deaths < 8:
            print(f"part {part} died of signal {-status}", flush=True)
            deaths += 1
            continue
        failed |= status != 0
        part += 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
