/* Random numbers from counter-based keys (Threefry-2x32). */
#ifndef MLX_C_RANDOM_H
#define MLX_C_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/optional.h"
#include "mlx/c/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* True with probability p, which broadcasts to the shape. Without a key the
 * process's sequence gives one, see mlx_random_seed. */
LAZULI_API int mlx_random_bernoulli(
    mlx_array* res,
    const mlx_array p,
    const int* shape,
    size_t shape_num,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* Random unsigned integers of width 1, 2 or 4 bytes. Without a key the
 * process's sequence gives one, see mlx_random_seed. */
LAZULI_API int mlx_random_bits(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    int width,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* Positions along the axis, each drawn with the probability that softmax gives
 * its logit: uint32 of the shape, which broadcasts with the other axes. */
LAZULI_API int mlx_random_categorical_shape(
    mlx_array* res,
    const mlx_array logits,
    int axis,
    const int* shape,
    size_t shape_num,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* The same, num_samples for each of the other axes' elements, as a last axis.
 */
LAZULI_API int mlx_random_categorical_num_samples(
    mlx_array* res,
    const mlx_array logits_,
    int axis,
    int num_samples,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* The same, one for each of the other axes' elements. */
LAZULI_API int mlx_random_categorical(
    mlx_array* res,
    const mlx_array logits,
    int axis,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* Numbers of the standard Gumbel distribution. Without a key the process's
 * sequence gives one, see mlx_random_seed. */
LAZULI_API int mlx_random_gumbel(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* The key of a seed: two uint32. What is drawn with one key is always the same,
 * and is what MLX draws. */
LAZULI_API int mlx_random_key(mlx_array* res, uint64_t seed);

/* Numbers of Laplace's distribution around loc with this scale, of a float
 * dtype. Without a key the process's sequence gives one, see mlx_random_seed.
 */
LAZULI_API int mlx_random_laplace(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    float loc,
    float scale,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* mean (..., n) and cov (..., n, n), whose leading axes broadcast with shape to
 * what is drawn, (..., n); float32 only. */
LAZULI_API int mlx_random_multivariate_normal(
    mlx_array* res,
    const mlx_array mean,
    const mlx_array cov,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* Normal numbers, times scale and around loc, which broadcast to the shape; of
 * a float dtype. Without a key the process's sequence gives one, see
 * mlx_random_seed. */
LAZULI_API int mlx_random_normal_broadcast(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array loc /* may be null */,
    const mlx_array scale /* may be null */,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* The same around one number. */
LAZULI_API int mlx_random_normal(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    float loc,
    float scale,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* x with its slices along the axis in random order. Without a key the process's
 * sequence gives one, see mlx_random_seed. */
LAZULI_API int mlx_random_permutation(
    mlx_array* res,
    const mlx_array x,
    int axis,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* 0 to x - 1 in random order, uint32. Without a key the process's sequence
 * gives one, see mlx_random_seed. */
LAZULI_API int mlx_random_permutation_arange(
    mlx_array* res,
    int x,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* Integers from low to high, which is not one of them; both broadcast to the
 * shape. Without a key the process's sequence gives one, see mlx_random_seed.
 */
LAZULI_API int mlx_random_randint(
    mlx_array* res,
    const mlx_array low,
    const mlx_array high,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* Starts the process's sequence of keys anew. Any thread. */
LAZULI_API int mlx_random_seed(uint64_t seed);

/* num new keys of one, (num, 2). */
LAZULI_API int mlx_random_split_num(
    mlx_array* res, const mlx_array key, int num, const mlx_stream s);

/* Two new keys of one. */
LAZULI_API int mlx_random_split(
    mlx_array* res_0,
    mlx_array* res_1,
    const mlx_array key,
    const mlx_stream s);

/* Normal numbers between lower and upper, which broadcast to the shape; of a
 * float dtype. Without a key the process's sequence gives one, see
 * mlx_random_seed. */
LAZULI_API int mlx_random_truncated_normal(
    mlx_array* res,
    const mlx_array lower,
    const mlx_array upper,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key /* may be null */,
    const mlx_stream s);

/* Numbers from low to high, which is not one of them; both broadcast to the
 * shape; of a float dtype. Without a key the process's sequence gives one, see
 * mlx_random_seed. */
LAZULI_API int mlx_random_uniform(
    mlx_array* res,
    const mlx_array low,
    const mlx_array high,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key /* may be null */,
    const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
