/* The program's error handler, and how messages reach it. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

/* Counted, so that a handler that is replaced while another thread is inside
 * it keeps its data until that call returns. */
typedef struct handler {
  unsigned refs; /* under `lock` */
  mlx_error_handler_func call;
  void* data; /* NULL unless there is a dtor */
  void (*dtor)(void*);
} handler;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static handler* current; /* NULL: error_default */

static void error_default(const char* message, void* data) {
  (void)data;
  printf("MLX error: %s\n", message);
  exit(-1);
}

static void error_release(handler* h) {
  if (!h) return;
  pthread_mutex_lock(&lock);
  bool last = --h->refs == 0;
  pthread_mutex_unlock(&lock);
  if (!last) return;
  if (h->dtor) h->dtor(h->data);
  free(h);
}

static void error_replace(handler* h) {
  pthread_mutex_lock(&lock);
  handler* old = current;
  current = h;
  pthread_mutex_unlock(&lock);
  error_release(old);
}

void mlx_set_error_handler(
    mlx_error_handler_func call, void* data, void (*dtor)(void*)) {
  if (!call && !dtor) {
    error_replace(NULL);
    return;
  }
  handler* h = malloc(sizeof *h);
  if (!h) {
    error_memory();
    api_report(__FILE__, __LINE__);
    return;
  }
  *h = (handler){1, call ? call : error_default, dtor ? data : NULL, dtor};
  error_replace(h);
}

/* Data that is still held when the program ends is handed back like any. */
__attribute__((destructor)) static void error_finish(void) {
  error_replace(NULL);
}

static void error_deliver(const char* message) {
  pthread_mutex_lock(&lock);
  handler* h = current;
  if (h) h->refs++;
  pthread_mutex_unlock(&lock);
  if (!h) {
    error_default(message, NULL);
    return;
  }
  h->call(message, h->data);
  error_release(h);
}

/* The text is copied before the handler sees it: a handler may call anything,
 * and what it calls may fail. */
int api_report(const char* file, int line) {
  const char* message = error_message();
  size_t size = strlen(message) + strlen(file) + 32;
  char small[1536];
  char* text = size <= sizeof small ? small : malloc(size);
  if (!text) {
    text = small;
    size = sizeof small;
  }
  snprintf(text, size, "%s at %s:%d", message, file, line);
  error_clear();
  error_deliver(text);
  if (text != small) free(text);
  return 1;
}

int api_raise(const char* file, int line, const char* format, ...) {
  char message[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  error_set("%s", message);
  return api_report(file, line);
}

void _mlx_error(const char* file, const int line, const char* fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  size_t head = length > 0 ? (size_t)length : 0;
  size_t size = head + strlen(file) + 32;
  char* text = malloc(size);
  if (text) {
    vsnprintf(text, head + 1, fmt, again);
    snprintf(text + head, size - head, " at %s:%d", file, line);
  }
  va_end(again);
  error_deliver(text ? text : "out of memory for an error's text");
  free(text);
}
