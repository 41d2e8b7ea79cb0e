#include <string.h>

#include "cpu/onednn.h"
#include "cpu/onednn_entry.h"

static dnnl_data_type_t type_of(lz_dtype d) {
  return d == DTYPE_BFLOAT16 ? dnnl_bf16 : dnnl_f32;
}

/* Weights (O, spatial…, C) to oneDNN's order (groups, O, C, spatial…). */
static int weights_desc(const onednn_conv* c, dnnl_memory_desc_t* given) {
  const int nd = c->spatial + 2;
  dnnl_dims_t dims, strides;
  int at = 0;
  const int64_t outputs = c->outputs / c->groups;
  if (c->groups > 1) {
    dims[at] = c->groups;
    strides[at++] = c->w_steps[0] * outputs;
  }
  dims[at] = outputs;
  strides[at++] = c->w_steps[0];
  dims[at] = c->channels / c->groups;
  strides[at++] = c->w_steps[nd - 1];
  for (int i = 0; i < c->spatial; i++) {
    dims[at] = c->kernel[i];
    strides[at++] = c->w_steps[1 + i];
  }
  return dnnl_memory_desc_init_by_strides(
             given, at, dims, type_of(c->dtype), strides) != dnnl_success;
}

static int conv_make(onednn_entry* e, const void* ctx) {
  const onednn_conv* c = ctx;
  static const dnnl_format_tag_t tags[4] = {
      dnnl_format_tag_undef, dnnl_nwc, dnnl_nhwc, dnnl_ndhwc};
  const dnnl_data_type_t type = type_of(c->dtype);
  const int nd = c->spatial + 2;
  dnnl_dims_t src = {c->images, c->channels}, dst = {c->images, c->outputs};
  dnnl_dims_t stride, dilation, before, after;
  for (int i = 0; i < c->spatial; i++) {
    stride[i] = c->stride[i];
    before[i] = c->before[i];
    after[i] = c->after[i];
    src[2 + i] = c->in[i];
    dst[2 + i] = c->out[i];
    dilation[i] = c->dilation[i] - 1;
  }
  dnnl_memory_desc_t any, chosen;
  dnnl_convolution_desc_t op;
  if (dnnl_memory_desc_init_by_tag(&e->src, nd, src, type, tags[c->spatial]) !=
          dnnl_success ||
      dnnl_memory_desc_init_by_tag(&e->dst, nd, dst, type, tags[c->spatial]) !=
          dnnl_success ||
      weights_desc(c, &e->given) ||
      dnnl_memory_desc_init_by_tag(
          &any, e->given.ndims, e->given.dims, type, dnnl_format_tag_any) !=
          dnnl_success ||
      dnnl_dilated_convolution_forward_desc_init(
          &op,
          dnnl_forward_inference,
          dnnl_convolution_direct,
          &e->src,
          &any,
          NULL,
          &e->dst,
          stride,
          dilation,
          before,
          after) != dnnl_success ||
      onednn_entry_build(e, &op, &chosen))
    return 1;
  e->weights = chosen;
  dnnl_primitive_desc_t desc = NULL;
  const bool ok = dnnl_reorder_primitive_desc_create(
                      &desc,
                      &e->given,
                      onednn_engine_get(),
                      &e->weights,
                      onednn_engine_get(),
                      NULL) == dnnl_success &&
                  dnnl_primitive_create(&e->reorder, desc) == dnnl_success;
  if (desc) dnnl_primitive_desc_destroy(desc);
  return !ok;
}

onednn_entry* onednn_conv_get(const onednn_conv* c) {
  onednn_key key = {{2}};
  /* Everything in the shape counts; it has no holes but these. */
  int at = 1;
  key.v[at++] = (int64_t)c->dtype * 4 + c->spatial;
  key.v[at++] = c->images;
  key.v[at++] = c->channels;
  key.v[at++] = c->outputs;
  key.v[at++] = c->groups;
  for (int i = 0; i < c->spatial; i++) {
    key.v[at++] = c->in[i] << 32 | c->out[i];
    key.v[at++] = c->kernel[i] << 32 | c->stride[i];
    key.v[at++] = c->dilation[i];
    key.v[at++] = c->before[i] << 32 | c->after[i];
  }
  for (int i = 0; i < c->spatial + 2; i++) key.v[at++] = c->w_steps[i];
  const int threads = onednn_enter();
  onednn_entry* e = onednn_entry_get(&key, conv_make, c);
  onednn_leave(threads);
  return e;
}

void onednn_conv_release(onednn_entry* e) {
  onednn_entry_release(e);
}

size_t onednn_conv_weights(const onednn_entry* e) {
  return dnnl_memory_desc_get_size(&e->weights);
}

bool onednn_conv_same_weights(const onednn_entry* a, const onednn_entry* b) {
  return dnnl_memory_desc_equal(&a->weights, &b->weights);
}

int onednn_conv_prepare(onednn_entry* e, const void* w, void* prepared) {
  const int threads = onednn_enter();
  const int status = onednn_entry_reorder(e, (void*)w, prepared);
  onednn_leave(threads);
  return status;
}

int onednn_conv_run(
    onednn_entry* e, const void* in, const void* prepared, void* out) {
  const int threads = onednn_enter();
  const int status = onednn_entry_run(e, (void*)in, (void*)prepared, out);
  onednn_leave(threads);
  return status;
}
