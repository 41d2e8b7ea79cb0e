/* The element-wise engine for a driver in another language: single operations
 * on contiguous arrays. */
#include "cpu/copy.h"
#include "cpu/program.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int driver_count(void) {
  return EW_COUNT;
}
EXPORT const char* driver_name(int op) {
  return ew_name((ew_op)op);
}
EXPORT int driver_arity(int op) {
  return ew_arity((ew_op)op);
}
EXPORT int driver_rule(int op) {
  return (int)ew_rule_of((ew_op)op);
}
EXPORT int driver_supported(int op, int d) {
  return ew_supported((ew_op)op, (lz_dtype)d);
}
EXPORT int driver_output(int op, int d) {
  return (int)ew_output_dtype((ew_op)op, (lz_dtype)d);
}
EXPORT double driver_ulp(int op, int d) {
  return ew_ulp((ew_op)op, (lz_dtype)d);
}

/* out = op(a, b, c), each of n elements; `d` and `out_d` as in lz_instr, `in`
 * the operands' dtypes. Returns program_finish's error. */
EXPORT int driver_run(
    int op,
    int d,
    int out_d,
    int n,
    const int* in,
    void* const* operands,
    void* out) {
  lz_instr instr = {
      .op = (uint16_t)op, .dtype = (uint8_t)d, .out_dtype = (uint8_t)out_d};
  int arity = ew_arity((ew_op)op);
  uint8_t dtypes[3];
  lz_view views[3], result;
  int32_t shape[1] = {n};
  int64_t strides[1] = {1};
  for (int k = 0; k < arity; k++) {
    dtypes[k] = (uint8_t)in[k];
    instr.src[k] = (uint16_t)k;
    views[k] = (lz_view){operands[k], (lz_dtype)in[k], 1, shape, strides};
  }
  instr.dst = (uint16_t)arity;
  uint16_t output = (uint16_t)arity;
  result = (lz_view){out, (lz_dtype)out_d, 1, shape, strides};
  lz_program p = {
      .n_inputs = arity,
      .n_outputs = 1,
      .n_instrs = 1,
      .instrs = &instr,
      .output_registers = &output};
  enum program_error error = program_finish(&p, dtypes, &instr, &output);
  if (!error) program_run(&p, 1, shape, views, &result);
  return (int)error;
}
