#include "io/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

int cursor_end(const cursor* c, uint64_t n) {
  return error_fail(
      "[%s] %s: %llu bytes at %llu are past the end (%llu): an incomplete "
      "download or a corrupt file?",
      c->op,
      source_label(c->source),
      (unsigned long long)n,
      (unsigned long long)c->at,
      (unsigned long long)source_size(c->source));
}

bool cursor_has(const cursor* c, uint64_t n) {
  uint64_t size = source_size(c->source);
  return c->at <= size && n <= size - c->at;
}

int cursor_take(cursor* c, void* to, uint64_t n) {
  if (!cursor_has(c, n)) return cursor_end(c, n);
  bool inside =
      c->at >= c->window_at && c->at + n <= c->window_at + c->window_size;
  if (!inside && n <= sizeof c->window) {
    uint64_t rest = source_size(c->source) - c->at;
    size_t size = rest < sizeof c->window ? (size_t)rest : sizeof c->window;
    if (source_read(c->source, c->window, size, c->at)) return 1;
    c->window_at = c->at;
    c->window_size = size;
    inside = true;
  }
  if (inside)
    memcpy(to, c->window + (c->at - c->window_at), (size_t)n);
  else if (source_read(c->source, to, (size_t)n, c->at))
    return 1;
  c->at += n;
  return 0;
}

int cursor_u32(cursor* c, uint32_t* v) {
  return cursor_take(c, v, 4);
}
int cursor_u64(cursor* c, uint64_t* v) {
  return cursor_take(c, v, 8);
}

char* cursor_string(cursor* c) {
  uint64_t n;
  if (cursor_u64(c, &n)) return NULL;
  if (!cursor_has(c, n)) {
    cursor_end(c, n);
    return NULL;
  }
  char* text = malloc((size_t)n + 1);
  if (!text) return error_memory();
  if (cursor_take(c, text, n)) {
    free(text);
    return NULL;
  }
  text[n] = 0;
  return text;
}
