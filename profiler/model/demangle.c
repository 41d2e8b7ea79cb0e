#include "demangle.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef char* (*demangle_fn)(const char*, char*, size_t*, int*);
static demangle_fn demangle_real;
static pthread_once_t demangle_once = PTHREAD_ONCE_INIT;

static void demangle_find(void) {
  void* library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
  if (library) demangle_real = (demangle_fn)dlsym(library, "__cxa_demangle");
}

bool demangle(const char* name, char* out, size_t size) {
  if (name[0] != '_' || name[1] != 'Z') return false;
  pthread_once(&demangle_once, demangle_find);
  int status = -1;
  char* plain = demangle_real ? demangle_real(name, NULL, NULL, &status) : NULL;
  if (!plain) return false;
  snprintf(out, size, "%s", plain);
  free(plain);
  return true;
}
