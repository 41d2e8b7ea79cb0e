/* Devices, the default device, and what a device says of itself. A device is
 * a type and an index; naming one does not claim that it is there. */
#ifndef MLX_C_DEVICE_H
#define MLX_C_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mlx_device_type_ {
  MLX_CPU,
  MLX_GPU,
} mlx_device_type;

typedef struct mlx_device_ {
  void* ctx;
} mlx_device;

typedef struct mlx_device_info_ {
  void* ctx;
} mlx_device_info;

/* No device: ctx is NULL. */
LAZULI_API mlx_device mlx_device_new(void);

LAZULI_API mlx_device mlx_device_new_type(mlx_device_type type, int index);

LAZULI_API int mlx_device_free(mlx_device dev);

/* *dev becomes a copy of src. */
LAZULI_API int mlx_device_set(mlx_device* dev, const mlx_device src);

/* "Device(cpu, 0)". */
LAZULI_API int mlx_device_tostring(mlx_string* str, mlx_device dev);

/* Same type and index; false where either is empty. */
LAZULI_API bool mlx_device_equal(mlx_device lhs, mlx_device rhs);

LAZULI_API int mlx_device_get_index(int* index, mlx_device dev);

LAZULI_API int mlx_device_get_type(mlx_device_type* type, mlx_device dev);

LAZULI_API int mlx_get_default_device(mlx_device* dev);

/* For the whole process. An error where the device is not available. */
LAZULI_API int mlx_set_default_device(mlx_device dev);

/* False for a device that is not there, which is no error. */
LAZULI_API int mlx_device_is_available(bool* avail, mlx_device dev);

LAZULI_API int mlx_device_count(int* count, mlx_device_type type);

LAZULI_API mlx_device_info mlx_device_info_new(void);

/* A device has device_name and architecture, a GPU memory_size, too; one that
 * is not there has no key. */
LAZULI_API int mlx_device_info_get(mlx_device_info* info, mlx_device dev);

LAZULI_API int mlx_device_info_free(mlx_device_info info);

LAZULI_API int mlx_device_info_has_key(
    bool* exists, mlx_device_info info, const char* key);

/* These return 2, without an error, where the key is unknown or its value is
 * of the other kind. */
LAZULI_API int mlx_device_info_is_string(
    bool* is_string, mlx_device_info info, const char* key);

/* *value is owned by info. */
LAZULI_API int mlx_device_info_get_string(
    const char** value, mlx_device_info info, const char* key);

LAZULI_API int mlx_device_info_get_size(
    size_t* value, mlx_device_info info, const char* key);

LAZULI_API int mlx_device_info_get_keys(
    mlx_vector_string* keys, mlx_device_info info);

#ifdef __cplusplus
}
#endif

#endif
