"""Every element-wise operation against the original, where
LAZULI_MLX_PYTHON names an interpreter that has it; else skipped (77)."""

import ctypes
import os
import subprocess
import sys

if "LAZULI_MLX_PYTHON" not in os.environ:
    print("LAZULI_MLX_PYTHON is not set")
    sys.exit(77)
if os.environ.get("LAZULI_MLX_INSIDE") != "1":
    env = dict(os.environ, LAZULI_MLX_INSIDE="1")
    sys.exit(subprocess.call([env["LAZULI_MLX_PYTHON"]] + sys.argv, env=env))

import mlx.core as mx
import numpy as np

mx.set_default_device(mx.cpu)
driver = ctypes.CDLL(sys.argv[1])
driver.driver_name.restype = ctypes.c_char_p
driver.driver_ulp.restype = ctypes.c_double

# In the order of mlx_dtype; bfloat16 travels as uint16.
DTYPES = [mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8,
          mx.int16, mx.int32, mx.int64, mx.float16, mx.float32, mx.float64,
          mx.bfloat16, mx.complex64]
NUMPY = [np.bool_, np.uint8, np.uint16, np.uint32, np.uint64, np.int8,
         np.int16, np.int32, np.int64, np.float16, np.float32, np.float64,
         np.uint16, np.complex64]
BOOL, U8, U16, U32, U64, I8, I16, I32, I64, F16, F32, F64, BF16, C64 = range(14)
FLOATS = {F16, F32, F64, BF16}
SAME, INEXACT, COMPARE, LOGICAL, BITS, INTEGER, PART, SELECT, CAST, TO_BYTE, \
    FROM_BYTE = range(11)

FUNCTIONS = {
    "ArcTan2": "arctan2", "ArcSin": "arcsin", "ArcCos": "arccos",
    "ArcTan": "arctan", "ArcSinh": "arcsinh", "ArcCosh": "arccosh",
    "ArcTanh": "arctanh", "NotEqual": "not_equal",
    "GreaterEqual": "greater_equal", "LessEqual": "less_equal",
    "LogicalAnd": "logical_and", "LogicalOr": "logical_or",
    "LogicalNot": "logical_not", "BitwiseAnd": "bitwise_and",
    "BitwiseOr": "bitwise_or", "BitwiseXor": "bitwise_xor",
    "LeftShift": "left_shift", "RightShift": "right_shift",
    "BitwiseInvert": "bitwise_invert", "ErfInv": "erfinv",
    "LogAddExp": "logaddexp", "ToFP8": "to_fp8"}

rng = np.random.default_rng(7)


def to_mx(x, d):
    if d == F64:  # without the dtype it would become float32
        return mx.array(np.ascontiguousarray(x), mx.float64)
    a = mx.array(np.ascontiguousarray(x))
    return a.view(mx.bfloat16) if d == BF16 else a


def to_np(a, d):
    if d == BF16:
        a = a.view(mx.uint16)
    return np.array(a)


