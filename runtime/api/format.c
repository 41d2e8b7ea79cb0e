#include "api/format.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* Elements shown at either end of a long axis. */
#define FORMAT_EDGE 3

typedef void (*format_fn)(FILE* out, const void* element);

static void format_float(FILE* out, double value) {
  fprintf(out, "%g", value);
}

static void format_complex(FILE* out, lz_complex z) {
  bool plus = z.im >= 0 || isnan(z.im);
  format_float(out, z.re);
  fputc(plus ? '+' : '-', out);
  format_float(out, plus ? z.im : -z.im);
  fputc('j', out);
}

/* How an element of each kind is written, from the bits as they are stored. */
#define WRITE_BOOL(type, x) fputs((x) ? "true" : "false", out)
#define WRITE_UNSIGNED(type, x) fprintf(out, "%" PRIu64, (uint64_t)(x))
#define WRITE_SIGNED(type, x) fprintf(out, "%" PRId64, (int64_t)(x))
#define WRITE_COMPLEX(type, x) format_complex(out, x)
#define WRITE_FLOAT(type, x) format_float(out, dtype_load(type, &(x)))

#define DTYPE(id, name, bytes, kind, suffix, type)              \
  static void format_##suffix(FILE* out, const void* element) { \
    type x;                                                     \
    memcpy(&x, element, sizeof x);                              \
    WRITE_##kind(DTYPE_##id, x);                                \
  }
#include "core/dtype.def"
#undef DTYPE

static const format_fn format_elements[DTYPE_COUNT] = {
#define DTYPE(id, name, bytes, kind, suffix, type) format_##suffix,
#include "core/dtype.def"
#undef DTYPE
};

/* The part of `a` under `data` from axis `axis` on. Depth is the number of
 * axes. */
static void format_axis(
    FILE* out, const lz_array* a, const char* data, int axis) {
  int n = a->shape[axis];
  bool last = axis == a->ndim - 1;
  int64_t step = a->strides[axis] * (int64_t)dtype_size((lz_dtype)a->dtype);
  fputc('[', out);
  for (int i = 0; i < n; i++) {
    if (i && !last) fprintf(out, "%*s", 7 + axis, "");
    if (i == FORMAT_EDGE && n > 2 * FORMAT_EDGE) {
      fputs("...", out);
      i = n - FORMAT_EDGE - 1;
    } else if (last) {
      format_elements[a->dtype](out, data + i * step);
    } else {
      format_axis(out, a, data + i * step, axis + 1);
    }
    if (i < n - 1) fputs(last ? ", " : ",\n", out);
  }
  fputc(']', out);
}

static locale_t plain;
static void format_make_locale(void) {
  plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

char* format_array(const lz_array* a) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, format_make_locale);
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return error_memory();
  locale_t before = plain ? uselocale(plain) : (locale_t)0;
  fputs("array(", out);
  if (a->ndim)
    format_axis(out, a, array_data(a), 0);
  else
    format_elements[a->dtype](out, array_data(a));
  fprintf(out, ", dtype=%s)", dtype_name((lz_dtype)a->dtype));
  if (plain) uselocale(before);
  bool failed = ferror(out);
  if (fclose(out) || failed) {
    free(text);
    return error_memory();
  }
  return text;
}
