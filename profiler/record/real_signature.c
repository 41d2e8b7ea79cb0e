#include "real_signature.h"

#include <stdio.h>
#include <string.h>

void real_signature_take(
    real_signature* s,
    const char* const* inputs,
    const uint64_t* constants,
    size_t n_constants) {
  s->n_inputs = (size_t)(inputs[1] - inputs[0]) / 16;
  s->n_constants = n_constants;
  for (size_t i = 0; i < s->n_inputs && i < SIGNATURE_INPUTS; i++) {
    lazuli_probe_array a;
    real_describe(real_desc(inputs[0] + 16 * i), &a);
    s->inputs[i].dtype = a.dtype;
    s->inputs[i].ndim = a.ndim;
    for (unsigned d = 0; d < a.ndim && d < REAL_MAX_DIMS; d++)
      s->inputs[i].shape[d] = a.shape[d];
  }
  for (size_t i = 0; i < n_constants && i < SIGNATURE_CONSTANTS; i++)
    s->constants[i] = constants[i];
}

static size_t signature_print_shape(
    char* out, size_t size, const real_signature* s, size_t input) {
  size_t used = (size_t)snprintf(out, size, "(");
  for (unsigned d = 0; d < s->inputs[input].ndim && d < REAL_MAX_DIMS; d++)
    if (used < size)
      used += (size_t)snprintf(
          out + used,
          size - used,
          "%s%d",
          d ? "," : "",
          s->inputs[input].shape[d]);
  if (used < size) used += (size_t)snprintf(out + used, size - used, ")");
  return used;
}

uint32_t real_signature_compare(
    const real_signature* now,
    const real_signature* was,
    char* detail,
    size_t size) {
  uint32_t changed = 0;
  char a[80], b[80];
  detail[0] = '\0';
  if (now->n_inputs != was->n_inputs) {
    snprintf(detail, size, "%zu inputs were %zu", now->n_inputs, was->n_inputs);
    return LAZULI_COMPILE_COUNT;
  }
  for (size_t i = 0; i < now->n_inputs && i < SIGNATURE_INPUTS; i++) {
    size_t shape_bytes = now->inputs[i].ndim * sizeof(int32_t);
    uint32_t bit = 0;
    if (now->inputs[i].ndim != was->inputs[i].ndim)
      bit = LAZULI_COMPILE_RANK;
    else if (
        memcmp(now->inputs[i].shape, was->inputs[i].shape, shape_bytes) != 0)
      bit = LAZULI_COMPILE_SHAPE;
    if (bit && !detail[0]) {
      signature_print_shape(a, sizeof a, now, i);
      signature_print_shape(b, sizeof b, was, i);
      snprintf(detail, size, "input %zu: %s was %s", i, a, b);
    }
    changed |= bit;
    if (now->inputs[i].dtype != was->inputs[i].dtype) {
      changed |= LAZULI_COMPILE_DTYPE;
      if (!detail[0]) snprintf(detail, size, "input %zu: another dtype", i);
    }
  }
  bool constant = now->n_constants != was->n_constants;
  for (size_t i = 0;
       !constant && i < now->n_constants && i < SIGNATURE_CONSTANTS;
       i++)
    if (now->constants[i] != was->constants[i]) {
      constant = true;
      if (!detail[0])
        snprintf(
            detail,
            size,
            "constant %zu: %llu was %llu",
            i,
            (unsigned long long)now->constants[i],
            (unsigned long long)was->constants[i]);
    }
  if (constant) changed |= LAZULI_COMPILE_CONSTANT;
  /* Nothing of what is compared: the default stream is all that is left. */
  return changed ? changed : LAZULI_COMPILE_STREAM;
}
