/* Working memory of a thread, kept between kernels so that a small one does
 * not pay for malloc. Each thread has one buffer a slot; it grows and goes
 * with the thread. What is asked for beyond SCRATCH_KEEP is given back by the
 * next, smaller request. */
#ifndef CPU_SCRATCH_H
#define CPU_SCRATCH_H

#include <stddef.h>

/* Who nests inside whom must use different slots. */
enum scratch_slot {
  SCRATCH_GEMM,   /* panels and the tile of gemm_run */
  SCRATCH_KERNEL, /* the kernel that calls gemm_run */
  SCRATCH_OUTER,  /* what spans several parts of one kernel */
  SCRATCH_FUSED,  /* values between the stages of a shared kernel */
  SCRATCH_MADE,   /* a stripe of an operand: matmul_made.c */
  SCRATCH_LINE,   /* a line that several transforms work on */
  SCRATCH_BLOCK,  /* lines brought together for such transforms */
  SCRATCH_DNNL,   /* oneDNN's own working memory */
  SCRATCH_SLOTS
};

#define SCRATCH_KEEP ((size_t)32 << 20)

/* At least `bytes`, aligned to 64, undefined content, valid on this thread
 * until it asks for the same slot again. NULL: out of memory. */
void* scratch_get(enum scratch_slot slot, size_t bytes);

#endif
