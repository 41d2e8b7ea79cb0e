/* Learns how arrays lie in memory, from arrays of known contents.
 *
 * Four arrays are made by exported functions: `a`, seven floats; `b`, seven
 * others; `i`, seven ints; `one`, a single float; and the node `sum` = a + b.
 * A field's place is where all of them hold what they must. Memory is looked at
 * through the kernel (real_peek), which says so where there is none.
 */
#include <stdlib.h>
#include <string.h>

#include "mlx/c/array.h"
#include "real.h"

#define WINDOW 512u
#define COUNT 7
#define VIEW_OFFSET 3
#define VIEW_SIZE 4242

real_layout real_at;

/* MLX's numbers of dtypes, as its own conversions tell them. */
static struct {
  uint32_t raw;
  uint8_t dtype;
  uint8_t bytes;
} dtypes[MLX_COMPLEX64 + 1];
static unsigned n_dtypes;

typedef struct learn_array {
  _Alignas(16) char object[64];
  const char* desc;
  union {
    unsigned char bytes[WINDOW];
    uint64_t words[WINDOW / 8];
    uint32_t halves[WINDOW / 4];
  };
  size_t seen; /* bytes of it that could be read */
} learn_array;

static struct {
  learn_array a, b, i, one, sum;
  void* buffer; /* of `a` */
} learn;

static void learn_look(learn_array* x) {
  x->desc = real_desc(x->object);
  /* An object at the end of a mapping: take less. */
  for (x->seen = WINDOW; x->seen > 0; x->seen -= 64)
    if (real_peek(x->desc, x->bytes, x->seen) == x->seen) return;
}

static real_word learn_raw(uint8_t dtype, bool* known) {
  for (unsigned i = 0; i < n_dtypes; i++)
    if (dtypes[i].dtype == dtype)
      return dtypes[i].raw | (real_word)dtypes[i].bytes << 32;
  *known = false;
  return 0;
}

static void learn_dtypes(void) {
  static const struct {
    const char* mangled;
    uint8_t dtype;
  } known[] = {
#define DTYPE(dtype, mangled) {mangled, dtype},
#include "real_dtypes.def"
#undef DTYPE
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    real_function convert;
    void* address = real_symbol(known[i].mangled);
    memcpy(&convert, &address, sizeof address);
    if (!convert) continue;
    char nothing[16] = {0}; /* a TypeToDtype has no members */
    real_word said = convert((real_word)(uintptr_t)nothing, 0, 0, 0, 0, 0);
    dtypes[n_dtypes].raw = (uint32_t)said;
    dtypes[n_dtypes].bytes = (uint8_t)(said >> 32);
    dtypes[n_dtypes++].dtype = known[i].dtype;
  }
  /* A C++ double becomes a float32, so nobody says what float64 is: it is the
   * number left between float32 and bfloat16. */
  bool both = true;
  real_word single = learn_raw(MLX_FLOAT32, &both);
  real_word brain = learn_raw(MLX_BFLOAT16, &both);
  for (unsigned i = 0; both && i < n_dtypes; i++)
    if (dtypes[i].dtype == MLX_FLOAT64 && dtypes[i].raw == (uint32_t)single &&
        (uint32_t)brain == (uint32_t)single + 2) {
      dtypes[i].raw++;
      dtypes[i].bytes = 8;
    }
}

static void learn_make(void* array) {
  static const float floats[COUNT] = {1, 2, 3, 4, 5, 6, 7};
  real_original.array_of_floats(
      (real_word)(uintptr_t)array,
      (real_word)(uintptr_t)floats,
      COUNT,
      0,
      0,
      0);
}

/* libstdc++'s counts behind a std::shared_ptr. */
typedef struct learn_counts {
  void (**functions)(struct learn_counts*);
  int32_t used, weak;
} learn_counts;
enum { LEARN_DISPOSE = 2, LEARN_DESTROY = 3 };

/* ~array(), or what it is made of where it is inline: nobody else has these
 * arrays, but for each other. */
static void learn_unmake(void* array) {
  if (real_original.array_end) {
    real_original.array_end((real_word)(uintptr_t)array, 0, 0, 0, 0, 0);
    return;
  }
  learn_counts* counts = ((learn_counts**)array)[1];
  if (!counts || --counts->used != 0) return;
  counts->functions[LEARN_DISPOSE](counts);
  if (--counts->weak == 0) counts->functions[LEARN_DESTROY](counts);
}

