/* What the tests of the edge share: an error handler that remembers. */
#ifndef TESTS_API_SUPPORT_H
#define TESTS_API_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mlx/c/mlx.h"

/* cmocka set-up: from here on errors are remembered. */
int errors_catch(void** state);

/* Calls of the handler since the last errors_take(), and the last message. */
int errors_count(void);
const char* errors_last(void);

/* Exactly `n` errors came, the last of them containing `words`; forgets them.
 */
void errors_take_at(int n, const char* words, const char* file, int line);
#define errors_take(n, words) errors_take_at(n, words, __FILE__, __LINE__)

/* expr is non-zero (or true) and the handler was called once with `words`. */
#define assert_error(expr, words) \
  do {                            \
    assert_true((expr) != 0);     \
    errors_take(1, words);        \
  } while (0)

/* expr is 0 and nothing was reported. */
#define assert_fine(expr)      \
  do {                         \
    assert_int_equal(expr, 0); \
    errors_take(0, "");        \
  } while (0)

/* A vector of `n` floats 1, 2, 3 …. */
mlx_array floats(int n);
/* The text of an array; the test frees it. */
char* text_of(mlx_array a);

#endif
