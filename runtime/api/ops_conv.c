/* Convolutions. */
#include "api/api.h"
#include "ops/conv.h"

#define LIST(...)                                        \
  {                                                      \
    (const int[]){__VA_ARGS__},                          \
        sizeof((const int[]){__VA_ARGS__}) / sizeof(int) \
  }

int mlx_conv1d(
    mlx_array* res,
    const mlx_array input,
    const mlx_array weight,
    int stride,
    int padding,
    int dilation,
    int groups,
    const mlx_stream s) {
  API_OP("conv1d");
  lz_array *x = api_array(input, "input"), *w = api_array(weight, "weight");
  const conv_spec c = {
      .stride = LIST(stride),
      .padding_low = LIST(padding),
      .padding_high = LIST(padding),
      .kernel_dilation = LIST(dilation),
      .groups = groups};
  return api_result(res, op_conv(x, w, &c, api_stream(s)));
}

int mlx_conv2d(
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
    const mlx_stream s) {
  API_OP("conv2d");
  lz_array *x = api_array(input, "input"), *w = api_array(weight, "weight");
  const conv_spec c = {
      .stride = LIST(stride_0, stride_1),
      .padding_low = LIST(padding_0, padding_1),
      .padding_high = LIST(padding_0, padding_1),
      .kernel_dilation = LIST(dilation_0, dilation_1),
      .input_dilation = LIST(1, 1),
      .groups = groups};
  return api_result(res, op_conv(x, w, &c, api_stream(s)));
}

int mlx_conv3d(
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
    const mlx_stream s) {
  API_OP("conv3d");
  lz_array *x = api_array(input, "input"), *w = api_array(weight, "weight");
  const conv_spec c = {
      .stride = LIST(stride_0, stride_1, stride_2),
      .padding_low = LIST(padding_0, padding_1, padding_2),
      .padding_high = LIST(padding_0, padding_1, padding_2),
      .kernel_dilation = LIST(dilation_0, dilation_1, dilation_2),
      .input_dilation = LIST(1, 1, 1),
      .groups = groups};
  return api_result(res, op_conv(x, w, &c, api_stream(s)));
}

static bool given(conv_list l, const char* argument) {
  return l.n == 0 || api_pointer(l.at, argument) == 0;
}

int mlx_conv_general(
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
    const mlx_stream s) {
  API_OP("conv_general");
  lz_array *x = api_array(input, "input"), *w = api_array(weight, "weight");
  const conv_spec c = {
      .stride = {stride, stride_num},
      .padding_low = {padding_lo, padding_lo_num},
      .padding_high = {padding_hi, padding_hi_num},
      .kernel_dilation = {kernel_dilation, kernel_dilation_num},
      .input_dilation = {input_dilation, input_dilation_num},
      .groups = groups,
      .flip = flip};
  bool fine = given(c.stride, "stride") && given(c.padding_low, "padding_lo") &&
              given(c.padding_high, "padding_hi") &&
              given(c.kernel_dilation, "kernel_dilation") &&
              given(c.input_dilation, "input_dilation");
  return api_result(res, fine ? op_conv(x, w, &c, api_stream(s)) : NULL);
}

int mlx_conv_transpose1d(
    mlx_array* res,
    const mlx_array input,
    const mlx_array weight,
    int stride,
    int padding,
    int dilation,
    int output_padding,
    int groups,
    const mlx_stream s) {
  API_OP("conv_transpose1d");
  lz_array *x = api_array(input, "input"), *w = api_array(weight, "weight");
  return api_result(
      res,
      op_conv_transpose(
          x,
          w,
          1,
          &stride,
          &padding,
          &dilation,
          &output_padding,
          groups,
          api_stream(s)));
}

int mlx_conv_transpose2d(
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
    const mlx_stream s) {
  API_OP("conv_transpose2d");
  lz_array *x = api_array(input, "input"), *w = api_array(weight, "weight");
  return api_result(
      res,
      op_conv_transpose(
          x,
          w,
          2,
          (const int[]){stride_0, stride_1},
          (const int[]){padding_0, padding_1},
          (const int[]){dilation_0, dilation_1},
          (const int[]){output_padding_0, output_padding_1},
          groups,
          api_stream(s)));
}

int mlx_conv_transpose3d(
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
    const mlx_stream s) {
  API_OP("conv_transpose3d");
  lz_array *x = api_array(input, "input"), *w = api_array(weight, "weight");
  return api_result(
      res,
      op_conv_transpose(
          x,
          w,
          3,
          (const int[]){stride_0, stride_1, stride_2},
          (const int[]){padding_0, padding_1, padding_2},
          (const int[]){dilation_0, dilation_1, dilation_2},
          (const int[]){output_padding_0, output_padding_1, output_padding_2},
          groups,
          api_stream(s)));
}
