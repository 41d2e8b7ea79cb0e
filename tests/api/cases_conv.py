"""Cases of ops_original.py: convolutions."""

import mlx.core as mx


def add(o):
    def operands(d, n, groups_too=True, transpose=False):
        groups = d.r.choice([1, 1, 2, 3]) if groups_too and n < 3 else 1
        c, out = groups * d.r.randint(1, 3), groups * d.r.randint(1, 3)
        lead = d.r.randint(1, 2)
        extent = [d.r.randint(3, 9) for _ in range(n)]
        kernel = [d.r.randint(1, 3) for _ in range(n)]
        t = d.r.choice(o.FLOATS)
        wrong = d.r.random() < 0.05
        a = d.array(t, tuple([lead] + extent + [c]))
        w = d.array(t, tuple([out] + kernel + [c // groups + wrong]))
        return a, w, groups

    def numbers(d, n, low, high):
        return [d.r.randint(low, high) for _ in range(n)]

    def pair(n, values):
        return values[0] if n == 1 else tuple(values)

    for n in (1, 2, 3):
        def draw(d, n=n):
            a, w, groups = operands(d, n)
            return ([a, w] + numbers(d, n, 1, 3) + numbers(d, n, 0, 2) +
                    numbers(d, n, 1, 2) + [groups])

        def reference(a, w, *rest, n=n):
            v = [pair(n, rest[i * n:i * n + n]) for i in range(3)]
            return getattr(mx, f"conv{n}d")(a, w, *v, rest[-1])

        o.case(f"conv{n}d", draw, reference, loose=16)

        def draw_back(d, n=n):
            a, w, groups = operands(d, n)
            return ([a, w] + numbers(d, n, 1, 3) + numbers(d, n, 0, 2) +
                    numbers(d, n, 1, 2) + numbers(d, n, 0, 1) + [groups])

        def reference_back(a, w, *rest, n=n):
            v = [pair(n, rest[i * n:i * n + n]) for i in range(4)]
            return getattr(mx, f"conv_transpose{n}d")(a, w, *v, rest[-1])

        o.case(f"conv_transpose{n}d", draw_back, reference_back, loose=16)

    def general(d):
        n = d.r.randint(1, 3)
        a, w, groups = operands(d, n)

        def some(low, high):
            return numbers(d, d.r.choice([n, n, n, 1]), low, high)
        return [a, w, some(1, 3), some(-1, 2), some(-1, 2), some(1, 2),
                some(1, 3), groups, d.r.random() < 0.5]

    o.case("conv_general", general,
           lambda a, w, s, lo, hi, k, i, g, f: mx.conv_general(
               a, w, s, (lo * (len(a.shape) - 2) if len(lo) == 1 else lo,
                         hi * (len(a.shape) - 2) if len(hi) == 1 else hi),
               k, i, g, f), loose=16)
