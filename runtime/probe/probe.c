#include "probe/probe.h"

#include <dlfcn.h>
#include <string.h>

#include "stream/stream.h"

const lazuli_probe* _Atomic probe_current;

/* For watchers, who look it up by name. */
extern LAZULI_API const char* const lazuli_version;
const char* const lazuli_version = LAZULI_VERSION;

int lazuli_probe_attach(const lazuli_probe* probe) {
  /* Two places in turn: a callback that still runs reads the old one. */
  static lazuli_probe copies[2];
  static _Atomic int turn;
  if (!probe) {
    atomic_store_explicit(&probe_current, NULL, memory_order_release);
    return 0;
  }
  if (probe->version != LAZULI_PROBE_VERSION) return 1;
  lazuli_probe* copy = &copies[atomic_fetch_add(&turn, 1) & 1];
  memset(copy, 0, sizeof *copy);
  memcpy(copy, probe, probe->size < sizeof *copy ? probe->size : sizeof *copy);
  atomic_store_explicit(&probe_current, copy, memory_order_release);
  for (int i = 0; i < stream_count(); i++) {
    lz_stream* s = stream_get(i);
    (void)s;
    PROBE(
        stream,
        .stream = (uint32_t)i,
        .device = (uint8_t)s->device,
        .name = s->name);
  }
  return 0;
}

__attribute__((constructor)) static void probe_find_provider(void) {
  lazuli_probe_provider_fn provider =
      (lazuli_probe_provider_fn)(uintptr_t)dlsym(
          RTLD_DEFAULT, "lazuli_probe_provider");
  const lazuli_probe* probe = provider ? provider(LAZULI_PROBE_VERSION) : NULL;
  if (probe) lazuli_probe_attach(probe);
}
