#include "cpu/onednn.h"
#include "cpu/onednn_entry.h"

typedef struct matmul_shape {
  int64_t m, n, k;
  const onednn_matrix *a, *b, *out;
  lz_dtype out_dtype;
} matmul_shape;

static int matrix_desc(
    dnnl_memory_desc_t* desc,
    int64_t rows,
    int64_t cols,
    const onednn_matrix* m,
    dnnl_data_type_t type) {
  dnnl_dims_t dims = {rows, cols};
  dnnl_dims_t strides = {m->transposed ? 1 : m->ld, m->transposed ? m->ld : 1};
  return dnnl_memory_desc_init_by_strides(desc, 2, dims, type, strides) !=
         dnnl_success;
}

static int matmul_make(onednn_entry* e, const void* ctx) {
  const matmul_shape* s = ctx;
  dnnl_matmul_desc_t op;
  return matrix_desc(&e->src, s->m, s->k, s->a, dnnl_bf16) ||
         matrix_desc(&e->weights, s->k, s->n, s->b, dnnl_bf16) ||
         matrix_desc(
             &e->dst,
             s->m,
             s->n,
             s->out,
             s->out_dtype == DTYPE_FLOAT32 ? dnnl_f32 : dnnl_bf16) ||
         dnnl_matmul_desc_init(&op, &e->src, &e->weights, NULL, &e->dst) !=
             dnnl_success ||
         onednn_entry_build(e, &op, NULL);
}

int onednn_bf16_matmul(
    int64_t m,
    int64_t n,
    int64_t k,
    const onednn_matrix* a,
    const onednn_matrix* b,
    const onednn_matrix* out,
    lz_dtype out_dtype) {
  const int threads = onednn_enter();
  const matmul_shape shape = {m, n, k, a, b, out, out_dtype};
  const onednn_key key = {
      {1,
       m,
       n,
       k,
       a->ld,
       b->ld,
       out->ld,
       (a->transposed ? 1 : 0) | (b->transposed ? 2 : 0),
       (int64_t)out_dtype}};
  onednn_entry* e = onednn_entry_get(&key, matmul_make, &shape);
  const int status = e ? onednn_entry_run(e, a->data, b->data, out->data) : 1;
  onednn_entry_release(e);
  onednn_leave(threads);
  return status;
}
