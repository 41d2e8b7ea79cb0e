/* Operations on arrays. Each builds a node of the graph on stream s; none
 * computes. What is said of values holds once they are computed.
 *
 * 0: *res has the result, a new handle or the one that was there, overwritten;
 * it may be an input. Else non-zero: the error handler was told which
 * operation, argument and value, and *res is as it was. Inputs stay the
 * caller's.
 *
 * "Shapes broadcast": aligned at the last axis, extents of 1 repeat. "Dtypes
 * meet": in the one that both go to, as NumPy's do but that integers with
 * floats take the float's. Negative axes count from the last. "Of integers in
 * float32" holds for bools too. A view shares memory with its input. */
#ifndef MLX_C_OPS_H
#define MLX_C_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/optional.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* |a|; of complex numbers the modulus, as float32. Keeps other dtypes. */
LAZULI_API int mlx_abs(mlx_array* res, const mlx_array a, const mlx_stream s);

/* a + b. Shapes broadcast, dtypes meet; integers wrap; of bools: or. */
LAZULI_API int mlx_add(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* alpha * (a @ b) + beta * c. a and b as in mlx_matmul; c broadcasts to the
 * product. */
LAZULI_API int mlx_addmm(
    mlx_array* res,
    const mlx_array c,
    const mlx_array a,
    const mlx_array b,
    float alpha,
    float beta,
    const mlx_stream s);

/* Whether all elements are non-zero: bool, true of none. Over the axes given;
 * keepdims leaves them with extent 1. An axis twice or out of range is refused.
 */
LAZULI_API int mlx_all_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_all_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_all(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* Whether mlx_isclose holds everywhere: one bool. */
LAZULI_API int mlx_allclose(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    double rtol,
    double atol,
    bool equal_nan,
    const mlx_stream s);

/* Whether an element is non-zero: bool, false of none. Over the axes given;
 * keepdims leaves them with extent 1. An axis twice or out of range is refused.
 */
LAZULI_API int mlx_any_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_any_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_any(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* start, start + step, ... below stop (above it for a negative step), of the
 * dtype. Refuses bool, NaN and lengths that no array has. */
LAZULI_API int mlx_arange(
    mlx_array* res,
    double start,
    double stop,
    double step,
    mlx_dtype dtype,
    const mlx_stream s);

/* The angle in [0, pi] whose cosine is a; of integers in float32. NaN outside
 * its domain. */
LAZULI_API int mlx_arccos(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The non-negative number whose hyperbolic cosine is a; of integers in float32.
 * NaN outside its domain. */
LAZULI_API int mlx_arccosh(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The angle in [-pi/2, pi/2] whose sine is a; of integers in float32. NaN
 * outside its domain. */
LAZULI_API int mlx_arcsin(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The number whose hyperbolic sine is a; of integers in float32. */
LAZULI_API int mlx_arcsinh(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The angle in (-pi/2, pi/2) whose tangent is a; of integers in float32. */
LAZULI_API int mlx_arctan(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The angle in [-pi, pi] of the point (b, a). Shapes broadcast; in a float
 * dtype. Refuses complex numbers. */
LAZULI_API int mlx_arctan2(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* The number whose hyperbolic tangent is a; of integers in float32. NaN outside
 * its domain. */
LAZULI_API int mlx_arctanh(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* Where along the axis the largest element is, the first of equal ones: uint32.
 * Refuses an array without elements. */
LAZULI_API int mlx_argmax_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same in the array as one row. */
LAZULI_API int mlx_argmax(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* Where along the axis the smallest element is, the first of equal ones:
 * uint32. Refuses an array without elements. */
LAZULI_API int mlx_argmin_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same in the array as one row. */
LAZULI_API int mlx_argmin(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* The positions, uint32, in an order in which mlx_partition_axis has the
 * elements. */
LAZULI_API int mlx_argpartition_axis(
    mlx_array* res, const mlx_array a, int kth, int axis, const mlx_stream s);

/* The same of the array as one row. */
LAZULI_API int mlx_argpartition(
    mlx_array* res, const mlx_array a, int kth, const mlx_stream s);

/* The positions, uint32, in the order of the elements along the axis; equal
 * ones stay in order. */
LAZULI_API int mlx_argsort_axis(
    mlx_array* res, const mlx_array a, int axis, const mlx_stream s);

/* The same of the array as one row. */
LAZULI_API int mlx_argsort(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* Whether both have one shape and equal elements: one bool. equal_nan: NaN
 * equals NaN. */
LAZULI_API int mlx_array_equal(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    bool equal_nan,
    const mlx_stream s);

/* A view of a's elements in row-major order with this shape and these strides,
 * in elements, from `offset` on. Refuses to reach elements that a has not. */
LAZULI_API int mlx_as_strided(
    mlx_array* res,
    const mlx_array a,
    const int* shape,
    size_t shape_num,
    const int64_t* strides,
    size_t strides_num,
    size_t offset,
    const mlx_stream s);

/* The elements in another dtype: floats are rounded to nearest, to integers
 * towards 0; to bool: whether not 0; from complex the real part. */
LAZULI_API int mlx_astype(
    mlx_array* res, const mlx_array a, mlx_dtype dtype, const mlx_stream s);

/* a with at least one axis. */
LAZULI_API int mlx_atleast_1d(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* a with at least two axes; new ones, of extent 1, come first. */
LAZULI_API int mlx_atleast_2d(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* a with at least three axes, new ones of extent 1: (n) becomes (1, n, 1), (m,
 * n) becomes (m, n, 1). */
LAZULI_API int mlx_atleast_3d(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The triangular window of M points, float32. */
LAZULI_API int mlx_bartlett(mlx_array* res, int M, const mlx_stream s);

/* a & b of integers or bools. Shapes broadcast, dtypes meet; floats are
 * refused. */
LAZULI_API int mlx_bitwise_and(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* ~a of integers; of bools: not. Floats are refused. */
LAZULI_API int mlx_bitwise_invert(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* a | b of integers or bools. Shapes broadcast, dtypes meet; floats are
 * refused. */
LAZULI_API int mlx_bitwise_or(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* a ^ b of integers or bools. Shapes broadcast, dtypes meet; floats are
 * refused. */
LAZULI_API int mlx_bitwise_xor(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* Blackman's window of M points, float32. */
LAZULI_API int mlx_blackman(mlx_array* res, int M, const mlx_stream s);

/* a @ b where blocks of block_size (32 or 64) squared are left out if a mask is
 * false, or scaled by a mask of numbers. Masks count blocks and broadcast over
 * leading axes. Real floats. */
LAZULI_API int mlx_block_masked_mm(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    int block_size,
    const mlx_array mask_out /* may be null */,
    const mlx_array mask_lhs /* may be null */,
    const mlx_array mask_rhs /* may be null */,
    const mlx_stream s);

/* Views of all inputs in the shape they have in common; refused where there is
 * none. */
LAZULI_API int mlx_broadcast_arrays(
    mlx_vector_array* res, const mlx_vector_array inputs, const mlx_stream s);

/* A view of a in the shape: axes of extent 1, and new ones in front, repeat. */
LAZULI_API int mlx_broadcast_to(
    mlx_array* res,
    const mlx_array a,
    const int* shape,
    size_t shape_num,
    const mlx_stream s);

/* The next integer above, in a's dtype. Refuses complex numbers. */
LAZULI_API int mlx_ceil(mlx_array* res, const mlx_array a, const mlx_stream s);

/* a, at least a_min and at most a_max; either may be left out, not both. Shapes
 * broadcast, dtypes meet. */
LAZULI_API int mlx_clip(
    mlx_array* res,
    const mlx_array a,
    const mlx_array a_min /* may be null */,
    const mlx_array a_max /* may be null */,
    const mlx_stream s);

/* The arrays one behind the other along the axis; other extents must agree,
 * dtypes meet. Refuses an empty vector. */
LAZULI_API int mlx_concatenate_axis(
    mlx_array* res,
    const mlx_vector_array arrays,
    int axis,
    const mlx_stream s);

/* The same of each array as one row. */
LAZULI_API int mlx_concatenate(
    mlx_array* res, const mlx_vector_array arrays, const mlx_stream s);

/* The complex conjugate; what is real stays. */
LAZULI_API int mlx_conjugate(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* a with its elements side by side, row by row; with allow_col_major column by
 * column does too. A copy only where it is needed: also where a is a small part
 * of a buffer, more than 16 KiB of which would be kept for nothing. */
LAZULI_API int mlx_contiguous(
    mlx_array* res,
    const mlx_array a,
    bool allow_col_major,
    const mlx_stream s);

/* Convolution (without turning the kernel around) of input (N, ..., C) and
 * weight (O, ..., C / groups), to (N, ..., O), of the real floating type they
 * meet in. More spatial axes than numbers take the one number. Groups divide C
 * and O and are of one or two spatial axes. An error where the padded input is
 * smaller than the kernel. */
LAZULI_API int mlx_conv1d(
    mlx_array* res,
    const mlx_array input,
    const mlx_array weight,
    int stride,
    int padding,
    int dilation,
    int groups,
    const mlx_stream s);

/* The same with two spatial axes. */
LAZULI_API int mlx_conv2d(
    mlx_array* res,
    const mlx_array input,
    const mlx_array weight,
    int stride_0,
    int stride_1,
    int padding_0,
    int padding_1,
    int dilation_0,
    int dilation_1,
    int groups,
    const mlx_stream s);

/* The same with three spatial axes. */
LAZULI_API int mlx_conv3d(
    mlx_array* res,
    const mlx_array input,
    const mlx_array weight,
    int stride_0,
    int stride_1,
    int stride_2,
    int padding_0,
    int padding_1,
    int padding_2,
    int dilation_0,
    int dilation_1,
    int dilation_2,
    int groups,
    const mlx_stream s);

/* The same with everything: each list has one number a spatial axis, or one for
 * all, or none. Negative padding cuts the input, input_dilation spreads it,
 * flip turns the kernel around. */
LAZULI_API int mlx_conv_general(
    mlx_array* res,
    const mlx_array input,
    const mlx_array weight,
    const int* stride,
    size_t stride_num,
    const int* padding_lo,
    size_t padding_lo_num,
    const int* padding_hi,
    size_t padding_hi_num,
    const int* kernel_dilation,
    size_t kernel_dilation_num,
    const int* input_dilation,
    size_t input_dilation_num,
    int groups,
    bool flip,
    const mlx_stream s);

/* What mlx_conv1d does to gradients: input (N, ..., C), weight
 * (O, ..., C / groups); the extent is (in - 1) * stride - 2 * padding +
 * dilation * (kernel - 1) + output_padding + 1. */
LAZULI_API int mlx_conv_transpose1d(
    mlx_array* res,
    const mlx_array input,
    const mlx_array weight,
    int stride,
    int padding,
    int dilation,
    int output_padding,
    int groups,
    const mlx_stream s);

/* The same with two spatial axes. */
LAZULI_API int mlx_conv_transpose2d(
    mlx_array* res,
    const mlx_array input,
    const mlx_array weight,
    int stride_0,
    int stride_1,
    int padding_0,
    int padding_1,
    int dilation_0,
    int dilation_1,
    int output_padding_0,
    int output_padding_1,
    int groups,
    const mlx_stream s);

/* The same with three spatial axes. */
LAZULI_API int mlx_conv_transpose3d(
    mlx_array* res,
    const mlx_array input,
    const mlx_array weight,
    int stride_0,
    int stride_1,
    int stride_2,
    int padding_0,
    int padding_1,
    int padding_2,
    int dilation_0,
    int dilation_1,
    int dilation_2,
    int output_padding_0,
    int output_padding_1,
    int output_padding_2,
    int groups,
    const mlx_stream s);

/* The same elements, in memory of their own. */
LAZULI_API int mlx_copy(mlx_array* res, const mlx_array a, const mlx_stream s);

/* The cosine of an angle in radians; of integers in float32. */
LAZULI_API int mlx_cos(mlx_array* res, const mlx_array a, const mlx_stream s);

/* The hyperbolic cosine; of integers in float32. */
LAZULI_API int mlx_cosh(mlx_array* res, const mlx_array a, const mlx_stream s);

/* The largest element so far along the axis; `reverse` from the end, without
 * `inclusive` up to the element before. */
LAZULI_API int mlx_cummax(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool reverse,
    bool inclusive,
    const mlx_stream s);

/* The smallest element so far along the axis; `reverse` from the end, without
 * `inclusive` up to the element before. */
LAZULI_API int mlx_cummin(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool reverse,
    bool inclusive,
    const mlx_stream s);

/* The product so far along the axis; `reverse` from the end, without
 * `inclusive` up to the element before. */
LAZULI_API int mlx_cumprod(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool reverse,
    bool inclusive,
    const mlx_stream s);

/* The sum so far along the axis; `reverse` from the end, without `inclusive` up
 * to the element before. */
LAZULI_API int mlx_cumsum(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool reverse,
    bool inclusive,
    const mlx_stream s);

/* Radians in degrees; of integers in float32. */
LAZULI_API int mlx_degrees(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The inputs, computed only once the dependencies are. */
LAZULI_API int mlx_depends(
    mlx_vector_array* res,
    const mlx_vector_array inputs,
    const mlx_vector_array dependencies);

/* The way back from mlx_quantize, in the type of scales and biases, bfloat16
 * for the other modes, or `dtype`, a real float. */
LAZULI_API int mlx_dequantize(
    mlx_array* res,
    const mlx_array w,
    const mlx_array scales,
    const mlx_array biases /* may be null */,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    const mlx_array global_scale /* may be null */,
    mlx_optional_dtype dtype,
    const mlx_stream s);

/* Of a vector the square matrix with it on diagonal k; of a matrix that
 * diagonal. */
LAZULI_API int mlx_diag(
    mlx_array* res, const mlx_array a, int k, const mlx_stream s);

/* The diagonal over two axes, as the last axis; offset > 0 lies above. A view.
 */
LAZULI_API int mlx_diagonal(
    mlx_array* res,
    const mlx_array a,
    int offset,
    int axis1,
    int axis2,
    const mlx_stream s);

/* a / b. Shapes broadcast, dtypes meet; of integers in float32. */
LAZULI_API int mlx_divide(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* Quotient and remainder, in a vector of two. Both of truncating division. */
LAZULI_API int mlx_divmod(
    mlx_vector_array* res,
    const mlx_array a,
    const mlx_array b,
    const mlx_stream s);

/* The sum that the subscripts say ("ij,jk->ik", "...i"). Refuses subscripts
 * that do not fit the operands. */
LAZULI_API int mlx_einsum(
    mlx_array* res,
    const char* subscripts,
    const mlx_vector_array operands,
    const mlx_stream s);

/* a == b, as bool. Shapes broadcast, dtypes meet; nothing compares with NaN. */
LAZULI_API int mlx_equal(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* The error function; of integers in float32. Refuses complex numbers when
 * evaluated. */
LAZULI_API int mlx_erf(mlx_array* res, const mlx_array a, const mlx_stream s);

/* The inverse of the error function: NaN outside [-1, 1]; of integers in
 * float32. Refuses complex numbers when evaluated. */
LAZULI_API int mlx_erfinv(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* e to the power a; of integers in float32. */
LAZULI_API int mlx_exp(mlx_array* res, const mlx_array a, const mlx_stream s);

/* New axes of extent 1, which in the result are those given. A view. */
LAZULI_API int mlx_expand_dims_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* The same with one axis. */
LAZULI_API int mlx_expand_dims(
    mlx_array* res, const mlx_array a, int axis, const mlx_stream s);

/* exp(a) - 1, exact near 0; of integers in float32. Refuses complex numbers
 * when evaluated. */
LAZULI_API int mlx_expm1(mlx_array* res, const mlx_array a, const mlx_stream s);

/* n x m zeros with ones on diagonal k. */
LAZULI_API int mlx_eye(
    mlx_array* res, int n, int m, int k, mlx_dtype dtype, const mlx_stream s);

/* Axes start_axis to end_axis as one; of a scalar a vector of one. */
LAZULI_API int mlx_flatten(
    mlx_array* res,
    const mlx_array a,
    int start_axis,
    int end_axis,
    const mlx_stream s);

/* The next integer below, in a's dtype. Refuses complex numbers. */
LAZULI_API int mlx_floor(mlx_array* res, const mlx_array a, const mlx_stream s);

/* a / b without fraction: floats are floored, integers truncated, and 0 where b
 * is 0. Shapes broadcast, dtypes meet. */
LAZULI_API int mlx_floor_divide(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* 8-bit floats (e4m3, as uint8) in a float dtype. */
LAZULI_API int mlx_from_fp8(
    mlx_array* res, const mlx_array x, mlx_dtype dtype, const mlx_stream s);

/* vals broadcast to the shape, in the dtype. */
LAZULI_API int mlx_full(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    const mlx_array vals,
    mlx_dtype dtype,
    const mlx_stream s);

/* vals broadcast to a's shape, in the dtype. */
LAZULI_API int mlx_full_like(
    mlx_array* res,
    const mlx_array a,
    const mlx_array vals,
    mlx_dtype dtype,
    const mlx_stream s);

/* Slices of a: indices[i], which broadcast, say where they begin along axes[i];
 * slice_sizes has one extent an axis of a. The result has the shape of the
 * indices, then slice_sizes. */
LAZULI_API int mlx_gather(
    mlx_array* res,
    const mlx_array a,
    const mlx_vector_array indices,
    const int* axes,
    size_t axes_num,
    const int* slice_sizes,
    size_t slice_sizes_num,
    const mlx_stream s);

/* The same with indices along one axis. */
LAZULI_API int mlx_gather_single(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    int axis,
    const int* slice_sizes,
    size_t slice_sizes_num,
    const mlx_stream s);

/* The same of plain matrices, real floats. */
LAZULI_API int mlx_gather_mm(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    const mlx_array lhs_indices /* may be null */,
    const mlx_array rhs_indices /* may be null */,
    bool sorted_indices,
    const mlx_stream s);

/* Product i takes matrix lhs_indices[i] of x and rhs_indices[i] of w, counted
 * over their leading axes; indices are integers that broadcast against each
 * other, missing ones are 0, 1, ... in the shape of those axes. An index
 * without a matrix is an error of the evaluation. */
LAZULI_API int mlx_gather_qmm(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_array scales,
    const mlx_array biases /* may be null */,
    const mlx_array lhs_indices /* may be null */,
    const mlx_array rhs_indices /* may be null */,
    bool transpose,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    bool sorted_indices,
    const mlx_stream s);

/* a > b, as bool. Shapes broadcast, dtypes meet; nothing compares with NaN. */
LAZULI_API int mlx_greater(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* a >= b, as bool. Shapes broadcast, dtypes meet; nothing compares with NaN. */
LAZULI_API int mlx_greater_equal(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* Of m * 2^k elements along the last axis, m one of 1, 12, 20 and 28; scaled by
 * one over the root of that where scale has no value. Integers give float32. */
LAZULI_API int mlx_hadamard_transform(
    mlx_array* res,
    const mlx_array a,
    mlx_optional_float scale,
    const mlx_stream s);

/* Hamming's window of M points, float32. */
LAZULI_API int mlx_hamming(mlx_array* res, int M, const mlx_stream s);

/* Hann's window of M points, float32. */
LAZULI_API int mlx_hanning(mlx_array* res, int M, const mlx_stream s);

/* n x n with ones on the diagonal. */
LAZULI_API int mlx_identity(
    mlx_array* res, int n, mlx_dtype dtype, const mlx_stream s);

/* The imaginary part, float32; of real numbers 0 of their dtype. */
LAZULI_API int mlx_imag(mlx_array* res, const mlx_array a, const mlx_stream s);

/* Sums of products over the last axes, which have one extent: (..., k), (...,
 * k). */
LAZULI_API int mlx_inner(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* |a - b| <= atol + rtol |b|, as bool. equal_nan: NaN is close to NaN. */
LAZULI_API int mlx_isclose(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    double rtol,
    double atol,
    bool equal_nan,
    const mlx_stream s);

/* Where a is neither infinite nor NaN, as bool. */
LAZULI_API int mlx_isfinite(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* Where a is infinite, as bool. */
LAZULI_API int mlx_isinf(mlx_array* res, const mlx_array a, const mlx_stream s);

/* Where a is NaN, as bool. */
LAZULI_API int mlx_isnan(mlx_array* res, const mlx_array a, const mlx_stream s);

/* Where a is minus infinity, as bool. */
LAZULI_API int mlx_isneginf(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* Where a is plus infinity, as bool. */
LAZULI_API int mlx_isposinf(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* Kronecker's product: extents multiply; the shorter shape gets axes in front.
 */
LAZULI_API int mlx_kron(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* a << b of integers; shapes broadcast, dtypes meet. Floats are refused. */
LAZULI_API int mlx_left_shift(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* a < b, as bool. Shapes broadcast, dtypes meet; nothing compares with NaN. */
LAZULI_API int mlx_less(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* a <= b, as bool. Shapes broadcast, dtypes meet; nothing compares with NaN. */
LAZULI_API int mlx_less_equal(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* num points from start to stop, both of them, in the dtype. Refuses a negative
 * num. */
LAZULI_API int mlx_linspace(
    mlx_array* res,
    double start,
    double stop,
    int num,
    mlx_dtype dtype,
    const mlx_stream s);

/* The natural logarithm; of integers in float32. NaN outside its domain. */
LAZULI_API int mlx_log(mlx_array* res, const mlx_array a, const mlx_stream s);

/* The logarithm to base 10; of integers in float32. NaN outside its domain. */
LAZULI_API int mlx_log10(mlx_array* res, const mlx_array a, const mlx_stream s);

/* log(1 + a), exact near 0; of integers in float32. NaN outside its domain. */
LAZULI_API int mlx_log1p(mlx_array* res, const mlx_array a, const mlx_stream s);

/* The logarithm to base 2; of integers in float32. NaN outside its domain. */
LAZULI_API int mlx_log2(mlx_array* res, const mlx_array a, const mlx_stream s);

/* log(exp(a) + exp(b)) without overflow; in a float dtype. Shapes broadcast. */
LAZULI_API int mlx_logaddexp(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* log(sum(exp(a))) so far along the axis; `reverse` from the end, without
 * `inclusive` up to the element before. */
LAZULI_API int mlx_logcumsumexp(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool reverse,
    bool inclusive,
    const mlx_stream s);

/* Where both are non-zero, as bool. Shapes broadcast. */
LAZULI_API int mlx_logical_and(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* Where a is zero, as bool. */
LAZULI_API int mlx_logical_not(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* Where one is non-zero, as bool. Shapes broadcast. */
LAZULI_API int mlx_logical_or(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* log(sum(exp(a))) without overflow, in a float dtype. Refuses an array without
 * elements. Over the axes given; keepdims leaves them with extent 1. An axis
 * twice or out of range is refused. */
LAZULI_API int mlx_logsumexp_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_logsumexp_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_logsumexp(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* a with its elements where mask (of a's leading axes, bool) is true taken from
 * src in order; a scalar src serves all, else too few are an error. */
LAZULI_API int mlx_masked_scatter(
    mlx_array* res,
    const mlx_array a,
    const mlx_array mask,
    const mlx_array src,
    const mlx_stream s);

/* Matrix product of the last two axes, (..., m, k) @ (..., k, n); leading axes
 * broadcast, a vector is a row on the left, a column on the right. Refuses
 * scalars, integers and inner extents that differ. */
LAZULI_API int mlx_matmul(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* The largest element, in a's dtype; NaN where there is one. An array without
 * elements is refused. Over the axes given; keepdims leaves them with extent 1.
 * An axis twice or out of range is refused. */
LAZULI_API int mlx_max_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_max_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_max(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* The larger of a and b, NaN if one is. Shapes broadcast, dtypes meet. */
LAZULI_API int mlx_maximum(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* The mean, in a float dtype. Over the axes given; keepdims leaves them with
 * extent 1. An axis twice or out of range is refused. */
LAZULI_API int mlx_mean_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_mean_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_mean(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* The median over the axes, in a float dtype; of an even number the mean of the
 * two in the middle. Refuses axes without elements. */
LAZULI_API int mlx_median(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s);

/* The vectors, each spread over the grid of all; indexing "xy" or "ij".
 * `sparse` leaves extents of 1. */
LAZULI_API int mlx_meshgrid(
    mlx_vector_array* res,
    const mlx_vector_array arrays,
    bool sparse,
    const char* indexing,
    const mlx_stream s);

/* The smallest element, in a's dtype; NaN where there is one. An array without
 * elements is refused. Over the axes given; keepdims leaves them with extent 1.
 * An axis twice or out of range is refused. */
LAZULI_API int mlx_min_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_min_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_min(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* The smaller of a and b, NaN if one is. Shapes broadcast, dtypes meet. */
LAZULI_API int mlx_minimum(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* A view in which axis `source` stands at `destination`. */
LAZULI_API int mlx_moveaxis(
    mlx_array* res,
    const mlx_array a,
    int source,
    int destination,
    const mlx_stream s);

/* a * b. Shapes broadcast, dtypes meet; integers wrap; of bools: and. */
LAZULI_API int mlx_multiply(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* a with NaN as `nan` and infinities as posinf and neginf, unless told the
 * largest numbers of the dtype. */
LAZULI_API int mlx_nan_to_num(
    mlx_array* res,
    const mlx_array a,
    float nan,
    mlx_optional_float posinf,
    mlx_optional_float neginf,
    const mlx_stream s);

/* -a. Refuses bools. */
LAZULI_API int mlx_negative(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* a != b, as bool. Shapes broadcast, dtypes meet; NaN differs from all. */
LAZULI_API int mlx_not_equal(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* The product of the extents of the axes, or one over it (inverted), as a
 * scalar of the dtype. */
LAZULI_API int mlx_number_of_elements(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool inverted,
    mlx_dtype dtype,
    const mlx_stream s);

/* Ones, of the shape and dtype. */
LAZULI_API int mlx_ones(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_stream s);

/* Ones of a's shape and dtype. */
LAZULI_API int mlx_ones_like(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* All products of an element of a with one of b: (size of a, size of b). */
LAZULI_API int mlx_outer(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* a with low_pad_size[i] elements before and high_pad_size[i] behind it along
 * axes[i]: pad_value (mode "constant") or the nearest element ("edge"). Refuses
 * negative widths. */
LAZULI_API int mlx_pad(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const int* low_pad_size,
    size_t low_pad_size_num,
    const int* high_pad_size,
    size_t high_pad_size_num,
    const mlx_array pad_value,
    const char* mode,
    const mlx_stream s);

/* The same with one width for both ends of all axes. */
LAZULI_API int mlx_pad_symmetric(
    mlx_array* res,
    const mlx_array a,
    int pad_width,
    const mlx_array pad_value,
    const char* mode,
    const mlx_stream s);

/* The elements along the axis in an order in which element kth is where sorting
 * puts it, and none before it is larger, none behind it smaller. */
LAZULI_API int mlx_partition_axis(
    mlx_array* res, const mlx_array a, int kth, int axis, const mlx_stream s);

/* The same of the array as one row. */
LAZULI_API int mlx_partition(
    mlx_array* res, const mlx_array a, int kth, const mlx_stream s);

/* a to the power b. Shapes broadcast, dtypes meet; a negative power of an
 * integer is 0. */
LAZULI_API int mlx_power(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* The product. Bools and integers below 32 bits become 32-bit integers; 1 of
 * none. Over the axes given; keepdims leaves them with extent 1. An axis twice
 * or out of range is refused. */
LAZULI_API int mlx_prod_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_prod_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_prod(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* a with values, broadcast to indices, put where indices say along the axis;
 * which of several for one place stays is not said. */
LAZULI_API int mlx_put_along_axis(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    const mlx_array values,
    int axis,
    const mlx_stream s);

/* x, rounded as quantizing does, times w^T: quantized w with scales, or a float
 * w that is quantized first. "nvfp4" and "mxfp8"; global scales come together
 * or not at all. */
LAZULI_API int mlx_qqmm(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_array w_scales /* may be null */,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    const mlx_array global_scale_x /* may be null */,
    const mlx_array global_scale_w /* may be null */,
    const mlx_stream s);

/* w (..., K) of float16, bfloat16 or float32, K a multiple of group_size, at
 * least 2 axes. Results: codes packed into uint32, scales and, of "affine",
 * biases. Modes and their defaults (group_size, bits): "affine" (64, 4; also 32
 * and 128, and 2, 3, 5, 6, 8 bits), "mxfp4" (32, 4), "mxfp8" (32, 8), "nvfp4"
 * (16, 4). global_scale: a float32 scalar, of "nvfp4" only. */
LAZULI_API int mlx_quantize(
    mlx_vector_array* res,
    const mlx_array w,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    const mlx_array global_scale /* may be null */,
    const mlx_stream s);

/* x (..., K) times a quantized w, (..., N, K) with `transpose`, else
 * (..., K, N); biases of "affine" only. Affine: x and scales meet in one type;
 * else the result is of x's. x must have leading axes if w has. */
LAZULI_API int mlx_quantized_matmul(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_array scales,
    const mlx_array biases /* may be null */,
    bool transpose,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    const mlx_stream s);

/* Degrees in radians; of integers in float32. */
LAZULI_API int mlx_radians(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The real part, float32; real numbers stay. */
LAZULI_API int mlx_real(mlx_array* res, const mlx_array a, const mlx_stream s);

/* 1 / a; of integers in float32. */
LAZULI_API int mlx_reciprocal(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* What is left of a after whole b's, with the sign of b; 0 of an integer b of
 * 0. Shapes broadcast, dtypes meet. Refuses complex numbers. */
LAZULI_API int mlx_remainder(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* Each element along the axis `repeats` times. Refuses a negative number. */
LAZULI_API int mlx_repeat_axis(
    mlx_array* res,
    const mlx_array arr,
    int repeats,
    int axis,
    const mlx_stream s);

/* The same of the array as one row. */
LAZULI_API int mlx_repeat(
    mlx_array* res, const mlx_array arr, int repeats, const mlx_stream s);

/* The elements in another shape; one extent may be -1 for what is left. Refuses
 * other numbers of elements. A view where strides allow. */
LAZULI_API int mlx_reshape(
    mlx_array* res,
    const mlx_array a,
    const int* shape,
    size_t shape_num,
    const mlx_stream s);

/* a >> b of integers, filled with the sign; shapes broadcast, dtypes meet.
 * Floats are refused. */
LAZULI_API int mlx_right_shift(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* a moved along the axis by the sum of the shifts; what leaves at one end
 * enters at the other. */
LAZULI_API int mlx_roll_axis(
    mlx_array* res,
    const mlx_array a,
    const int* shift,
    size_t shift_num,
    int axis,
    const mlx_stream s);

/* The same along several axes, a shift for each. */
LAZULI_API int mlx_roll_axes(
    mlx_array* res,
    const mlx_array a,
    const int* shift,
    size_t shift_num,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* The same of the array as one row, in its shape. */
LAZULI_API int mlx_roll(
    mlx_array* res,
    const mlx_array a,
    const int* shift,
    size_t shift_num,
    const mlx_stream s);

/* a to so many decimals, halves to even; negative ones round left of the point.
 */
LAZULI_API int mlx_round(
    mlx_array* res, const mlx_array a, int decimals, const mlx_stream s);

/* 1 / sqrt(a); of integers in float32. NaN outside its domain. */
LAZULI_API int mlx_rsqrt(mlx_array* res, const mlx_array a, const mlx_stream s);

/* a with slices replaced by updates: indices[i], which broadcast, say where
 * they begin along axes[i]; updates has the shape of the indices, then one
 * extent an axis of a. */
LAZULI_API int mlx_scatter(
    mlx_array* res,
    const mlx_array a,
    const mlx_vector_array indices,
    const mlx_array updates,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* The same with indices along one axis. */
LAZULI_API int mlx_scatter_single(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    const mlx_array updates,
    int axis,
    const mlx_stream s);

/* mlx_scatter with elements increased by the updates; several for one place all
 * count. */
LAZULI_API int mlx_scatter_add(
    mlx_array* res,
    const mlx_array a,
    const mlx_vector_array indices,
    const mlx_array updates,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* The same with indices along one axis. */
LAZULI_API int mlx_scatter_add_single(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    const mlx_array updates,
    int axis,
    const mlx_stream s);

/* a with values added where indices say along the axis; several for one place
 * all count. */
LAZULI_API int mlx_scatter_add_axis(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    const mlx_array values,
    int axis,
    const mlx_stream s);

/* mlx_scatter with elements as the larger of themselves and the updates;
 * several for one place all count. */
LAZULI_API int mlx_scatter_max(
    mlx_array* res,
    const mlx_array a,
    const mlx_vector_array indices,
    const mlx_array updates,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* The same with indices along one axis. */
LAZULI_API int mlx_scatter_max_single(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    const mlx_array updates,
    int axis,
    const mlx_stream s);

/* mlx_scatter with elements as the smaller of themselves and the updates;
 * several for one place all count. */
LAZULI_API int mlx_scatter_min(
    mlx_array* res,
    const mlx_array a,
    const mlx_vector_array indices,
    const mlx_array updates,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* The same with indices along one axis. */
LAZULI_API int mlx_scatter_min_single(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    const mlx_array updates,
    int axis,
    const mlx_stream s);

/* mlx_scatter with elements multiplied by the updates; several for one place
 * all count. */
LAZULI_API int mlx_scatter_prod(
    mlx_array* res,
    const mlx_array a,
    const mlx_vector_array indices,
    const mlx_array updates,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* The same with indices along one axis. */
LAZULI_API int mlx_scatter_prod_single(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    const mlx_array updates,
    int axis,
    const mlx_stream s);

/* a (M, K), b (K, N), segments (..., 2) of integers: products (..., M, N), each
 * a sum over k from the first up to, not including, the second. */
LAZULI_API int mlx_segmented_mm(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    const mlx_array segments,
    const mlx_stream s);

/* 1 / (1 + exp(-a)); of integers in float32. Refuses complex numbers when
 * evaluated. */
LAZULI_API int mlx_sigmoid(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* -1, 0 or 1; of complex numbers a / |a|. */
LAZULI_API int mlx_sign(mlx_array* res, const mlx_array a, const mlx_stream s);

/* The sine of an angle in radians; of integers in float32. */
LAZULI_API int mlx_sin(mlx_array* res, const mlx_array a, const mlx_stream s);

/* The hyperbolic sine; of integers in float32. */
LAZULI_API int mlx_sinh(mlx_array* res, const mlx_array a, const mlx_stream s);

/* Elements start to stop (not included) in steps of strides, for each axis;
 * negative bounds count from the end, bounds outside are moved inside. A view.
 */
LAZULI_API int mlx_slice(
    mlx_array* res,
    const mlx_array a,
    const int* start,
    size_t start_num,
    const int* stop,
    size_t stop_num,
    const int* strides,
    size_t strides_num,
    const mlx_stream s);

/* A part of extents slice_size that begins where the integers `start` say along
 * the axes; start is data and may change without a new graph. */
LAZULI_API int mlx_slice_dynamic(
    mlx_array* res,
    const mlx_array a,
    const mlx_array start,
    const int* axes,
    size_t axes_num,
    const int* slice_size,
    size_t slice_size_num,
    const mlx_stream s);

/* src with that slice, see mlx_slice, replaced by update, which broadcasts to
 * it. */
LAZULI_API int mlx_slice_update(
    mlx_array* res,
    const mlx_array src,
    const mlx_array update,
    const int* start,
    size_t start_num,
    const int* stop,
    size_t stop_num,
    const int* strides,
    size_t strides_num,
    const mlx_stream s);

/* src with the part that begins at `start` along the axes replaced by update.
 */
LAZULI_API int mlx_slice_update_dynamic(
    mlx_array* res,
    const mlx_array src,
    const mlx_array update,
    const mlx_array start,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* src with that slice increased by update, which broadcasts to it. */
LAZULI_API int mlx_slice_update_add(
    mlx_array* res,
    const mlx_array src,
    const mlx_array update,
    const int* start,
    size_t start_num,
    const int* stop,
    size_t stop_num,
    const int* strides,
    size_t strides_num,
    const mlx_stream s);

/* src with that slice as the larger of it and update, which broadcasts to it.
 */
LAZULI_API int mlx_slice_update_max(
    mlx_array* res,
    const mlx_array src,
    const mlx_array update,
    const int* start,
    size_t start_num,
    const int* stop,
    size_t stop_num,
    const int* strides,
    size_t strides_num,
    const mlx_stream s);

/* src with that slice as the smaller of it and update, which broadcasts to it.
 */
LAZULI_API int mlx_slice_update_min(
    mlx_array* res,
    const mlx_array src,
    const mlx_array update,
    const int* start,
    size_t start_num,
    const int* stop,
    size_t stop_num,
    const int* strides,
    size_t strides_num,
    const mlx_stream s);

/* src with that slice multiplied by update, which broadcasts to it. */
LAZULI_API int mlx_slice_update_prod(
    mlx_array* res,
    const mlx_array src,
    const mlx_array update,
    const int* start,
    size_t start_num,
    const int* stop,
    size_t stop_num,
    const int* strides,
    size_t strides_num,
    const mlx_stream s);

/* exp(a) / sum(exp(a)) over the axes, without overflow. Of integers in float32;
 * `precise` computes halves in float32. */
LAZULI_API int mlx_softmax_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool precise,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_softmax_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool precise,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_softmax(
    mlx_array* res, const mlx_array a, bool precise, const mlx_stream s);

/* The elements along the axis in ascending order, NaN last. */
LAZULI_API int mlx_sort_axis(
    mlx_array* res, const mlx_array a, int axis, const mlx_stream s);

/* The same of the array as one row. */
LAZULI_API int mlx_sort(mlx_array* res, const mlx_array a, const mlx_stream s);

/* num_splits equal parts along the axis, in a vector. Refuses what does not
 * divide. */
LAZULI_API int mlx_split(
    mlx_vector_array* res,
    const mlx_array a,
    int num_splits,
    int axis,
    const mlx_stream s);

/* Parts along the axis, cut before each of the indices. */
LAZULI_API int mlx_split_sections(
    mlx_vector_array* res,
    const mlx_array a,
    const int* indices,
    size_t indices_num,
    int axis,
    const mlx_stream s);

/* The square root; of integers in float32. NaN outside its domain. */
LAZULI_API int mlx_sqrt(mlx_array* res, const mlx_array a, const mlx_stream s);

/* a * a. */
LAZULI_API int mlx_square(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* A view without these axes, whose extents must be 1. */
LAZULI_API int mlx_squeeze_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* The same without one axis. */
LAZULI_API int mlx_squeeze_axis(
    mlx_array* res, const mlx_array a, int axis, const mlx_stream s);

/* A view without any axis of extent 1. */
LAZULI_API int mlx_squeeze(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The arrays, of one shape, side by side along a new axis; dtypes meet. */
LAZULI_API int mlx_stack_axis(
    mlx_array* res,
    const mlx_vector_array arrays,
    int axis,
    const mlx_stream s);

/* The same with the new axis in front. */
LAZULI_API int mlx_stack(
    mlx_array* res, const mlx_vector_array arrays, const mlx_stream s);

/* The square root of the variance, see mlx_var. Over the axes given; keepdims
 * leaves them with extent 1. An axis twice or out of range is refused. */
LAZULI_API int mlx_std_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    int ddof,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_std_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    int ddof,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_std(
    mlx_array* res,
    const mlx_array a,
    bool keepdims,
    int ddof,
    const mlx_stream s);

/* a, through which no derivative goes. */
LAZULI_API int mlx_stop_gradient(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* a - b. Shapes broadcast, dtypes meet; integers wrap. */
LAZULI_API int mlx_subtract(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

/* The sum. Bools and integers below 32 bits become 32-bit integers; 0 of none.
 * Over the axes given; keepdims leaves them with extent 1. An axis twice or out
 * of range is refused. */
LAZULI_API int mlx_sum_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_sum_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_sum(
    mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s);

/* A view with two axes exchanged. */
LAZULI_API int mlx_swapaxes(
    mlx_array* res,
    const mlx_array a,
    int axis1,
    int axis2,
    const mlx_stream s);

/* The slices of a at the indices along the axis; their shape stands where the
 * axis was. Negative ones count from the end; what is outside counts as the
 * nearest inside. */
LAZULI_API int mlx_take_axis(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    int axis,
    const mlx_stream s);

/* The same in the array as one row: the shape of the indices. */
LAZULI_API int mlx_take(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    const mlx_stream s);

/* The element of a at each index along the axis; other extents broadcast. */
LAZULI_API int mlx_take_along_axis(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    int axis,
    const mlx_stream s);

/* The tangent of an angle in radians; of integers in float32. */
LAZULI_API int mlx_tan(mlx_array* res, const mlx_array a, const mlx_stream s);

/* The hyperbolic tangent; of integers in float32. */
LAZULI_API int mlx_tanh(mlx_array* res, const mlx_array a, const mlx_stream s);

/* Sums of products over axes_a of a and axes_b of b, pairwise of one extent;
 * what is left of a, then of b. */
LAZULI_API int mlx_tensordot(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    const int* axes_a,
    size_t axes_a_num,
    const int* axes_b,
    size_t axes_b_num,
    const mlx_stream s);

/* The same over the last `axis` axes of a and the first of b. */
LAZULI_API int mlx_tensordot_axis(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    int axis,
    const mlx_stream s);

/* a repeated reps[i] times along axis i, counted from the last. */
LAZULI_API int mlx_tile(
    mlx_array* res,
    const mlx_array arr,
    const int* reps,
    size_t reps_num,
    const mlx_stream s);

/* Floats as 8-bit floats (e4m3): uint8. */
LAZULI_API int mlx_to_fp8(
    mlx_array* res, const mlx_array x, const mlx_stream s);

/* The k largest elements along the axis, in no order. */
LAZULI_API int mlx_topk_axis(
    mlx_array* res, const mlx_array a, int k, int axis, const mlx_stream s);

/* The same of the array as one row. */
LAZULI_API int mlx_topk(
    mlx_array* res, const mlx_array a, int k, const mlx_stream s);

/* The sum of the diagonal over two axes, in the dtype. */
LAZULI_API int mlx_trace(
    mlx_array* res,
    const mlx_array a,
    int offset,
    int axis1,
    int axis2,
    mlx_dtype dtype,
    const mlx_stream s);

/* A view whose axis i is axis axes[i] of a; each must be named once. */
LAZULI_API int mlx_transpose_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

/* A view with the axes in reverse order. */
LAZULI_API int mlx_transpose(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* n x m with ones on diagonal k and below, zeros above. */
LAZULI_API int mlx_tri(
    mlx_array* res, int n, int m, int k, mlx_dtype type, const mlx_stream s);

/* x without what is above diagonal k of its last two axes, which it must have.
 */
LAZULI_API int mlx_tril(
    mlx_array* res, const mlx_array x, int k, const mlx_stream s);

/* x without what is below diagonal k of its last two axes, which it must have.
 */
LAZULI_API int mlx_triu(
    mlx_array* res, const mlx_array x, int k, const mlx_stream s);

/* One axis as several, whose extents multiply to it; one may be -1. A view. */
LAZULI_API int mlx_unflatten(
    mlx_array* res,
    const mlx_array a,
    int axis,
    const int* shape,
    size_t shape_num,
    const mlx_stream s);

/* The mean squared distance from the mean, in a float dtype; divided by n -
 * ddof. Over the axes given; keepdims leaves them with extent 1. An axis twice
 * or out of range is refused. */
LAZULI_API int mlx_var_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    int ddof,
    const mlx_stream s);

/* The same over one axis. */
LAZULI_API int mlx_var_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool keepdims,
    int ddof,
    const mlx_stream s);

/* The same over all axes. */
LAZULI_API int mlx_var(
    mlx_array* res,
    const mlx_array a,
    bool keepdims,
    int ddof,
    const mlx_stream s);

/* The same bytes as another dtype; the last axis grows or shrinks with its
 * size, and must divide. */
LAZULI_API int mlx_view(
    mlx_array* res, const mlx_array a, mlx_dtype dtype, const mlx_stream s);

/* x where condition is non-zero, else y. Shapes broadcast, the dtypes of x and
 * y meet. */
LAZULI_API int mlx_where(
    mlx_array* res,
    const mlx_array condition,
    const mlx_array x,
    const mlx_array y,
    const mlx_stream s);

/* Zeros, of the shape and dtype. */
LAZULI_API int mlx_zeros(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_stream s);

/* Zeros of a's shape and dtype. */
LAZULI_API int mlx_zeros_like(
    mlx_array* res, const mlx_array a, const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
