/* Rules of structured operations: gradients and tangents against differences,
 * vmap against a loop. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "gradients.h"
#include "ops/attention.h"
#include "ops/conv.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/gather_mm.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/norm.h"
#include "ops/order.h"
#include "ops/qmm.h"
#include "ops/reduce.h"
#include "ops/rope.h"
#include "ops/shape.h"
#include "ops/update.h"
#include "transform/vmap.h"

#define ARGUMENTS                              \
  lz_stream* s = cpu();                        \
  lz_array *a = in[0], *b = in[1], *c = in[2]; \
  (void)a, (void)b, (void)c, (void)s

/* Not a sum of the result alone: each element counts its own weight. */
static lz_array* weighed(lz_array* y) {
  if (!y) return NULL;
  lz_array* w = op_arange(1, 1 + (double)y->size, 1, (lz_dtype)y->dtype, cpu());
  w = op_reshape(w, y->shape, y->ndim, cpu());
  w = op_divide(w, op_scalar((lz_dtype)y->dtype, (double)y->size), cpu());
  return op_multiply(y, w, cpu());
}

static lz_array* numbers(const int32_t* v, int n) {
  return scope_own(array_new_data(DTYPE_INT32, 1, &n, v));
}
#define NUMBERS(...)                  \
  numbers(                            \
      (const int32_t[]){__VA_ARGS__}, \
      (int)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))

/* ---- indexing: a is (3, 4), b is (2, 4), c is (4) -------------------------
 */

static const int first = 0, last = 1;

static lz_array* taken(lz_array* const* in) {
  ARGUMENTS;

  return weighed(op_take(a, NUMBERS(2, 0, 2, -1), &last, s));
}
static lz_array* taken_along(lz_array* const* in) {
  ARGUMENTS;

  lz_array* at = op_reshape(NUMBERS(1, 1, 0, 3, 2, 2), (int32_t[]){3, 2}, 2, s);
  return weighed(op_take_along_axis(a, at, 1, s));
}
static lz_array* sliced_dynamic(lz_array* const* in) {
  ARGUMENTS;
  const int size[] = {2, 4};
  return weighed(op_slice_dynamic(a, NUMBERS(1), &first, 1, size, 2, s));
}
static lz_array* scattered(scatter_reduce how, lz_array* a, lz_array* b) {
  lz_array* at = how == SCATTER_SUM ? NUMBERS(2, 2) : NUMBERS(2, 0);
  lz_array* rows = op_expand_dims(b, &last, 1, cpu());
  return weighed(op_scatter(how, a, &at, 1, rows, &first, 1, cpu()));
}
static lz_array* scatter_none(lz_array* const* in) {
  ARGUMENTS;
  return scattered(SCATTER_NONE, a, b);
}
static lz_array* scatter_sum(lz_array* const* in) {
  ARGUMENTS;
  return scattered(SCATTER_SUM, a, b);
}
static lz_array* scatter_max(lz_array* const* in) {
  ARGUMENTS;
  return scattered(SCATTER_MAX, a, b);
}
static lz_array* put_along(lz_array* const* in) {
  ARGUMENTS;

  lz_array* at =
      op_reshape(NUMBERS(1, 2, 0, 2, 2, 1, 1, 0), (int32_t[]){2, 4}, 2, s);
  return weighed(op_scatter_axis(SCATTER_NONE, a, at, b, 0, s));
}
static lz_array* add_along(lz_array* const* in) {
  ARGUMENTS;

  lz_array* at =
      op_reshape(NUMBERS(1, 2, 0, 2, 1, 2, 1, 0), (int32_t[]){2, 4}, 2, s);
  return weighed(op_scatter_axis(SCATTER_SUM, a, at, b, 0, s));
}
static lz_array* masked_put(lz_array* const* in) {
  ARGUMENTS;

  lz_array* mask = op_reshape(
      NUMBERS(0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 1), (int32_t[]){3, 4}, 2, s);
  lz_array* flat = op_flatten(b, 0, -1, s);
  return weighed(op_masked_scatter(a, op_astype(mask, DTYPE_BOOL, s), flat, s));
}
static lz_array* updated(scatter_reduce how, lz_array* a, lz_array* b) {
  const int start[] = {2, 0}, stop[] = {-4, 4}, step[] = {-2, 1};
  return weighed(op_slice_update(how, a, b, start, stop, step, 2, cpu()));
}
static lz_array* update_none(lz_array* const* in) {
  ARGUMENTS;
  return updated(SCATTER_NONE, a, b);
}
static lz_array* update_sum(lz_array* const* in) {
  ARGUMENTS;
  return updated(SCATTER_SUM, a, b);
}
static lz_array* update_max(lz_array* const* in) {
  ARGUMENTS;
  return updated(SCATTER_MAX, a, b);
}
static lz_array* update_prod(lz_array* const* in) {
  ARGUMENTS;
  return updated(SCATTER_PROD, a, b);
}
static lz_array* update_dynamic(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_slice_update_dynamic(a, b, NUMBERS(1), &first, 1, s));
}
static lz_array* sorted(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_sort(a, &last, s));
}
static lz_array* sorted_down(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_sort(a, &first, s));
}
static lz_array* partitioned(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_slice(
      op_partition(a, 2, &last, s),
      (const int[]){0, 2},
      (const int[]){3, 3},
      (const int[]){1, 1},
      2,
      s));
}
static lz_array* cumsum(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_scan(SCAN_SUM, a, 1, true, false, s));
}
static lz_array* cumprod(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_scan(SCAN_PROD, a, 1, false, true, s));
}
static lz_array* cumprod_less(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_scan(SCAN_PROD, a, 0, true, false, s));
}
static lz_array* cumlog(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_scan(SCAN_LOGADDEXP, a, 1, false, true, s));
}
static lz_array* cumlog_signs(lz_array* const* in) {
  ARGUMENTS;

  lz_array* y = op_scan(SCAN_LOGADDEXP, a, 0, true, true, s);
  return weighed(
      op_multiply(y, op_subtract(a, op_scalar(DTYPE_FLOAT64, 0.5), s), s));
}

