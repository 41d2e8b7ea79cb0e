"""Cases of ops_original.py: element-wise operations."""

import mlx.core as mx

from draw import FLOATS, INTS, SOME, case


for unary in ("abs ceil floor negative sign square logical_not "
              "conjugate").split():
    case(unary, lambda d: [d.any()], getattr(mx, unary))
for unary in ("sqrt rsqrt exp expm1 log log2 log10 log1p sin cos tan arctan "
              "sinh cosh tanh arcsinh sigmoid erf").split():
    case(unary, lambda d: [d.any(FLOATS + ["int32"], positive=True)],
         getattr(mx, unary), loose=4)
for unary in ("exp sin cos tanh").split():
    case(unary, lambda d: [d.any(["complex64", "bool", "int64"])],
         getattr(mx, unary), loose=4)
case("bitwise_invert", lambda d: [d.any(INTS)], mx.bitwise_invert)
case("real", lambda d: [d.any(["complex64"])], mx.real)
case("imag", lambda d: [d.any(["complex64"])], mx.imag)


def two(dtypes, positive=False):
    def draw(d):
        shape = d.shape()
        return [d.array(d.r.choice(dtypes), shape, positive),
                d.array(d.r.choice(dtypes), d.fitting(shape), positive)]
    return draw


for binary in ("add subtract multiply maximum minimum equal not_equal greater "
               "greater_equal less less_equal logical_and logical_or").split():
    case(binary, two(FLOATS + INTS), getattr(mx, binary))
for binary in "add subtract multiply equal".split():
    case(binary, two(["complex64", "float32"]), getattr(mx, binary))
case("divide", two(FLOATS + ["int32"], True), mx.divide)
for binary in "logaddexp arctan2 power".split():
    case(binary, two(FLOATS, True), getattr(mx, binary), loose=8)
for binary in "bitwise_and bitwise_or left_shift right_shift".split():
    case(binary, two(INTS, True), getattr(mx, binary))
# Not of bools: there MLX 0.31.2 says that True ^ True is True.
case("bitwise_xor", two(INTS[1:]), mx.bitwise_xor)


def select(d):
    shape = d.shape()
    return [d.array("bool", d.fitting(shape)), d.array(d.r.choice(SOME), shape),
            d.array(d.r.choice(SOME), d.fitting(shape))]


case("where", select, mx.where)
case("astype", lambda d: [d.any(["float32", "int32", "bool", "uint8",
                                 "bfloat16", "float16"], positive=True),
                          d.r.choice(["float32", "int32", "bool", "float16",
                                      "bfloat16", "complex64", "uint8"])],
     lambda a, t: a.astype(getattr(mx, t + "_" if t == "bool" else t)))
