/* Quantised matrices on the graph: formats as in cpu/quantize.h. */
#ifndef OPS_QUANTIZE_H
#define OPS_QUANTIZE_H

#include "core/op.h"
#include "cpu/quantize.h"

/* How a caller names a format; NULL: the mode's own. */
typedef struct quantize_wish {
  const int *group_size, *bits;
  const char* mode;
} quantize_wish;

/* The format, or non-zero with a message that names the operation. */
int quantize_format_of(
    const char* op, quantize_wish wish, quantize_format* format);
/* Do w, scales and biases (NULL unless affine) make one matrix? *dtype is the
 * type they stand for: bfloat16 where scales are codes. */
int quantize_check(
    const char* op,
    const quantize_format* f,
    const lz_array* w,
    const lz_array* scales,
    const lz_array* biases,
    lz_dtype* dtype);
/* Whether a node's format is one of those that there are. */
bool quantize_format_is(const quantize_format* f);
int quantize_check_global(
    const char* op, const quantize_format* f, const lz_array* global_scale);

/* w (…, K), a real float, K a multiple of the group: out gets packed, scales
 * and, of affine, biases; *n says how many. */
int op_quantize(
    lz_array* w,
    quantize_wish wish,
    lz_array* global_scale,
    lz_stream* s,
    lz_array* out[3],
    int* n);
/* dtype NULL: that of scales and biases, or bfloat16. */
lz_array* op_dequantize(
    lz_array* w,
    lz_array* scales,
    lz_array* biases,
    quantize_wish wish,
    lz_array* global_scale,
    const lz_dtype* dtype,
    lz_stream* s);

void quantize_describe(const lz_node* n, char* text, size_t size);

extern const lz_op op_quantize_desc, op_dequantize_desc;

#endif
