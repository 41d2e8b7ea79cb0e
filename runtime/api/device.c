#include "api/device.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/vector.h"

int api_device_set(mlx_device* res, api_device device) {
  if (!res->ctx && !(res->ctx = malloc(sizeof device)))
    return error_memory() == NULL;
  *(api_device*)res->ctx = device;
  return 0;
}

/* NULL with a message where ctx is NULL. */
static const api_device* device_named(
    mlx_device dev, const char* where, const char* argument) {
  if (dev.ctx) return dev.ctx;
  return error_set("[%s] argument %s: the device is empty", where, argument);
}

static const api_device* device_get(mlx_device dev, const char* where) {
  return device_named(dev, where, "dev");
}

static int device_pointer(const void* p, const char* where, const char* what) {
  return p ? 0
           : error_fail("[%s] argument %s: the pointer is NULL", where, what);
}

/* A device that is there, or a message. */
static int device_present(const api_device* d, const char* where) {
  if (device_available(d->type, d->index)) return 0;
  return error_fail(
      "[%s] Device(%s, %d) is not available",
      where,
      d->type == DEVICE_GPU ? "gpu" : "cpu",
      d->index);
}

mlx_device mlx_device_new(void) {
  return (mlx_device){0};
}

mlx_device mlx_device_new_type(mlx_device_type type, int index) {
  mlx_device res = {0};
  if (type != MLX_CPU && type != MLX_GPU)
    API_RAISE(
        "[device_new_type] argument type: %d is no device type", (int)type);
  else if (api_device_set(&res, (api_device){(lz_device)type, index}))
    API_REPORT();
  return res;
}

int mlx_device_free(mlx_device dev) {
  free(dev.ctx);
  return 0;
}

int mlx_device_set(mlx_device* dev, const mlx_device src) {
  const api_device* d = device_named(src, "device_set", "src");
  return !d || device_pointer(dev, "device_set", "dev") ||
                 api_device_set(dev, *d)
             ? API_REPORT()
             : 0;
}

int mlx_device_tostring(mlx_string* str, mlx_device dev) {
  const api_device* d = device_get(dev, "device_tostring");
  if (!d || device_pointer(str, "device_tostring", "str")) return API_REPORT();
  char text[48];
  snprintf(
      text,
      sizeof text,
      "Device(%s, %d)",
      d->type == DEVICE_GPU ? "gpu" : "cpu",
      d->index);
  return api_string_set(str, text) ? API_REPORT() : 0;
}

bool mlx_device_equal(mlx_device lhs, mlx_device rhs) {
  const api_device *a = lhs.ctx, *b = rhs.ctx;
  return a && b && a->type == b->type && a->index == b->index;
}

int mlx_device_get_index(int* index, mlx_device dev) {
  const api_device* d = device_get(dev, "device_get_index");
  if (!d || device_pointer(index, "device_get_index", "index"))
    return API_REPORT();
  *index = d->index;
  return 0;
}

int mlx_device_get_type(mlx_device_type* type, mlx_device dev) {
  const api_device* d = device_get(dev, "device_get_type");
  if (!d || device_pointer(type, "device_get_type", "type"))
    return API_REPORT();
  *type = (mlx_device_type)d->type;
  return 0;
}

int mlx_get_default_device(mlx_device* dev) {
  return device_pointer(dev, "get_default_device", "dev") ||
                 api_device_set(dev, (api_device){device_default(), 0})
             ? API_REPORT()
             : 0;
}

int mlx_set_default_device(mlx_device dev) {
  const api_device* d = device_get(dev, "set_default_device");
  return !d || device_present(d, "set_default_device") ||
                 device_set_default(d->type)
             ? API_REPORT()
             : 0;
}

int mlx_device_is_available(bool* avail, mlx_device dev) {
  const api_device* d = device_get(dev, "device_is_available");
  if (!d || device_pointer(avail, "device_is_available", "avail"))
    return API_REPORT();
  *avail = device_available(d->type, d->index);
  return 0;
}

int mlx_device_count(int* count, mlx_device_type type) {
  if (device_pointer(count, "device_count", "count")) return API_REPORT();
  if (type != MLX_CPU && type != MLX_GPU)
    return API_RAISE(
        "[device_count] argument type: %d is no device type", (int)type);
  *count = device_count((lz_device)type);
  return 0;
}

