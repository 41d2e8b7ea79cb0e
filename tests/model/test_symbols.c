/* Addresses of this very program, recorded as a trace would, found again. */
#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "build_trace.h"
#include "lazuli/probe.h"
#include "model.h"
#include "users.h"

static char path[64];
static char self[512];

static char* build_id_of(const struct dl_phdr_info* info, char* out) {
  *out = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    if (info->dlpi_phdr[i].p_type != PT_NOTE) continue;
    const char* p = (const char*)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    const char* end = p + info->dlpi_phdr[i].p_memsz;
    while (p + sizeof(ElfW(Nhdr)) <= end) {
      const ElfW(Nhdr)* note = (const void*)p;
      const char* name = p + sizeof *note;
      const char* bits = name + ((note->n_namesz + 3) & ~3u);
      if (note->n_type == NT_GNU_BUILD_ID && !memcmp(name, "GNU", 4))
        for (uint32_t b = 0; b < note->n_descsz; b++)
          sprintf(out + 2 * b, "%02x", (unsigned char)bits[b]);
      p = bits + ((note->n_descsz + 3) & ~3u);
    }
  }
  return out;
}

struct modules {
  trace_writer* w;
  bool wrong_id;
};

static int put_module(struct dl_phdr_info* info, size_t size, void* user) {
  (void)size;
  struct modules* to = user;
  uint64_t begin = UINT64_MAX, end = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* p = &info->dlpi_phdr[i];
    if (p->p_type != PT_LOAD) continue;
    uint64_t from = info->dlpi_addr + (p->p_vaddr & ~UINT64_C(4095));
    uint64_t until = info->dlpi_addr + p->p_vaddr + p->p_memsz;
    begin = from < begin ? from : begin;
    end = until > end ? until : end;
  }
  char id[256];
  build_id_of(info, id);
  if (to->wrong_id) strcpy(id, "0123456789abcdef0123456789abcdef01234567");
  const char* name = *info->dlpi_name ? info->dlpi_name : self;
  trace_module module = {
      .base = info->dlpi_addr,
      .begin = begin,
      .end = end,
      .path = {name, (uint32_t)strlen(name)},
      .build_id = {id, (uint32_t)strlen(id)}};
  trace_put_module(to->w, 0, &module);
  return 0;
}

static uint64_t frames[64];
static int n_frames;
static int line_of_call, line_inlined, line_outer;

__attribute__((noinline)) static void capture(void) {
  void* at[64];
  int n = backtrace(at, 64), first = 0;
  /* Without this function, and what a sanitizer puts above it. */
  while (first < n && at[first] != __builtin_return_address(0)) first++;
  for (n_frames = 0; first + n_frames < n; n_frames++)
    frames[n_frames] = (uint64_t)(uintptr_t)at[first + n_frames];
}

