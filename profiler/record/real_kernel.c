/* Kernels of MLX on the CPU.
 *
 * To evaluate a node MLX calls its primitive, which allocates and puts tasks
 * into its stream's queue; then a task that lets go of the inputs; then it
 * detaches the node. So what the evaluating thread enqueues up to a detach is
 * the node's kernel. Each task is wrapped: the stream's thread takes the time
 * around it. Whoever is last, the stream with the tasks or the evaluating
 * thread with the node's name, tells the kernel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "real.h"
#include "record.h"

#define FEW_INPUTS 6

/* libstdc++'s std::function. */
typedef struct kernel_function {
  _Alignas(8) char object[16];
  bool (*manage)(void* to, const void* from, int operation);
  real_word (*invoke)(void* object);
} kernel_function;
enum { TELL_TYPE, TELL_OBJECT, COPY, DESTROY };

/* What ours holds: the original and its kernel. Counted, so that copies are
 * cheap and the original is copied never. Lies in the kernel's group, or alone.
 */
typedef struct kernel_task {
  _Atomic uint32_t references;
  kernel_function original;
  real_group* group;
} kernel_task;

/* A kernel that is being put together. Counted references: one of the
 * evaluating thread, one a task. */
struct real_group {
  _Atomic uint32_t references;
  uint32_t stream;
  uint32_t tasks;
  bool shared;      /* its output took over or views an input's buffer */
  bool complete;    /* its last task is enqueued */
  const void* last; /* the array that got memory last, */
  uint64_t last_id; /* and its id */
  lazuli_probe_donation share;
  uint64_t kernel, eval, node;
  _Atomic uint64_t begin_ns, end_ns;
  const char* name;
  const real_fusion* fusion;
  uint64_t read, written, flops, output;
  size_t n_inputs;
  uint64_t* inputs; /* `few`, or allocated */
  uint64_t few[FEW_INPUTS];
  kernel_task first; /* its first task; most have one */
};

/* ---- the kernel --------------------------------------------------------- */

static _Atomic uint64_t last_kernel;

/* Whether anybody wants to know of kernels. */
static bool kernel_wanted(void) {
  const lazuli_probe* p = record_probe();
  return p->fusion || p->kernel_begin || p->kernel_end || p->donation;
}

static void kernel_tell(const real_group* g) {
  const lazuli_probe* probe = record_probe();
  uint64_t only[1] = {g->node};
  uint64_t* nodes = only;
  uint32_t n_nodes = 1;
  if (g->fusion) {
    nodes = malloc((g->fusion->count + 1) * sizeof *nodes);
    if (!nodes) {
      nodes = only;
    } else {
      n_nodes = g->fusion->count + 1;
      memcpy(nodes, g->fusion->nodes, g->fusion->count * sizeof *nodes);
      nodes[g->fusion->count] = g->node;
    }
  }
  if (probe->fusion) {
    lazuli_probe_fusion fusion = {
        .eval = g->eval,
        .kernel = g->kernel,
        .n_nodes = n_nodes,
        .n_inputs = (uint32_t)g->n_inputs,
        .n_outputs = 1,
        .nodes = nodes,
        .inputs = g->inputs,
        .outputs = &g->output,
        .bytes_saved = g->fusion ? g->fusion->saved : 0};
    probe->fusion(NULL, &fusion);
  }
  if (nodes != only) free(nodes);
  if (probe->kernel_begin) {
    lazuli_probe_kernel_begin begin = {
        .kernel = g->kernel,
        .eval = g->eval,
        .stream = g->stream,
        .name = g->name};
    probe->kernel_begin(NULL, &begin);
  }
  if (probe->kernel_end) {
    lazuli_probe_kernel_end end = {
        .kernel = g->kernel,
        .stream = g->stream,
        .begin_ns = atomic_load(&g->begin_ns),
        .end_ns = atomic_load(&g->end_ns),
        .bytes_read = g->read,
        .bytes_written = g->written,
        .flops = g->flops};
    probe->kernel_end(NULL, &end);
  }
  if (g->shared && probe->donation) probe->donation(NULL, &g->share);
}

static void kernel_release(real_group* g) {
  if (atomic_fetch_sub(&g->references, 1) != 1) return;
  if (g->tasks && g->node && kernel_wanted()) kernel_tell(g);
  if (g->inputs != g->few) free(g->inputs);
  free(g);
}

/* The group that the thread's next tasks belong to. */
static real_group* kernel_group(void) {
  real_thread* self = &real_self;
  if (!self->eval || !real_can(REAL_KERNELS)) return NULL;
  /* While a function is being differentiated nodes are not detached: then the
   * array that was filled last tells which node it was. */
  if (self->group && self->group->complete) {
    real_entry entry;
    const void* last = self->group->last;
    if (last && real_map_find(&real_arrays, last, &entry) &&
        entry.id == self->group->last_id)
      real_kernel_close(last);
    else
      real_kernel_drop();
  }
  if (!self->group) {
    self->group = calloc(1, sizeof *self->group);
    if (!self->group) return NULL;
    atomic_init(&self->group->references, 1);
    self->group->kernel = atomic_fetch_add(&last_kernel, 1) + 1;
    self->group->eval = self->eval;
  }
  return self->group;
}

