/* Addresses to functions, files and lines; and which of them are the user's.
 *
 * Each module of the trace is opened on first need, and only if it is still
 * the file that was traced (its build id says so). A frame of a file that is
 * gone, changed or stripped keeps what is known: function or offset, line 0. */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <inttypes.h>
#include <stdio.h>

#include "demangle.h"
#include "load.h"
#include "users.h"

typedef struct symbols_module {
  Dwfl* dwfl;
  Dwfl_Module* module;
  bool opened;
  bool user;
} symbols_module;

/* The frames of one address: an inlined call is a frame of its own. */
typedef struct symbols_known {
  uint32_t first; /* in resolver.frames */
  uint32_t count;
} symbols_known;

typedef struct resolver {
  loader* l;
  symbols_module* modules; /* beside l->mappings */
  ids cache;               /* address and module to a row of known */
  VEC(symbols_known) known;
  VEC(model_frame) frames;
  const model_load_options* options;
} resolver;

static const Dwfl_Callbacks symbols_callbacks = {
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
};

static const char* symbols_text(const resolver* r, uint32_t string) {
  return r->l->strings.at[string];
}

static void symbols_note(resolver* r, const char* path, const char* why) {
  char text[1024];
  snprintf(text, sizeof text, "no symbols of %s: %s", path, why);
  model_note* n = VEC_PUSH(r->l->notes);
  if (n) n->text = intern_text(&r->l->strings, text);
}

static bool symbols_same_build(Dwfl_Module* module, const char* expected) {
  const unsigned char* bits;
  GElf_Addr address;
  int n = dwfl_module_build_id(module, &bits, &address);
  if (n <= 0 || !*expected) return true;
  char text[129] = "";
  for (int i = 0; i < n && i < 64; i++)
    snprintf(text + 2 * i, 3, "%02x", bits[i]);
  return !strcmp(text, expected);
}

static Dwfl_Module* symbols_open(resolver* r, uint32_t index) {
  symbols_module* m = &r->modules[index];
  const load_mapping* at = &r->l->mappings.at[index];
  const char* path = symbols_text(r, at->path);
  if (m->opened) return m->module;
  m->opened = true;
  if (path[0] != '/' || !(m->dwfl = dwfl_begin(&symbols_callbacks)))
    return NULL;
  dwfl_report_begin(m->dwfl);
  Dwfl_Module* module =
      dwfl_report_elf(m->dwfl, path, path, -1, at->base, true);
  dwfl_report_end(m->dwfl, NULL, NULL);
  if (!module) {
    symbols_note(r, path, dwfl_errmsg(-1));
    return NULL;
  }
  /* Reads the file: only then is its build id known. */
  GElf_Addr bias;
  dwfl_module_getelf(module, &bias);
  if (!symbols_same_build(module, symbols_text(r, at->build_id))) {
    symbols_note(r, path, "the file has changed since the trace was taken");
    return NULL;
  }
  return m->module = module;
}

/* The newest module, of those known when the stack was taken, that covers an
 * address: a library may be unloaded and another take its place. */
static uint32_t symbols_module_of(
    const resolver* r, uint64_t address, uint32_t known) {
  uint32_t later = MODEL_NONE;
  for (uint32_t i = r->l->mappings.n; i-- > 0;) {
    const load_mapping* m = &r->l->mappings.at[i];
    if (address < m->begin || address >= m->end) continue;
    if (i < known) return i;
    later = i;
  }
  return later;
}

/* Absolute, without "/./" and "/../". */
static uint32_t symbols_file(
    resolver* r, const char* directory, const char* file) {
  char path[4096];
  if (!file) return 0;
  if (file[0] == '/' || !directory)
    snprintf(path, sizeof path, "%s", file);
  else
    snprintf(path, sizeof path, "%s/%s", directory, file);
  char* out = path;
  for (const char* in = path; *in;) {
    if (!strncmp(in, "/./", 3)) {
      in += 2;
    } else if (!strncmp(in, "/../", 4)) {
      in += 3;
      while (out > path && *--out != '/') {
      }
    } else {
      *out++ = *in++;
    }
  }
  *out = 0;
  return intern_text(&r->l->strings, path);
}

