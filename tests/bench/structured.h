/* Part of cases.c: its cases of structured operations. Inputs are made when a
 * case is first asked for. */
#ifndef TESTS_BENCH_STRUCTURED_H
#define TESTS_BENCH_STRUCTURED_H

static mlx_array shaped(mlx_array a, const int* shape, size_t dims) {
  mlx_array out = mlx_array_new();
  mlx_reshape(&out, a, shape, dims, stream);
  mlx_array_eval(out);
  return out;
}

static void var_rows(void) {
  mlx_array out = mlx_array_new();
  mlx_var_axis(&out, square, 1, false, 0, stream);
  finish_one(hold(out));
}
static void var_columns(void) {
  mlx_array out = mlx_array_new();
  mlx_var_axis(&out, square, 0, false, 0, stream);
  finish_one(hold(out));
}
static void layer_norm(void) {
  mlx_array out = mlx_array_new(), none = {NULL};
  mlx_fast_layer_norm(&out, square, none, none, 1e-5f, stream);
  finish_one(hold(out));
}
static void rms_norm(void) {
  mlx_array out = mlx_array_new(), none = {NULL};
  mlx_fast_rms_norm(&out, square, none, 1e-5f, stream);
  finish_one(hold(out));
}

static mlx_array cube(void) {
  static mlx_array made;
  if (!made.ctx)
    made = shaped(square, (const int[]){MIDDLE, MIDDLE, MIDDLE}, 3);
  return made;
}
static void softmax_middle(void) {
  finish_one(along(mlx_softmax_axis, cube(), 1));
}
static void logsumexp_middle(void) {
  finish_one(along(mlx_logsumexp_axis, cube(), 1));
}

/* ---- products ---- */
static void quantized(int bits, mlx_dtype d) {
  static mlx_array packed[2][2][3], vectors[2];
  const int b = bits == 8, h = d != MLX_FLOAT32;
  const mlx_optional_int group = {64, true}, width = {bits, true};
  mlx_array *p = packed[b][h], out = mlx_array_new(), none = {NULL};
  if (!p[0].ctx) {
    mlx_array flat = shaped(vector_, (const int[]){1, SIDE}, 2);
    vectors[h] = cast(flat, d);
    mlx_vector_array parts = mlx_vector_array_new();
    mlx_quantize(&parts, cast(square, d), group, width, "affine", none, stream);
    mlx_eval(parts);
    for (size_t i = 0; i < 3; i++) {
      p[i] = mlx_array_new();
      mlx_vector_array_get(&p[i], parts, i);
    }
  }
  mlx_quantized_matmul(
      &out, vectors[h], p[0], p[1], p[2], true, group, width, "affine", stream);
  finish_one(hold(out));
}
static void quantized_4(void) {
  quantized(4, MLX_FLOAT32);
}
static void quantized_8(void) {
  quantized(8, MLX_FLOAT32);
}
static void quantized_4_half(void) {
  quantized(4, MLX_BFLOAT16);
}
static void quantized_8_half(void) {
  quantized(8, MLX_BFLOAT16);
}

static void vecmat(void) {
  static mlx_array lying;
  if (!lying.ctx) lying = shaped(vector_, (const int[]){1, SIDE}, 2);
  finish_one(binary(mlx_matmul, lying, square));
}
static void matvec_half(void) {
  static mlx_array m, v;
  if (!m.ctx) m = cast(square, MLX_BFLOAT16), v = cast(vector_, MLX_BFLOAT16);
  finish_one(binary(mlx_matmul, m, v));
}
static void matmul_transposed(void) {
  finish_one(binary(mlx_matmul, left[0], unary(mlx_transpose, right[0])));
}
static void matmul_batched(void) {
  static mlx_array a, b;
  const int shape[] = {16, 256, 256};
  if (!a.ctx) a = shaped(left[0], shape, 3), b = shaped(right[0], shape, 3);
  finish_one(binary(mlx_matmul, a, b));
}
static void addmm(void) {
  mlx_array out = mlx_array_new();
  mlx_addmm(&out, left[0], left[0], right[0], 1, 1, stream);
  finish_one(hold(out));
}

