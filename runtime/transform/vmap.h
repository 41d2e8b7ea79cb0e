/* Vectorisation: a function of single examples, run on batches. */
#ifndef TRANSFORM_VMAP_H
#define TRANSFORM_VMAP_H

#include "core/closure.h"
#include "core/list.h"

/* Traces f on placeholders without the mapped axes (axis -1: as it is). */
int vmap_trace(
    lz_closure* f,
    const lz_list* inputs,
    const int* in_axes,
    size_t n_axes,
    lz_list* s_inputs,
    lz_list* s_outputs);

/* Runs the traced graph on the whole batch; outputs get the mapped axis where
 * out_axes says. */
int vmap_replace(
    const lz_list* inputs,
    const lz_list* s_inputs,
    const lz_list* s_outputs,
    const int* in_axes,
    size_t n_in,
    const int* out_axes,
    size_t n_out,
    lz_list* outputs);

#endif
