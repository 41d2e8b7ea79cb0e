/* Machine code, looked at for one question: does a function call another one
 * soon after a place? An inlined array::item() leaves no name behind, but it
 * reads the buffer right after it evaluated. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#include "real.h"
#include "real_hint.h"

#define WINDOW 96

/* True when the slot of a module's global offset table is bound to the name. */
static bool scan_slot(const void* slot, const char* name) {
  struct dl_find_object object;
  if (_dl_find_object((void*)slot, &object) != 0) return false;
  const struct link_map* map = object.dlfo_link_map;
  const ElfW(Rela) * tables[2] = {NULL, NULL};
  size_t bytes[2] = {0, 0};
  const ElfW(Sym)* symbols = NULL;
  const char* strings = NULL;
  for (const ElfW(Dyn)* d = map->l_ld; d->d_tag != DT_NULL; d++)
    switch (d->d_tag) {
      case DT_JMPREL:
        tables[0] = (const void*)d->d_un.d_ptr;
        break;
      case DT_PLTRELSZ:
        bytes[0] = d->d_un.d_val;
        break;
      case DT_RELA:
        tables[1] = (const void*)d->d_un.d_ptr;
        break;
      case DT_RELASZ:
        bytes[1] = d->d_un.d_val;
        break;
      case DT_SYMTAB:
        symbols = (const void*)d->d_un.d_ptr;
        break;
      case DT_STRTAB:
        strings = (const void*)d->d_un.d_ptr;
        break;
    }
  if (!symbols || !strings) return false;
  for (int t = 0; t < 2; t++)
    for (size_t i = 0; tables[t] && i < bytes[t] / sizeof(ElfW(Rela)); i++) {
      const ElfW(Rela)* r = &tables[t][i];
      if (map->l_addr + r->r_offset != (uintptr_t)slot) continue;
      return strcmp(strings + symbols[ELF64_R_SYM(r->r_info)].st_name, name) ==
             0;
    }
  return false;
}

static const void* scan_relative(const uint8_t* end, const uint8_t* number) {
  int32_t distance;
  memcpy(&distance, number, sizeof distance);
  return end + distance;
}

bool real_hint_calls_soon(const void* address, const char* name) {
#if defined(__x86_64__)
  uint8_t code[WINDOW + 8], stub[16];
  const uint8_t* base = address;
  if (real_peek(base, code, sizeof code) != sizeof code) return false;
  for (int i = 0; i < WINDOW; i++) {
    if (code[i] == 0xff && code[i + 1] == 0x15) { /* call *slot(%rip) */
      if (scan_slot(scan_relative(base + i + 6, code + i + 2), name))
        return true;
    } else if (code[i] == 0xe8) { /* call: of a stub that jumps to *slot */
      const uint8_t* to = scan_relative(base + i + 5, code + i + 1);
      const uint8_t* at = stub;
      if (real_peek(to, stub, sizeof stub) != sizeof stub) continue;
      if (memcmp(at, "\xf3\x0f\x1e\xfa", 4) == 0) at += 4; /* endbr64 */
      if (*at == 0xf2) at++;                               /* bnd */
      if (at[0] == 0xff && at[1] == 0x25 &&
          scan_slot(scan_relative(to + (at - stub) + 6, at + 2), name))
        return true;
    }
  }
#else
  (void)address, (void)name, (void)scan_slot, (void)scan_relative;
#endif
  return false;
}
