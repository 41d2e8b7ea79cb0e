/* Names and figures as people read them. Used by everything that prints. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"

#define TEXT_DTYPE_UNKNOWN 255

/* "float32", …; "?" when not known. The size of an element; 0 then. */
const char* text_dtype(uint8_t dtype);
uint64_t text_dtype_size(uint8_t dtype);

/* Names of the tables of lazuli/, and the sentence that explains each. A number
 * that this version does not know is "?" and "". */
const char* text_trigger(uint8_t trigger);
const char* text_wait(uint8_t reason);
const char* text_wait_why(uint8_t reason);
const char* text_rewrite(uint8_t what);
const char* text_refusal(uint8_t reason);
const char* text_refusal_why(uint8_t reason);
const char* text_donation(uint8_t result);
const char* text_source(uint8_t source); /* of a buffer */

/* Room for any of the texts below. Each returns `out`. */
#define TEXT_SIZE 32
char* text_bytes(char out[TEXT_SIZE], uint64_t bytes);   /* 1.50 GiB */
char* text_ns(char out[TEXT_SIZE], uint64_t ns);         /* 12.3 ms */
char* text_count(char out[TEXT_SIZE], uint64_t count);   /* 12,345 */
char* text_rate(char out[TEXT_SIZE], double per_second); /* 12.3 G */

/* How the process ended: "exit status 1", "killed", "still running", … */
char* text_end(char out[TEXT_SIZE], const model_info* info);

/* "(4, 16)" or "()"; cut with "…" where it does not fit. Returns `out`. */
char* text_shape(char* out, size_t size, const model* m, uint32_t array);

/* `text` itself where it is UTF-8; else a copy in `out`, cut to fit, with "?"
 * for what is not. Names come from programs, and may be anything. */
const char* text_utf8(char* out, size_t size, const char* text);

/* The last part of a path. */
const char* text_base(const char* path);

#endif
