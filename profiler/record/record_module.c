/* What is mapped where, so that addresses can be resolved afterwards. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "record.h"

#define MODULES 1024u

/* Those written. A module unloaded and another one at its place differ in
 * `map`; entries only grow, readers need no lock. */
static struct {
  _Atomic uint32_t count;
  atomic_flag lock;
  struct {
    uint64_t begin, end;
    const void* map; /* struct link_map */
  } at[MODULES];
  uint64_t self_begin, self_end;
} modules = {.lock = ATOMIC_FLAG_INIT};

static bool module_known(uint64_t begin, uint64_t end, const void* map) {
  uint32_t count = atomic_load_explicit(&modules.count, memory_order_acquire);
  for (uint32_t i = count; i-- > 0;)
    if (modules.at[i].begin == begin && modules.at[i].end == end &&
        modules.at[i].map == map)
      return true;
  return false;
}

static uint32_t module_build_id(
    const struct dl_phdr_info* info, char* out, uint32_t size) {
  static const char digits[] = "0123456789abcdef";
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* p = &info->dlpi_phdr[i];
    if (p->p_type != PT_NOTE) continue;
    const char* at = (const char*)info->dlpi_addr + p->p_vaddr;
    const char* end = at + p->p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      const ElfW(Nhdr)* note = (const void*)at;
      const char* name = at + sizeof *note;
      const unsigned char* bytes =
          (const void*)(name + ((note->n_namesz + 3u) & ~3u));
      if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
          memcmp(name, "GNU", 4) == 0 && note->n_descsz * 2 <= size) {
        for (unsigned k = 0; k < note->n_descsz; k++) {
          out[2 * k] = digits[bytes[k] >> 4];
          out[2 * k + 1] = digits[bytes[k] & 15];
        }
        return note->n_descsz * 2;
      }
      at = (const char*)bytes + ((note->n_descsz + 3u) & ~3u);
    }
  }
  return 0;
}

static int module_each(struct dl_phdr_info* info, size_t size, void* user) {
  record_thread* t = user;
  (void)size;
  char path[PATH_MAX], build_id[128];
  uint64_t begin = UINT64_MAX, end = 0;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* p = &info->dlpi_phdr[i];
    if (p->p_type != PT_LOAD) continue;
    uint64_t from = info->dlpi_addr + p->p_vaddr;
    if (from < begin) begin = from;
    if (from + p->p_memsz > end) end = from + p->p_memsz;
  }
  if (begin >= end) return 0;
  uint64_t self = (uintptr_t)&modules;
  if (begin <= self && self < end) {
    modules.self_begin = begin;
    modules.self_end = end;
  }
  struct dl_find_object object;
  const void* map = NULL;
  if (_dl_find_object((void*)(uintptr_t)begin, &object) == 0)
    map = object.dlfo_link_map;
  if (module_known(begin, end, map)) return 0;
  uint32_t length = (uint32_t)strlen(info->dlpi_name);
  const char* name = info->dlpi_name;
  if (length == 0) { /* the program itself */
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    name = path;
    length = n < 0 ? 0 : (uint32_t)n;
  }
  RECORD_PUT(
      t,
      module,
      {.base = info->dlpi_addr,
       .begin = begin,
       .end = end,
       .path = {name, length},
       .build_id = {
           build_id, module_build_id(info, build_id, sizeof build_id)}});
  uint32_t count = atomic_load_explicit(&modules.count, memory_order_relaxed);
  if (count < MODULES) {
    modules.at[count].begin = begin;
    modules.at[count].end = end;
    modules.at[count].map = map;
    atomic_store_explicit(&modules.count, count + 1, memory_order_release);
  }
  return 0;
}

void record_module_scan(record_thread* t) {
  int saved = errno;
  /* Whoever finds it taken, a signal handler too, leaves the scan to the one
   * at it. */
  if (!atomic_flag_test_and_set_explicit(&modules.lock, memory_order_acquire)) {
    dl_iterate_phdr(module_each, t);
    atomic_flag_clear_explicit(&modules.lock, memory_order_release);
  }
  errno = saved;
}

void record_module_check(
    record_thread* t, const uint64_t* frames, uint32_t count) {
  if (atomic_load_explicit(&modules.count, memory_order_relaxed) == MODULES)
    return;
  for (uint32_t i = 0; i < count; i++) {
    struct dl_find_object object;
    if (frames[i] & TRACE_FRAME_LOCATION) continue;
    if (_dl_find_object((void*)(uintptr_t)(frames[i] - 1), &object) != 0)
      continue;
    uint32_t known = atomic_load_explicit(&modules.count, memory_order_acquire);
    bool found = false;
    for (uint32_t k = 0; k < known && !found; k++)
      found = modules.at[k].map == object.dlfo_link_map &&
              modules.at[k].begin <= frames[i] &&
              frames[i] <= modules.at[k].end;
    if (!found) {
      record_module_scan(t);
      return;
    }
  }
}

void record_module_self(uint64_t* begin, uint64_t* end) {
  *begin = modules.self_begin;
  *end = modules.self_end;
}

void record_module_forget(void) {
  atomic_store(&modules.count, 0);
}
