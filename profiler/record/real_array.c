/* Arrays of MLX: built, given memory, gone. */
#include <stdlib.h>
#include <string.h>

#include "mlx/c/array.h"
#include "real.h"
#include "real_guard.h"
#include "record.h"

#define MANY 64 /* inputs and outputs kept on the stack */

static _Atomic uint64_t last_array;

uint64_t real_array_id(const void* desc) {
  real_entry entry;
  if (!desc) return 0;
  if (real_map_find(&real_arrays, desc, &entry)) return entry.id;
  entry.id = atomic_fetch_add(&last_array, 1) + 1;
  entry.more = REAL_LEAF;
  real_map_put(&real_arrays, desc, entry);
  return entry.id;
}

/* The stream of a primitive: {index, device} follow its table. Only small
 * numbers are believed. */
static uint32_t array_stream(const void* primitive) {
  const int32_t* words = (const int32_t*)primitive + 2;
  int32_t index = words[0], device = words[1];
  if (index < 0 || index > 4096 || device < 0 || device > 1) return 0;
  real_stream_seen((uint32_t)index, (uint32_t)device);
  return (uint32_t)index;
}

/* Tells of a node whose arrays have their ids. */
static void array_tell(
    const void* desc,
    const void* primitive,
    const char* op,
    const lazuli_probe_array* outputs,
    size_t count) {
  uint64_t inputs[MANY], *ids = inputs;
  size_t n;
  const char* in = real_inputs(desc, &n);
  if (!record_probe()->node) return;
  if (n > MANY) ids = malloc(n * sizeof *ids);
  if (!ids) ids = inputs, n = MANY;
  for (size_t i = 0; i < n; i++) ids[i] = real_array_id(real_desc(in + 16 * i));
  lazuli_probe_node event = {
      .op = op,
      .stream = array_stream(primitive),
      .n_inputs = (uint32_t)n,
      .n_outputs = (uint32_t)count,
      .inputs = ids,
      .outputs = outputs};
  record_probe()->node(NULL, &event);
  if (ids != inputs) free(ids);
}

uint32_t real_array_tell_traced(const void* desc) {
  /* Without kernels nobody would say that it was computed. */
  bool told = real_can(REAL_KERNELS);
  real_entry entry;
  lazuli_probe_array output;
  const void* primitive = real_primitive(desc);
  if (!primitive || !real_map_find(&real_arrays, desc, &entry) ||
      entry.more % 256 != REAL_TRACED)
    return 0;
  real_describe(desc, &output);
  output.id = entry.id;
  record_stack_give((uint32_t)(entry.more >> 8));
  if (told) array_tell(desc, primitive, real_name(primitive), &output, 1);
  record_stack_give(0);
  return (uint32_t)(entry.more >> 8);
}

/* The stack with which a primitive was traced; 0 where it was not. */
static uint32_t array_pattern_stack(const void* primitive) {
  real_entry entry;
  if (real_map_find(&real_traced, primitive, &entry) && entry.id)
    return (uint32_t)entry.id;
  if (real_map_find(&real_fusions, primitive, &entry))
    return ((const real_fusion*)(uintptr_t)entry.id)->stack;
  return 0;
}

/* One node with the outputs at `arrays`, 16 bytes each.
 *
 * While a function is being compiled nodes are patterns, or copies of patterns:
 * they are told of only if a fused kernel is made of them. The real nodes that
 * are made by them at each call carry the pattern's stack: the line in the
 * compiled function. */
