/* Random numbers: keys, bits and what is made of them. A key is a uint32 array
 * of shape (2,), or (…,2) for many. NULL keys are drawn from the process's
 * sequence (op_random_seed). */
#ifndef OPS_RANDOM_H
#define OPS_RANDOM_H

#include "core/array.h"

lz_array* op_random_key(uint64_t seed);
/* Starts the process's sequence of keys anew. Non-zero: no memory. */
int op_random_seed(uint64_t seed);
/* `key`, or the next of the sequence. */
lz_array* op_random_next(lz_array* key, lz_stream* s);
/* Unsigned integers of 1, 2 or 4 bytes. */
lz_array* op_random_bits(
    const int32_t* shape, int ndim, int width, lz_array* key, lz_stream* s);
/* Two new keys; or `num` of them, shape (num,2). */
int op_random_split(lz_array* key, lz_stream* s, lz_array* out[2]);
lz_array* op_random_split_num(lz_array* key, int num, lz_stream* s);
/* In [low, high). */
lz_array* op_random_uniform(
    lz_array* low,
    lz_array* high,
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s);
/* loc and scale may be NULL: 0 and 1. */
lz_array* op_random_normal(
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* loc,
    lz_array* scale,
    lz_array* key,
    lz_stream* s);

extern const lz_op op_random_bits_desc;

#endif
