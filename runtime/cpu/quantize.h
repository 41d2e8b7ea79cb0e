/* Quantised matrices: packing, the formats, and back.
 *
 * Along the last axis each `group_size` neighbours share a scale. Element i of
 * a row takes `bits` bits from bit i * bits on, least significant first, of
 * the row's bytes; rows are whole uint32 words.
 *
 *   affine  scale * code + bias, scale and bias of the matrix's type
 *   mxfp4   code is e2m1, scale a power of two (e8m0), groups of 32
 *   mxfp8   code is e4m3, scale e8m0, groups of 32
 *   nvfp4   code is e2m1, scale e4m3, groups of 16, and one scale for all
 *
 * Rounding is MLX 0.31.2's on its CPU, ties and all: codes and scales equal
 * its own bit for bit. */
#ifndef CPU_QUANTIZE_H
#define CPU_QUANTIZE_H

#include "cpu/view.h"

typedef enum quantize_mode {
  QUANTIZE_AFFINE,
  QUANTIZE_MXFP4,
  QUANTIZE_MXFP8,
  QUANTIZE_NVFP4,
  QUANTIZE_MODES
} quantize_mode;

typedef struct quantize_format {
  quantize_mode mode;
  int bits;       /* affine 2, 3, 4, 5, 6, 8 */
  int group_size; /* affine 32, 64, 128 */
} quantize_format;

#define QUANTIZE_GROUP_MAX 128

/* w (…, K) of float16, bfloat16 or float32, any strides; K a multiple of the
 * group. packed (…, K * bits / 32) of uint32, scales (…, K / group) of w's
 * type or uint8, biases likewise (NULL unless affine): last axes contiguous.
 * global_scale: of nvfp4 only, or NULL. Runs on the pool. */
void quantize_run(
    const quantize_format* f,
    const lz_view* w,
    const float* global_scale,
    const lz_view* packed,
    const lz_view* scales,
    const lz_view* biases);

/* The way back. Any strides. out is float16, bfloat16 or float32. Affine:
 * scale * code rounds to the type of scales, the sum to that of out; others:
 * the value and the scale round to `type`, their product to out (MLX computes
 * so, and with a global scale its out is float32 whatever was asked for). */
void dequantize_run(
    const quantize_format* f,
    const lz_view* packed,
    const lz_view* scales,
    const lz_view* biases,
    const float* global_scale,
    lz_dtype type,
    const lz_view* out);

/* What quantising and going back at once makes of rows: qqmm's view of its
 * activations. Rounds ties of e2m1 to even, where quantize_run rounds them to
 * zero; as MLX does. x and out may be the same. */
void quantize_round_trip(
    const quantize_format* f,
    const lz_view* x,
    const float* global_scale,
    const lz_view* out);

/* Single values, saturating: e4m3 has no infinity here, 0x7f is 480. */
uint8_t quantize_to_fp8(float x);
float quantize_from_fp8(uint8_t code);
/* As a factor: the power of two of an e8m0 code, or an e4m3 value. */
float quantize_scale(quantize_mode mode, uint8_t code);

/* The kernels of one instruction set. */
typedef struct quantize_table {
  /* n codes, one a byte; n a multiple of 8. */
  void (*unpack)(uint8_t* codes, const uint8_t* packed, int bits, int64_t n);
  void (*pack)(uint8_t* packed, const uint8_t* codes, int bits, int64_t n);
  /* What n codes stand for before scale and bias. */
  void (*decode[QUANTIZE_MODES])(
      float* values, const uint8_t* packed, int bits, int64_t n);
  /* n scales of one byte; bits is 8. */
  void (*scales[QUANTIZE_MODES])(
      float* values, const uint8_t* codes, int bits, int64_t n);
  /* Codes of one group; returns scale and bias. */
  void (*affine)(
      uint8_t* codes,
      const float* w,
      int n,
      int bits,
      float* scale,
      float* bias);
  /* quantize_to_fp8 of each. */
  void (*to_fp8)(uint8_t* codes, const float* x, int64_t n);
  /* The largest magnitude; NaN if there is one. */
  float (*largest)(const float* x, int64_t n);
  /* In place. */
  void (*times)(float* x, int64_t n, float by);
  void (*plus)(float* x, int64_t n, float by);
  void (*over)(float* x, int64_t n, float by);
} quantize_table;

const quantize_table* quantize_kernels(void);

#endif