static uint32_t symbols_function(resolver* r, const char* name) {
  char plain[1024];
  return intern_text(
      &r->l->strings, demangle(name, plain, sizeof plain) ? plain : name);
}

/* The call site of an inlined function, as its DIE tells it. */
static void symbols_call_site(
    resolver* r, Dwarf_Die* unit, Dwarf_Die* inlined, model_frame* f) {
  Dwarf_Attribute attribute;
  Dwarf_Word file = 0, line = 0;
  Dwarf_Files* files;
  size_t n_files;
  dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file);
  dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line);
  f->line = (uint32_t)line;
  f->file = 0;
  if (dwarf_getsrcfiles(unit, &files, &n_files) == 0 && file < n_files) {
    Dwarf_Attribute directory;
    f->file = symbols_file(
        r,
        dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &directory)),
        dwarf_filesrc(files, file, NULL, NULL));
  }
}

/* Frames of the functions that the compiler put into one another at `pc`,
 * innermost first; `f` is the innermost place. False when DWARF tells none. */
static bool symbols_inlined(
    resolver* r, Dwfl_Module* module, uint64_t pc, model_frame f) {
  Dwarf_Addr bias;
  Dwarf_Die* unit = dwfl_module_addrdie(module, pc, &bias);
  Dwarf_Die* scopes = NULL;
  int n = unit ? dwarf_getscopes(unit, pc - bias, &scopes) : 0;
  if (n <= 0) return false;
  Dwarf_Die innermost = scopes[0];
  free(scopes);
  n = dwarf_getscopes_die(&innermost, &scopes);
  bool any = false;
  for (int i = 0; i < n; i++) {
    int tag = dwarf_tag(&scopes[i]);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    const char* name = dwarf_diename(&scopes[i]);
    f.function = symbols_function(r, name ? name : "?");
    f.user = users_source(symbols_text(r, f.file)) &&
             users_function(symbols_text(r, f.function));
    any = VEC_ADD(r->frames, f);
    if (!any || tag == DW_TAG_subprogram) break;
    symbols_call_site(r, unit, &scopes[i], &f);
  }
  if (n > 0) free(scopes);
  return any;
}

/* What the trace says of an address itself, or nothing: `count` tells. */
static bool symbols_given(
    resolver* r, uint64_t address, model_frame f, uint32_t* count) {
  const loader* l = r->l;
  const bool user = f.user;
  *count = 0;
  uint32_t row = ids_get(&l->named_ids, address);
  for (; row < l->named.n && l->named.at[row].address == address; row++) {
    const model_frame* named = &l->named.at[row].frame;
    f.function = named->function;
    f.file = named->file;
    f.line = named->line;
    f.user = user && users_source(symbols_text(r, f.file)) &&
             users_function(symbols_text(r, f.function));
    if (!VEC_ADD(r->frames, f)) return false;
    ++*count;
  }
  return true;
}

/* Tells whoever asked what `count` new frames of an address are. */
static void symbols_tell(
    const resolver* r, uint64_t address, uint32_t first, uint32_t count) {
  if (!r->options || !r->options->symbol) return;
  for (uint32_t i = 0; i < count; i++) {
    const model_frame* f = &r->frames.at[first + i];
    model_symbol symbol = {
        .address = address,
        .depth = i,
        .function = symbols_text(r, f->function),
        .file = symbols_text(r, f->file),
        .line = f->line};
    r->options->symbol(&symbol, r->options->user);
  }
}

