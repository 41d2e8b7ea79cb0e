#!/usr/bin/env python3
"""charlm beside its twin on the original (tests/bench/charlm_mlx.py): the same
parameters to the bit from the same seed, the same text from them, and losses
that go the same way, whether the training step is compiled or not.

    charlm_original.py CHARLM TWIN"""

import re
import subprocess
import sys
import tempfile

import mlx.core as mx

CHARLM, TWIN = sys.argv[1:3]
SMALL = ["--batch", "4", "--context", "32", "--dim", "64", "--layers", "2",
         "--heads", "2", "--seed", "7"]
# Sums of some hundred f32 products in another order differ by 1e-6; Adam
# divides small gradients by their own size, which widens that with each step.
TOLERANCE = 1e-4


def run(*command):
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exits with {done.returncode}\n"
                 + done.stderr.decode())
    return done.stdout.decode("latin-1")


def losses(out):
    return [float(x) for x in re.findall(r"^step \d+ loss (\S+)$", out, re.M)]


def text(out):
    return out[:out.index("\nwrote: ")]


def initial():
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = folder + "/ours.safetensors", folder + "/theirs.safetensors"
        words = SMALL + ["--steps", "0", "--generate", "100", "--save"]
        outs = [run(CHARLM, *words, ours),
                run(sys.executable, TWIN, *words, theirs)]
        ours, theirs = mx.load(ours), mx.load(theirs)
        mx.eval(ours, theirs)
    assert set(ours) == set(theirs), "names of the parameters"
    for name, a in ours.items():
        assert mx.array_equal(a.view(mx.uint32), theirs[name].view(mx.uint32)), \
            f"{name} begins otherwise"
    assert text(outs[0]) == text(outs[1]), f"texts differ: {outs}"


def training():
    words = SMALL + ["--steps", "25", "--every", "1", "--generate", "0"]
    want = losses(run(sys.executable, TWIN, *words))
    assert len(want) == 25 and want[-1] < 0.8 * want[0], want
    for way in "--no-compile", "--compile":
        got = losses(run(CHARLM, *words, way))
        assert len(got) == len(want), got
        for step, (a, b) in enumerate(zip(got, want), 1):
            assert abs(a - b) <= TOLERANCE * b, \
                f"{way}, step {step}: loss {a}, not {b}"
        worst = max(abs(a - b) / b for a, b in zip(got, want))
        print(f"{way}: losses {want[0]:.3f} to {want[-1]:.3f}, at most "
              f"{worst:.1e} from the original's")


initial()
training()
