/* A copy between arrays whose elements have one size, as units: stretches that
 * lie together in the output. Shared by copy.c and copy_turned.c. Strides count
 * bytes. */
#ifndef CPU_COPY_JOB_H
#define CPU_COPY_JOB_H

#include <stdbool.h>

#include "cpu/view.h"

enum copy_kind {
  COPY_TOGETHER, /* the bytes of a unit lie together in the input, too */
  COPY_FILL,     /* a unit repeats one element of it */
  COPY_STEP      /* its elements are `step` bytes apart there */
};

typedef struct copy_job {
  char* to;
  const char* from;
  int ndim; /* axes of units; those of `to` from the furthest apart to the
               nearest */
  int32_t shape[LZ_MAX_DIMS];
  int64_t to_stride[LZ_MAX_DIMS], from_stride[LZ_MAX_DIMS];
  enum copy_kind kind;
  size_t size;  /* of an element */
  size_t bytes; /* of a unit */
  int64_t step;
  int64_t units;
  /* of rows that are walked one after another */
  size_t chunk; /* bytes of the parts that one is cut into */
  int64_t chunks;
  bool stream;
} copy_job;

/* Copies in blocks of units that are neighbours in the input along one axis and
 * in the output along another; false, and nothing done, if there is no such
 * pair of axes. */
bool copy_turned(const copy_job* j);

#endif
