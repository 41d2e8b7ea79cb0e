#include "io/dense.h"

#include <stdlib.h>

#include "core/error.h"
#include "cpu/copy.h"

int dense_write(lz_sink* sink, const lz_array* a) {
  size_t bytes = array_nbytes(a);
  if (bytes == 0) return 0;
  if (a->flags & ARRAY_ROW_CONTIGUOUS)
    return sink_write(sink, array_data(a), bytes);
  void* dense = malloc(bytes);
  if (!dense) return error_memory() == NULL;
  lz_view from = array_view(a), to = from;
  int64_t strides[LZ_MAX_DIMS];
  view_row_strides(a->ndim, a->shape, strides);
  to.data = dense;
  to.strides = strides;
  copy_run(&to, &from);
  int failed = sink_write(sink, dense, bytes);
  free(dense);
  return failed;
}