static void indexing(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t whole[] = {3, 4}, rows[] = {2, 4}, row[] = {4};
  lz_array* in[] = {
      noise(2, whole, 1, DTYPE_FLOAT64),
      noise(2, rows, 2, DTYPE_FLOAT64),
      noise(1, row, 3, DTYPE_FLOAT64)};
  static const function one[] = {
      taken,
      taken_along,
      sliced_dynamic,
      sorted,
      sorted_down,
      cumsum,
      cumprod,
      cumprod_less,
      partitioned,
      cumlog,
      cumlog_signs};
  static const function two[] = {
      scatter_none,
      scatter_sum,
      put_along,
      add_along,
      update_none,
      update_sum,
      update_dynamic};
  static const function backward[] = {
      scatter_max, masked_put, update_max, update_prod};
  for (size_t i = 0; i < sizeof one / sizeof *one; i++)
    check_gradient(one[i], in, 1);
  for (size_t i = 0; i < sizeof two / sizeof *two; i++)
    check_gradient(two[i], in, 2);
  for (size_t i = 0; i < sizeof backward / sizeof *backward; i++)
    check_gradient_only(backward[i], in, 2);
  /* Products through a zero, and through two. */
  double* v = array_data(in[0]);
  v[1] = v[6] = v[7] = 0;
  check_gradient_only(cumprod, in, 1);
  check_gradient_only(cumprod_less, in, 1);
  scope_close(scope, NULL);
}

/* ---- norms, rotation, attention -------------------------------------------
 */

static lz_array* rms(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_rms_norm(a, c, 1e-3f, s));
}
static lz_array* layer(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_layer_norm(a, b, c, 1e-3f, s));
}
static lz_array* layer_bare(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_layer_norm(a, NULL, NULL, 1e-3f, s));
}

static void norms(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t shape[] = {2, 3, 5}, row[] = {5};
  lz_array* in[] = {
      noise(3, shape, 1, DTYPE_FLOAT64),
      noise(1, row, 2, DTYPE_FLOAT64),
      noise(1, row, 3, DTYPE_FLOAT64)};
  check_gradient(layer, in, 3);
  check_gradient(layer_bare, in, 1);
  check_gradient(rms, in, 3);
  scope_close(scope, NULL);
}

static lz_array* rotated(lz_array* const* in) {
  ARGUMENTS;

  const float base = 100;
  return weighed(op_rope(a, 4, false, &base, 0.5f, NUMBERS(3), NULL, s));
}
static lz_array* rotated_pairs(lz_array* const* in) {
  ARGUMENTS;
  const float base = 100;
  return weighed(op_rope(a, 4, true, &base, 1, NUMBERS(3, 5), NULL, s));
}

