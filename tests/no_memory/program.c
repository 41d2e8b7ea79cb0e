#include "program.h"

void program_did(program* p, bool failed, const char* call) {
  if (failed && p->failed++ == 0) p->first = call;
}

void program_fill(
    program* p, int i, mlx_dtype dtype, float scale, int n, const int* shape) {
  size_t size = 1;
  for (int k = 0; k < n; k++) size *= (size_t)shape[k];
  float* data = malloc(size * sizeof *data);
  if (!data) abort();
  uint32_t x = 12345u + (uint32_t)i;
  for (size_t k = 0; k < size; k++) {
    x = x * 1664525u + 1013904223u;
    data[k] = scale * ((float)(x >> 8) / 8388608.0f - 1.0f);
  }
  mlx_array a = mlx_array_new_data(data, shape, n, MLX_FLOAT32);
  free(data);
  p->failed += !a.ctx;
  if (dtype == MLX_FLOAT32) {
    mlx_array_free(p->a[i]);
    p->a[i] = a;
    return;
  }
  DO(mlx_astype(&p->a[i], a, dtype, p->s));
  mlx_array_free(a);
}

void program_gather(program* p, int j, int n, const int* which) {
  mlx_vector_array_free(p->v[j]);
  p->v[j] = mlx_vector_array_new();
  p->failed += !p->v[j].ctx;
  for (int k = 0; k < n; k++)
    DO(mlx_vector_array_append_value(p->v[j], p->a[which[k]]));
}

static void program_add(program* p, const void* data, size_t n) {
  const unsigned char* bytes = data;
  for (size_t i = 0; i < n; i++) p->sum = (p->sum ^ bytes[i]) * 1099511628211u;
}

static void program_keep(program* p, const float* data, size_t n) {
  if (!n) return;
  p->values = realloc(p->values, (p->n_values + n) * sizeof *p->values);
  if (!p->values) abort();
  memcpy(p->values + p->n_values, data, n * sizeof *data);
  p->n_values += n;
}

void program_take(program* p, mlx_array a) {
  mlx_array plain = {0};
  if (mlx_contiguous(&plain, a, false, p->s) || mlx_array_eval(plain)) {
    p->failed++;
  } else {
    size_t ndim = mlx_array_ndim(plain);
    program_add(p, mlx_array_shape(plain), ndim * sizeof(int));
    const void* data = mlx_array_data_uint8(plain);
    size_t bytes = mlx_array_nbytes(plain);
    if (mlx_array_dtype(plain) == MLX_FLOAT32)
      program_keep(p, data, mlx_array_size(plain));
    else if (bytes)
      program_add(p, data, bytes);
  }
  mlx_array_free(plain);
}

void program_take_all(program* p, mlx_vector_array v) {
  if (!v.ctx) {
    p->failed++;
    return;
  }
  for (size_t i = 0; i < mlx_vector_array_size(v); i++) {
    mlx_array a = {0};
    DO(mlx_vector_array_get(&a, v, i));
    program_take(p, a);
    mlx_array_free(a);
  }
}
