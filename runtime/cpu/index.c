#include "cpu/index.h"

/* An unsigned value above INT64_MAX is out of range whatever the axis. */
#define SIGNED(v) (int64_t)(v)
#define UNSIGNED(v) ((v) > INT64_MAX ? INT64_MAX : (int64_t)(v))

#define READ(T, AS)                       \
  do {                                    \
    const T* from = p;                    \
    for (int64_t i = 0; i < n; i++) {     \
      int64_t at = AS(from[i * stride]);  \
      at += at < 0 ? extent : 0;          \
      bool under = at<0, over = at> last; \
      int64_t safe = clamp ? last : -1;   \
      at = under ? (clamp ? 0 : -1) : at; \
      positions[i] = over ? safe : at;    \
    }                                     \
  } while (0)

void index_run(
    lz_dtype dtype,
    const void* p,
    int64_t stride,
    int64_t n,
    int64_t extent,
    int64_t room,
    bool clamp,
    int64_t* positions) {
  int64_t last = extent - room;
  switch (dtype) {
    case DTYPE_BOOL:
    case DTYPE_UINT8:
      READ(uint8_t, SIGNED);
      break;
    case DTYPE_UINT16:
      READ(uint16_t, SIGNED);
      break;
    case DTYPE_UINT32:
      READ(uint32_t, SIGNED);
      break;
    case DTYPE_UINT64:
      READ(uint64_t, UNSIGNED);
      break;
    case DTYPE_INT8:
      READ(int8_t, SIGNED);
      break;
    case DTYPE_INT16:
      READ(int16_t, SIGNED);
      break;
    case DTYPE_INT32:
      READ(int32_t, SIGNED);
      break;
    case DTYPE_INT64:
      READ(int64_t, SIGNED);
      break;
    default:
      assert(!"an index type");
  }
}

void index_read(
    const lz_view* v,
    const walk* w,
    int64_t begin,
    int64_t n,
    int64_t extent,
    int64_t room,
    bool clamp,
    int64_t* positions) {
  int64_t size = (int64_t)dtype_size(v->dtype);
  walk_at at;
  walk_seek(w, &at, begin);
  while (n > 0) {
    int64_t m = walk_left(w, &at);
    if (m > n) m = n;
    index_run(
        v->dtype,
        (const uint8_t*)v->data + at.offset[0] * size,
        walk_stride(w, 0),
        m,
        extent,
        room,
        clamp,
        positions);
    positions += m;
    n -= m;
    if (n > 0) walk_skip(w, &at, m);
  }
}
