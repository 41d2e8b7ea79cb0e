/* Sums and differences in place. */
#include "cpu/hadamard.h"

#include "cpu/isa.h"

/* Elements h apart; h known in advance, or not. */
#define PASS(h)                               \
  for (int64_t i = 0; i < n; i += 2 * (h)) {  \
    float* restrict at = x + i;               \
    for (int64_t j = 0; j < (h); j++) {       \
      const float a = at[j], b = at[j + (h)]; \
      at[j] = a + b;                          \
      at[j + (h)] = a - b;                    \
    }                                         \
  }

static void passes(float* restrict x, int64_t n, int power) {
  if (power == 2) {
    PASS(1);
    return;
  }
  for (int64_t i = 0; i < n; i += 4) {
    const float a = x[i] + x[i + 1], b = x[i] - x[i + 1];
    const float c = x[i + 2] + x[i + 3], d = x[i + 2] - x[i + 3];
    x[i] = a + c;
    x[i + 1] = b + d;
    x[i + 2] = a - c;
    x[i + 3] = b - d;
  }
  if (power > 4) PASS(4);
  if (power > 8) PASS(8);
  for (int64_t h = 16; h < power; h <<= 1) PASS(h);
}

enum { LANES = 16, MOST = 28, WIDE = 32 };

/* Across the m blocks of a line, sixteen lanes at a time. */
static void across(float* restrict x, int m, int power, const uint32_t* rows) {
  float sum[MOST][LANES];
  for (int i = 0; i < power; i += LANES) {
    for (int j = 0; j < m; j++) {
      for (int l = 0; l < LANES; l++) sum[j][l] = 0;
      for (int k = 0; k < m; k++) {
        const float sign = rows[j] >> k & 1 ? 1 : -1;
        for (int l = 0; l < LANES; l++)
          sum[j][l] += sign * x[k * power + i + l];
      }
    }
    for (int j = 0; j < m; j++)
      for (int l = 0; l < LANES; l++) x[j * power + i + l] = sum[j][l];
  }
}

/* The same where a block has fewer lanes: all results of one lane at a time. */
static void across_few(
    float* restrict x, int m, int power, const float columns[MOST][WIDE]) {
  for (int i = 0; i < power; i++) {
    float sum[WIDE] = {0};
    for (int k = 0; k < m; k++) {
      const float at = x[k * power + i];
      for (int j = 0; j < WIDE; j++) sum[j] += columns[k][j] * at;
    }
    for (int j = 0; j < m; j++) x[j * power + i] = sum[j];
  }
}

static void lines(
    float* restrict x,
    int64_t count,
    int m,
    int power,
    const uint32_t* rows,
    float scale) {
  const int64_t n = count * m * power;
  if (power > 1) passes(x, n, power);
  if (m > 1 && power >= LANES) {
    for (int64_t i = 0; i < count; i++)
      across(x + i * m * power, m, power, rows);
  } else if (m > 1) {
    float columns[MOST][WIDE] = {{0}};
    for (int k = 0; k < m; k++)
      for (int j = 0; j < m; j++) columns[k][j] = rows[j] >> k & 1 ? 1 : -1;
    for (int64_t i = 0; i < count; i++)
      across_few(x + i * m * power, m, power, columns);
  }
  for (int64_t i = 0; i < n; i++) x[i] *= scale;
}

extern const hadamard_table ISA_NAME(hadamard_table);
const hadamard_table ISA_NAME(hadamard_table) = {lines};
