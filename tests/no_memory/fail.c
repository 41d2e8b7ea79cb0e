#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fail.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static _Atomic long first = -1, last = -1, counted;
/* Where the code of liblazuli.so lies; nowhere until it is asked for. */
static _Atomic uintptr_t low, high;

static int find(struct dl_phdr_info* info, size_t size, void* data) {
  (void)size, (void)data;
  if (!strstr(info->dlpi_name, "liblazuli.so") &&
      !strstr(info->dlpi_name, "libmlxc.so"))
    return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* p = &info->dlpi_phdr[i];
    if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
    low = info->dlpi_addr + p->p_vaddr;
    high = low + p->p_memsz;
    return 1;
  }
  return 0;
}

#define SEEN __attribute__((visibility("default")))

SEEN void fail_at(long n, long more) {
  if (!low) dl_iterate_phdr(find, NULL);
  first = last = -1;
  counted = 0;
  if (n < 0) return;
  last = n + more;
  first = n;
}

SEEN long fail_count(void) {
  return counted;
}
SEEN int fail_reached(void) {
  return first >= 0 && counted > first;
}

static bool fails(const void* caller) {
  uintptr_t at = (uintptr_t)caller;
  if (at < low || at >= high) return false;
  long n = atomic_fetch_add(&counted, 1);
  if (first < 0 || n < first || n > last) return false;
  if (getenv("LAZULI_FAIL_WHERE")) {
    void* stack[24];
    backtrace_symbols_fd(stack, backtrace(stack, 24), 2);
  }
  errno = ENOMEM;
  return true;
}

#define FAILS() fails(__builtin_return_address(0))

SEEN void* malloc(size_t size) {
  return FAILS() ? NULL : __libc_malloc(size);
}

SEEN void* calloc(size_t n, size_t size) {
  return FAILS() ? NULL : __libc_calloc(n, size);
}

SEEN void* realloc(void* p, size_t size) {
  return FAILS() ? NULL : __libc_realloc(p, size);
}

SEEN void* aligned_alloc(size_t alignment, size_t size) {
  return FAILS() ? NULL : __libc_memalign(alignment, size);
}

SEEN char* strdup(const char* text) {
  if (FAILS()) return NULL;
  size_t size = strlen(text) + 1;
  char* copy = __libc_malloc(size);
  return copy ? memcpy(copy, text, size) : NULL;
}

/* Files in memory, as far as Lazuli opens them. */
SEEN FILE* open_memstream(char** text, size_t* size) {
  static FILE* (*next)(char**, size_t*);
  if (FAILS()) return NULL;
  if (!next) *(void**)&next = dlsym(RTLD_NEXT, "open_memstream");
  return next(text, size);
}