static void rotations(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t shape[] = {2, 2, 3, 6};
  lz_array* in[] = {noise(4, shape, 1, DTYPE_FLOAT64), NULL, NULL};
  check_gradient(rotated, in, 1);
  check_gradient(rotated_pairs, in, 1);
  scope_close(scope, NULL);
}

static lz_array* attention(lz_array* const* in) {
  ARGUMENTS;

  return weighed(op_attention(a, b, c, 0.7f, "", NULL, NULL, s));
}
static lz_array* attention_causal(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_attention(a, b, c, 0.7f, "causal", NULL, in[4], s));
}
static lz_array* attention_masked(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_attention(a, b, c, 0.7f, "array", in[3], in[4], s));
}

static void attentions(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t q[] = {2, 4, 2, 3}, k[] = {2, 2, 3, 3}, v[] = {2, 2, 3, 2},
                mask[] = {1, 1, 2, 3}, sinks[] = {4};
  for (int wide = 0; wide < 2; wide++) {
    lz_dtype d = wide ? DTYPE_FLOAT64 : DTYPE_FLOAT32;
    lz_array* in[] = {
        noise(4, q, 1, d),
        noise(4, k, 2, d),
        noise(4, v, 3, d),
        noise(4, mask, 4, d),
        noise(1, sinks, 5, d)};
    check_gradient(attention, in, 3);
    check_gradient(attention_causal, in, 5);
    check_gradient(attention_masked, in, 5);
  }
  scope_close(scope, NULL);
}

/* ---- convolutions and products ----------------------------------------------
 */

#define LIST(...) \
  { (const int[]){__VA_ARGS__}, 2 }
static lz_array* convolved(lz_array* const* in) {
  ARGUMENTS;

  const conv_spec p = {
      .stride = LIST(2, 1),
      .padding_low = LIST(2, 1),
      .padding_high = LIST(0, 3),
      .kernel_dilation = LIST(1, 2),
      .input_dilation = LIST(2, 1),
      .groups = 2};
  return weighed(op_conv(a, b, &p, s));
}
static lz_array* convolved_back(lz_array* const* in) {
  ARGUMENTS;
  const conv_spec p = {
      .stride = LIST(2, 3),
      .padding_low = LIST(3, 0),
      .padding_high = LIST(1, 2),
      .groups = 1,
      .flip = true};
  return weighed(op_conv(a, c, &p, s));
}

static void convolutions(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t x[] = {2, 3, 5, 4}, w[] = {4, 2, 3, 2}, v[] = {3, 2, 2, 4};
  lz_array* in[] = {
      noise(4, x, 1, DTYPE_FLOAT64),
      noise(4, w, 2, DTYPE_FLOAT64),
      noise(4, v, 3, DTYPE_FLOAT64)};
  check_gradient(convolved, in, 2);
  check_gradient(convolved_back, in, 3);
  scope_close(scope, NULL);
}

static lz_array* picked(lz_array* const* in) {
  ARGUMENTS;

  return weighed(op_gather_mm(a, b, NUMBERS(1, 0, 1), NUMBERS(0, 0, 2), s));
}
static lz_array* picked_left(lz_array* const* in) {
  ARGUMENTS;
  return weighed(op_gather_mm(a, b, NUMBERS(1, 0, 1), NULL, s));
}
static lz_array* blocks(lz_array* const* in) {
  ARGUMENTS;

  lz_array* two = op_reshape(NUMBERS(1, 0), (int32_t[]){1, 2}, 2, s);
  lz_array* mask = op_astype(two, DTYPE_BOOL, s);
  lz_array* right = op_transpose_all(op_astype(two, DTYPE_FLOAT64, s), s);
  right = op_add(right, op_scalar(DTYPE_FLOAT64, 0.5), s);
  return weighed(op_block_masked_mm(a, b, 32, NULL, mask, right, s));
}

static void products(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t x[] = {2, 2, 3}, w[] = {3, 3, 2};
  const int32_t wide[] = {2, 33}, tall[] = {33, 2};
  lz_array* in[] = {
      noise(3, x, 1, DTYPE_FLOAT64), noise(3, w, 2, DTYPE_FLOAT64), NULL};
  check_gradient_only(picked, in, 2);
  check_gradient_only(picked_left, in, 2);
  lz_array* flat[] = {
      noise(2, wide, 1, DTYPE_FLOAT64), noise(2, tall, 2, DTYPE_FLOAT64), NULL};
  check_gradient_only(blocks, flat, 2);
  scope_close(scope, NULL);
}

