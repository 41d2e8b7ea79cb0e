/* Derivatives against differences, of functions made of graph operations. */
#ifndef TESTS_GRADIENTS_H
#define TESTS_GRADIENTS_H

#include "core/array.h"
#include "core/closure.h"
#include "stream/stream.h"

typedef lz_array* (*function)(lz_array* const* in);

lz_stream* cpu(void);
/* Between 0.2 and 0.8; owned by the open scope, evaluated. */
lz_array* noise(int ndim, const int32_t* shape, unsigned seed, lz_dtype d);
lz_closure* closure_of(function f);

/* Gradients of sum(f) by each of n inputs against central differences, and the
 * tangent of ones against the gradients' own sum: float64, or float32 to fewer
 * digits. Inputs are changed on the way and put back. */
void check_gradient(function f, lz_array* const* in, int n);
/* The gradients alone, for operations without tangents. */
void check_gradient_only(function f, lz_array* const* in, int n);

#endif