uint64_t real_kernel_current(void) {
  if (real_self.in_task) return real_self.task_kernel;
  real_group* g = kernel_group();
  return g ? g->kernel : 0;
}

void real_kernel_fills(const void* desc, uint64_t id) {
  real_group* g = kernel_group();
  if (!g || !real_primitive(desc)) return; /* an operation's scratch */
  g->last = desc;
  g->last_id = id;
}

void real_kernel_shares(
    uint64_t output, uint64_t input, uint64_t buffer, uint64_t size) {
  real_group* g = kernel_group();
  if (!g) return;
  g->shared = true;
  g->share = (lazuli_probe_donation){
      .input = input,
      .output = output,
      .buffer = buffer,
      .size = size,
      .result = LAZULI_DONATION_MADE};
}

/* Products of matrices: two for each element of the result and of the summed
 * dimension. */
static uint64_t kernel_flops(const char* name, const void* desc) {
  size_t n;
  if (strcmp(name, "Matmul") != 0 && strcmp(name, "AddMM") != 0) return 0;
  const char* in = real_inputs(desc, &n);
  if (n < 2 || real_at.shape == REAL_NOWHERE || real_at.size == REAL_NOWHERE)
    return 0;
  lazuli_probe_array left;
  real_describe(real_desc(in), &left);
  if (left.ndim < 1) return 0;
  return 2 * REAL_FIELD(uint64_t, desc, size) *
         (uint64_t)left.shape[left.ndim - 1];
}

/* What operations leave alone is not moved: lookups the rest of what they look
 * in, updates in place what they do not update. */
static void kernel_count_touched(real_group* g, uint64_t first, uint64_t most) {
  static const char* const lookups[] = {"Gather", "GatherAxis"};
  static const char* const updates[] = {
      "SliceUpdate", "DynamicSliceUpdate", "Scatter"}; /* "Scatter Sum", … */
  for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++)
    if (strcmp(g->name, lookups[i]) == 0) g->read += g->written - first;
  for (size_t i = 0; i < sizeof updates / sizeof *updates; i++)
    if (g->shared && strncmp(g->name, updates[i], strlen(updates[i])) == 0) {
      g->read -= first;
      g->written = most;
    }
}

void real_kernel_close(const void* desc) {
  real_thread* self = &real_self;
  real_group* g = self->group;
  real_entry entry;
  if (!self->eval) return;
  self->group = NULL;
  const void* primitive = real_primitive(desc);
  bool known = primitive && real_map_find(&real_arrays, desc, &entry) &&
               entry.more % 256 != REAL_LEAF;
  if (known) self->eval_nodes++;
  if (!g) return;
  if (known && g->tasks) {
    size_t n;
    const char* in = real_inputs(desc, &n);
    self->eval_kernels++;
    g->name = real_name(primitive);
    real_entry fusion;
    if (real_map_find(&real_fusions, primitive, &fusion))
      g->fusion = (const real_fusion*)(uintptr_t)fusion.id;
    g->inputs = n <= FEW_INPUTS ? g->few : malloc(n * sizeof *g->inputs);
    uint64_t first = 0, most = 0;
    for (size_t i = 0; g->inputs && i < n; i++) {
      const void* input = real_desc(in + 16 * i);
      uint64_t bytes = real_stored_bytes(input);
      g->inputs[g->n_inputs++] = real_array_id(input);
      g->read += bytes;
      if (i == 0)
        first = bytes;
      else
        most = bytes > most ? bytes : most;
    }
    g->output = entry.id;
    g->written = real_stored_bytes(desc);
    if (g->n_inputs > 1) kernel_count_touched(g, first, most);
    g->flops = kernel_flops(g->name, desc);
    g->node = entry.id;
  }
  kernel_release(g);
}

void real_kernel_drop(void) {
  real_group* g = real_self.group;
  real_self.group = NULL;
  if (g) kernel_release(g);
}

/* array::detach() */
LAZULI_API void real_hook_detach(void* self) __asm__(
    "_ZN3mlx4core5array6detachEv");
void real_hook_detach(void* self) {
  if (real_self.eval && real_on()) real_kernel_close(real_desc(self));
  REAL_CALL(detach, self, 0, 0, 0, 0, 0);
}

/* ---- tasks -------------------------------------------------------------- */

