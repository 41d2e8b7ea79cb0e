/* One run of a program, cut into tiles. Between program_run.c, which plans it,
 * and program_tile.c, which runs it.
 *
 * The shape's merged axes are those of a plane, its rows and columns, and the
 * others. A tile is a part of one plane: `tile_rows` × `tile_columns` elements
 * or what the edge leaves. Mostly a plane is one row, so a tile is a stretch of
 * the last axis; it has more where some array lies transposed, and where rows
 * are short: then tiles are stacks of whole rows, one after another. Units of
 * work number the tiles: unit = (other * column_tiles + column tile) *
 * row_tiles + row tile: a transposed array is walked along its own rows. */
#ifndef CPU_PROGRAM_JOB_H
#define CPU_PROGRAM_JOB_H

#include "cpu/program.h"

enum {
  PROGRAM_NONE = -1,
#if defined(LAZULI_HOSTILE)
  PROGRAM_PIECE = 32,
#else
  PROGRAM_PIECE = 128,
#endif
  PROGRAM_LINE = 64, /* of a cache, in bytes */
  PROGRAM_AHEAD = 8  /* inputs fetched ahead */
};

/* How an array meets its register. */
enum binding {
  BIND_DIRECT, /* tiles are contiguous in the array */
  BIND_SPLAT,  /* one element for the whole shape */
  BIND_ROW,    /* one element a row, and a plane is one row */
  BIND_PLANE,  /* copied, with a constant stride along rows and columns; once
                  for tiles that find the same there */
  BIND_GATHER  /* copied, across several axes */
};

typedef struct program_job {
  const lz_program* p;
  const lz_view* inputs;
  const lz_view* outputs;
  const ew_fn* fn; /* one an instruction, NULL for pseudo-operations */
  int ndim;
  const int32_t* shape;
  /* Of inputs, then outputs, then of places in row-major order. */
  int64_t (*strides)[LZ_MAX_DIMS];
  const uint8_t* binding; /* of inputs, then outputs */
  /* Of an output: its register if tiles may be computed in the array itself,
   * else PROGRAM_NONE. */
  const int16_t* owner;
  /* Of an output: whether it is so large that it is better written past the
   * caches. It then has no owner. */
  const bool* stream;
  int row_axis, column_axis; /* PROGRAM_NONE: planes have one row; all axes
                                are one stretch */
  int64_t rows, columns;     /* of a plane */
  int row_step; /* of stacks: so many rows have a multiple of EW_PAD elements;
                   0 where tiles are none */
  int64_t row_tiles, column_tiles;
  int tile_rows, tile_columns;
  /* Of an instruction: whether it runs in pieces of PROGRAM_PIECE elements, the
   * next tile being fetched between them; and how many pieces a tile has. */
  const bool* split;
  int pieces;
} program_job;

/* The kernel of each instruction; NULL for pseudo-operations. */
void program_resolve(const lz_program* p, ew_fn* fn);

/* Units begin … end-1. A pool_fn; ctx is the job. */
void program_job_part(void* ctx, int64_t begin, int64_t end, int worker);

/* What a thread reads next, and how many lines of it to ask for a piece. */
typedef struct program_next {
  int count;
  const char* at[PROGRAM_AHEAD];
  int lines[PROGRAM_AHEAD];
} program_next;

/* The instructions over n elements in r[]; rows of `columns` elements whose
 * places start at `place` and lie `row_places` apart. Constants that have
 * registers of their own are filled only if asked. `split` and `ahead` as in a
 * job, or NULL. */
void program_job_instrs(
    const lz_program* p,
    const ew_fn* fn,
    char** r,
    int n,
    int columns,
    int64_t place,
    int64_t row_places,
    bool constants,
    const bool* split,
    program_next* ahead);

#endif
