/* Programs that compute. */
#include "program.h"

#define A p->a
#define S p->s

void program_elementwise(program* p) {
  FILL(0, MLX_FLOAT32, 2, 200, 331);
  FILL(1, MLX_FLOAT16, 2, 331);
  FILL(2, MLX_INT32, 90, 200, 1);
  DO(mlx_multiply(&A[3], A[0], A[1], S));
  DO(mlx_add(&A[3], A[3], A[2], S));
  DO(mlx_tanh(&A[4], A[3], S));
  DO(mlx_exp(&A[5], A[4], S));
  DO(mlx_greater(&A[6], A[0], A[4], S));
  DO(mlx_where(&A[7], A[6], A[5], A[0], S));
  DO(mlx_astype(&A[8], A[7], MLX_BFLOAT16, S));
  DO(mlx_divmod(&p->v[1], A[0], A[7], S));
  GATHER(0, 4, 5, 7, 8);
  DO(mlx_eval(p->v[0]));
  program_take_all(p, p->v[0]);
  program_take_all(p, p->v[1]);
}

void program_products(program* p) {
  FILL(0, MLX_FLOAT32, 1, 150, 130);
  FILL(1, MLX_FLOAT32, 1, 130, 170);
  FILL(2, MLX_BFLOAT16, 1, 3, 70, 130);
  FILL(3, MLX_FLOAT32, 1, 170);
  FILL(4, MLX_FLOAT32, 1, 1, 300);
  FILL(5, MLX_FLOAT32, 1, 300, 200);
  DO(mlx_matmul(&A[6], A[0], A[1], S));
  DO(mlx_matmul(&A[7], A[2], A[1], S));
  DO(mlx_addmm(&A[8], A[3], A[0], A[1], 0.5f, 2.0f, S));
  DO(mlx_tanh(&A[8], A[8], S));
  DO(mlx_matmul(&A[9], A[4], A[5], S));
  DO(mlx_transpose(&A[10], A[1], S));
  DO(mlx_matmul(&A[11], A[10], A[10], S) == 0); /* does not fit */
  DO(mlx_inner(&A[12], A[0], A[10], S));
  GATHER(0, 0, 1);
  DO(mlx_einsum(&A[13], "ij,jk->ki", p->v[0], S));
  for (int i = 6; i <= 13; i++)
    if (i != 10 && i != 11) program_take(p, A[i]);
}

void program_convolution(program* p) {
  FILL(0, MLX_FLOAT32, 1, 2, 17, 19, 8);
  FILL(1, MLX_FLOAT32, 1, 16, 3, 3, 8);
  FILL(2, MLX_FLOAT32, 1, 2, 40, 6);
  FILL(3, MLX_FLOAT32, 1, 4, 5, 3);
  FILL(4, MLX_FLOAT32, 1, 8, 3, 3, 16);
  DO(mlx_conv2d(&A[5], A[0], A[1], 1, 2, 1, 1, 1, 1, 1, S));
  DO(mlx_conv1d(&A[6], A[2], A[3], 1, 0, 2, 2, S));
  DO(mlx_conv_transpose2d(&A[7], A[5], A[4], 2, 1, 0, 0, 1, 1, 0, 0, 1, S));
  for (int i = 5; i <= 7; i++) program_take(p, A[i]);
}

void program_attention(program* p) {
  FILL(0, MLX_FLOAT32, 1, 1, 4, 70, 32);
  FILL(1, MLX_FLOAT32, 1, 1, 2, 90, 32);
  FILL(2, MLX_FLOAT32, 1, 1, 2, 90, 32);
  FILL(3, MLX_FLOAT32, 1, 32);
  DO(mlx_fast_scaled_dot_product_attention(
      &A[4],
      A[0],
      A[1],
      A[2],
      0.2f,
      "causal",
      (mlx_array){0},
      (mlx_array){0},
      S));
  DO(mlx_fast_rms_norm(&A[5], A[4], A[3], 1e-5f, S));
  DO(mlx_fast_layer_norm(&A[6], A[4], A[3], A[3], 1e-5f, S));
  DO(mlx_fast_rope(
      &A[7],
      A[0],
      32,
      false,
      (mlx_optional_float){10000, true},
      1,
      3,
      (mlx_array){0},
      S));
  DO(mlx_softmax_axis(&A[8], A[0], -1, true, S));
  for (int i = 4; i <= 8; i++) program_take(p, A[i]);
}

