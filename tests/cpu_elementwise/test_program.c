/* Programs: fused execution is bit for bit what the same operations give one by
 * one, whatever the shapes, strides and aliases. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "cpu/copy.h"
#include "cpu/program.h"

enum { MOST_INSTRS = 40, MOST_INPUTS = 6 };

/* A random program in single-assignment form. */
typedef struct random_program {
  lz_program p;
  lz_instr instrs[MOST_INSTRS], finished[MOST_INSTRS];
  uint16_t outputs[8], finished_outputs[8];
  lz_immediate immediates[MOST_INSTRS];
  uint8_t dtypes[MOST_INPUTS + MOST_INSTRS];
} random_program;

static int pick_of_dtype(const random_program* r, int n, lz_dtype d) {
  int start = arrays_below(n);
  for (int k = 0; k < n; k++)
    if (r->dtypes[(start + k) % n] == d) return (start + k) % n;
  return -1;
}

/* Adds an instruction whose operands exist; false if the draw has none. */
static bool add_instr(random_program* r, int n) {
  lz_instr in = {.op = (uint16_t)arrays_below(EW_ALL)};
  int a = arrays_below(n);
  lz_dtype d = r->dtypes[a];
  in.dst = (uint16_t)n;
  for (int k = 0; k < 3; k++) in.src[k] = (uint16_t)a;
  if (in.op == EW_CONST || in.op == EW_IOTA) {
    if (in.op == EW_IOTA && d == DTYPE_BOOL) return false;
    in.src[0] = (uint16_t)r->p.n_instrs;
    in.dtype = in.out_dtype = (uint8_t)d;
    lz_immediate* m = &r->immediates[r->p.n_instrs];
    if (in.op == EW_IOTA) {
      *m = program_iota(d, arrays_below(9) - 4, arrays_below(5) - 2);
    } else {
      uint8_t element[8];
      dtype_store(d, element, arrays_below(7));
      *m = program_const(d, element);
    }
  } else if (in.op == EW_ASTYPE) {
    in.dtype = (uint8_t)d;
    in.out_dtype = (uint8_t)arrays_below(DTYPE_COUNT);
  } else if (in.op == EW_FROM_FP8) {
    static const uint8_t floats[] = {
        DTYPE_FLOAT16, DTYPE_FLOAT32, DTYPE_FLOAT64, DTYPE_BFLOAT16};
    if (d != DTYPE_UINT8) return false;
    in.dtype = in.out_dtype = floats[arrays_below(4)];
  } else {
    if (!ew_supported(in.op, d)) return false;
    in.dtype = (uint8_t)d;
    in.out_dtype = (uint8_t)ew_output_dtype(in.op, d);
    for (int k = 1; k < ew_arity(in.op); k++)
      in.src[k] = (uint16_t)pick_of_dtype(r, n, d);
    if (in.op == EW_SELECT) {
      int mask = pick_of_dtype(r, n, DTYPE_BOOL);
      if (mask < 0) return false;
      in.src[0] = (uint16_t)mask;
    }
  }
  r->dtypes[n] = in.out_dtype;
  r->instrs[r->p.n_instrs++] = in;
  return true;
}

static void make_program(random_program* r, int n_instrs) {
  memset(r, 0, sizeof *r);
  r->p.n_inputs = 1 + arrays_below(MOST_INPUTS - 1);
  for (int i = 0; i < r->p.n_inputs; i++)
    r->dtypes[i] =
        (uint8_t)(arrays_below(2) ? DTYPE_FLOAT32 : arrays_below(DTYPE_COUNT));
  while (r->p.n_instrs < n_instrs) add_instr(r, r->p.n_inputs + r->p.n_instrs);
  int n = r->p.n_inputs + r->p.n_instrs;
  r->p.n_outputs = 1 + arrays_below(3);
  r->outputs[0] = (uint16_t)(n - 1);
  for (int o = 1; o < r->p.n_outputs; o++)
    r->outputs[o] = (uint16_t)arrays_below(n);
  r->p.immediates = r->immediates;
  memcpy(r->finished, r->instrs, sizeof r->instrs);
  memcpy(r->finished_outputs, r->outputs, sizeof r->outputs);
  r->p.instrs = r->finished;
  r->p.output_registers = r->finished_outputs;
  assert_int_equal(
      program_finish(&r->p, r->dtypes, r->finished, r->finished_outputs), 0);
}

/* Runs one instruction as a program of its own. */
static void run_one(
    const random_program* r,
    const lz_instr* in,
    int ndim,
    const int32_t* shape,
    array** values) {
  lz_instr one = *in;
  lz_view views[3];
  uint8_t dtypes[3];
  int arity = ew_arity(in->op);
  for (int k = 0; k < arity; k++) {
    views[k] = values[in->src[k]]->view;
    dtypes[k] = (uint8_t)views[k].dtype;
    one.src[k] = (uint16_t)k;
  }
  one.dst = (uint16_t)arity;
  uint16_t output = one.dst;
  lz_program p = {
      .n_inputs = arity,
      .n_outputs = 1,
      .n_instrs = 1,
      .instrs = &one,
      .output_registers = &output,
      .immediates = r->immediates};
  assert_int_equal(program_finish(&p, dtypes, &one, &output), 0);
  program_run(&p, ndim, shape, views, &values[in->dst]->view);
}