static void array_built(const char* arrays, size_t count) {
  const void* desc = real_desc(arrays);
  const void* primitive = real_primitive(desc);
  lazuli_probe_array outputs[MANY];
  if (!primitive || count == 0) return;
  const char* op = real_name(primitive);
  /* What eval() adds to the graph for itself. */
  if (*op == 'S' &&
      (strcmp(op, "Synchronizer") == 0 || strcmp(op, "Synchronize") == 0))
    return;
  if (count > MANY) count = MANY;
  uint64_t id = atomic_fetch_add(&last_array, count) + 1;
  uint64_t kind = REAL_NODE;
  uint32_t stack = 0;
  real_entry traced;
  if (real_self.tracing) {
    stack = record_stack_now();
    real_self.traced_nodes++;
    if (!real_map_find(&real_traced, primitive, &traced))
      real_map_put(&real_traced, primitive, (real_entry){.id = stack});
  } else if (real_self.compiling) {
    stack = array_pattern_stack(primitive);
  }
  if (real_self.tracing || real_compile_defer(arrays, count, id))
    kind = REAL_TRACED | (uint64_t)stack << 8;
  for (size_t i = 0; i < count; i++) {
    const void* each = real_desc(arrays + 16 * i);
    real_map_put(&real_arrays, each, (real_entry){.id = id + i, .more = kind});
    real_describe(each, &outputs[i]);
    outputs[i].id = id + i;
    if (kind != REAL_NODE) real_map_count(&real_traced, primitive, 1);
  }
  if (kind != REAL_NODE) return;
  record_stack_give(stack);
  array_tell(desc, primitive, op, outputs, count);
  record_stack_give(0);
}

void real_array_promote(const void* const* descs, size_t count) {
  lazuli_probe_array outputs[MANY];
  real_entry entry;
  uint32_t stack = 0;
  if (count > MANY) count = MANY;
  for (size_t i = 0; i < count; i++) {
    if (!real_map_find(&real_arrays, descs[i], &entry)) return;
    stack = (uint32_t)(entry.more >> 8);
    entry.more = REAL_NODE;
    real_map_put(&real_arrays, descs[i], entry);
    real_describe(descs[i], &outputs[i]);
    outputs[i].id = entry.id;
  }
  const void* primitive = real_primitive(descs[0]);
  if (!primitive) return;
  real_map_count(&real_traced, primitive, -(int)count);
  record_stack_give(stack);
  array_tell(descs[0], primitive, real_name(primitive), outputs, count);
  record_stack_give(0);
}

/* array::array(Shape, Dtype, std::shared_ptr<Primitive>, std::vector<array>) */
#define ARRAY_HOOK(name, mangled)                               \
  LAZULI_API void name(                                         \
      void* self,                                               \
      void* shape,                                              \
      real_word dtype,                                          \
      void* primitive,                                          \
      void* inputs) __asm__(mangled);                           \
  void name(                                                    \
      void* self,                                               \
      void* shape,                                              \
      real_word dtype,                                          \
      void* primitive,                                          \
      void* inputs) {                                           \
    bool on = real_on() && real_can(REAL_NODES);                \
    REAL_CALL(array, self, shape, dtype, primitive, inputs, 0); \
    if (on && real_self.making == 0) array_built(self, 1);      \
  }
ARRAY_HOOK(
    real_hook_array,
    "_ZN3mlx4core5arrayC1ENS0_11SmallVectorIiLm10ESaIiEEENS0_5DtypeESt10shared_"
    "ptrINS0_9PrimitiveEESt6vectorIS1_SaIS1_EE")
ARRAY_HOOK(
    real_hook_array_base,
    "_ZN3mlx4core5arrayC2ENS0_11SmallVectorIiLm10ESaIiEEENS0_5DtypeESt10shared_"
    "ptrINS0_9PrimitiveEESt6vectorIS1_SaIS1_EE")

static void array_uncount(void* counter) {
  (*(uint32_t*)counter)--;
}

/* std::vector<array> array::make_arrays(shapes, dtypes, primitive, inputs) */
LAZULI_API void*
real_hook_make_arrays(void* result, void* shapes, void* dtypes, void* primitive, void* inputs) __asm__(
    "_ZN3mlx4core5array11make_arraysESt6vectorINS0_11SmallVectorIiLm10ESaIi"
    "EEESaIS5_EERKS2_INS0_5DtypeESaIS8_EERKSt10shared_ptrINS0_9PrimitiveEER"
    "KS2_IS1_SaIS1_EE");
