#include "portable/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "io/gguf_tensor.h"
#include "io/load.h"
#include "ops/attention.h"
#include "ops/conv.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/fft.h"
#include "ops/gather_mm.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/linalg.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/order.h"
#include "ops/qmm.h"
#include "ops/quantize.h"
#include "ops/random.h"
#include "ops/reduce_descs.h"
#include "ops/rope.h"
#include "ops/update.h"
#include "ops/view.h"
#include "transform/vjp.h"

/* An upper bound of the table's length. */
enum {
  REGISTRY_MOST = 0
#define REGISTRY_ELEMENTWISE() +2 * EW_COUNT
#define REGISTRY_ONE(desc, rev) +1
#define REGISTRY_MANY(descs, n, rev) +(n)
#define REGISTRY_REFUSED(desc, why) +1
#include "portable/registry.def"
};

static registry_entry entries[REGISTRY_MOST];
static const registry_entry *by_op[REGISTRY_MOST], *by_name[REGISTRY_MOST];
static size_t count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void registry_add(
    const char* name, const lz_op* op, uint32_t revision, const char* refused) {
  entries[count++] = (registry_entry){name, op, revision, refused};
}

static void registry_add_many(const lz_op* ops, size_t n, uint32_t revision) {
  for (size_t i = 0; i < n; i++)
    registry_add(ops[i].name, &ops[i], revision, NULL);
}

/* Names of element-wise operations are their ids, as some share what graphs
 * show. */
static void registry_add_elementwise(void) {
  static const char* const ids[] = {
#define EW_OP(id, name, arity, rule, cost, glsl) #id, #id " kept",
#include "ops/elementwise.def"
  };
  for (int i = 0; i < EW_COUNT; i++) {
    registry_add(ids[2 * i], &op_elementwise_descs[i], 1, NULL);
    registry_add(ids[2 * i + 1], &op_kept_descs[i], 1, NULL);
  }
}

static int registry_op_order(const void* a, const void* b) {
  uintptr_t x = (uintptr_t)(*(registry_entry* const*)a)->op;
  uintptr_t y = (uintptr_t)(*(registry_entry* const*)b)->op;
  return x < y ? -1 : x > y;
}

static int registry_name_order(const void* a, const void* b) {
  return strcmp(
      (*(registry_entry* const*)a)->name, (*(registry_entry* const*)b)->name);
}

static void registry_make(void) {
#define REGISTRY_ELEMENTWISE() registry_add_elementwise();
#define REGISTRY_ONE(desc, rev) registry_add(desc.name, &desc, rev, NULL);
#define REGISTRY_MANY(descs, n, rev) registry_add_many(descs, n, rev);
#define REGISTRY_REFUSED(desc, why) registry_add(desc.name, &desc, 0, why);
#include "portable/registry.def"
  for (size_t i = 0; i < count; i++) by_op[i] = by_name[i] = &entries[i];
  qsort(by_op, count, sizeof *by_op, registry_op_order);
  qsort(by_name, count, sizeof *by_name, registry_name_order);
}

const registry_entry* registry_of(const lz_op* op) {
  pthread_once(&once, registry_make);
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if ((uintptr_t)by_op[middle]->op < (uintptr_t)op)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && by_op[low]->op == op ? by_op[low] : NULL;
}

const registry_entry* registry_named(const char* name, size_t length) {
  pthread_once(&once, registry_make);
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    const char* other = by_name[middle]->name;
    int order = strncmp(other, name, length);
    size_t n = strlen(other); /* the name asked for may hold a NUL */
    if (order == 0) order = (n > length) - (n < length);
    if (order == 0) return by_name[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

const registry_entry* registry_at(size_t i) {
  pthread_once(&once, registry_make);
  return i < count ? &entries[i] : NULL;
}
