#include "cpu/fft_kept.h"

#include <stdbool.h>
#include <stddef.h>

void fft_kept_release(fft_kept* k, void* plan) {
  fft_plan* p = plan;
  pthread_mutex_lock(&k->lock);
  const bool last = p && --p->refs == 0;
  pthread_mutex_unlock(&k->lock);
  if (last) k->destroy(p);
}

void* fft_kept_get(fft_kept* k, int n) {
  fft_plan* p = NULL;
  pthread_mutex_lock(&k->lock);
  for (int i = 0; i < FFT_KEPT && !p; i++)
    if (k->plans[i] && k->plans[i]->n == n) p = k->plans[i];
  if (p) p->refs++;
  pthread_mutex_unlock(&k->lock);
  if (p || !(p = k->create(n))) return p;
  pthread_mutex_lock(&k->lock);
  fft_plan* gone = k->plans[k->next];
  k->plans[k->next] = p;
  k->next = (k->next + 1) % FFT_KEPT;
  p->refs++;
  pthread_mutex_unlock(&k->lock);
  fft_kept_release(k, gone);
  return p;
}