/* Codes of a matrix, of (2, 2, 32): the batch for gathering. */
static lz_array* codes;

static quantized quantised(lz_array* scales, lz_array* biases) {
  static const int group = 32, bits = 4;
  return (quantized){
      .w = codes,
      .scales = scales,
      .biases = biases,
      .wish = {&group, &bits, "affine"},
      .transpose = true};
}
static lz_array* quantised_product(lz_array* const* in) {
  ARGUMENTS;

  lz_array* flat = op_reshape(codes, (int32_t[]){4, 4}, 2, s);
  quantized q = quantised(op_flatten(b, 0, 1, s), op_flatten(c, 0, 1, s));
  q.w = flat;
  return weighed(op_quantized_matmul(a, q, s));
}
static lz_array* quantised_pick(lz_array* const* in) {
  ARGUMENTS;
  return weighed(
      op_gather_qmm(a, quantised(b, c), NUMBERS(1, 0, 1), NUMBERS(0, 0, 1), s));
}

static void quantised_products(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t x[] = {2, 3, 32}, w[] = {2, 2, 32}, factors[] = {2, 2, 1};
  static const int group = 32, bits = 4;
  lz_array* parts[3];
  int n;
  quantize_wish wish = {&group, &bits, "affine"};
  assert_int_equal(
      op_quantize(noise(3, w, 7, DTYPE_FLOAT32), wish, NULL, cpu(), parts, &n),
      0);
  codes = parts[0];
  assert_int_equal(eval_array(codes, LAZULI_TRIGGER_EVAL), 0);
  lz_array* in[] = {
      noise(3, x, 1, DTYPE_FLOAT32),
      noise(3, factors, 2, DTYPE_FLOAT32),
      noise(3, factors, 3, DTYPE_FLOAT32)};
  check_gradient_only(quantised_product, in, 3);
  check_gradient_only(quantised_pick, in, 3);
  scope_close(scope, NULL);
}

/* ---- batching
 * ------------------------------------------------------------------ */

static lz_array* taken_where(lz_array* const* in) {
  ARGUMENTS;

  return op_take(a, op_argsort(b, &last, s), &last, s);
}
static lz_array* along_where(lz_array* const* in) {
  ARGUMENTS;
  return op_take_along_axis(a, op_argsort(a, &last, s), 1, s);
}
static lz_array* taken_by_row(lz_array* const* in) {
  ARGUMENTS;

  lz_array* at[] = {op_argreduce(true, b, &last, false, s), NUMBERS(2, 1)};
  const int axes[] = {1, 0}, sizes[] = {1, 1};
  return op_gather(a, at, 2, axes, 2, sizes, 2, s);
}
static lz_array* put_where(lz_array* const* in) {
  ARGUMENTS;
  return op_scatter_axis(SCATTER_SUM, a, op_argsort(b, &first, s), b, 0, s);
}
static lz_array* convolved_each(lz_array* const* in) {
  ARGUMENTS;
  const conv_spec p = {.padding_low = {&last, 1}, .groups = 1};
  lz_array* x = op_expand_dims(a, &first, 1, s);
  return op_conv(x, op_expand_dims(b, &last, 1, s), &p, s);
}
static lz_array* normalised(lz_array* const* in) {
  ARGUMENTS;

  lz_array* w = op_sum(b, AXIS(0), false, s);
  return op_layer_norm(a, w, NULL, 1e-3f, s);
}
static lz_array* turned(lz_array* const* in) {
  ARGUMENTS;
  const float base = 10;
  lz_array* x = op_expand_dims(a, &first, 1, s);
  return op_rope(
      x, 4, false, &base, 1, op_argreduce(true, b, NULL, false, s), NULL, s);
}
static lz_array* attended(lz_array* const* in) {
  ARGUMENTS;
  const int two[] = {0, 1};
  lz_array* q = op_expand_dims(op_astype(a, DTYPE_FLOAT32, s), two, 2, s);
  lz_array* k = op_expand_dims(op_astype(b, DTYPE_FLOAT32, s), two, 2, s);
  return op_astype(
      op_attention(q, k, k, 1, "causal", NULL, NULL, s), DTYPE_FLOAT64, s);
}
static lz_array* ordered(lz_array* const* in) {
  ARGUMENTS;

  lz_array* y = op_sort(op_multiply(a, a, s), &last, s);
  return op_scan(SCAN_SUM, y, 0, true, false, s);
}