/* The place is the shape's own storage, which begins with the same number. */
static bool learn_is_shape(const learn_array* x, unsigned at) {
  return real_at.shape != REAL_NOWHERE &&
         x->words[real_at.shape / 8] == (uintptr_t)x->desc + at;
}

/* A vector of `bytes` at a place, whose first element can be read. */
static bool learn_is_vector(
    const learn_array* x, unsigned at, size_t bytes, void* first, size_t size) {
  if (at + 16 > x->seen) return false;
  uint64_t begin = x->words[at / 8], end = x->words[at / 8 + 1];
  return begin && end - begin == bytes &&
         real_peek((void*)(uintptr_t)begin, first, size) == size;
}

static bool learn_is_ints(const learn_array* x, unsigned at, int32_t want) {
  int32_t first;
  return learn_is_vector(x, at, 4, &first, 4) && first == want;
}

static bool learn_is_longs(const learn_array* x, unsigned at, int64_t want) {
  int64_t first;
  return learn_is_vector(x, at, 8, &first, 8) && first == want;
}

/* The name of a primitive's class, through its table's RTTI. Slow and safe. */
static bool learn_class(const void* primitive, char* name, size_t size) {
  const char *table, *info, *text;
  if (real_peek(primitive, &table, 8) != 8 ||
      real_peek(table - 8, &info, 8) != 8 || real_peek(info + 8, &text, 8) != 8)
    return false;
  size_t n = real_peek(text, name, size - 1);
  name[n] = '\0';
  return n > 0;
}

static void learn_fields(void) {
  const learn_array *a = &learn.a, *b = &learn.b, *i = &learn.i;
  const learn_array *one = &learn.one, *sum = &learn.sum;
  bool known = true;
  real_word floats = learn_raw(MLX_FLOAT32, &known);
  real_word ints = learn_raw(MLX_INT32, &known);
  const real_word mask = UINT64_C(0xffffffffff);
  char name[64];
  for (unsigned at = 0; at + 16 <= WINDOW; at += 4) {
    unsigned w = at / 8;
    if (at + 16 > a->seen || at + 16 > one->seen || at + 16 > sum->seen) break;
    /* 4-byte places */
    uint32_t h = at / 4;
    if (real_at.status == REAL_NOWHERE && real_at.primitive != REAL_NOWHERE &&
        a->halves[h] == 2 && b->halves[h] == 2 && i->halves[h] == 2 &&
        one->halves[h] == 2 && sum->halves[h] == 0)
      real_at.status = (uint16_t)at;
    if (known && real_at.dtype == REAL_NOWHERE) {
      real_word va = a->halves[h] | (real_word)a->halves[h + 1] << 32;
      real_word vi = i->halves[h] | (real_word)i->halves[h + 1] << 32;
      real_word vs = sum->halves[h] | (real_word)sum->halves[h + 1] << 32;
      if ((va & mask) == floats && (vi & mask) == ints && (vs & mask) == floats)
        real_at.dtype = (uint16_t)at;
    }
    if (at % 8) continue;
    if (real_at.shape == REAL_NOWHERE && learn_is_ints(a, at, COUNT) &&
        learn_is_ints(one, at, 1) && learn_is_ints(sum, at, COUNT))
      real_at.shape = (uint16_t)at;
    if (real_at.strides == REAL_NOWHERE && learn_is_longs(a, at, 1) &&
        learn_is_longs(sum, at, 1))
      real_at.strides = (uint16_t)at;
    if (real_at.size == REAL_NOWHERE && !learn_is_shape(a, at) &&
        a->words[w] == COUNT && sum->words[w] == COUNT && one->words[w] == 1)
      real_at.size = (uint16_t)at;
    if (real_at.primitive == REAL_NOWHERE && a->words[w] == 0 &&
        sum->words[w] &&
        learn_class((void*)(uintptr_t)sum->words[w], name, sizeof name) &&
        strcmp(name, "N3mlx4core3AddE") == 0)
      real_at.primitive = (uint16_t)at;
    const void* first;
    if (real_at.data == REAL_NOWHERE && learn.buffer && a->words[w] &&
        sum->words[w] == 0 &&
        real_peek((void*)(uintptr_t)a->words[w], &first, 8) == 8 &&
        first == learn.buffer)
      real_at.data = (uint16_t)at;
    uint64_t both[4];
    if (real_at.inputs == REAL_NOWHERE &&
        learn_is_vector(sum, at, 32, both, 32) &&
        both[0] == (uintptr_t)a->desc && both[2] == (uintptr_t)b->desc)
      real_at.inputs = (uint16_t)at;
  }
}

