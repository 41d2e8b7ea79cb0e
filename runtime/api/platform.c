/* What MLX has on other platforms, and the version of its interface. */
#include "api/api.h"
#include "api/vector.h"

/* The version of MLX whose behaviour this library has. */
#define PLATFORM_MLX_VERSION "0.31.2"

int mlx_version(mlx_string* str_) {
  if (!str_) return API_RAISE("[version] argument str_: the pointer is NULL");
  return api_string_set(str_, PLATFORM_MLX_VERSION) ? API_REPORT() : 0;
}

static int platform_no(bool* res, const char* where) {
  if (!res) return API_RAISE("[%s] argument res: the pointer is NULL", where);
  *res = false;
  return 0;
}

int mlx_metal_is_available(bool* res) {
  return platform_no(res, "metal_is_available");
}

int mlx_cuda_is_available(bool* res) {
  return platform_no(res, "cuda_is_available");
}

/* There is nothing to capture; MLX without Metal takes these silently too. */
int mlx_metal_start_capture(const char* path) {
  if (path) return 0;
  return API_RAISE("[metal_start_capture] argument path: the pointer is NULL");
}

int mlx_metal_stop_capture(void) {
  return 0;
}
