/* A fused group of element-wise operations as a small register program, run
 * over tiles that stay in the first-level cache, on all cores.
 *
 * Registers hold a tile each. Register i < n_inputs is input i and is never
 * written. Instructions run in order; each writes one register.
 *
 *   build   instructions in single-assignment form: every `dst` is new
 *   finish  program_finish() checks them and gives out registers anew
 *   run     program_run(), any number of times, from any thread
 *
 * A program is plain data that its owner keeps: nothing here allocates. */
#ifndef CPU_PROGRAM_H
#define CPU_PROGRAM_H

#include <stdint.h>

#include "cpu/elementwise.h"
#include "cpu/view.h"

#define PROGRAM_MAX_INPUTS 64
#define PROGRAM_MAX_OUTPUTS 32
#define PROGRAM_MAX_INSTRS 1024
/* Registers alive at once, inputs and outputs counted, after finish. */
#define PROGRAM_MAX_REGISTERS 256

/* `dtype` is that of the operands; AsType: of the source; Select: of the second
 * and third; FromFP8, EW_CONST, EW_IOTA: of the result. `out_dtype` is that of
 * the result. EW_CONST and EW_IOTA have no operand: src[0] is an index into
 * the immediates. */
typedef struct lz_instr {
  uint16_t op; /* ew_op */
  uint8_t dtype;
  uint8_t out_dtype;
  uint16_t dst;
  uint16_t src[3];
} lz_instr;

/* EW_CONST: `value` holds the element as it stands in memory. EW_IOTA: element
 * number i in row-major order is value + step * i, .i for integer dtypes, .f
 * for float and complex. */
typedef union lz_scalar {
  uint8_t bytes[8];
  int64_t i;
  double f;
  lz_complex c;
} lz_scalar;
typedef struct lz_immediate {
  lz_scalar value;
  lz_scalar step;
} lz_immediate;

typedef struct lz_program {
  int n_inputs, n_outputs, n_instrs;
  int n_registers; /* set by finish */
  int cost;        /* set by finish: of one element, see ew_cost */
  int max_size;    /* set by finish: bytes of the widest register */
  int n_bound;     /* set by finish: registers of inputs and outputs */
  uint64_t unread; /* set by finish: inputs that nothing looks at, as bits */
  const lz_instr* instrs;
  const uint16_t* output_registers; /* n_outputs; an input may be one */
  const lz_immediate* immediates;
} lz_program;

enum program_error {
  PROGRAM_OK,
  PROGRAM_MALFORMED,   /* a register is read before it is written, or twice
                          written, or dtypes do not fit together */
  PROGRAM_UNSUPPORTED, /* an operation has no kernel for its dtype */
  PROGRAM_TOO_LARGE    /* a limit above is exceeded: split the group */
};

/* Checks the program, whose arrays `instrs` and `outputs` the caller may still
 * write, drops nothing, and renumbers registers so that those no longer needed
 * are used again. `input_dtypes` has n_inputs entries. Sets every field of
 * `program` but the pointers, which must be set, and n_inputs, n_outputs and
 * n_instrs. On error the program must not be run. Before finish registers are
 * numbered below n_inputs + n_instrs. */
enum program_error program_finish(
    lz_program* program,
    const uint8_t* input_dtypes,
    lz_instr* instrs,
    uint16_t* outputs);

/* Runs a finished program over `shape`. Inputs and outputs have this shape
 * (broadcast inputs with strides of 0) and the dtypes of the program. Outputs
 * do not overlap inputs or each other, except that an output may be exactly an
 * input: the same data, strides and dtype size. Blocks until done; inside a
 * pool's job it runs inline. */
void program_run(
    const lz_program* program,
    int ndim,
    const int32_t* shape,
    const lz_view* inputs,
    const lz_view* outputs);

/* The immediate of MLX's arange(start, …, step) in dtype `d`: start and step
 * are rounded to it the way MLX does. */
lz_immediate program_iota(lz_dtype d, double start, double step);

/* The immediate of a constant: the element at `element`. */
lz_immediate program_const(lz_dtype d, const void* element);

#endif