/* Makes `b` a view of `a` with an offset and a size that cannot be mistaken. */
static void learn_view(void) {
  learn_array* b = &learn.b;
  if (real_at.strides == REAL_NOWHERE || real_at.data == REAL_NOWHERE ||
      !real_original.share_strided)
    return;
  real_original.share_strided(
      (real_word)(uintptr_t)b->object,
      (real_word)(uintptr_t)learn.a.object,
      (real_word)(uintptr_t)(learn.a.desc + real_at.strides),
      7,
      VIEW_SIZE,
      VIEW_OFFSET);
  learn_look(b);
  if (b->words[real_at.data / 8] != learn.a.words[real_at.data / 8]) {
    real_at.data = REAL_NOWHERE;
    return;
  }
  for (unsigned w = 0; w < b->seen / 8; w++) {
    if (b->words[w] == VIEW_OFFSET * sizeof(float) &&
        real_at.offset == REAL_NOWHERE)
      real_at.offset = (uint16_t)(8 * w);
    if (b->words[w] == VIEW_SIZE && real_at.data_size == REAL_NOWHERE)
      real_at.data_size = (uint16_t)(8 * w);
  }
}

/* Which virtual function of a primitive is name(): the place of Compiled's
 * exported one in Compiled's exported table. It is called only if, on a copy of
 * an Add, it answers "Add" and leaves the copy as it was. */
static void learn_name_slot(void) {
  const void* const* table =
      (const void* const*)(const void*)real_original.compiled_vtable;
  const void* wanted = (const void*)real_original.compiled_name;
  if (!table || !wanted || real_at.primitive == REAL_NOWHERE) return;
  for (uint16_t slot = 0; slot < 32; slot++) {
    const void* at;
    if (real_peek(table + 2 + slot, &at, sizeof at) != sizeof at) return;
    if (at != wanted) continue;
    union {
      uint64_t words[32];
      char bytes[256];
    } copy = {{0}}, before;
    const void* primitive =
        (const void*)(uintptr_t)learn.sum.words[real_at.primitive / 8];
    if (real_peek(primitive, &copy, 32) != 32) return;
    before = copy;
    real_function call;
    memcpy(
        &call,
        (const char*)(uintptr_t)copy.words[0] + slot * sizeof(void*),
        sizeof call);
    /* Should it return an object, it would write it into the copy. */
    real_word said = call(
        (real_word)(uintptr_t)&copy, (real_word)(uintptr_t)&copy, 0, 0, 0, 0);
    char text[4];
    if (memcmp(&before, &copy, sizeof copy) == 0 &&
        real_peek((void*)(uintptr_t)said, text, 4) == 4 &&
        memcmp(text, "Add", 4) == 0)
      real_at.name_slot = slot;
    return;
  }
}

static void learn_judge(void) {
  if (real_at.primitive == REAL_NOWHERE || real_at.inputs == REAL_NOWHERE)
    real_cannot(REAL_NODES, "the graph's edges were not found in its arrays");
  if (real_at.shape == REAL_NOWHERE || real_at.size == REAL_NOWHERE)
    real_note("MLX: shapes are left out: not found in its arrays");
  if (real_at.dtype == REAL_NOWHERE)
    real_note("MLX: dtypes are left out: not found in its arrays");
  if (real_at.status == REAL_NOWHERE)
    real_note(
        "MLX: evals of arrays that have their value already are counted too");
  if (real_at.data == REAL_NOWHERE && real_can(REAL_MEMORY))
    real_note("MLX: which array has which buffer is left out: not found");
}

