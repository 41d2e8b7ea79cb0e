/* Arrays for kernel tests: random shapes' random memory layouts, values that
 * every type holds exactly or nearly so, and comparison in double. */
#ifndef TESTS_CPU_MATMUL_TENSOR_H
#define TESTS_CPU_MATMUL_TENSOR_H

#include "cpu/view.h"

typedef struct tensor {
  lz_view view; /* points into this struct: do not copy it */
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[LZ_MAX_DIMS];
  void* base;
} tensor;

enum tensor_layout {
  TENSOR_ROWS,     /* contiguous */
  TENSOR_SWAPPED,  /* last two axes transposed in memory */
  TENSOR_STEPPED,  /* every axis strided by more than it needs */
  TENSOR_REVERSED, /* last axis runs backwards */
  TENSOR_SHUFFLED, /* axes in a random order in memory */
  TENSOR_LAYOUTS
};

/* Deterministic; seeded by test_seed. */
void test_seed(uint64_t seed);
uint32_t test_random(void);
int test_range(int low, int high); /* both included */
double test_uniform(double low, double high);

/* Filled with `fill` bytes. */
void tensor_init(
    tensor* t,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape,
    enum tensor_layout layout);
void tensor_free(tensor* t);
/* Uniform in [low, high); complex in both parts. Rounded to the type. */
void tensor_fill(tensor* t, double low, double high);
int64_t tensor_size(const tensor* t);

/* The element of flat row-major index i. */
char* tensor_at(const tensor* t, int64_t i);
double tensor_get(const tensor* t, int64_t i);
double tensor_get_imag(const tensor* t, int64_t i);
void tensor_set(tensor* t, int64_t i, double value);

/* Offset of the multi-index. */
int64_t tensor_offset(const tensor* t, const int32_t* index);

#endif