static void assert_same_bits(const lz_view* got, const lz_view* want, int at) {
  size_t size = dtype_size(got->dtype);
  int64_t n = view_size(got);
  for (int64_t i = 0; i < n; i++)
    if (memcmp(array_at(got, i), array_at(want, i), size)) {
      number g = array_get(got, i), w = array_get(want, i);
      bool nan = g.re != g.re && w.re != w.re;
      if (!nan)
        fail_msg(
            "output %d, element %lld: %g, one by one %g",
            at,
            (long long)i,
            g.re,
            w.re);
    }
}

static void fuzz_case(uint64_t seed, int64_t limit, int n_instrs) {
  arrays_seed(seed);
  static random_program r;
  make_program(&r, n_instrs);
  int32_t shape[6];
  int ndim = arrays_below(6);
  array_shape(ndim, limit, arrays_below(20) == 0, shape);
  int n = r.p.n_inputs + r.p.n_instrs;
  array* values[MOST_INPUTS + MOST_INSTRS];
  for (int i = 0; i < r.p.n_inputs; i++) {
    values[i] = array_new(
        r.dtypes[i],
        ndim,
        shape,
        arrays_below(3) ? arrays_below(LAYOUTS) : LAYOUT_ROW);
    array_fill(values[i], -3, 3);
    array_spice(values[i], 12);
  }
  for (int i = 0; i < r.p.n_instrs; i++) {
    int dst = r.instrs[i].dst;
    values[dst] = array_new(r.dtypes[dst], ndim, shape, LAYOUT_ROW);
    run_one(&r, &r.instrs[i], ndim, shape, values);
  }
  /* Now fused; sometimes an output takes the place of an input. */
  lz_view inputs[MOST_INPUTS], outputs[8];
  array* results[8] = {0};
  for (int i = 0; i < r.p.n_inputs; i++) inputs[i] = values[i]->view;
  uint64_t taken = 0;
  for (int o = 0; o < r.p.n_outputs; o++) {
    lz_dtype d = r.dtypes[r.outputs[o]];
    int i = arrays_below(r.p.n_inputs);
    bool broadcast = false;
    for (int k = 0; k < ndim; k++)
      if (shape[k] > 1 && inputs[i].strides[k] == 0) broadcast = true;
    if (arrays_below(2) && !broadcast && !(taken >> i & 1) &&
        dtype_size(inputs[i].dtype) == dtype_size(d)) {
      taken |= (uint64_t)1 << i;
      outputs[o] = inputs[i];
      outputs[o].dtype = d;
    } else {
      results[o] = array_new(
          d,
          ndim,
          shape,
          arrays_below(2) ? LAYOUT_ROW : arrays_below(LAYOUT_BROADCAST));
      outputs[o] = results[o]->view;
    }
  }
  /* An output that is an input passed through, which another output's place
   * takes, is compared with what the input held before. */
  array* kept[8] = {0};
  for (int o = 0; o < r.p.n_outputs; o++)
    if (r.outputs[o] < r.p.n_inputs) {
      kept[o] = array_new(r.dtypes[r.outputs[o]], ndim, shape, LAYOUT_ROW);
      copy_run(&kept[o]->view, &inputs[r.outputs[o]]);
    }
  program_run(&r.p, ndim, shape, inputs, outputs);
  for (int o = 0; o < r.p.n_outputs; o++)
    assert_same_bits(
        &outputs[o], kept[o] ? &kept[o]->view : &values[r.outputs[o]]->view, o);
  for (int o = 0; o < r.p.n_outputs; o++) {
    array_free(results[o]);
    array_free(kept[o]);
  }
  for (int i = 0; i < n; i++) array_free(values[i]);
}

static void test_fuzz(void** state) {
  (void)state;
  for (int k = 0; k < 600; k++) {
    static const int64_t limits[] = {40, 700, 6000};
    fuzz_case(1000 + (uint64_t)k, limits[k % 3], 1 + k % MOST_INSTRS);
  }
}

static void test_fuzz_large(void** state) {
  (void)state;
  for (int k = 0; k < 12; k++) fuzz_case(5000 + (uint64_t)k, 300000, 4);
}

static void test_refuses(void** state) {
  (void)state;
  uint8_t f32 = DTYPE_FLOAT32;
  uint16_t output = 1;
  lz_instr in = {EW_ADD, DTYPE_FLOAT32, DTYPE_FLOAT32, 1, {0, 0, 0}};
  lz_program p = {
      .n_inputs = 1,
      .n_outputs = 1,
      .n_instrs = 1,
      .instrs = &in,
      .output_registers = &output};
  lz_instr good = in;
  assert_int_equal(program_finish(&p, &f32, &in, &output), PROGRAM_OK);
  in = good;
  in.src[1] = 1; /* read before it is written */
  assert_int_equal(program_finish(&p, &f32, &in, &output), PROGRAM_MALFORMED);
  in = good;
  in.dst = 0; /* an input */
  assert_int_equal(program_finish(&p, &f32, &in, &output), PROGRAM_MALFORMED);
  in = good;
  in.out_dtype = DTYPE_FLOAT16;
  assert_int_equal(program_finish(&p, &f32, &in, &output), PROGRAM_MALFORMED);
  in = good;
  in.op = EW_BITWISE_AND;
  assert_int_equal(program_finish(&p, &f32, &in, &output), PROGRAM_UNSUPPORTED);
  in = good;
  output = 2;
  assert_int_equal(program_finish(&p, &f32, &in, &output), PROGRAM_MALFORMED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refuses),
      cmocka_unit_test(test_fuzz),
      cmocka_unit_test(test_fuzz_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