static inline __attribute__((always_inline)) void inner(void) {
  line_inlined = __LINE__ + 1;
  capture();
  __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void outer(void) {
  line_outer = __LINE__ + 1;
  inner();
  __asm__ volatile("" ::: "memory");
}

/* Not inlined: its name and line are looked for. */
__attribute__((noinline)) static void record(bool wrong_id) {
  snprintf(path, sizeof path, "/tmp/lazuli-symbols-%d.lzt", (int)getpid());
  build b = build_begin(path);
  struct modules to = {b.w, wrong_id};
  dl_iterate_phdr(put_module, &to);
  line_of_call = __LINE__ + 1;
  outer();
  __asm__ volatile("" ::: "memory");
  uint32_t stack = trace_writer_stack(b.w, frames, (uint32_t)n_frames);
  build_node(&b, "Probe", stack, 1, 0, NULL);
  build_finish(&b, 0);
}

static model* load(bool wrong_id, bool skip) {
  record(wrong_id);
  char error[256] = "";
  model_load_options options = {.skip_symbols = skip};
  model* m = model_load(path, &options, error, sizeof error);
  unlink(path);
  if (!m) fail_msg("%s", error);
  return m;
}

static void test_resolved(void** state) {
  (void)state;
  model* m = load(false, false);
  const model_stack* s = &m->stacks[m->nodes[0].stack];
  const model_frame* f = &m->frames[s->first];
  assert_string_equal(model_string(m, f[0].function), "inner");
  assert_int_equal(f[0].line, line_inlined);
  assert_string_equal(model_string(m, f[1].function), "outer");
  assert_int_equal(f[1].line, line_outer);
  /* Not __FILE__: the build may map that to another path. */
  const char* file = strstr(model_string(m, f[1].file), "/test_symbols.c");
  assert_true(file && !file[strlen("/test_symbols.c")]);
  assert_true(f[0].user && f[1].user);
  assert_string_equal(model_string(m, f[2].function), "record");
  assert_int_equal(f[2].line, line_of_call);
  assert_ptr_equal(model_site(m, m->nodes[0].stack), &f[0]);
  assert_string_equal(model_string(m, f[0].module), self);
  /* libc at the outer end is not the user's. */
  bool libc = false;
  for (uint32_t i = 0; i < s->count; i++)
    if (strstr(model_string(m, f[i].module), "libc.so")) {
      libc = true;
      assert_false(f[i].user);
    }
  assert_true(libc);
  model_free(m);
}

static void test_changed(void** state) {
  (void)state;
  model* m = load(true, false);
  const model_frame* f = model_site(m, m->nodes[0].stack);
  assert_non_null(f);
  assert_int_equal(f->line, 0);
  assert_non_null(strstr(model_string(m, f->function), "test_symbols+0x"));
  bool said = false;
  for (uint32_t i = 0; i < m->n_notes; i++)
    said |= strstr(model_string(m, m->notes[i].text), "has changed") != NULL;
  assert_true(said);
  model_free(m);
}

static void test_skipped(void** state) {
  (void)state;
  model* m = load(false, true);
  const model_frame* f = model_site(m, m->nodes[0].stack);
  assert_non_null(strstr(model_string(m, f->function), "test_symbols+0x"));
  model_free(m);
}

static void put_symbol(const model_symbol* s, void* writer) {
  trace_symbol symbol = {
      .address = s->address,
      .depth = s->depth,
      .function = {s->function, (uint32_t)strlen(s->function)},
      .file = {s->file, (uint32_t)strlen(s->file)},
      .line = s->line};
  trace_put_symbol(writer, 0, &symbol);
}

/* Packed with its symbols, a trace tells its lines where the program is gone
 * or has changed. */
static void test_packed(void** state) {
  (void)state;
  char symbols[80], packed[80], error[256] = "";
  record(false);
  snprintf(symbols, sizeof symbols, "%s.symbols", path);
  snprintf(packed, sizeof packed, "%s.packed", path);
  trace_writer* w = trace_writer_open(symbols, NULL);
  assert_non_null(w);
  model_load_options options = {.symbol = put_symbol, .user = w};
  model* whole = model_load(path, &options, error, sizeof error);
  trace_writer_close(w);
  assert_non_null(whole);

  record(true);
  if (trace_pack_with(path, symbols, packed, error, sizeof error))
    fail_msg("%s", error);
  model* m = model_load(packed, NULL, error, sizeof error);
  unlink(path);
  unlink(symbols);
  unlink(packed);
  if (!m) fail_msg("%s", error);
  const model_stack* want = &whole->stacks[whole->nodes[0].stack];
  const model_stack* got = &m->stacks[m->nodes[0].stack];
  assert_int_equal(m->n_threads, whole->n_threads);
  assert_int_equal(got->count, want->count);
  for (uint32_t i = 0; i < want->count; i++) {
    const model_frame* a = &whole->frames[want->first + i];
    const model_frame* b = &m->frames[got->first + i];
    const char* name = model_string(whole, a->function);
    if (!strncmp(name, "test_", 5) && !strstr(name, "+0x")) continue;
    assert_string_equal(model_string(m, b->function), name);
    assert_string_equal(model_string(m, b->file), model_string(whole, a->file));
    assert_int_equal(b->line, a->line);
    assert_int_equal(b->user, a->user);
  }
  assert_string_equal(model_string(m, m->frames[got->first].function), "inner");
  model_free(m);
  model_free(whole);
}

static void test_users(void** state) {
  (void)state;
  assert_true(users_module("/home/ada/train"));
  assert_true(users_module("/usr/bin/train"));
  assert_true(users_module("/home/ada/libmodel.so"));
  assert_false(users_module("/usr/bin/python3.11"));
  assert_false(users_module("/opt/x/liblazuli.so.0"));
  assert_false(users_module("/x/site-packages/mlx/core.cpython-311.so"));
  assert_false(users_module("/usr/lib/x86_64-linux-gnu/libfoo.so.1"));
  assert_false(users_module("[vdso]"));
  assert_true(users_script("/home/ada/train.py"));
  assert_true(users_script("<stdin>"));
  assert_true(users_script("/v/lib/python3.11/site-packages/mlx_lm/a.py"));
  assert_false(users_script("/v/lib/python3.11/site-packages/mlx/nn/a.py"));
  assert_false(users_script("/usr/lib/python3.11/runpy.py"));
  assert_false(users_script("<frozen runpy>"));
  assert_false(users_source("/usr/include/c++/12/vector"));
}

/* Python's own frames win over those of its interpreter. */
static void test_python(void** state) {
  (void)state;
  snprintf(path, sizeof path, "/tmp/lazuli-symbols-%d.lzt", (int)getpid());
  build b = build_begin(path);
  trace_module python = {
      .base = 0x1000,
      .begin = 0x1000,
      .end = 0x9000,
      .path = {"/usr/bin/python3.11", 19}};
  trace_put_module(b.w, 0, &python);
  uint64_t at[4] = {
      0x2000,
      TRACE_FRAME_LOCATION |
          trace_writer_location(
              b.w, "/v/lib/python3.11/site-packages/mlx/nn/l.py", 9, "call"),
      TRACE_FRAME_LOCATION |
          trace_writer_location(b.w, "/home/ada/t.py", 12, "step"),
      0x3000};
  build_node(&b, "X", trace_writer_stack(b.w, at, 4), 1, 0, NULL);
  build_finish(&b, 0);
  char error[256];
  model* m = model_load(path, NULL, error, sizeof error);
  unlink(path);
  const model_frame* f = model_site(m, m->nodes[0].stack);
  assert_string_equal(model_string(m, f->file), "/home/ada/t.py");
  assert_int_equal(f->line, 12);
  assert_string_equal(model_string(m, f->function), "step");
  model_free(m);
}

int main(void) {
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  self[n > 0 ? n : 0] = 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resolved),
      cmocka_unit_test(test_changed),
      cmocka_unit_test(test_skipped),
      cmocka_unit_test(test_packed),
      cmocka_unit_test(test_users),
      cmocka_unit_test(test_python),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
