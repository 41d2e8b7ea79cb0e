#include "zoo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/scope.h"
#include "ops/arrange.h"
#include "ops/attention.h"
#include "ops/conv.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/fft.h"
#include "ops/gather_mm.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/linalg.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/order.h"
#include "ops/qmm.h"
#include "ops/random.h"
#include "ops/reduce.h"
#include "ops/rope.h"
#include "ops/shape.h"
#include "ops/update.h"
#include "stream/stream.h"

/* x (4,64), y (4,64), image (1,6,6,2), i (3) in 0 … 3 */
enum { X, Y, IMAGE, I };

static lz_array* numbers(int ndim, const int32_t* shape, unsigned seed) {
  float v[1024];
  int n = 1;
  for (int i = 0; i < ndim; i++) n *= shape[i];
  for (int i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    v[i] = (float)(seed >> 8) / 8388608.0f - 1;
  }
  return scope_own(array_new_data(DTYPE_FLOAT32, ndim, shape, v));
}

void zoo_inputs(lz_list* in) {
  const int32_t flat[] = {4, 64}, image[] = {1, 6, 6, 2}, three[] = {3};
  size_t scope = scope_open();
  list_append(in, numbers(2, flat, 1));
  list_append(in, numbers(2, flat, 2));
  list_append(in, numbers(4, image, 3));
  list_append(
      in,
      scope_own(
          array_new_data(DTYPE_INT32, 1, three, (const int32_t[]){2, 0, 3})));
  scope_close(scope, NULL);
}

typedef struct zoo {
  lz_list* out;
  lz_stream* s;
  int failed;
} zoo;

static void add(zoo* z, lz_array* a) {
  z->failed |= !a || list_append(z->out, a);
}

static void products(zoo* z, lz_array* x, lz_array* y) {
  lz_stream* s = z->s;
  lz_array* yt = op_transpose_all(y, s);
  lz_array* square = op_matmul(x, yt, s);
  add(z, square);
  add(z, op_addmm(square, x, yt, 0.5f, 2, s));
  lz_array* both[] = {x, y};
  lz_array* pair = op_stack(both, 2, 0, s);
  const int32_t order[] = {1, 0, 1};
  const int32_t three[] = {3};
  lz_array* at = op_astype(
      scope_own(array_new_data(DTYPE_INT32, 1, three, order)), DTYPE_UINT32, s);
  add(z, op_gather_mm(pair, op_swapaxes(pair, -1, -2, s), at, at, s));
  const int32_t one[] = {1, 2};
  lz_array* mask =
      scope_own(array_new_data(DTYPE_BOOL, 2, one, (const uint8_t[]){1, 0}));
  add(z, op_block_masked_mm(x, yt, 32, NULL, mask, NULL, s));
  lz_array* parts[3];
  int n;
  quantize_wish wish = {NULL, NULL, "affine"};
  z->failed |= op_quantize(y, wish, NULL, s, parts, &n);
  if (z->failed) return;
  quantized q = {
      .w = parts[0],
      .scales = parts[1],
      .biases = parts[2],
      .wish = wish,
      .transpose = true};
  add(z, op_quantized_matmul(x, q, s));
  add(z, op_dequantize(parts[0], parts[1], parts[2], wish, NULL, NULL, s));
}

static void layers(zoo* z, lz_array* x, lz_array* y, lz_array* image) {
  lz_stream* s = z->s;
  lz_array* w = op_slice(
      y, (const int[]){0, 0}, (const int[]){1, 64}, (const int[]){1, 1}, 2, s);
  w = op_squeeze(w, (const int[]){0}, 1, s);
  add(z, op_layer_norm(x, w, w, 1e-5f, s));
  add(z, op_rms_norm(x, w, 1e-5f, s));
  const int32_t heads[] = {1, 2, 4, 32};
  lz_array* q = op_reshape(x, heads, 4, s);
  lz_array* k = op_reshape(y, heads, 4, s);
  add(z, op_attention(q, k, k, 0.3f, "causal", NULL, NULL, s));
  const float base = 10000;
  add(z, op_rope(q, 16, true, &base, 1, op_scalar(DTYPE_INT32, 3), NULL, s));
  const int32_t kernel[] = {3, 2, 2, 2};
  const int stride[] = {2, 1}, pad[] = {1, 0};
  const conv_spec c = {
      .stride = {stride, 2},
      .padding_low = {pad, 2},
      .padding_high = {pad, 2},
      .groups = 1};
  add(z, op_conv(image, numbers(4, kernel, 9), &c, s));
  add(z, op_softmax(x, AXIS(-1), true, s));
  add(z, op_logsumexp(x, AXIS(0), true, s));
}

