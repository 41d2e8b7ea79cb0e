/* Finds MLX in the process, and begins to record it. */
#include <dlfcn.h>
#include <link.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/uio.h>
#include <unistd.h>

#include "real.h"
#include "record.h"
#include "record_python.h"

#define NOTES 40

struct real_originals real_original;
_Atomic int real_phase;
__thread real_thread real_self __attribute__((tls_model("initial-exec")));

static struct {
  atomic_flag lock;
  void* library;
  uintptr_t begin, end;
  uintptr_t loader_begin, loader_end;
  char path[1024];
  bool missing[REAL_PARTS];
  char notes[NOTES][200];
  unsigned n_notes;
} found = {.lock = ATOMIC_FLAG_INIT};

static const struct {
  const char* mangled;
  enum real_part needed;
  size_t offset;
  const char* id;
} symbols[] = {
#define SYMBOL(id, needed, mangled) \
  {mangled, REAL_##needed, offsetof(struct real_originals, id), #id},
#define ALSO(id, mangled) \
  {mangled, REAL_ALSO, offsetof(struct real_originals, id), #id},
#include "real_symbols.def"
#undef ALSO
#undef SYMBOL
};

/* What the parts are called in `coverage`: the events that are missing. */
static const char* const part_events[REAL_PARTS] = {
    [REAL_NODES] = "node,release",
    [REAL_EVALS] = "eval-begin,eval-end",
    [REAL_KERNELS] = "kernel-begin,kernel-end,fusion",
    [REAL_WAITS] = "wait",
    [REAL_MEMORY] = "alloc,free,bind,donation",
    [REAL_COMPILED] = "compile",
};

bool real_can(enum real_part part) {
  return !found.missing[part];
}

void real_note(const char* format, ...) {
  if (found.n_notes == NOTES) return;
  va_list args;
  va_start(args, format);
  vsnprintf(found.notes[found.n_notes++], sizeof found.notes[0], format, args);
  va_end(args);
}

void real_cannot(enum real_part part, const char* why) {
  if (!found.missing[part] && part_events[part])
    real_note("MLX: no %s: %s", part_events[part], why);
  found.missing[part] = true;
}

size_t real_peek(const void* from, void* to, size_t size) {
  struct iovec here = {to, size}, there = {(void*)from, size};
  ssize_t n = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
  return n < 0 ? 0 : (size_t)n;
}

bool real_owns(const void* address) {
  return (uintptr_t)address - found.begin < found.end - found.begin;
}

void* real_symbol(const char* mangled) {
  return found.library ? dlsym(found.library, mangled) : NULL;
}

/* Takes the library that itself defines MLX's version(). */
static int find_each(struct dl_phdr_info* info, size_t size, void* user) {
  (void)size;
  bool by_name = *(bool*)user;
  if (!info->dlpi_name[0] && by_name) return 0;
  if (by_name && !strstr(info->dlpi_name, "mlx")) return 0;
  uintptr_t begin = UINTPTR_MAX, end = 0;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* p = &info->dlpi_phdr[i];
    if (p->p_type != PT_LOAD) continue;
    uintptr_t from = info->dlpi_addr + p->p_vaddr;
    if (from < begin) begin = from;
    if (from + p->p_memsz > end) end = from + p->p_memsz;
  }
  if ((uintptr_t)&found - begin < end - begin) return 0; /* ourselves */
  void* library = dlopen(
      info->dlpi_name[0] ? info->dlpi_name : NULL, RTLD_LAZY | RTLD_NOLOAD);
  if (!library) return 0;
  uintptr_t version = (uintptr_t)dlsym(
      library, "_ZN3mlx4core4evalESt6vectorINS0_5arrayESaIS2_EE");
  if (!version || version - begin >= end - begin) {
    dlclose(library);
    return 0;
  }
  found.library = library;
  found.begin = begin;
  found.end = end;
  snprintf(found.path, sizeof found.path, "%s", info->dlpi_name);
  return 1;
}

/* Where ld.so is: while its frames are on the stack, constructors run. */
static void find_loader(void) {
  struct dl_find_object object;
  void* base = (void*)getauxval(AT_BASE);
  if (base && _dl_find_object(base, &object) == 0) {
    found.loader_begin = (uintptr_t)object.dlfo_map_start;
    found.loader_end = (uintptr_t)object.dlfo_map_end;
  }
}

static void find_locked(void) {
  bool by_name = true;
  if (!dl_iterate_phdr(find_each, &by_name)) {
    by_name = false;
    dl_iterate_phdr(find_each, &by_name);
  }
  if (!found.library) return;
  const size_t n = sizeof symbols / sizeof *symbols;
  for (size_t i = 0; i < n; i++) {
    void* address = dlsym(found.library, symbols[i].mangled);
    enum real_part needed = symbols[i].needed;
    if (address && !real_owns(address)) address = NULL;
    while (!address && i + 1 < n && symbols[i + 1].needed == REAL_ALSO)
      address = dlsym(found.library, symbols[++i].mangled);
    while (i + 1 < n && symbols[i + 1].needed == REAL_ALSO) i++;
    memcpy((char*)&real_original + symbols[i].offset, &address, sizeof address);
    if (address || needed == REAL_SPARE) continue;
    if (needed == REAL_OPTIONAL) {
      real_note("MLX: this version has no %.60s", symbols[i].id);
    } else {
      char why[128];
      snprintf(why, sizeof why, "this version has no %.60s", symbols[i].id);
      real_cannot(needed, why);
    }
  }
  find_loader();
}

void real_find(void) {
  while (atomic_flag_test_and_set_explicit(&found.lock, memory_order_acquire))
    sched_yield();
  if (!found.library) {
    find_locked();
    if (found.library) atomic_store(&real_phase, REAL_LOADING);
  }
  atomic_flag_clear_explicit(&found.lock, memory_order_release);
}

void real_need(const real_function* original, const char* id) {
  real_find();
  if (*original) return;
  fprintf(stderr, "lazuli: MLX's own %s cannot be found\n", id);
  abort();
}

/* MLX's own initialisers may be running: too early to make arrays. */
static bool find_is_loading(void) {
  void* frames[64];
  int n = record_stack_walk(frames, 64);
  for (int i = 0; i < n; i++)
    if ((uintptr_t)frames[i] - found.loader_begin <
        found.loader_end - found.loader_begin)
      return true;
  return false;
}

static void find_announce(void) {
  char coverage[400] = "rewrite,refusal";
  const char* version = "";
  for (int part = 0; part < REAL_PARTS; part++)
    if (found.missing[part] && part_events[part]) {
      size_t used = strlen(coverage);
      snprintf(
          coverage + used, sizeof coverage - used, ",%s", part_events[part]);
    }
  if (real_original.version)
    version = (const char*)real_original.version(0, 0, 0, 0, 0, 0);
  record_thread* t = record_enter_always();
  if (!t) return;
  RECORD_PUT(
      t,
      runtime,
      {.kind = 2,
       .path = {found.path, (uint32_t)strlen(found.path)},
       .version = {version, (uint32_t)strlen(version)},
       .coverage = {coverage, (uint32_t)strlen(coverage)}});
  for (unsigned i = 0; i < found.n_notes; i++)
    record_note(t, "%s", found.notes[i]);
  record_module_scan(t);
  record_leave(t);
}

bool real_begin(void) {
  if (real_self.inside) return false;
  int phase = atomic_load(&real_phase);
  if (phase == REAL_OFF) return false;
  if (phase == REAL_UNKNOWN) {
    const int held = record_hold();
    real_find();
    record_resume(held);
  }
  if (!found.library) return false;
  if (find_is_loading()) return false;
  if (!record_begin()) {
    atomic_store(&real_phase, REAL_OFF);
    return false;
  }
  /* One thread learns; others pass through until it is done. */
  static atomic_flag learning = ATOMIC_FLAG_INIT;
  if (atomic_flag_test_and_set(&learning)) return false;
  const int held = record_hold();
  record_python_find();
  real_self.inside++;
  real_layout_learn();
  real_self.inside--;
  record_resume(held);
  record_probe_fill();
  find_announce();
  if (real_can(REAL_MEMORY)) real_memory_begin();
  atomic_store_explicit(&real_phase, REAL_READY, memory_order_release);
  return true;
}
