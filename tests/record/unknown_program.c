/* Evaluates two arrays of an unknown MLX, three times. */
#include <stdint.h>
#include <stdio.h>

extern int unknown_evals(void);
extern void eval(void* outputs) __asm__(
    "_ZN3mlx4core4evalESt6vectorINS0_5arrayESaIS2_EE");

int main(void) {
  static uint64_t desc[64];
  void* arrays[4] = {desc, NULL, desc + 8, NULL};
  void* vector[3] = {arrays, arrays + 4, arrays + 4};
  for (int i = 0; i < 3; i++) eval(vector);
  printf("%d\n", unknown_evals());
  return 5;
}