def widen(x, d):
    """The values as float64 or complex128, for comparing."""
    if d == BF16:
        return (x.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if d == C64:
        return x.astype(np.complex128)
    return x.astype(np.float64)


def halves(x):
    return (np.asarray(x, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def operand(d, n, low=-4.0, high=4.0, special=True):
    if d == BOOL:
        return rng.integers(0, 2, n).astype(np.bool_)
    if d in FLOATS or d == C64:
        x = rng.uniform(low, high, n)
        if special:
            s = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 2.5]
            where = rng.integers(0, 4, n) == 0
            x = np.where(where, rng.choice(s, n), x)
        if d == BF16:
            return halves(x)
        if d == C64:
            y = rng.uniform(low, high, n)
            return (x + 1j * y).astype(np.complex64)
        return x.astype(NUMPY[d])
    info = np.iinfo(NUMPY[d])
    x = rng.integers(info.min, info.max, n, dtype=NUMPY[d], endpoint=True)
    small = rng.integers(max(-9, info.min), 9, n).astype(NUMPY[d])
    edge = rng.choice(np.array([info.min, info.max, 0, 1], NUMPY[d]), n)
    kind = rng.integers(0, 3, n)
    return np.where(kind == 0, x, np.where(kind == 1, small, edge))


def run(op, d, out_d, ins, xs):
    n = len(xs[0])
    out = np.zeros(n, NUMPY[out_d])
    types = (ctypes.c_int * 3)(*ins, *[0] * (3 - len(ins)))
    xs = [np.ascontiguousarray(x) for x in xs]
    pointers = (ctypes.c_void_p * 3)(*[x.ctypes.data for x in xs])
    error = driver.driver_run(op, d, out_d, n, types, pointers,
                              ctypes.c_void_p(out.ctypes.data))
    assert error == 0, (op, d, error)
    return out


def unit(x, d):
    """The spacing of dtype d at |x|."""
    bits = {F16: 11, BF16: 8, F32: 24, F64: 53, C64: 24}[d]
    low = {F16: -14, BF16: -126, F32: -126, F64: -1022, C64: -126}[d]
    _, e = np.frexp(np.where(np.isfinite(x), np.abs(x), 1.0))
    return np.exp2(np.maximum(e - 1, low) - (bits - 1).__float__())


# How far the original itself strays from the exact value, in units of float32;
# where that is more than our own bound the comparison allows it too.
STRAY = {"Exp": 8, "Sin": 8, "Cos": 8, "Sigmoid": 16, "LogAddExp": 64,
         "ErfInv": 16, "Erf": 8, "Tanh": 4, "Power": 8, "Expm1": 4,
         "Log1p": 8, "Divide": 8, "Multiply": 4, "Square": 4, "Tan": 8,
         "Log": 8, "Log2": 8, "Log10": 8}

failures = 0


def check(what, got, want, d, ulps, xs, slack=0.0):
    """Equal, both NaN, or within `ulps` spacings or `slack`."""
    global failures
    g, w = widen(got, d), widen(want, d)
    if d in FLOATS or d == C64:
        parts = [(g.real, w.real), (g.imag, w.imag)] if d == C64 else [(g, w)]
        size = np.maximum(np.abs(w), 1e-30) if d == C64 else None
        bad = np.zeros(len(g), bool)
        with np.errstate(invalid="ignore", over="ignore"):
            for a, b in parts:
                allow = ulps * unit(b if size is None else size, d)
                ok = (np.abs(a - b) <= slack) | (a == b) | (np.isnan(a) & np.isnan(b)) | \
                    (np.abs(a - b) <= allow)
                bad |= ~ok
    else:
        bad = got != want
    if bad.any():
        failures += 1
        i = np.flatnonzero(bad)[:3]
        print(f"{what}: {bad.sum()} of {len(bad)} differ:", *[
            f"{[x[k] for x in xs]} gives {got[k]}, original {want[k]}"
            for k in i], sep="\n    ")


def inputs_for(name, op, d, n):
    """Operands on which the original neither traps nor hangs."""
    arity, rule = driver.driver_arity(op), driver.driver_rule(op)
    xs = [operand(d, n) for _ in range(arity)]
    if d not in FLOATS and d != C64:
        if name in ("Divide", "Remainder", "DivMod"):
            b = xs[1].copy()
            b[b == 0] = 1
            if d in (I8, I16, I32, I64):
                b[b == -1] = 3
            xs[1] = b
        if name == "Power":
            xs[1] = (np.abs(xs[1].astype(np.int64)) % 17).astype(NUMPY[d])
    if name in ("Erf",):
        xs[0] = operand(d, n, -3, 3)
    return xs


def original(name, op, d, xs):
    arrays = [to_mx(x, d) for x in xs]
    if name == "Divide" and d not in FLOATS and d != C64:
        return mx.floor_divide(*arrays)
    if name == "DivMod":
        return mx.divmod(*arrays)[original.remainder]
    if name == "NaNEqual":
        return mx.logical_or(arrays[0] == arrays[1], mx.logical_and(
            arrays[0] != arrays[0], arrays[1] != arrays[1]))
    return getattr(mx, FUNCTIONS.get(name, name.lower()))(*arrays)


N = 403
seen_divmod = 0
for op in range(driver.driver_count()):
    name = driver.driver_name(op).decode()
    rule = driver.driver_rule(op)
    if name == "DivMod":
        original.remainder = seen_divmod
        seen_divmod += 1
    if rule in (SELECT, CAST, FROM_BYTE):
        continue
    for d in range(14):
        if not driver.driver_supported(op, d):
            continue
        if name == "NaNEqual" and d == C64:
            continue
        if name == "Remainder" and d in (F16, BF16):
            continue  # the original leaves out the sign's correction there
        if name == "BitwiseXor" and d == BOOL:
            continue  # done twice there where it writes over an operand
        xs = inputs_for(name, op, d, N)
        out_d = driver.driver_output(op, d)
        if name == "Abs" and d == C64:
            want = np.array(mx.abs(to_mx(xs[0], d))).astype(np.complex64)
        elif name == "DivMod" and d == BOOL:
            continue  # falls into the next case there
        else:
            want = to_np(original(name, op, d, xs), out_d)
        got = run(op, d, out_d, [d] * len(xs), xs)
        ulps = driver.driver_ulp(op, d)
        stray = STRAY.get(name, 2)
        if d in (F16, BF16):  # rounded twice there, once here
            stray = 32 if name == "DivMod" else 1
        if d == F64 and name in ("Exp", "Sin", "Cos", "Erf", "ErfInv",
                                 "Sigmoid", "LogAddExp"):
            stray = 2.0 ** 29 * 64  # computed in float there
        if d == C64:
            stray = 64
        # Sums that cancel, and an erf of absolute accuracy.
        if name == "ToFP8" and d == F64:
            continue  # reads the bits of the wrong type there
        slack = {"LogAddExp": {F16: 4e-3, BF16: 4e-2}.get(d, 1e-6),
                 "Erf": 4e-7, "Sin": 1e-7, "Cos": 1e-7}.get(name, 0.0)
        check(f"{name} {DTYPES[d]}", got, want, out_d, max(ulps, stray), xs,
              slack)

# Conversions between all dtypes.
CASTS = [1.5, -1.5, 0.0, -0.0, np.nan, np.inf, -np.inf, 255.5, -129.0, 65504.0,
         65519.0, 65520.0, 65536.0, 2.0 ** 31 - 128, 1e-8, 6e-8, 3e-8, 3.0e38]
for s in range(14):
    for t in range(14):
        x = operand(s, 400)
        np.seterr(over="ignore")
        if s in (F16, F32, F64, C64):
            x[:len(CASTS)] = np.array(CASTS).astype(NUMPY[s])
        elif s == BF16:
            x[:len(CASTS)] = halves(CASTS)
        with np.errstate(invalid="ignore"):
            v = widen(x, s).real
        if t not in FLOATS and t != C64 and t != BOOL:
            # Beyond the range the original itself is of two minds.
            bits = 64 if t in (U64, I64) else 32
            low = 0 if t in (U32, U64) else -2.0 ** (bits - 1)
            ok = (v > low - 1) & (v < 2.0 ** (bits - 1))
            if s in FLOATS or s == C64:
                x = x[ok]
        got = run(op_cast := [i for i in range(driver.driver_count())
                              if driver.driver_rule(i) == CAST][0],
                  s, t, [s], [x])
        want = to_np(to_mx(x, s).astype(DTYPES[t]), t)
        check(f"AsType {DTYPES[s]} to {DTYPES[t]}", got, want, t, 0, [x])

for op in range(driver.driver_count()):
    name = driver.driver_name(op).decode()
    if name == "FromFP8":
        x = np.arange(256, dtype=np.uint8)
        for d in FLOATS - {F64}:
            want = to_np(mx.from_fp8(mx.array(x), DTYPES[d]), d)
            check(f"FromFP8 {DTYPES[d]}", run(op, d, d, [U8], [x]), want, d, 0,
                  [x])
    if name == "Select":
        for d in range(14):
            xs = [operand(BOOL, N), operand(d, N), operand(d, N)]
            want = to_np(mx.where(mx.array(xs[0]), to_mx(xs[1], d),
                                  to_mx(xs[2], d)), d)
            got = run(op, d, d, [BOOL, d, d], xs)
            check(f"Select {DTYPES[d]}", got, want, d, 0, xs)

print("failures:", failures)
sys.exit(failures != 0)
