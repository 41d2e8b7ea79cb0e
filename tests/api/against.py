"""Cases, given to the library and to MLX: what differs is printed."""

import time

import numpy as np

import lazuli
from draw import dims
from original import DIED, UNKNOWN, Original

TOLERANCE = {"float32": 3e-5, "float16": 3e-3, "bfloat16": 3e-2,
             "complex64": 5e-5, "float64": 1e-12}


def wide(values, name):
    if name == "bfloat16":
        bits = np.atleast_1d(values).astype(np.uint32) << 16
        return bits.view(np.float32).reshape(values.shape)
    return values


def differs(got, want, loose):
    """loose: a factor of TOLERANCE, or what says of (values, values, dtype)
    whether they are close."""
    if len(got) != len(want):
        return f"{len(got)} results, not {len(want)}"
    for (g, gt), (w, wt) in zip(got, want):
        if gt != wt:
            return f"dtype {gt}, not {wt}"
        if g.shape != w.shape:
            return f"shape {g.shape}, not {w.shape}"
        g, w = wide(g, gt), wide(w, wt)
        if callable(loose):
            same = loose(g, w, gt)
        elif gt in TOLERANCE:
            t = TOLERANCE[gt] * loose
            same = np.allclose(g, w, t, t, equal_nan=True)
        else:
            same = np.array_equal(g, w)
        if not same:
            return where(g, w)
    return None


def where(g, w):
    """The elements that are farthest from each other."""
    if g.size <= 8:
        return f"{g!r}\nnot\n{w!r}"
    with np.errstate(all="ignore"):
        apart = np.abs(g.astype(np.complex128) - w) / (np.abs(w) + 1e-30)
    apart[(g == w) | ((g != g) & (w != w))] = -1
    apart[np.isnan(apart)] = np.inf
    places = np.argsort(apart, axis=None)[::-1][:3]
    return ", ".join(f"{g.flat[at]} not {w.flat[at]} at " + str(tuple(
        map(int, np.unravel_index(at, g.shape)))) for at in places)


def shown(value):
    if isinstance(value, lazuli.Laid):
        return (*shown(value.value), value.layout)
    if isinstance(value, list):
        return [shown(v) for v in value]
    if hasattr(value, "dtype"):
        text = (dims(value), str(value.dtype))
        return text + (value.bits if isinstance(value, lazuli.Bits) else value,) \
            if np.prod(dims(value), dtype=int) <= 4 else text
    return value


class Run:
    """Counts over many cases. module names the list for MLX's process."""

    def __init__(self, library, module, laid=None):
        np.seterr(all="ignore")  # what is drawn may overflow
        self.library, self.laid = library, laid
        self.original = Original(module)
        self.calls = self.refused = self.wrong = self.died = self.passed = 0
        self.absent, self.begin = set(), time.time()

    def case(self, number, case, seeds, show=2):
        """Calls of one case; how many are wrong."""
        if not self.library.has(case.name):
            self.absent.add(case.name)
            return 0
        bad = 0
        for seed, want in zip(seeds, self.original.answers(number, seeds)):
            arguments = case.arguments(seed)
            if arguments is None:  # no case came of this seed
                self.passed += 1
                continue
            problem = self.call(case, arguments, seed, want)
            if problem and bad < show:
                print(f"{case.name}{shown(arguments)} (seed {seed}): {problem}",
                      flush=True)
            bad += problem is not None
        if bad:
            print(f"{case.name}: {bad} of {len(seeds)} wrong\n", flush=True)
        self.wrong += bad
        return bad

    def call(self, case, arguments, seed, want):
        given = self.laid(arguments, seed) if self.laid else arguments
        message = None
        try:
            got = self.library.call(case.name, *given)
        except lazuli.Refused as error:
            got, message = None, str(error)
        self.calls += 1
        if isinstance(want, str):
            self.died += want == DIED
            self.passed += want == UNKNOWN
            return None
        self.refused += want is None
        if got is None or want is None:
            return (None if got is want is None else
                    f"refused ({message})" if got is None else
                    "taken, where MLX refuses")
        if case.post:
            got = [(case.post(g, arguments), t) for g, t in got]
            want = [(case.post(w, arguments), t) for w, t in want]
        problem = differs(got, want, case.loose)
        if problem and self.laid:
            layouts = [a.layout for a in given if isinstance(a, lazuli.Laid)]
            problem = f"{' '.join(layouts)}: {problem}"
        return problem

    def end(self, what):
        self.original.stop()
        print(f"{what}: {self.calls} calls, {self.refused} refused by MLX, "
              f"{self.wrong} wrong, {self.died} that MLX does not survive, "
              f"not there: {' '.join(sorted(self.absent)) or 'none'} "
              f"({time.time() - self.begin:.1f} s)")
        return 1 if self.wrong or self.calls == 0 else 0