static void attention(int kind, mlx_dtype d) {
  static mlx_array q[3];
  mlx_array out = mlx_array_new(), none = {NULL};
  if (!q[kind].ctx)
    q[kind] =
        cast(shaped(normal(8192, 64), (const int[]){2, 8, 512, 64}, 4), d);
  mlx_fast_scaled_dot_product_attention(
      &out, q[kind], q[kind], q[kind], 0.125f, "causal", none, none, stream);
  finish_one(hold(out));
}
static void attention_f32(void) {
  attention(0, MLX_FLOAT32);
}
static void attention_f16(void) {
  attention(1, MLX_FLOAT16);
}
static void attention_bf16(void) {
  attention(2, MLX_BFLOAT16);
}

/* ---- order, places, windows ---- */
static void sorted(void) {
  static mlx_array a;
  mlx_array out = mlx_array_new();
  if (!a.ctx) a = normal(1024, 1024);
  mlx_sort_axis(&out, a, -1, stream);
  finish_one(hold(out));
}
static void topk(void) {
  static mlx_array a;
  mlx_array out = mlx_array_new();
  if (!a.ctx) a = normal(1024, 1024);
  mlx_topk_axis(&out, a, 16, -1, stream);
  finish_one(hold(out));
}
static void cumsum(void) {
  mlx_array out = mlx_array_new();
  mlx_cumsum(&out, square, -1, false, true, stream);
  finish_one(hold(out));
}

/* Numbers below a limit, in no order. */
static mlx_array places(int count, int below) {
  mlx_array out = mlx_array_new(), key = mlx_array_new();
  mlx_random_key(&key, 77);
  mlx_random_randint(
      &out, number(0), number((float)below), &count, 1, MLX_INT32, key, stream);
  mlx_array_eval(out);
  mlx_array_free(key);
  release();
  return out;
}
static void take_rows(void) {
  static mlx_array at;
  mlx_array out = mlx_array_new();
  if (!at.ctx) at = places(SIDE, SIDE);
  mlx_take_axis(&out, square, at, 0, stream);
  finish_one(hold(out));
}
static void take_elements(void) {
  static mlx_array at;
  mlx_array out = mlx_array_new();
  if (!at.ctx) at = places(ELEMENTS / 16, ELEMENTS);
  mlx_take(&out, x, at, stream);
  finish_one(hold(out));
}
static void scatter_rows(void) {
  static mlx_array at, updates;
  mlx_array out = mlx_array_new();
  if (!at.ctx) {
    at = places(1024, 1024);
    updates = shaped(left[0], (const int[]){1024, 1, 1024}, 3);
  }
  mlx_scatter_add_single(&out, right[0], at, updates, 0, stream);
  finish_one(hold(out));
}

static void conv2d(void) {
  static mlx_array image, filter;
  mlx_array out = mlx_array_new();
  if (!image.ctx) {
    image = shaped(normal(4 * 56 * 56, 64), (const int[]){4, 56, 56, 64}, 4);
    filter = shaped(normal(64 * 9, 64), (const int[]){64, 3, 3, 64}, 4);
  }
  mlx_conv2d(&out, image, filter, 1, 1, 1, 1, 1, 1, 1, stream);
  finish_one(hold(out));
}
static void rope(void) {
  static mlx_array a;
  mlx_array out = mlx_array_new(), none = {NULL};
  if (!a.ctx) a = shaped(normal(16384, 128), (const int[]){1, 32, 512, 128}, 4);
  const mlx_optional_float base = {10000, true};
  mlx_fast_rope(&out, a, 128, false, base, 1, 0, none, stream);
  finish_one(hold(out));
}
static void random_normal(void) {
  const int shape[] = {1024, 1024};
  mlx_array out = mlx_array_new(), key = mlx_array_new();
  mlx_random_key(&key, 5);
  mlx_random_normal(&out, shape, 2, MLX_FLOAT32, 0, 1, hold(key), stream);
  finish_one(hold(out));
}

#endif
