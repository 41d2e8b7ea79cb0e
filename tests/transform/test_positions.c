/* Gradients of indexing, updates, sorting and cumulative operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/scope.h"
#include "gradients.h"
#include "ops/arrange.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/order.h"
#include "ops/patterns.h"
#include "ops/shape.h"
#include "ops/update.h"
#include "transform/vjp.h"

static lz_array* ints(int ndim, const int32_t* shape, const int32_t* values) {
  return scope_own(array_new_data(DTYPE_INT32, ndim, shape, values));
}
static lz_array* positions(void) { /* with one twice */
  return ints(1, (const int32_t[]){4}, (const int32_t[]){2, 0, -1, 2});
}
static lz_array* distinct(void) {
  return ints(1, (const int32_t[]){2}, (const int32_t[]){2, 0});
}

#define S cpu()
#define F(name, e)                                                         \
  static lz_array* f_##name(lz_array* const* in) {                         \
    lz_array *a = in[0], *b = in[1];                                       \
    (void)b;                                                               \
    return op_square(e, S); /* so that each element's weight is its own */ \
  }

/* a: (3,4); b as each names it. */
F(take, op_take(a, positions(), (const int[]){0}, S))
F(take_last, op_take(a, positions(), (const int[]){1}, S))
F(take_flat, op_take(a, positions(), NULL, S))
F(along,
  op_take_along_axis(
      a,
      ints(2, (const int32_t[]){3, 2}, (const int32_t[]){0, 0, 3, 1, 2, -1}),
      1,
      S))
F(slice_dynamic,
  op_slice_dynamic(
      a,
      ints(1, (const int32_t[]){2}, (const int32_t[]){1, 1}),
      (const int[]){0, 1},
      2,
      (const int[]){2, 3},
      2,
      S))
/* b: (2,1,4) at two rows */
static lz_array* scattered(scatter_reduce how, lz_array* a, lz_array* b) {
  lz_array* i = distinct();
  return op_scatter(how, a, &i, 1, b, (const int[]){0}, 1, S);
}
F(scatter, scattered(SCATTER_NONE, a, b))
F(scatter_add, scattered(SCATTER_SUM, a, b))
F(scatter_max, scattered(SCATTER_MAX, a, b))
F(scatter_min, scattered(SCATTER_MIN, a, b))
/* b: (3,2) */
static lz_array* put(scatter_reduce how, lz_array* a, lz_array* b) {
  lz_array* i =
      ints(2, (const int32_t[]){3, 2}, (const int32_t[]){0, 1, 3, 1, 2, 0});
  return op_scatter_axis(how, a, i, b, 1, S);
}
F(put_along, put(SCATTER_NONE, a, b))
F(add_along, put(SCATTER_SUM, a, b))
F(masked,
  op_masked_scatter(
      a,
      op_less(op_stop_gradient(a, S), op_scalar(DTYPE_FLOAT64, 0.5), S),
      b,
      S))
/* b: (2,2), into rows 2, 0 and columns 1, 3 */
static lz_array* updated(scatter_reduce how, lz_array* a, lz_array* b) {
  return op_slice_update(
      how,
      a,
      b,
      (const int[]){2, 1},
      (const int[]){-4, 4},
      (const int[]){-2, 2},
      2,
      S);
}
F(update, updated(SCATTER_NONE, a, b))
F(update_add, updated(SCATTER_SUM, a, b))
F(update_prod, updated(SCATTER_PROD, a, b))
F(update_max, updated(SCATTER_MAX, a, b))
F(update_min, updated(SCATTER_MIN, a, b))
F(update_dynamic,
  op_slice_update_dynamic(
      a,
      b,
      ints(1, (const int32_t[]){2}, (const int32_t[]){1, 2}),
      (const int[]){0, 1},
      2,
      S))
F(pad,
  op_pad(
      a,
      (const int[]){1},
      (const int[]){2},
      (const int[]){1},
      1,
      op_scalar(DTYPE_FLOAT64, 3),
      "edge",
      S))
F(sort, op_multiply(op_sort(a, (const int[]){1}, S), a, S))
F(topk, op_topk(a, 2, (const int[]){0}, S))
F(median, op_median(a, (const int[]){1}, 1, false, S))
F(cumsum, op_scan(SCAN_SUM, a, 1, false, true, S))
F(cumsum_back, op_scan(SCAN_SUM, a, 0, true, false, S))
F(cumprod, op_scan(SCAN_PROD, a, 1, false, true, S))
F(cumprod_back, op_scan(SCAN_PROD, a, 0, true, false, S))
F(logcumsumexp, op_scan(SCAN_LOGADDEXP, a, 1, false, true, S))
F(diagonal, op_diagonal(a, 1, 0, 1, S))
F(roll,
  op_multiply(op_roll(a, (const int[]){1}, 1, (const int[]){1}, 1, S), a, S))
