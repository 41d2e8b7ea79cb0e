/* What each element-wise operation means, written without regard to speed and
 * apart from the table that the kernels come from. */
#ifndef TESTS_REFERENCE_H
#define TESTS_REFERENCE_H

#include <complex.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/elementwise.h"

/* NULL where the operation is not defined for the kind. Results of comparisons
 * are 0 or 1. Integers come sign- or zero-extended; of the result the low bits
 * count. */
typedef struct reference {
  long double (*real)(long double a, long double b);
  int64_t (*sint)(int64_t a, int64_t b, int bits);
  uint64_t (*uint)(uint64_t a, uint64_t b, int bits);
  int (*boolean)(int a, int b);
  double complex (*pair)(double complex a, double complex b);
} reference;

const reference* reference_of(ew_op op);

#endif
