/* A source read from front to back: little-endian numbers and texts. */
#ifndef IO_CURSOR_H
#define IO_CURSOR_H

#include "io/source.h"

/* Zero but for `source`, `op` and `at`; large: not for the stack. */
typedef struct cursor {
  lz_source* source;
  const char* op; /* for messages */
  uint64_t at;
  uint64_t window_at; /* the part of the source that window has */
  size_t window_size;
  char window[1 << 16];
} cursor;

/* Are there n bytes more? */
bool cursor_has(const cursor* c, uint64_t n);
/* Says that there are not. Always 1. */
int cursor_end(const cursor* c, uint64_t n);
/* These move on past what they read; non-zero with a message. */
int cursor_take(cursor* c, void* to, uint64_t n);
int cursor_u32(cursor* c, uint32_t* v);
int cursor_u64(cursor* c, uint64_t* v);
/* A new text that ends in NUL, of a length that comes before it; NULL with a
 * message. */
char* cursor_string(cursor* c);

#endif