void* real_hook_make_arrays(
    void* result, void* shapes, void* dtypes, void* primitive, void* inputs) {
  bool on = real_on() && real_can(REAL_NODES);
  real_self.making++;
  REAL_GUARDED(
      array_uncount,
      &real_self.making,
      make_arrays,
      REAL_WORD(result),
      REAL_WORD(shapes),
      REAL_WORD(dtypes),
      REAL_WORD(primitive),
      REAL_WORD(inputs));
  real_self.making--;
  if (on && real_self.making == 0) {
    const char* const* vector = result;
    array_built(vector[0], (size_t)(vector[1] - vector[0]) / 16);
  }
  return result;
}

/* array array::unsafe_weak_copy(const array&): what tasks hold while they run;
 * no array of the program's. */
LAZULI_API void* real_hook_weak_copy(void* result, void* other) __asm__(
    "_ZN3mlx4core5array16unsafe_weak_copyERKS1_");
void* real_hook_weak_copy(void* result, void* other) {
  real_self.inside++;
  REAL_GUARDED(
      array_uncount,
      &real_self.inside,
      weak_copy,
      REAL_WORD(result),
      REAL_WORD(other));
  real_self.inside--;
  return result;
}

/* array::ArrayDesc::~ArrayDesc(): the last reference went. */
#define DESC_HOOK(name, mangled)                            \
  LAZULI_API void name(void* desc) __asm__(mangled);        \
  void name(void* desc) {                                   \
    real_entry entry;                                       \
    bool known = real_map_take(&real_arrays, desc, &entry); \
    bool evaluated = known && !real_unscheduled(desc);      \
    if (known) array_gone(desc, entry, evaluated);          \
    REAL_CALL(desc_end, desc, 0, 0, 0, 0, 0);               \
  }
static void array_gone(const void* desc, real_entry entry, bool evaluated) {
  if (entry.more % 256 == REAL_TRACED) {
    if (real_primitive(desc))
      real_map_count(&real_traced, real_primitive(desc), -1);
    return;
  }
  if (!real_on() || !record_probe()->release) return;
  lazuli_probe_release event = {.array = entry.id, .evaluated = evaluated};
  /* Inside an eval it is MLX that lets go: its stack says nothing. */
  bool mute = real_self.eval != 0 || real_self.in_task;
  if (mute)
    record_stack_mute(true);
  else /* the line of a script says who let go; by which native calls, not */
    record_stack_give(record_stack_script());
  record_probe()->release(NULL, &event);
  if (mute)
    record_stack_mute(false);
  else
    record_stack_give(0);
}
DESC_HOOK(real_hook_desc_end, "_ZN3mlx4core5array9ArrayDescD1Ev")
DESC_HOOK(real_hook_desc_end_base, "_ZN3mlx4core5array9ArrayDescD2Ev")

/* The buffer of an array, or NULL. */
static const void* array_buffer(const void* desc) {
  if (real_at.data == REAL_NOWHERE) return NULL;
  const void* const* data = REAL_FIELD(void*, desc, data);
  return data ? *data : NULL;
}

static void array_bound(const void* array, const void* base) {
  const void* desc = real_desc(array);
  const void* buffer = array_buffer(desc);
  real_entry entry;
  if (!buffer || !real_map_find(&real_buffers, buffer, &entry)) return;
  uint64_t id = real_array_id(desc);
  real_kernel_fills(desc, id);
  uint64_t base_id = base ? real_array_id(real_desc(base)) : 0;
  if (base) real_kernel_shares(id, base_id, entry.id, entry.more);
  if (!record_probe()->bind) return;
  lazuli_probe_bind event = {
      .array = id,
      .buffer = entry.id,
      .offset = real_at.offset == REAL_NOWHERE
                    ? 0
                    : REAL_FIELD(uint64_t, desc, offset),
      .base = base_id};
  record_probe()->bind(NULL, &event);
}

