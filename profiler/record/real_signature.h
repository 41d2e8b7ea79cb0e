/* What a call of a compiled function looked like, and how two calls differ. */
#ifndef REAL_SIGNATURE_H
#define REAL_SIGNATURE_H

#include "real.h"

#define SIGNATURE_INPUTS 64
#define SIGNATURE_CONSTANTS 64

typedef struct real_signature {
  size_t n_inputs, n_constants;
  struct {
    uint8_t dtype, ndim;
    int32_t shape[REAL_MAX_DIMS];
  } inputs[SIGNATURE_INPUTS];
  uint64_t constants[SIGNATURE_CONSTANTS];
} real_signature;

/* Fills `s`, zeroed before, from a std::vector<array> and the constants. */
void real_signature_take(
    real_signature* s,
    const char* const* inputs,
    const uint64_t* constants,
    size_t n_constants);

/* The bits of lazuli_compile_change, and the first difference in words. */
uint32_t real_signature_compare(
    const real_signature* now,
    const real_signature* was,
    char* detail,
    size_t size);

#endif
