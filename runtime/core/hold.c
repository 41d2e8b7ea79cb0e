#include "core/hold.h"

/* Arrays held before the probe came are not counted: 0 says "unknown". A count
 * that reached its end stays there. */
void hold_more(lz_array* a) {
  uint16_t n = __atomic_load_n(&a->handles, __ATOMIC_RELAXED);
  while (n != UINT16_MAX && !__atomic_compare_exchange_n(
                                &a->handles,
                                &n,
                                (uint16_t)(n + 1),
                                true,
                                __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED)) {
  }
}

void hold_less(lz_array* a) {
  uint16_t n = __atomic_load_n(&a->handles, __ATOMIC_RELAXED);
  while (n != 0 && n != UINT16_MAX &&
         !__atomic_compare_exchange_n(
             &a->handles,
             &n,
             (uint16_t)(n - 1),
             true,
             __ATOMIC_RELAXED,
             __ATOMIC_RELAXED)) {
  }
  if (n == 1)
    PROBE(release, .array = a->id, .evaluated = array_status(a) != ARRAY_LAZY);
}