/* Hooks with all six words passed on: versions differ in the last ones. */
#define DATA_HOOK(name, id, mangled, after)                                   \
  LAZULI_API void name(                                                       \
      real_word self,                                                         \
      real_word b,                                                            \
      real_word c,                                                            \
      real_word d,                                                            \
      real_word e,                                                            \
      real_word f) __asm__(mangled);                                          \
  void name(                                                                  \
      real_word self,                                                         \
      real_word b,                                                            \
      real_word c,                                                            \
      real_word d,                                                            \
      real_word e,                                                            \
      real_word f) {                                                          \
    bool on = real_on();                                                      \
    uint32_t shares = real_self.shares;                                       \
    REAL_CALL(id, self, b, c, d, e, f);                                       \
    if (on) after((const void*)(uintptr_t)self, (void*)(uintptr_t)b, shares); \
  }

static void array_filled(const void* self, const void* data, uint32_t shares) {
  (void)data, (void)shares;
  array_bound(self, NULL);
}

static void array_shared(const void* self, const void* other, uint32_t shares) {
  (void)shares;
  real_self.shares++;
  array_bound(self, other);
}

/* copy_shared_buffer(const array&) calls the other one, through us or not. */
static void array_shared_whole(
    const void* self, const void* other, uint32_t shares) {
  if (real_self.shares == shares) array_bound(self, other);
}

/* array::set_data(Buffer, Deleter); set_data(Data) */
DATA_HOOK(
    real_hook_set_data,
    set_data,
    "_ZN3mlx4core5array8set_dataENS0_9allocator6BufferESt8functionIFvS3_EE",
    array_filled)
DATA_HOOK(
    real_hook_set_data_032,
    set_data,
    "_ZN3mlx4core5array8set_dataENS0_9allocator4DataE",
    array_filled)
/* array::set_data(Buffer, size_t, Strides, Flags, Deleter) */
DATA_HOOK(
    real_hook_set_data_strided,
    set_data_strided,
    "_ZN3mlx4core5array8set_dataENS0_9allocator6BufferEmNS0_11SmallVectorIlLm10"
    "ESaIlEEENS1_5FlagsESt8functionIFvS3_EE",
    array_filled)
/* array::set_data(Buffer, size_t, Strides, Flags, offset, Deleter) of 0.32.0:
 * one word more than the others. */
LAZULI_API void
real_hook_set_data_strided_0320(real_word self, real_word b, real_word c, real_word d, real_word e, real_word f, real_word g) __asm__(
    "_ZN3mlx4core5array8set_dataENS0_9allocator6BufferEmNS0_11SmallVectorIl"
    "Lm10ESaIlEEENS1_5FlagsElSt8functionIFvS3_EE");
void real_hook_set_data_strided_0320(
    real_word self,
    real_word b,
    real_word c,
    real_word d,
    real_word e,
    real_word f,
    real_word g) {
  typedef void (*original)(
      real_word,
      real_word,
      real_word,
      real_word,
      real_word,
      real_word,
      real_word);
  bool on = real_on();
  if (!real_original.set_data_strided)
    real_need(&real_original.set_data_strided, "set_data_strided");
  original call;
  memcpy(&call, &real_original.set_data_strided, sizeof call);
  call(self, b, c, d, e, f, g);
  if (on) array_bound((const void*)(uintptr_t)self, NULL);
}
DATA_HOOK(
    real_hook_set_data_strided_032,
    set_data_strided,
    "_ZN3mlx4core5array8set_dataENS0_9allocator4DataEmNS0_11SmallVectorIlLm10ES"
    "aIlEEENS1_5FlagsEl",
    array_filled)
/* array::copy_shared_buffer(const array&) */
DATA_HOOK(
    real_hook_share,
    share,
    "_ZN3mlx4core5array18copy_shared_bufferERKS1_",
    array_shared_whole)
/* array::copy_shared_buffer(const array&, const Strides&, Flags, size, off) */
DATA_HOOK(
    real_hook_share_strided,
    share_strided,
    "_ZN3mlx4core5array18copy_shared_bufferERKS1_RKNS0_11SmallVectorIlLm10ESaIl"
    "EEENS1_5FlagsEml",
    array_shared)
DATA_HOOK(
    real_hook_share_strided_029,
    share_strided,
    "_ZN3mlx4core5array18copy_shared_bufferERKS1_RKNS0_11SmallVectorIlLm10ESaIl"
    "EEENS1_5FlagsEmm",
    array_shared)
