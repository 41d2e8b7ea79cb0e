/* Scalars of the program's own language, typed weakly: beside an array they
 * take its type where that can hold them, as Python's scalars do in MLX.
 *
 *     lazuli_scalar_float(&half, 0.5, x);   float16 if x is float16
 *     mlx_multiply(&y, x, half, stream);    … and y is float16 as well
 *
 *     array        bool scalar   int scalar   float scalar
 *     bool         bool          int32        float32
 *     integers     the array's   the array's  float32
 *     floats       the array's   the array's  the array's
 *     complex64    complex64     complex64    float32
 *
 * The functions write to *res as the rest of the interface does and return
 * non-zero after telling the error handler. An int that the type cannot hold
 * wraps as a conversion in C. Any thread. */
#ifndef LAZULI_SCALAR_H
#define LAZULI_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"

#ifdef __cplusplus
extern "C" {
#endif

LAZULI_API int lazuli_scalar_bool(
    mlx_array* res, bool value, const mlx_array like);
LAZULI_API int lazuli_scalar_int(
    mlx_array* res, int64_t value, const mlx_array like);
LAZULI_API int lazuli_scalar_float(
    mlx_array* res, double value, const mlx_array like);

#ifdef __cplusplus
}
#endif

#endif
