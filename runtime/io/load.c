#include "io/load.h"

#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "io/checksum.h"

typedef struct load_params {
  lz_source* source;
  uint64_t offset;
  uint32_t swap, checked;
  uint64_t checksum; /* of the bytes as they are in the file */
} load_params;

static void load_swap(char* data, size_t n, size_t item) {
  for (size_t i = 0; i < n; i++, data += item)
    for (size_t k = 0; k < item / 2; k++) {
      char c = data[k];
      data[k] = data[item - 1 - k];
      data[item - 1 - k] = c;
    }
}

static int load_cpu(lz_exec* x) {
  const load_params* p = x->params;
  lz_array* out = x->out[0];
  if (exec_alloc(x, 0)) return 1;
  if (source_read(p->source, array_data(out), array_nbytes(out), p->offset))
    return 1;
  if (p->checked &&
      checksum_of(array_data(out), array_nbytes(out)) != p->checksum)
    return error_fail(
        "[load] %s is damaged: %zu bytes from byte %llu on are not what was "
        "written",
        source_label(p->source),
        array_nbytes(out),
        (unsigned long long)p->offset);
  if (p->swap) {
    /* A complex number is two floats. */
    size_t item = dtype_size((lz_dtype)out->dtype);
    size_t n = (size_t)out->size;
    if (out->dtype == DTYPE_COMPLEX64) item /= 2, n *= 2;
    load_swap(array_data(out), n, item);
  }
  return 0;
}

static void load_retain(void* params) {
  source_ref(((load_params*)params)->source);
}

static void load_free(void* params) {
  source_unref(((load_params*)params)->source);
}

const lz_op op_load_desc = {
    .name = "Load",
    .flags = OP_NO_MERGE | OP_NO_FOLD | OP_HOST,
    .cpu = load_cpu,
    .params_retain = load_retain,
    .params_free = load_free};

lz_array* op_load(
    lz_source* source,
    uint64_t offset,
    bool swap,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape,
    lz_stream* s) {
  if (!s) return NULL;
  load_params p = {.source = source, .offset = offset, .swap = swap};
  return scope_own(
      node_make(&op_load_desc, s, NULL, 0, &p, sizeof p, dtype, ndim, shape));
}

lz_array* op_load_checked(
    lz_source* source,
    uint64_t offset,
    uint64_t checksum,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape,
    lz_stream* s) {
  if (!s) return NULL;
  load_params p = {
      .source = source, .offset = offset, .checked = 1, .checksum = checksum};
  return scope_own(
      node_make(&op_load_desc, s, NULL, 0, &p, sizeof p, dtype, ndim, shape));
}
