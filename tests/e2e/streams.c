/* Eight threads, each with a stream of its own, evaluate as fast as they can.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "mlx/c/mlx.h"

#define THREADS 8
#define ROUNDS 300
#define CHAIN 6

static void* thread_main(void* number) {
  char name[16];
  snprintf(name, sizeof name, "worker %d", (int)(intptr_t)number);
  pthread_setname_np(pthread_self(), name);
  mlx_stream s = mlx_stream_new_device(mlx_device_new_type(MLX_CPU, 0));
  mlx_array one = mlx_array_new_float(1.0f);
  for (int i = 0; i < ROUNDS; i++) {
    mlx_array x = mlx_array_new();
    const int shape[] = {4, 4};
    mlx_full(&x, shape, 2, one, MLX_FLOAT32, s);
    for (int k = 0; k < CHAIN; k++) mlx_add(&x, x, one, s);
    if (mlx_array_eval(x)) return (void*)1;
    mlx_array_free(x);
  }
  mlx_array_free(one);
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  void* failed = NULL;
  for (intptr_t i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, thread_main, (void*)i);
  for (int i = 0; i < THREADS && !failed; i++)
    pthread_join(threads[i], &failed);
  if (failed) return 1;
  printf("%d %d %d\n", THREADS, ROUNDS, CHAIN);
  return 0;
}
