/* Softmax and log-sum-exp along one axis, for float16, bfloat16, float32 and
 * float64.
 *
 * Halves are computed in float and rounded once. A row that holds NaN, +inf or
 * nothing but -inf becomes NaN. The sum of exponentials is never written.
 *
 * Threading: rows are shared among the pool's threads. Any strides; nothing
 * fails. */
#ifndef CPU_SOFTMAX_H
#define CPU_SOFTMAX_H

#include "cpu/view.h"

/* out has in's shape and type. `out` may be `in` itself (same data and
 * strides). `precise` asks for float accumulation of halves, which is what is
 * done anyway. */
void softmax_run(const lz_view* in, int axis, bool precise, const lz_view* out);

/* log(sum(exp(in))) along `axis`: extent 1 there in out, or the axis missing.
 * An infinite maximum is returned as it is. */
void softmax_logsumexp(const lz_view* in, int axis, const lz_view* out);

#endif