/* Where the rules leave it to the loop. */
static lz_array* convolved_groups(lz_array* const* in) {
  ARGUMENTS;
  const conv_spec p = {.groups = 2};
  lz_array* x = op_expand_dims(a, &first, 1, s);
  return op_conv(x, op_reshape(b, (int32_t[]){2, 2, 2}, 3, s), &p, s);
}
static lz_array* turned_freqs(lz_array* const* in) {
  ARGUMENTS;
  lz_array* x = op_expand_dims(a, &first, 1, s);
  lz_array* freqs = op_sum(b, AXIS(1), false, s);
  return op_rope(x, 4, true, NULL, 1, NUMBERS(2), freqs, s);
}
static lz_array* attended_sinks(lz_array* const* in) {
  ARGUMENTS;
  const int two[] = {0, 1};
  lz_array* q = op_expand_dims(op_astype(a, DTYPE_FLOAT32, s), two, 2, s);
  lz_array* k = op_expand_dims(op_astype(b, DTYPE_FLOAT32, s), two, 2, s);
  lz_array* sinks = op_sum(k, AXES_ALL, false, s);
  sinks = op_reshape(sinks, (int32_t[]){1}, 1, s);
  return op_astype(
      op_attention(q, k, k, 1, "", NULL, sinks, s), DTYPE_FLOAT64, s);
}

/* Both inputs mapped, then one, then the other. */
static void batches(void** state) {
  (void)state;
  static const function functions[] = {
      taken_where,
      along_where,
      taken_by_row,
      put_where,
      convolved_each,
      normalised,
      turned,
      attended,
      ordered,
      convolved_groups,
      turned_freqs,
      attended_sinks};
  size_t scope = scope_open();
  const int32_t many_a[] = {3, 5, 4}, many_b[] = {2, 4, 5};
  const int32_t one_a[] = {3, 4}, one_b[] = {2, 4};
  const int axes[][2] = {{1, 2}, {1, -1}, {-1, 2}};
  for (size_t k = 0; k < 3 * sizeof functions / sizeof *functions; k++) {
    function f = functions[k / 3];
    const int* axis = axes[k % 3];
    lz_array* items[] = {
        axis[0] >= 0 ? noise(3, many_a, 1, DTYPE_FLOAT64)
                     : noise(2, one_a, 1, DTYPE_FLOAT64),
        axis[1] >= 0 ? noise(3, many_b, 2, DTYPE_FLOAT64)
                     : noise(2, one_b, 2, DTYPE_FLOAT64),
        NULL};
    lz_closure* c = closure_of(f);
    lz_list in = {items, 2, 2}, si = {0}, so = {0}, out = {0};
    if (vmap_trace(c, &in, axis, 2, &si, &so) ||
        vmap_replace(&in, &si, &so, axis, 2, &first, 1, &out))
      fail_msg("function %zu, axes %zu: %s", k / 3, k % 3, error_message());
    lz_array* rows[5];
    for (int i = 0; i < 5; i++) {
      lz_array* example[3] = {items[0], items[1], NULL};
      for (int j = 0; j < 2; j++)
        if (axis[j] >= 0)
          example[j] = op_squeeze(
              op_take(items[j], NUMBERS(i), &axis[j], cpu()),
              &axis[j],
              1,
              cpu());
      rows[i] = f(example);
      if (!rows[i]) fail_msg("function %zu: %s", k / 3, error_message());
    }
    lz_array* want = op_stack(rows, 5, 0, cpu());
    if (!array_same_shape(out.items[0], want))
      fail_msg(
          "function %zu, axes %zu: shape %s, not %s",
          k / 3,
          k % 3,
          error_shape_of(out.items[0]),
          error_shape_of(want));
    lz_array* off = op_max(
        op_abs(op_subtract(out.items[0], want, cpu()), cpu()),
        AXES_ALL,
        false,
        cpu());
    assert_int_equal(eval_array(off, LAZULI_TRIGGER_EVAL), 0);
    if (!(array_scalar(off) < 1e-5))
      fail_msg(
          "function %zu, axes %zu: off %g", k / 3, k % 3, array_scalar(off));
    list_clear(&si), list_clear(&so), list_clear(&out);
    closure_unref(c);
  }
  scope_close(scope, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(indexing),
      cmocka_unit_test(norms),
      cmocka_unit_test(rotations),
      cmocka_unit_test(attentions),
      cmocka_unit_test(convolutions),
      cmocka_unit_test(products),
      cmocka_unit_test(quantised_products),
      cmocka_unit_test(batches),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
