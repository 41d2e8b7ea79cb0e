#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real_hint.h"

/* Looks into a mapped ELF file; everything in it may be wrong. */
static bool symtab_search(
    const char* file, size_t size, uint64_t offset, char* out, size_t room) {
  const ElfW(Ehdr)* head = (const void*)file;
  if (size < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
      head->e_shoff > size ||
      (uint64_t)head->e_shnum * sizeof(ElfW(Shdr)) > size - head->e_shoff)
    return false;
  const ElfW(Shdr)* sections = (const void*)(file + head->e_shoff);
  for (unsigned i = 0; i < head->e_shnum; i++) {
    const ElfW(Shdr)* s = &sections[i];
    if (s->sh_type != SHT_SYMTAB || s->sh_link >= head->e_shnum) continue;
    const ElfW(Shdr)* text = &sections[s->sh_link];
    if (s->sh_offset > size || s->sh_size > size - s->sh_offset ||
        text->sh_offset > size || text->sh_size > size - text->sh_offset ||
        text->sh_size == 0)
      return false;
    const ElfW(Sym)* symbols = (const void*)(file + s->sh_offset);
    for (uint64_t k = 0; k < s->sh_size / sizeof *symbols; k++) {
      const ElfW(Sym)* y = &symbols[k];
      if (ELF64_ST_TYPE(y->st_info) != STT_FUNC ||
          offset - y->st_value >= y->st_size || y->st_name >= text->sh_size)
        continue;
      const char* name = file + text->sh_offset + y->st_name;
      size_t length = strnlen(name, text->sh_size - y->st_name);
      if (length >= room) length = room - 1;
      memcpy(out, name, length);
      out[length] = '\0';
      return true;
    }
  }
  return false;
}

bool real_hint_symbol(const void* address, char* out, size_t size) {
  Dl_info info;
  struct link_map* map;
  if (!dladdr1(address, &info, (void**)&map, RTLD_DL_LINKMAP)) return false;
  if (info.dli_sname) {
    snprintf(out, size, "%s", info.dli_sname);
    return true;
  }
  const char* path =
      map->l_name && map->l_name[0] ? map->l_name : "/proc/self/exe";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat is;
  bool found = false;
  if (fd < 0) return false;
  if (fstat(fd, &is) == 0 && is.st_size > 0) {
    size_t bytes = (size_t)is.st_size;
    void* file = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file != MAP_FAILED) {
      found = symtab_search(
          file, bytes, (uint64_t)(uintptr_t)address - map->l_addr, out, size);
      munmap(file, bytes);
    }
  }
  close(fd);
  return found;
}