void real_layout_learn(void) {
  memset(&real_at, 0xff, sizeof real_at); /* all REAL_NOWHERE */
  if (!real_can(REAL_LAYOUT)) {
    real_cannot(REAL_NODES, "arrays to learn their layout from cannot be made");
    real_cannot(REAL_KERNELS, "the layout of arrays is not known");
    real_cannot(REAL_MEMORY, "the allocator could not be watched at work");
    return;
  }
  size_t peak = real_original.peak_memory
                    ? real_original.peak_memory(0, 0, 0, 0, 0, 0)
                    : 1;
  size_t cached = real_original.cache_memory
                      ? real_original.cache_memory(0, 0, 0, 0, 0, 0)
                      : 1;
  learn_dtypes();
  bool known = true;
  real_word ints = learn_raw(MLX_INT32, &known);
  static const int32_t numbers[COUNT] = {1, 2, 3, 4, 5, 6, 7};
  static const float single = 1;
  if (real_can(REAL_MEMORY))
    real_memory_learn(learn_make, learn_unmake, COUNT * sizeof(float));
  learn_make(learn.a.object);
  learn.buffer = real_memory_last();
  learn_make(learn.b.object);
  real_original.array_of_ints(
      (real_word)(uintptr_t)learn.i.object,
      (real_word)(uintptr_t)numbers,
      COUNT,
      ints,
      0,
      0);
  real_original.array_of_floats(
      (real_word)(uintptr_t)learn.one.object,
      (real_word)(uintptr_t)&single,
      1,
      0,
      0,
      0);
  real_original.add(
      (real_word)(uintptr_t)learn.sum.object,
      (real_word)(uintptr_t)learn.a.object,
      (real_word)(uintptr_t)learn.b.object,
      0,
      0,
      0);
  learn_look(&learn.a);
  learn_look(&learn.b);
  learn_look(&learn.i);
  learn_look(&learn.one);
  learn_look(&learn.sum);
  learn_fields();
  learn_name_slot();
  learn_view();
  learn_unmake(learn.sum.object);
  learn_unmake(learn.one.object);
  learn_unmake(learn.i.object);
  learn_unmake(learn.b.object);
  learn_unmake(learn.a.object);
  /* The program must not see the few bytes that this took. */
  if (cached == 0 && real_original.clear_cache)
    real_original.clear_cache(0, 0, 0, 0, 0, 0);
  if (peak == 0 && real_original.reset_peak_memory)
    real_original.reset_peak_memory(0, 0, 0, 0, 0, 0);
  learn_judge();
}

void real_describe(const void* desc, lazuli_probe_array* out) {
  static const int32_t unknown[1];
  out->ndim = 0;
  out->shape = unknown;
  out->dtype = MLX_FLOAT32;
  if (real_at.shape != REAL_NOWHERE) {
    const int32_t* begin = REAL_FIELD(int32_t*, desc, shape);
    const int32_t* end =
        ((int32_t* const*)((const char*)desc + real_at.shape))[1];
    out->shape = begin;
    out->ndim = (uint8_t)(end - begin > 255 ? 255 : end - begin);
  }
  if (real_at.dtype != REAL_NOWHERE) {
    uint32_t raw = REAL_FIELD(uint32_t, desc, dtype);
    for (unsigned i = 0; i < n_dtypes; i++)
      if (dtypes[i].raw == raw) out->dtype = dtypes[i].dtype;
  }
}

static uint64_t layout_item(const void* desc) {
  return real_at.dtype == REAL_NOWHERE
             ? 0
             : ((const uint8_t*)desc)[real_at.dtype + 4];
}

uint64_t real_bytes(const void* desc) {
  return real_at.size == REAL_NOWHERE
             ? 0
             : REAL_FIELD(uint64_t, desc, size) * layout_item(desc);
}

uint64_t real_stored_bytes(const void* desc) {
  uint64_t all = real_bytes(desc);
  if (real_at.data_size == REAL_NOWHERE) return all;
  uint64_t stored = REAL_FIELD(uint64_t, desc, data_size) * layout_item(desc);
  return stored && stored < all ? stored : all;
}

const char* real_inputs(const void* desc, size_t* count) {
  *count = 0;
  if (real_at.inputs == REAL_NOWHERE) return NULL;
  const char* const* vector =
      (const char* const*)(const void*)((const char*)desc + real_at.inputs);
  *count = (size_t)(vector[1] - vector[0]) / 16;
  return vector[0];
}
