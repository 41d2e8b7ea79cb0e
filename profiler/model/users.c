#include "users.h"

#include <string.h>

/* Beginnings of the names of files that are never the user's. */
static const char* const users_libraries[] = {
    "liblazuli", "libmlx",   "libpython",  "python",   "ld-linux",
    "libc.so",   "libm.so",  "libpthread", "libdl.so", "librt.so",
    "libstdc++", "libgcc_s", "libgomp",    "libdnnl",  "libopenblas",
    "libasan",   "libtsan",  "libubsan",   "[",        0,
};

/* Where systems and package managers put what the user did not write. */
static const char* const users_places[] = {
    "/site-packages/",
    "/dist-packages/",
    "/lib-dynload/",
    "/conda/lib/",
    0,
};

static bool users_starts(const char* text, const char* with) {
  return !strncmp(text, with, strlen(with));
}

bool users_module(const char* path) {
  const char* slash = strrchr(path, '/');
  const char* name = slash ? slash + 1 : path;
  if (!*name) return false;
  for (int i = 0; users_libraries[i]; i++)
    if (users_starts(name, users_libraries[i])) return false;
  for (int i = 0; users_places[i]; i++)
    if (strstr(path, users_places[i])) return false;
  /* Programs live in /usr/bin; libraries there belong to the system. */
  bool library = strstr(name, ".so") != NULL;
  return !(
      library &&
      (users_starts(path, "/usr/lib") || users_starts(path, "/lib")));
}

bool users_source(const char* path) {
  return !users_starts(path, "/usr/include/") &&
         !users_starts(path, "/usr/lib/") && !strstr(path, "/include/c++/") &&
         !strstr(path, "/include/mlx/") && !strstr(path, "/include/lazuli/");
}

bool users_function(const char* name) {
  return strcmp(name, "_start") != 0 && !users_starts(name, "__libc_start");
}

bool users_script(const char* path) {
  if (users_starts(path, "<frozen")) return false;
  if (strstr(path, "/site-packages/mlx/") ||
      strstr(path, "/dist-packages/mlx/"))
    return false;
  if (strstr(path, "-packages/")) return true;
  return !strstr(path, "/lib/python3");
}
