/* Streams: ordered queues of work on a device, each with a thread of its
 * own. Handles may be freed at any time; the stream lives on until the
 * process ends. */
#ifndef MLX_C_STREAM_H
#define MLX_C_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_stream_ {
  void* ctx;
} mlx_stream;

/* No stream: ctx is NULL. */
LAZULI_API mlx_stream mlx_stream_new(void);

/* A new stream; NULL ctx and an error where the device is not available. */
LAZULI_API mlx_stream mlx_stream_new_device(mlx_device dev);

LAZULI_API int mlx_stream_set(mlx_stream* stream, const mlx_stream src);

LAZULI_API int mlx_stream_free(mlx_stream stream);

/* "Stream(Device(cpu, 0), 3)". */
LAZULI_API int mlx_stream_tostring(mlx_string* str, mlx_stream stream);

/* The same stream; false where either is empty. */
LAZULI_API bool mlx_stream_equal(mlx_stream lhs, mlx_stream rhs);

LAZULI_API int mlx_stream_get_device(mlx_device* dev, mlx_stream stream);

/* Its number in the process, from 0. */
LAZULI_API int mlx_stream_get_index(int* index, mlx_stream stream);

/* Waits for all work that was given to the stream before. */
LAZULI_API int mlx_synchronize(mlx_stream stream);

/* The calling thread's default stream on the device; each thread has its
 * own. */
LAZULI_API int mlx_get_default_stream(mlx_stream* stream, mlx_device dev);

/* For the calling thread and the stream's device. */
LAZULI_API int mlx_set_default_stream(mlx_stream stream);

LAZULI_API mlx_stream mlx_default_cpu_stream_new(void);

/* NULL ctx and an error where there is no GPU. */
LAZULI_API mlx_stream mlx_default_gpu_stream_new(void);

#ifdef __cplusplus
}
#endif

#endif
