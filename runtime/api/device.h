/* What mlx_device and mlx_stream stand for. */
#ifndef API_DEVICE_H
#define API_DEVICE_H

#include "api/api.h"

/* Behind mlx_device. */
typedef struct api_device {
  lz_device type;
  int index;
} api_device;

/* Each allocates where ctx is NULL and overwrites elsewhere; non-zero with a
 * message where memory fails. */
int api_device_set(mlx_device* res, api_device device);
int api_stream_set(mlx_stream* res, lz_stream* s);

#endif
