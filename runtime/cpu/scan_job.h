/* A scan that runs: what its ways over rows and lines share. */
#ifndef CPU_SCAN_JOB_H
#define CPU_SCAN_JOB_H

#include "cpu/elementwise.h"
#include "cpu/simd/scan.h"
#include "cpu/walk.h"

enum {
  SCAN_PARTS = 64,    /* of one long row */
  SCAN_GRAIN = 16384, /* elements worth a thread's while */
  SCAN_SHORT = 64     /* rows that are turned, or scanned several at once */
};

typedef struct scan_job {
  scan_kind kind;
  bool inclusive;
  lz_dtype in_type, out_type, type; /* type: what is computed in */
  int64_t in_size, out_size, size;
  void (*row)(const void* x, void* out, int64_t n, void* carry, bool exclusive);
  void (*back)(
      const void* x, void* out, int64_t n, void* carry, bool exclusive);
  void (*line)(const void* before, const void* x, void* out, int64_t n);
  void (*down)(const scan_lines* lines);
  void (*shorts)(const scan_shorts* rows);
  ew_fn widen;       /* in_type to type, where they differ */
  const uint8_t* in; /* of the first element in the direction of the scan */
  uint8_t* out;
  int64_t n, in_stride, out_stride; /* the axis */
  bool stream;      /* rows lie together, and the output is large */
  bool apart;       /* out is not in */
  walk rows;        /* views in, out: the other axes */
  uint64_t neutral; /* what an exclusive scan begins with */
  uint64_t unit;    /* what an inclusive one may begin with, if `whole` */
  bool whole;
  int64_t cols; /* neighbouring lines that are scanned side by side */
  /* one long row in parts */
  walk_at at;
  int64_t part;
  uint64_t carries[SCAN_PARTS + 1]; /* into each part */
  bool resets[SCAN_PARTS];          /* a part forgets what was before */
} scan_job;

/* n elements as the type computed in, lying together: where they are, or in
 * `tile`. */
const void* scan_load(
    const scan_job* job,
    const uint8_t* x,
    int64_t stride,
    int64_t n,
    void* tile);

/* Back to the type of the result; nothing where `out` is the tile. */
void scan_store(
    const scan_job* job,
    uint8_t* out,
    int64_t stride,
    const void* tile,
    int64_t n);

/* The ways for neighbouring lines, which `rows` has on its innermost axis, and
 * for rows of up to SCAN_SHORT elements. Each says whether the job is for it
 * and done. */
bool scan_beside(scan_job* job);
bool scan_short(scan_job* job);

#endif