void program_reductions(program* p) {
  FILL(0, MLX_FLOAT32, 1, 300, 257);
  FILL(1, MLX_FLOAT16, 1, 7, 30, 20);
  DO(mlx_sum(&A[2], A[0], false, S));
  DO(mlx_sum_axis(&A[3], A[0], 0, true, S));
  DO(mlx_max_axis(&A[4], A[0], 1, false, S));
  DO(mlx_mean_axes(&A[5], A[1], (int[]){0, 2}, 2, false, S));
  DO(mlx_var_axis(&A[6], A[0], 1, false, 1, S));
  DO(mlx_logsumexp_axis(&A[7], A[0], 0, false, S));
  DO(mlx_argmax_axis(&A[8], A[0], 0, false, S));
  DO(mlx_argmin(&A[9], A[1], false, S));
  DO(mlx_cumsum(&A[10], A[0], 1, false, true, S));
  DO(mlx_cumprod(&A[11], A[1], 1, true, false, S));
  DO(mlx_exp(&A[12], A[0], S));
  DO(mlx_sum_axis(&A[12], A[12], -1, false, S));
  for (int i = 2; i <= 12; i++) program_take(p, A[i]);
}

void program_order(program* p) {
  FILL(0, MLX_FLOAT32, 9, 3, 5000);
  FILL(1, MLX_INT32, 99, 40, 30);
  DO(mlx_sort_axis(&A[2], A[0], 1, S));
  DO(mlx_argsort_axis(&A[3], A[0], -1, S));
  DO(mlx_sort_axis(&A[4], A[1], 0, S));
  DO(mlx_argsort(&A[5], A[1], S));
  DO(mlx_topk_axis(&A[6], A[0], 7, 1, S));
  DO(mlx_sort_axis(&A[6], A[6], 1, S));
  DO(mlx_median(&A[7], A[1], (int[]){0, 1}, 2, false, S));
  DO(mlx_partition_axis(&A[8], A[0], 4000, 1, S));
  DO(mlx_sum(&A[8], A[8], false, S));
  for (int i = 2; i <= 7; i++) program_take(p, A[i]);
}

void program_positions(program* p) {
  FILL(0, MLX_FLOAT32, 1, 90, 50);
  DO(mlx_arange(&A[1], 0, 90, 3, MLX_INT32, S));
  DO(mlx_take_axis(&A[2], A[0], A[1], 0, S));
  DO(mlx_zeros(&A[3], (int[]){30, 1, 50}, 3, MLX_FLOAT32, S));
  DO(mlx_argsort_axis(&A[4], A[0], 1, S));
  DO(mlx_take_along_axis(&A[5], A[0], A[4], 1, S));
  DO(mlx_put_along_axis(&A[6], A[0], A[4], A[5], 1, S));
  DO(mlx_vector_array_set_value(&p->v[0], A[1]));
  DO(mlx_gather(&A[7], A[0], p->v[0], (int[]){0}, 1, (int[]){1, 50}, 2, S));
  DO(mlx_scatter(&A[8], A[0], p->v[0], A[3], (int[]){0}, 1, S));
  DO(mlx_scatter_add(&A[9], A[0], p->v[0], A[7], (int[]){0}, 1, S));
  DO(mlx_slice(
      &A[10],
      A[0],
      (int[]){80, 0},
      2,
      (int[]){3, 50},
      2,
      (int[]){-7, 2},
      2,
      S));
  DO(mlx_slice_update(
      &A[11],
      A[0],
      A[10],
      (int[]){0, 0},
      2,
      (int[]){11, 50},
      2,
      (int[]){1, 2},
      2,
      S));
  DO(mlx_greater(&A[12], A[0], A[5], S));
  DO(mlx_flatten(&A[15], A[5], 0, -1, S));
  DO(mlx_masked_scatter(&A[13], A[0], A[12], A[15], S));
  DO(mlx_slice_dynamic(
         &A[14], A[0], A[1], (int[]){0}, 1, (int[]){1, 50}, 2, S) == 0);
  for (int i = 2; i <= 13; i++)
    if (i != 3 && i != 12) program_take(p, A[i]);
}

void program_shapes(program* p) {
  FILL(0, MLX_FLOAT32, 1, 4, 5, 6, 7, 2, 3);
  FILL(1, MLX_FLOAT32, 1, 20, 30);
  DO(mlx_transpose_axes(&A[2], A[0], (int[]){5, 0, 3, 1, 4, 2}, 6, S));
  DO(mlx_reshape(&A[3], A[2], (int[]){12, -1}, 2, S));
  DO(mlx_broadcast_to(&A[4], A[1], (int[]){3, 20, 30}, 3, S));
  GATHER(0, 1, 1, 1, 1, 1, 1);
  DO(mlx_concatenate_axis(&A[5], p->v[0], 1, S));
  DO(mlx_stack_axis(&A[6], p->v[0], 2, S));
  DO(mlx_split(&p->v[1], A[1], 5, 1, S));
  DO(mlx_array_set_float32(&A[14], 0));
  DO(mlx_pad(
      &A[7],
      A[1],
      (int[]){0, 1},
      2,
      (int[]){1, 2},
      2,
      (int[]){3, 0},
      2,
      A[14],
      "edge",
      S));
  DO(mlx_tile(&A[8], A[1], (int[]){2, 3}, 2, S));
  DO(mlx_repeat_axis(&A[9], A[1], 3, 0, S));
  DO(mlx_roll_axis(&A[10], A[1], (int[]){7}, 1, 1, S));
  DO(mlx_as_strided(
      &A[11], A[1], (int[]){10, 10}, 2, (int64_t[]){1, 30}, 2, 5, S));
  DO(mlx_view(&A[12], A[1], MLX_INT16, S));
  DO(mlx_kron(&A[13], A[1], A[1], S));
  for (int i = 2; i <= 12; i++) program_take(p, A[i]);
  program_take_all(p, p->v[1]);
}