/* ---- streams ------------------------------------------------------------- */

int api_stream_set(mlx_stream* res, lz_stream* s) {
  if (!s) return 1;
  if (!res->ctx && !(res->ctx = malloc(sizeof s)))
    return error_memory() == NULL;
  *(lz_stream**)res->ctx = s;
  return 0;
}

static lz_stream* stream_named(
    mlx_stream stream, const char* where, const char* argument) {
  if (stream.ctx) return *(lz_stream**)stream.ctx;
  return error_set("[%s] argument %s: the stream is empty", where, argument);
}

static lz_stream* stream_of(mlx_stream stream, const char* where) {
  return stream_named(stream, where, "stream");
}

mlx_stream mlx_stream_new(void) {
  return (mlx_stream){0};
}

mlx_stream mlx_stream_new_device(mlx_device dev) {
  mlx_stream res = {0};
  const api_device* d = device_get(dev, "stream_new_device");
  if (!d || device_present(d, "stream_new_device") ||
      api_stream_set(&res, stream_new(d->type)))
    API_REPORT();
  return res;
}

int mlx_stream_set(mlx_stream* stream, const mlx_stream src) {
  lz_stream* s = stream_named(src, "stream_set", "src");
  return !s || device_pointer(stream, "stream_set", "stream") ||
                 api_stream_set(stream, s)
             ? API_REPORT()
             : 0;
}

int mlx_stream_free(mlx_stream stream) {
  free(stream.ctx);
  return 0;
}

int mlx_stream_tostring(mlx_string* str, mlx_stream stream) {
  lz_stream* s = stream_of(stream, "stream_tostring");
  if (!s || device_pointer(str, "stream_tostring", "str")) return API_REPORT();
  char text[64];
  snprintf(
      text,
      sizeof text,
      "Stream(Device(%s, 0), %d)",
      s->device == DEVICE_GPU ? "gpu" : "cpu",
      s->index);
  return api_string_set(str, text) ? API_REPORT() : 0;
}

bool mlx_stream_equal(mlx_stream lhs, mlx_stream rhs) {
  return lhs.ctx && rhs.ctx && *(lz_stream**)lhs.ctx == *(lz_stream**)rhs.ctx;
}

int mlx_stream_get_device(mlx_device* dev, mlx_stream stream) {
  lz_stream* s = stream_of(stream, "stream_get_device");
  return !s || device_pointer(dev, "stream_get_device", "dev") ||
                 api_device_set(dev, (api_device){s->device, 0})
             ? API_REPORT()
             : 0;
}

int mlx_stream_get_index(int* index, mlx_stream stream) {
  lz_stream* s = stream_of(stream, "stream_get_index");
  if (!s || device_pointer(index, "stream_get_index", "index"))
    return API_REPORT();
  *index = s->index;
  return 0;
}

int mlx_synchronize(mlx_stream stream) {
  lz_stream* s = stream_of(stream, "synchronize");
  if (!s) return API_REPORT();
  stream_synchronize(s);
  return 0;
}

int mlx_get_default_stream(mlx_stream* stream, mlx_device dev) {
  const api_device* d = device_get(dev, "get_default_stream");
  return !d || device_pointer(stream, "get_default_stream", "stream") ||
                 device_present(d, "get_default_stream") ||
                 api_stream_set(stream, stream_default(d->type))
             ? API_REPORT()
             : 0;
}

int mlx_set_default_stream(mlx_stream stream) {
  lz_stream* s = stream_of(stream, "set_default_stream");
  return !s || stream_set_default(s) ? API_REPORT() : 0;
}

static mlx_stream stream_default_of(lz_device device, const char* where) {
  mlx_stream res = {0};
  if (device_present(&(api_device){device, 0}, where) ||
      api_stream_set(&res, stream_default(device)))
    API_REPORT();
  return res;
}

mlx_stream mlx_default_cpu_stream_new(void) {
  return stream_default_of(DEVICE_CPU, "default_cpu_stream_new");
}

mlx_stream mlx_default_gpu_stream_new(void) {
  return stream_default_of(DEVICE_GPU, "default_gpu_stream_new");
}
