#include "cpu/copy.h"

#include "cpu/program.h"

void copy_run(const lz_view* to, const lz_view* from) {
  /* The finished program of one conversion, or of none at all. */
  static const uint16_t source = 0, result = 1;
  bool converts = to->dtype != from->dtype;
  size_t size = dtype_size(to->dtype), other = dtype_size(from->dtype);
  lz_instr convert = {
      .op = EW_ASTYPE,
      .dtype = (uint8_t)from->dtype,
      .out_dtype = (uint8_t)to->dtype,
      .dst = result,
      .src = {source, source, source}};
  lz_program p = {
      .n_inputs = 1,
      .n_outputs = 1,
      .n_instrs = converts,
      .n_registers = 1 + converts,
      .cost = 2,
      .max_size = (int)(size > other ? size : other),
      .n_bound = 1 + converts,
      .instrs = &convert,
      .output_registers = converts ? &result : &source};
  program_run(&p, to->ndim, to->shape, from, to);
}
