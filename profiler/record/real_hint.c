/* Why MLX evaluates: by the function of it that is under way, by the Python
 * expression, or by the names of the functions that called. */
#include "real_hint.h"

#include <dlfcn.h>
#include <string.h>

#include "real.h"
#include "real_guard.h"
#include "record.h"
#include "record_python.h"

#define FRAMES 24
#define DEPTH 6      /* callers looked at */
#define CALLERS 256u /* remembered; a power of two */

static void hint_restore(void* outer) {
  real_self.hint = *(uint8_t*)outer;
}

/* A function of MLX inside of which every eval has the same cause. */
#define HINT_HOOK(id, trigger, mangled)                           \
  LAZULI_API real_word real_hook_##id(                            \
      real_word a,                                                \
      real_word b,                                                \
      real_word c,                                                \
      real_word d,                                                \
      real_word e,                                                \
      real_word f) __asm__(mangled);                              \
  real_word real_hook_##id(                                       \
      real_word a,                                                \
      real_word b,                                                \
      real_word c,                                                \
      real_word d,                                                \
      real_word e,                                                \
      real_word f) {                                              \
    uint8_t outer = real_self.hint;                               \
    real_self.hint = LAZULI_TRIGGER_##trigger;                    \
    real_word result =                                            \
        REAL_GUARDED(hint_restore, &outer, id, a, b, c, d, e, f); \
    real_self.hint = outer;                                       \
    return result;                                                \
  }
HINT_HOOK(print, PRINT, "_ZN3mlx4corelsERSoNS0_5arrayE")
HINT_HOOK(
    save,
    SAVE,
    "_ZN3mlx4core4saveENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEENS0_"
    "5arrayE")
HINT_HOOK(
    save_writer,
    SAVE,
    "_ZN3mlx4core4saveESt10shared_ptrINS0_2io6WriterEENS0_5arrayE")
HINT_HOOK(
    save_safetensors,
    SAVE,
    "_ZN3mlx4core16save_safetensorsENSt7__cxx1112basic_stringIcSt11char_traits"
    "IcESaIcEEESt13unordered_mapIS6_NS0_5arrayESt4hashIS6_ESt8equal_toIS6_ESaI"
    "St4pairIKS6_S8_EEES7_IS6_S6_SA_SC_SaISD_ISE_S6_EEE")
HINT_HOOK(
    save_safetensors_writer,
    SAVE,
    "_ZN3mlx4core16save_safetensorsESt10shared_ptrINS0_2io6WriterEESt13unorder"
    "ed_mapINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEENS0_5arrayESt4"
    "hashISB_ESt8equal_toISB_ESaISt4pairIKSB_SC_EEES5_ISB_SB_SE_SG_SaISH_ISI_S"
    "B_EEE")
HINT_HOOK(
    save_gguf,
    SAVE,
    "_ZN3mlx4core9save_ggufENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcE"
    "EESt13unordered_mapIS6_NS0_5arrayESt4hashIS6_ESt8equal_toIS6_ESaISt4pairI"
    "KS6_S8_EEES7_IS6_St7variantIJSt9monostateS8_S6_St6vectorIS6_SaIS6_EEEESA_"
    "SC_SaISD_ISE_SN_EEE")

/* The program's own code, that reads the buffer next: item(), inlined, where
 * there is one element. */
#define HINT_READS 0xff

static const struct {
  const char* part;
  uint8_t trigger;
} hints[] = {
#define HINT(part, trigger) {part, LAZULI_TRIGGER_##trigger},
#include "real_hints.def"
#undef HINT
};

static bool hint_of_name(const char* name, uint8_t* trigger) {
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strstr(name, hints[i].part)) {
      *trigger = hints[i].trigger;
      return true;
    }
  return false;
}

/* The functions around a call of array::eval(). An answer is found, or what is
 * called from the program itself is an explicit eval. */
static uint8_t hint_of_callers(const void* address) {
  void* frames[FRAMES];
  int n = record_stack_walk(frames, FRAMES), at = 0;
  while (at < n && frames[at] != address) at++;
  if (at == n) frames[at = 0] = (void*)address, n = 1;
  for (int i = at; i < n && i < at + DEPTH; i++) {
    char name[256];
    uint8_t trigger;
    const char* call = (const char*)frames[i] - 1;
    if (real_hint_symbol(call, name, sizeof name) &&
        hint_of_name(name, &trigger))
      return trigger;
  }
  if (real_owns(address)) return LAZULI_TRIGGER_INTERNAL;
  return real_hint_calls_soon(
             address, "_ZN3mlx4core9allocator6Buffer7raw_ptrEv")
             ? HINT_READS
             : LAZULI_TRIGGER_EVAL;
}

static uint8_t hint_native(const void* address) {
  static struct {
    _Atomic uint64_t entry; /* address << 8 | trigger */
  } callers[CALLERS];
  uint64_t key = (uint64_t)(uintptr_t)address << 8;
  size_t slot = ((uintptr_t)address >> 2) % CALLERS;
  uint64_t entry =
      atomic_load_explicit(&callers[slot].entry, memory_order_relaxed);
  if ((entry & ~UINT64_C(255)) == key) return (uint8_t)entry;
  const int held = record_hold();
  uint8_t trigger = hint_of_callers(address);
  record_resume(held);
  atomic_store_explicit(
      &callers[slot].entry, key | trigger, memory_order_relaxed);
  return trigger;
}

uint8_t real_hint_trigger(const void* address, const void* desc) {
  if (real_self.hint) return real_self.hint;
  bool single =
      real_at.size != REAL_NOWHERE && REAL_FIELD(uint64_t, desc, size) == 1;
  uint8_t native = hint_native(address);
  if (native != LAZULI_TRIGGER_EVAL && native != HINT_READS) return native;
  if (native == HINT_READS)
    native = single ? LAZULI_TRIGGER_ITEM : LAZULI_TRIGGER_EVAL;
  /* From Python every path comes through one extension without names. */
  uint8_t said = record_python_trigger(
      single ? LAZULI_TRIGGER_ITEM : LAZULI_TRIGGER_CONVERT);
  return said ? said : native;
}