static bool symbols_native(
    resolver* r, uint64_t address, uint32_t index, bool* resolved) {
  uint64_t pc = address - 1; /* into the call, not after it */
  model_frame f = {0};
  char text[512];
  if (index == MODEL_NONE) {
    snprintf(text, sizeof text, "0x%" PRIx64, address);
    f.function = intern_text(&r->l->strings, text);
    return VEC_ADD(r->frames, f);
  }
  const load_mapping* at = &r->l->mappings.at[index];
  const char* path = symbols_text(r, at->path);
  const char* slash = strrchr(path, '/');
  f.module = at->path;
  f.user = r->modules[index].user;
  uint32_t given;
  if (!symbols_given(r, address, f, &given)) return false;
  *resolved = true;
  if (given) return true;
  const bool skip = r->options && r->options->skip_symbols;
  Dwfl_Module* module = skip ? NULL : symbols_open(r, index);
  if (module) {
    Dwfl_Line* line = dwfl_module_getsrc(module, pc);
    int number = 0;
    const char* file =
        line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
    f.file = symbols_file(r, line ? dwfl_line_comp_dir(line) : NULL, file);
    f.line = (uint32_t)number;
    if (f.user && symbols_inlined(r, module, pc, f)) return true;
    const char* name = dwfl_module_addrname(module, pc);
    if (name) {
      f.function = symbols_function(r, name);
      f.user = f.user && users_source(symbols_text(r, f.file)) &&
               users_function(symbols_text(r, f.function));
      return VEC_ADD(r->frames, f);
    }
  }
  *resolved = false;
  snprintf(
      text,
      sizeof text,
      "%s+0x%" PRIx64,
      slash ? slash + 1 : path,
      address - at->base);
  f.function = intern_text(&r->l->strings, text);
  return VEC_ADD(r->frames, f);
}

static bool symbols_address(
    resolver* r, uint64_t address, uint32_t modules, symbols_known* out) {
  uint32_t index = symbols_module_of(r, address, modules);
  uint64_t key = address ^ ((uint64_t)(index + 1) << 47);
  uint32_t row = ids_get(&r->cache, key);
  if (row == UINT32_MAX) {
    symbols_known* k = VEC_PUSH(r->known);
    if (!k) return false;
    k->first = r->frames.n;
    bool resolved = false;
    if (!symbols_native(r, address, index, &resolved)) return false;
    k->count = r->frames.n - k->first;
    if (resolved) symbols_tell(r, address, k->first, k->count);
    row = r->known.n - 1;
    if (!ids_put(&r->cache, key, row)) return false;
  }
  *out = r->known.at[row];
  return true;
}

static bool symbols_stack(resolver* r, uint32_t index) {
  loader* l = r->l;
  const load_raw_stack* raw = &l->raw_stacks.at[index];
  model_stack* stack = &l->stacks.at[index];
  stack->first = l->frames.n;
  for (uint32_t i = 0; i < raw->count; i++) {
    uint64_t frame = l->raw_frames.at[raw->first + i];
    if (frame & TRACE_FRAME_LOCATION) {
      uint32_t row = ids_get(&l->location_ids, frame & ~TRACE_FRAME_LOCATION);
      if (row != UINT32_MAX && !VEC_ADD(l->frames, l->locations.at[row]))
        return false;
    } else if (frame) {
      symbols_known known;
      if (!symbols_address(r, frame, raw->modules, &known) ||
          !VEC_ROOM(l->frames, known.count))
        return false;
      memcpy(
          l->frames.at + l->frames.n,
          r->frames.at + known.first,
          known.count * sizeof *r->frames.at);
      l->frames.n += known.count;
    }
  }
  stack->count = l->frames.n - stack->first;
  for (uint32_t i = 0; i < stack->count && stack->site == MODEL_NONE; i++)
    if (l->frames.at[stack->first + i].user) stack->site = stack->first + i;
  return true;
}

bool symbols_resolve(loader* l, const model_load_options* options) {
  resolver r = {.l = l, .options = options};
  r.modules = calloc((size_t)l->mappings.n + 1, sizeof *r.modules);
  bool fine = r.modules != NULL;
  for (uint32_t i = 0; i < l->mappings.n && fine; i++)
    r.modules[i].user = users_module(symbols_text(&r, l->mappings.at[i].path));
  for (uint32_t i = 0; i < l->locations.n; i++) {
    model_frame* f = &l->locations.at[i];
    f->user = users_script(symbols_text(&r, f->file));
  }
  for (uint32_t i = 0; i < l->stacks.n && fine; i++)
    fine = symbols_stack(&r, i);
  for (uint32_t i = 0; i < l->mappings.n && r.modules; i++)
    if (r.modules[i].dwfl) dwfl_end(r.modules[i].dwfl);
  free(r.modules);
  ids_free(&r.cache);
  free(r.known.at);
  free(r.frames.at);
  return fine;
}
