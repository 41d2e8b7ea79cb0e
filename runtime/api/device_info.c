/* What a device says of itself: the keys that MLX gives for a CPU, its memory
 * of a GPU; one that is not there has none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "api/api.h"
#include "api/device.h"
#include "api/map.h"
#include "memory/alloc.h"
#include "vulkan/backend.h"

enum { INFO_MISSING = 2 };

static int info_put(lz_map* m, const char* key, const char* text) {
  lz_value v;
  return value_string(&v, text) || map_insert(m, key, &v);
}

/* "model name : …" of /proc/cpuinfo; what the machine calls itself where there
 * is none. */
static void info_cpu_name(char* name, size_t size, const char* fallback) {
  snprintf(name, size, "%s", fallback);
  FILE* f = fopen("/proc/cpuinfo", "re");
  if (!f) return;
  char line[512];
  while (fgets(line, sizeof line, f)) {
    char* value =
        strncmp(line, "model name", 10) == 0 ? strstr(line, ": ") : NULL;
    if (!value) continue;
    value[strcspn(value, "\n")] = 0;
    snprintf(name, size, "%s", value + 2);
    break;
  }
  fclose(f);
}

static int info_cpu(lz_map* m) {
  struct utsname machine;
  char name[256];
  const char* kind = uname(&machine) == 0 ? machine.machine : "unknown";
  info_cpu_name(name, sizeof name, kind);
  return info_put(m, "device_name", name) || info_put(m, "architecture", kind);
}

static int info_gpu(lz_map* m) {
  const char *name, *kind;
  size_t memory;
  if (vulkan_describe(&name, &kind, &memory)) return 0;
  lz_value bytes = {.kind = VALUE_SIZE, .size = memory};
  return info_put(m, "device_name", name) ||
         info_put(m, "architecture", kind) ||
         map_insert(m, "memory_size", &bytes);
}

mlx_device_info mlx_device_info_new(void) {
  return (mlx_device_info){0};
}

int mlx_device_info_get(mlx_device_info* info, mlx_device dev) {
  const api_device* d = dev.ctx;
  if (!d) return API_RAISE("[device_info_get] argument dev: it is empty");
  if (!info) return API_RAISE("[device_info_get] argument info: it is NULL");
  lz_map m = {0};
  bool gpu = d->type == DEVICE_GPU && d->index == 0;
  if (d->type == DEVICE_CPU ? info_cpu(&m) : gpu && info_gpu(&m)) {
    map_clear(&m);
    return API_REPORT();
  }
  return api_map_set(&info->ctx, &m) ? API_REPORT() : 0;
}

int mlx_device_info_free(mlx_device_info info) {
  if (info.ctx) map_clear(info.ctx);
  free(info.ctx);
  return 0;
}

/* 0 and the value, INFO_MISSING, or 1 after a report. */
static int info_find(
    const lz_value** v,
    const void* out,
    mlx_device_info info,
    const char* key,
    const char* where) {
  const char* missing = !info.ctx ? "info"
                        : !key    ? "key"
                        : !out    ? "output"
                                  : NULL;
  if (missing) return API_RAISE("[%s] argument %s: it is NULL", where, missing);
  *v = map_find(info.ctx, key);
  return *v ? 0 : INFO_MISSING;
}

int mlx_device_info_has_key(
    bool* exists, mlx_device_info info, const char* key) {
  const lz_value* v = NULL;
  int status = info_find(&v, exists, info, key, "device_info_has_key");
  if (status == 1) return 1;
  *exists = status == 0;
  return 0;
}

int mlx_device_info_is_string(
    bool* is_string, mlx_device_info info, const char* key) {
  const lz_value* v = NULL;
  int status = info_find(&v, is_string, info, key, "device_info_is_string");
  if (status == 0) *is_string = v->kind == VALUE_STRING;
  return status;
}

int mlx_device_info_get_string(
    const char** value, mlx_device_info info, const char* key) {
  const lz_value* v = NULL;
  int status = info_find(&v, value, info, key, "device_info_get_string");
  if (status) return status;
  if (v->kind != VALUE_STRING) return INFO_MISSING;
  *value = v->text;
  return 0;
}

int mlx_device_info_get_size(
    size_t* value, mlx_device_info info, const char* key) {
  const lz_value* v = NULL;
  int status = info_find(&v, value, info, key, "device_info_get_size");
  if (status) return status;
  if (v->kind != VALUE_SIZE) return INFO_MISSING;
  *value = v->size;
  return 0;
}

int mlx_device_info_get_keys(mlx_vector_string* keys, mlx_device_info info) {
  const lz_map* m = info.ctx;
  if (!m) return API_RAISE("[device_info_get_keys] argument info: it is empty");
  if (!keys)
    return API_RAISE("[device_info_get_keys] argument keys: it is NULL");
  lz_strings names = {0};
  for (size_t i = 0; i < m->count; i++)
    if (strings_append(&names, m->entries[i].key)) {
      strings_clear(&names);
      return API_REPORT();
    }
  return api_vector_string_set(keys, &names) ? API_REPORT() : 0;
}