static void positions(zoo* z, lz_array* x, lz_array* y, lz_array* i) {
  lz_stream* s = z->s;
  const int first = 0;
  lz_array* rows = op_take(x, i, &first, s);
  add(z, rows);
  add(z,
      op_scatter(
          SCATTER_SUM,
          y,
          &i,
          1,
          op_expand_dims(rows, (const int[]){1}, 1, s),
          &first,
          1,
          s));
  const int32_t column[] = {3, 1};
  lz_array* at = op_reshape(i, column, 2, s);
  lz_array* few = op_slice(
      x, (const int[]){0, 0}, (const int[]){3, 64}, (const int[]){1, 1}, 2, s);
  add(z, op_take_along_axis(few, at, 1, s));
  add(z,
      op_scatter_axis(
          SCATTER_NONE, few, at, op_scalar(DTYPE_FLOAT32, 7), 1, s));
  add(z,
      op_slice_update(
          SCATTER_MAX,
          x,
          op_scalar(DTYPE_FLOAT32, 0),
          (const int[]){3, 10},
          (const int[]){-5, 20},
          (const int[]){-2, 3},
          2,
          s));
  lz_array* start =
      op_slice(i, (const int[]){1}, (const int[]){2}, (const int[]){1}, 1, s);
  add(z, op_slice_dynamic(x, start, &first, 1, (const int[]){2, 64}, 2, s));
  add(z, op_slice_update_dynamic(x, rows, start, &first, 1, s));
  add(z,
      op_masked_scatter(
          x,
          op_greater(x, y, s),
          op_reshape(y, (const int32_t[]){256}, 1, s),
          s));
  lz_array* both[] = {x, rows};
  add(z, op_concatenate(both, 2, 0, s));
}

static void orders(zoo* z, lz_array* x, lz_array* y) {
  lz_stream* s = z->s;
  const int last = -1;
  add(z, op_sort(x, &last, s));
  add(z, op_argsort(x, &last, s));
  add(z, op_sort(op_partition(x, 7, &last, s), &last, s));
  add(z, op_scan(SCAN_SUM, x, 1, true, false, s));
  add(z, op_sum(x, AXIS(0), true, s));
  add(z, op_max(x, AXES_ALL, false, s));
  add(z, op_argreduce(true, x, &last, false, s));
  add(z, op_where(op_less(x, y, s), x, op_scalar(DTYPE_FLOAT32, 0), s));
  add(z, op_view(x, DTYPE_UINT16, s));
  add(z,
      op_as_strided(
          x, (const int32_t[]){3, 5}, (const int64_t[]){7, 2}, 2, 1, s));
  const int32_t wide[] = {2, 4, 64};
  add(z, op_sum(op_broadcast_to(x, wide, 3, s), AXIS(0), false, s));
  add(z, op_stop_gradient(op_arange(0, 5, 0.5, DTYPE_FLOAT32, s), s));
  add(z, op_full(wide, 1, op_scalar(DTYPE_INT32, 5), DTYPE_INT32, s));
  add(z, op_random_bits(wide, 2, 4, op_random_key(5), s));
}

static void transforms(zoo* z, lz_array* x, lz_array* y) {
  lz_stream* s = z->s;
  const int n = 64, axis = 1;
  lz_array* f = op_fft(x, &n, 1, &axis, 1, true, false, FFT_BACKWARD, s);
  add(z, f);
  add(z, op_fft(f, &n, 1, &axis, 1, true, true, FFT_ORTHO, s));
  add(z, op_hadamard_transform(x, NULL, s));
  lz_array* square = op_matmul(x, op_transpose_all(x, s), s);
  lz_array* three[3];
  z->failed |= op_svd(op_matmul(x, op_transpose_all(y, s), s), true, s, three);
  if (!z->failed) add(z, three[1]);
  z->failed |= op_eigh(square, "L", false, s, three);
  if (!z->failed) add(z, three[0]);
  add(z, op_cholesky(square, false, s));
  add(z, op_inv(square, s));
}

static int zoo_call(lz_closure* self, closure_args* args) {
  (void)self;
  lz_array** in = args->in[0]->items;
  zoo z = {&args->out[0], stream_default(DEVICE_CPU), 0};
  size_t scope = scope_open();
  products(&z, in[X], in[Y]);
  layers(&z, in[X], in[Y], in[IMAGE]);
  positions(&z, in[X], in[Y], in[I]);
  orders(&z, in[X], in[Y]);
  transforms(&z, in[X], in[Y]);
  scope_close(scope, NULL);
  return z.failed;
}

lz_closure* zoo_closure(void) {
  return closure_new(CLOSURE_PLAIN, zoo_call, NULL, NULL);
}
