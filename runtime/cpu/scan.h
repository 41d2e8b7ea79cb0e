/* Cumulative sums, products, extremes and log-sum-exp along an axis.
 *
 * Types: the input's own, integers wrap, halves are accumulated in float and
 * rounded for each element; the sum of bools is int32. Extremes follow the
 * original: a NaN is carried into max until a number follows, and min drops
 * one it meets after a number.
 *
 * Threading: shared among the pool's threads, long single rows too. Any
 * strides; `out` may be `in` itself (same data and strides) when types are
 * equal. Nothing fails. */
#ifndef CPU_SCAN_H
#define CPU_SCAN_H

#include "cpu/view.h"

typedef enum scan_kind {
  SCAN_SUM,
  SCAN_PROD,
  SCAN_MAX,
  SCAN_MIN,
  SCAN_LOGADDEXP,
  SCAN_KINDS
} scan_kind;

lz_dtype scan_dtype(scan_kind kind, lz_dtype in);

/* Exclusive scans start with the neutral element. `out` has in's shape and
 * scan_dtype. */
void scan_run(
    scan_kind kind,
    const lz_view* in,
    int axis,
    bool reverse,
    bool inclusive,
    const lz_view* out);

#endif
