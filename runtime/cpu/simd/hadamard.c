/* Sums and differences in place. */
#include "cpu/hadamard.h"

#include "cpu/isa.h"

static void line(
    float* restrict x, int m, int power, const uint32_t* rows, float scale) {
  const int n = m * power;
  for (int h = 1; h < power; h <<= 1)
    for (int i = 0; i < n; i += 2 * h)
      for (int j = i; j < i + h; j++) {
        const float a = x[j], b = x[j + h];
        x[j] = a + b;
        x[j + h] = a - b;
      }
  if (m > 1) {
    /* Across the m blocks, sixteen lanes at a time. */
    enum { LANES = 16, MOST = 28 };
    float sum[MOST][LANES];
    for (int i = 0; i < power; i += LANES) {
      const int lanes = power - i < LANES ? power - i : LANES;
      for (int j = 0; j < m; j++) {
        for (int l = 0; l < LANES; l++) sum[j][l] = 0;
        for (int k = 0; k < m; k++) {
          const float sign = rows[j] >> k & 1 ? 1 : -1;
          for (int l = 0; l < lanes; l++)
            sum[j][l] += sign * x[k * power + i + l];
        }
      }
      for (int j = 0; j < m; j++)
        for (int l = 0; l < lanes; l++) x[j * power + i + l] = sum[j][l];
    }
  }
  for (int i = 0; i < n; i++) x[i] *= scale;
}

extern const hadamard_table ISA_NAME(hadamard_table);
const hadamard_table ISA_NAME(hadamard_table) = {line};