static void kernel_task_release(kernel_task* t) {
  if (atomic_fetch_sub(&t->references, 1) != 1) return;
  if (t->original.manage)
    t->original.manage(&t->original, &t->original, DESTROY);
  real_group* g = t->group;
  if (t != &g->first) free(t);
  kernel_release(g);
}

static bool kernel_manage(void* to, const void* from, int operation) {
  kernel_task* t;
  switch (operation) {
    case TELL_TYPE:
      *(void**)to = NULL;
      break;
    case TELL_OBJECT:
      *(const void**)to = from;
      break;
    case COPY:
      memcpy(&t, from, sizeof t);
      atomic_fetch_add(&t->references, 1);
      memcpy(to, &t, sizeof t);
      break;
    case DESTROY:
      memcpy(&t, to, sizeof t);
      kernel_task_release(t);
  }
  return false;
}

static void kernel_name_thread(uint32_t stream) {
  char name[32];
  record_thread* t = record_enter_always();
  if (!t) return;
  snprintf(name, sizeof name, "mlx stream %u", stream);
  record_thread_name(t, name);
  record_leave(t);
}

static real_word kernel_invoke(void* object) {
  kernel_task* t;
  memcpy(&t, object, sizeof t);
  real_group* g = t->group;
  uint64_t none = 0;
  uint64_t begin = trace_now();
  if (!real_self.in_task) {
    /* For good: this thread does nothing else. */
    real_self.in_task = true;
    kernel_name_thread(g->stream);
  }
  real_self.task_kernel = g->kernel;
  real_word result = t->original.invoke(&t->original);
  atomic_store(&g->end_ns, trace_now());
  atomic_compare_exchange_strong(&g->begin_ns, &none, begin);
  return result;
}

/* The task with which MLX lets go of a node's inputs, a lambda of
 * cpu::eval(array&), alone or in the one that counts tasks: no part of the
 * kernel. */
static bool kernel_is_cleanup(const kernel_function* f) {
  /* By the manager, one for each kind of task: address << 1 | answer. */
  static _Atomic uint64_t known[256];
  if (!f->manage) return true;
  uint64_t key = (uint64_t)(uintptr_t)f->manage << 1;
  size_t slot = ((uintptr_t)f->manage >> 4) % 256;
  uint64_t entry = atomic_load_explicit(&known[slot], memory_order_relaxed);
  if ((entry & ~UINT64_C(1)) == key) return entry & 1;
  const char* const* type = NULL;
  f->manage(&type, f, TELL_TYPE);
  const char* in = type && type[1] ? strstr(type[1], "4evalERNS") : NULL;
  bool is = in && strstr(in, "5arrayEEUlvE_");
  atomic_store_explicit(&known[slot], key | is, memory_order_relaxed);
  return is;
}

void real_stream_seen(uint32_t index, uint32_t device) {
  static _Atomic uint64_t seen[64];
  if (index >= 64 * 64) return;
  uint64_t bit = UINT64_C(1) << (index % 64);
  if (atomic_load_explicit(&seen[index / 64], memory_order_relaxed) & bit)
    return;
  if (atomic_fetch_or(&seen[index / 64], bit) & bit) return;
  char name[32];
  snprintf(name, sizeof name, "%s %u", device ? "gpu" : "cpu", index);
  lazuli_probe_stream event = {
      .stream = index, .device = (uint8_t)device, .name = name};
  record_probe()->stream(NULL, &event);
}

/* scheduler::Scheduler::enqueue(Stream, std::function<void()>) */
LAZULI_API void
real_hook_enqueue(void* self, real_word stream, real_word device, kernel_function* task) __asm__(
    "_ZN3mlx4core9scheduler9Scheduler7enqueueENS0_6StreamESt8functionIFvvEE");
void real_hook_enqueue(
    void* self, real_word stream, real_word device, kernel_function* task) {
  const bool on = real_on();
  /* Every so often MLX adds one more task that counts: also after the last. */
  const bool cleanup = on && kernel_is_cleanup(task);
  real_group* g = on && !cleanup ? kernel_group() : NULL;
  kernel_task* t = NULL;
  if (cleanup && real_self.group)
    real_self.group->complete = true;
  else if (g && !kernel_wanted())
    g->tasks++; /* counted, not timed */
  else if (g)
    t = g->tasks == 0 ? &g->first : malloc(sizeof *t);
  if (t) {
    real_stream_seen((uint32_t)stream, (uint32_t)(stream >> 32));
    g->stream = (uint32_t)stream;
    g->tasks++;
    atomic_fetch_add(&g->references, 1);
    atomic_init(&t->references, 1);
    t->group = g;
    /* Moves the original into ours, and ours into the argument: MLX destroys
     * what it finds there. */
    t->original = *task;
    memcpy(task->object, &t, sizeof t);
    task->manage = kernel_manage;
    task->invoke = kernel_invoke;
  }
  REAL_CALL(enqueue, self, stream, device, task, 0, 0);
}
