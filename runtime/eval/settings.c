#include "eval/settings.h"

#include <stdlib.h>
#include <string.h>

bool settings_fuse(void) {
  static int known = -1; /* both writers write the same */
  int on = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (on < 0) {
    const char* set = getenv("LAZULI_FUSE");
    on = !(set && strcmp(set, "0") == 0);
    __atomic_store_n(&known, on, __ATOMIC_RELAXED);
  }
  return on;
}