F(repeat, op_repeat(a, 2, (const int[]){0}, S))

static void check(function f, int ndim, const int32_t* shape, bool tangents) {
  size_t scope = scope_open();
  lz_array* in[2] = {noise(2, (const int32_t[]){3, 4}, 7, DTYPE_FLOAT64), NULL};
  if (ndim >= 0) in[1] = noise(ndim, shape, 99, DTYPE_FLOAT64);
  (tangents ? check_gradient : check_gradient_only)(f, in, in[1] ? 2 : 1);
  scope_close(scope, NULL);
}
#define CHECK_IF(name, tangents, ...)                               \
  do {                                                              \
    print_message("  %s\n", #name);                                 \
    const int32_t shape[] = {__VA_ARGS__};                          \
    check(f_##name, sizeof shape / sizeof *shape, shape, tangents); \
  } while (0)
#define CHECK(name, ...) CHECK_IF(name, true, __VA_ARGS__)
/* Of operations that have a gradient and no tangents. */
#define CHECK_GRADIENT(name, ...) CHECK_IF(name, false, __VA_ARGS__)
#define CHECK1(name)                 \
  do {                               \
    print_message("  %s\n", #name);  \
    check(f_##name, -1, NULL, true); \
  } while (0)

static void reads(void** state) {
  (void)state;
  CHECK1(take);
  CHECK1(take_last);
  CHECK1(take_flat);
  CHECK1(along);
  CHECK1(slice_dynamic);
  CHECK1(diagonal);
  CHECK1(repeat);
  CHECK1(roll);
  CHECK1(pad);
}

static void writes(void** state) {
  (void)state;
  CHECK(scatter, 2, 1, 4);
  CHECK(scatter_add, 2, 1, 4);
  CHECK_GRADIENT(scatter_max, 2, 1, 4);
  CHECK_GRADIENT(scatter_min, 2, 1, 4);
  CHECK(put_along, 3, 2);
  CHECK(add_along, 3, 2);
  CHECK(masked, 12);
  CHECK(update, 2, 2);
  CHECK(update_add, 2, 2);
  CHECK_GRADIENT(update_prod, 2, 2);
  CHECK_GRADIENT(update_max, 2, 2);
  CHECK_GRADIENT(update_min, 2, 2);
  CHECK(update_dynamic, 2, 2);
}

static void order(void** state) {
  (void)state;
  CHECK1(sort);
  CHECK1(topk);
  CHECK1(median);
  CHECK1(cumsum);
  CHECK1(cumsum_back);
  CHECK1(cumprod);
  CHECK1(cumprod_back);
  CHECK1(logcumsumexp);
}

/* Products with zeros in them, where dividing by the element fails. */
static void cumprod_of_zeros(void** state) {
  (void)state;
  size_t scope = scope_open();
  const double values[] = {2, 0, 3, 0, 5};
  lz_array* in[] = {scope_own(
      array_new_data(DTYPE_FLOAT64, 2, (const int32_t[]){1, 5}, values))};
  check_gradient(f_cumprod, in, 1);
  scope_close(scope, NULL);
}

F(cummax, op_scan(SCAN_MAX, a, 1, false, true, S))

static void what_has_none(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = noise(2, (const int32_t[]){3, 4}, 7, DTYPE_FLOAT32);
  lz_closure* c = closure_of(f_cummax);
  lz_list primals = {0}, cotangents = {0}, outs = {0}, grads = {0};
  list_append(&primals, a);
  list_append(&cotangents, op_ones_like(a, S));
  assert_true(vjp_function(c, &primals, &cotangents, &outs, &grads) != 0);
  assert_non_null(strstr(error_message(), "CumMax has no gradient"));
  error_clear();
  list_clear(&primals), list_clear(&cotangents);
  list_clear(&outs), list_clear(&grads);
  closure_unref(c);
  scope_close(scope, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads),
      cmocka_unit_test(writes),
      cmocka_unit_test(order),
      cmocka_unit_test(cumprod_of_zeros),
      cmocka_unit_test(what_has_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
