/* Version of the interface. */
#ifndef MLX_C_VERSION_H
#define MLX_C_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of MLX whose behaviour this library has: "0.31.2". */
LAZULI_API int mlx_version(mlx_string* str_);

#ifdef __cplusplus
}
#endif

#endif
