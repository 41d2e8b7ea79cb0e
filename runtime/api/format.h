/* Arrays as text, in MLX's format:
 *
 *     array([[1, 2, 3],
 *            [4, 5, 6]], dtype=int32)
 *
 * Axes of more than six elements show the first and the last three around
 * "...". Floats have six significant digits; "true" and "false"; 1-2j. Never
 * depends on the locale. */
#ifndef API_FORMAT_H
#define API_FORMAT_H

#include "core/array.h"

/* Of a READY array. The caller frees the text. NULL with a message where memory
 * fails. */
char* format_array(const lz_array* a);

#endif