void program_linalg(program* p) {
  FILL(0, MLX_FLOAT32, 1, 2, 12, 12);
  DO(mlx_eye(&A[1], 12, 12, 0, MLX_FLOAT32, S));
  DO(mlx_matmul(&A[2], A[0], A[0], S));
  DO(mlx_add(&A[2], A[2], A[1], S));
  DO(mlx_linalg_inv(&A[3], A[2], S));
  DO(mlx_linalg_qr(&A[4], &A[5], A[0], S));
  DO(mlx_linalg_svd(&p->v[0], A[0], true, S));
  DO(mlx_linalg_lu(&p->v[1], A[0], S));
  DO(mlx_linalg_solve(&A[6], A[2], A[0], S));
  DO(mlx_linalg_eigvals(&A[7], A[0], S));
  DO(mlx_linalg_norm_matrix(&A[8], A[0], "nuc", (int[]){-2, -1}, 2, false, S));
  DO(mlx_linalg_pinv(&A[9], A[0], S));
  for (int i = 3; i <= 9; i++) program_take(p, A[i]);
  program_take_all(p, p->v[0]);
  program_take_all(p, p->v[1]);
}

void program_fft(program* p) {
  FILL(0, MLX_FLOAT32, 1, 6, 60);
  DO(mlx_fft_rfft(&A[1], A[0], 60, -1, MLX_FFT_NORM_BACKWARD, S));
  DO(mlx_fft_irfft(&A[2], A[1], 60, -1, MLX_FFT_NORM_ORTHO, S));
  DO(mlx_fft_fft2(
      &A[3],
      A[0],
      (int[]){7, 61},
      2,
      (int[]){0, 1},
      2,
      MLX_FFT_NORM_BACKWARD,
      S));
  DO(mlx_fft_fftshift(&A[4], A[3], (int[]){0}, 1, S));
  FILL(5, MLX_FLOAT32, 1, 3, 64);
  DO(mlx_hadamard_transform(&A[6], A[5], (mlx_optional_float){0}, S));
  for (int i = 1; i <= 6; i++) program_take(p, A[i]);
}

void program_quantized(program* p) {
  mlx_optional_int group = {64, true}, bits = {4, true};
  FILL(0, MLX_FLOAT32, 1, 96, 128);
  FILL(1, MLX_FLOAT32, 1, 1, 128);
  FILL(2, MLX_FLOAT32, 1, 40, 128);
  DO(mlx_quantize(&p->v[0], A[0], group, bits, "affine", (mlx_array){0}, S));
  for (size_t i = 0; i < 3; i++)
    DO(!p->v[0].ctx || mlx_vector_array_get(&A[3 + i], p->v[0], i));
  DO(mlx_dequantize(
      &A[6],
      A[3],
      A[4],
      A[5],
      group,
      bits,
      "affine",
      (mlx_array){0},
      (mlx_optional_dtype){0},
      S));
  for (int i = 1; i <= 2; i++)
    DO(mlx_quantized_matmul(
        &A[6 + i], A[i], A[3], A[4], A[5], true, group, bits, "affine", S));
  for (int i = 6; i <= 8; i++) program_take(p, A[i]);
}

void program_random(program* p) {
  const int shape[] = {40, 30};
  DO(mlx_random_key(&A[0], 7));
  DO(mlx_random_split(&A[1], &A[2], A[0], S));
  DO(mlx_random_normal(&A[3], shape, 2, MLX_FLOAT32, 1, 2, A[1], S));
  DO(mlx_array_set_float32(&A[4], 0));
  DO(mlx_array_set_float32(&A[5], 3));
  DO(mlx_random_uniform(&A[6], A[4], A[5], shape, 2, MLX_FLOAT16, A[2], S));
  DO(mlx_random_categorical_num_samples(&A[7], A[3], 1, 3, A[1], S));
  DO(mlx_random_permutation(&A[8], A[3], 0, A[2], S));
  DO(mlx_random_laplace(&A[9], shape, 2, MLX_FLOAT32, 0, 1, A[1], S));
  DO(mlx_random_bernoulli(&A[10], A[4], shape, 2, A[1], S));
  int failed = p->failed;
  DO(mlx_random_seed(11));
  if (p->failed == failed) /* else it draws from the time */
    DO(mlx_random_bits(&A[11], shape, 2, 4, (mlx_array){0}, S));
  for (int i = 6; i <= 11; i++)
    if (i < 11 || A[i].ctx) program_take(p, A[i]);
}
