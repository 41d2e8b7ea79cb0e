/* Fused programs as compute shaders in GLSL. */
#ifndef VULKAN_GLSL_H
#define VULKAN_GLSL_H

#include <stdbool.h>
#include <stddef.h>

#include "cpu/program.h"

/* How a shader finds an input's element. */
typedef enum glsl_access { GLSL_DENSE, GLSL_SCALAR, GLSL_STRIDED } glsl_access;

/* The shader of a program as text in malloc'ed memory; NULL with a message that
 * names the operation or dtype that has no form on the GPU. Its parameters are
 *     uint64 addresses of the inputs, then of the outputs
 *     uint32 number of elements
 *     int32 shape[ndim], then strides[ndim] of each GLSL_STRIDED input
 * One invocation an element: index (x + 65535 * 256 * y), groups of 256. */
char* glsl_program(
    const lz_program* program,
    const uint8_t* input_dtypes,
    const uint8_t* output_dtypes,
    const glsl_access* access,
    int ndim);

enum { GLSL_GROUP = 256, GLSL_ROW = 65535 };

#endif
