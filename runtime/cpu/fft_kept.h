/* What transforms of one length need, kept for the next of that length. */
#ifndef CPU_FFT_KEPT_H
#define CPU_FFT_KEPT_H

#include <pthread.h>

/* First in whatever is kept. */
typedef struct fft_plan {
  int n, refs;
} fft_plan;

enum { FFT_KEPT = 4 };
typedef struct fft_kept {
  void* (*create)(int n); /* with one reference; NULL: out of memory */
  void (*destroy)(void* plan);
  pthread_mutex_t lock;
  fft_plan* plans[FFT_KEPT];
  int next;
} fft_kept;

/* The plan of length n, made where it is not there, with a reference for the
 * caller; NULL: out of memory. Any thread. */
void* fft_kept_get(fft_kept* k, int n);
/* Takes NULL. */
void fft_kept_release(fft_kept* k, void* plan);

#endif
