#include "record_python.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record_source.h"

typedef struct python_object python_object;

/* Looked up by name; `optional` ones came or went with a version. */
#define FUNCTIONS(F)                                                        \
  F(int, Py_IsInitialized, (void))                                          \
  F(int, PyGILState_Check, (void))                                          \
  F(int, PyGILState_Ensure, (void))                                         \
  F(void, PyGILState_Release, (int))                                        \
  F(void*, PyGILState_GetThisThreadState, (void))                           \
  F(python_object*, PyEval_GetFrame, (void))                                \
  F(python_object*, PyFrame_GetBack, (python_object*))                      \
  F(python_object*, PyFrame_GetCode, (python_object*))                      \
  F(int, PyFrame_GetLineNumber, (python_object*))                           \
  F(python_object*, PyObject_GetAttrString, (python_object*, const char*))  \
  F(const char*, PyUnicode_AsUTF8AndSize, (python_object*, ptrdiff_t*))     \
  F(void, PyErr_Fetch, (python_object**, python_object**, python_object**)) \
  F(void, PyErr_Restore, (python_object*, python_object*, python_object*))  \
  F(void, Py_IncRef, (python_object*))                                      \
  F(void, Py_DecRef, (python_object*))
#define OPTIONAL(F)                          \
  F(int, PyFrame_GetLasti, (python_object*)) \
  F(int, Py_IsFinalizing, (void))            \
  F(int, _Py_IsFinalizing, (void))           \
  F(int, PyCode_Addr2Location, (python_object*, int, int*, int*, int*, int*))

#define POINTER(type, name, arguments) type(*name) arguments;
static struct {
  FUNCTIONS(POINTER)
  OPTIONAL(POINTER)
} py;

/* A place in a code object, and the location it is known as. */
#define PLACES 16384u /* a power of two */
typedef struct python_place {
  python_object* code; /* kept alive: its address is the key */
  int at;              /* instruction; the line where there is no such */
  uint32_t location;
  uint32_t generation; /* of record.generation: another file, other ids */
  uint8_t trigger;     /* or one of the two below */
} python_place;

enum { PYTHON_UNREAD = 0xff, PYTHON_SILENT = 0xfe };

static struct {
  bool found;
  uint64_t begin, end; /* of the interpreter's code */
  atomic_flag lock;
  uint32_t used;
  python_place places[PLACES];
} python = {.lock = ATOMIC_FLAG_INIT};

static bool python_resolve(void* slot, const char* name) {
  void* address = dlsym(RTLD_DEFAULT, name);
  memcpy(slot, &address, sizeof address);
  return address != NULL;
}

void record_python_find(void) {
  struct dl_find_object object;
  bool all = true;
  if (python.found) return;
#define RESOLVE(type, name, arguments) \
  all = python_resolve(&py.name, #name) && all;
  FUNCTIONS(RESOLVE)
  if (!all) return;
  OPTIONAL(RESOLVE)
#undef RESOLVE
  void* inside;
  memcpy(&inside, &py.PyEval_GetFrame, sizeof inside);
  if (_dl_find_object(inside, &object) != 0) return;
  python.begin = (uintptr_t)object.dlfo_map_start;
  python.end = (uintptr_t)object.dlfo_map_end;
  python.found = true;
}

bool record_python_owns(uint64_t address) {
  return address - python.begin < python.end - python.begin;
}

static bool python_is_up(void) {
  return python.found && py.Py_IsInitialized() &&
         !(py.Py_IsFinalizing && py.Py_IsFinalizing()) &&
         !(py._Py_IsFinalizing && py._Py_IsFinalizing());
}

bool record_python_runs(void) {
  return python_is_up() && py.PyGILState_GetThisThreadState() &&
         py.PyGILState_Check();
}

/* The interpreter as this thread may use it now; undone by python_leave(). */
typedef struct python_visit {
  bool took;
  int gil;
} python_visit;

/* Native calls give up the GIL for their work; the frames are still this
 * thread's, but to look at them the GIL is needed. A thread that Python does
 * not know has no frames. */
static bool python_enter(python_visit* v) {
  if (!python_is_up() || !py.PyGILState_GetThisThreadState()) return false;
  v->took = !py.PyGILState_Check();
  if (v->took) v->gil = py.PyGILState_Ensure();
  return true;
}

static void python_leave(python_visit* v) {
  if (v->took) py.PyGILState_Release(v->gil);
}

/* An exception on its way, set aside while the interpreter's own code runs. */
typedef struct python_error {
  python_object *type, *value, *trace;
} python_error;

static python_error python_set_aside(void) {
  python_error e;
  py.PyErr_Fetch(&e.type, &e.value, &e.trace);
  return e;
}

static void python_put_back(python_error e) {
  py.PyErr_Restore(e.type, e.value, e.trace);
}

static void python_text(
    python_object* o, const char* name, char* out, size_t size) {
  python_object* text = py.PyObject_GetAttrString(o, name);
  ptrdiff_t length = 0;
  const char* bytes = text ? py.PyUnicode_AsUTF8AndSize(text, &length) : NULL;
  if ((size_t)length >= size) length = (ptrdiff_t)size - 1;
  if (bytes) memcpy(out, bytes, (size_t)length);
  out[bytes ? length : 0] = '\0';
  if (text) py.Py_DecRef(text);
  if (!bytes) { /* swallow the error: ours alone */
    python_object *a, *b, *c;
    py.PyErr_Fetch(&a, &b, &c);
    if (a) py.Py_DecRef(a);
    if (b) py.Py_DecRef(b);
    if (c) py.Py_DecRef(c);
  }
}

static uint32_t python_define(python_object* code, int line) {
  char file[1024], function[256];
  const python_error error = python_set_aside();
  python_text(code, "co_filename", file, sizeof file);
  python_text(code, "co_qualname", function, sizeof function);
  if (!function[0]) python_text(code, "co_name", function, sizeof function);
  python_put_back(error);
  return trace_writer_location(
      record.writer, file, line > 0 ? (uint32_t)line : 0, function);
}

static void python_lock(void) {
  while (atomic_flag_test_and_set_explicit(&python.lock, memory_order_acquire))
    sched_yield();
}

void record_python_forked(void) {
  atomic_flag_clear(&python.lock);
}

static void python_unlock(void) {
  atomic_flag_clear_explicit(&python.lock, memory_order_release);
}

/* The place's entry, under the lock; NULL when the table is full. */
static python_place* python_slot(python_object* code, int at) {
  uint64_t hash = ((uintptr_t)code >> 4 ^ (uint64_t)at << 20) *
                  UINT64_C(0x9e3779b97f4a7c15);
  for (uint32_t i = (uint32_t)(hash >> 40);; i++) {
    python_place* p = &python.places[i % PLACES];
    if (p->code == code && p->at == at) return p;
    if (p->code) continue;
    if (python.used >= PLACES / 4 * 3) return NULL;
    return p;
  }
}

static int python_at(python_object* frame) {
  return py.PyFrame_GetLasti ? py.PyFrame_GetLasti(frame)
                             : py.PyFrame_GetLineNumber(frame);
}

static uint32_t python_location(python_object* frame, python_object* code) {
  int at = python_at(frame);
  python_lock();
  python_place* p = python_slot(code, at);
  uint32_t id =
      p && p->code && p->generation == record.generation ? p->location : 0;
  python_unlock();
  if (id) return id;
  /* Not under the lock: this runs the interpreter's code. */
  id = python_define(code, py.PyFrame_GetLineNumber(frame));
  python_lock();
  p = python_slot(code, at);
  if (p) {
    if (!p->code) {
      py.Py_IncRef(code);
      python.used++;
      p->code = code;
      p->at = at;
      p->trigger = PYTHON_UNREAD;
    }
    p->location = id;
    p->generation = record.generation;
  }
  python_unlock();
  return id;
}

uint32_t record_python_stack(
    record_thread* t, uint64_t* frames, uint32_t room) {
  python_visit visit;
  uint32_t n = 0;
  (void)t;
  if (!python_enter(&visit)) return 0;
  python_object* frame = py.PyEval_GetFrame();
  if (frame) py.Py_IncRef(frame);
  while (frame) {
    if (n < room) {
      python_object* code = py.PyFrame_GetCode(frame);
      frames[n++] = TRACE_FRAME_LOCATION | python_location(frame, code);
      py.Py_DecRef(code);
    }
    python_object* back = n < room ? py.PyFrame_GetBack(frame) : NULL;
    py.Py_DecRef(frame);
    frame = back;
  }
  python_leave(&visit);
  return n;
}

static uint8_t python_read(
    python_object* frame, python_object* code, uint8_t otherwise) {
  char file[1024];
  record_span span = {0};
  python_text(code, "co_filename", file, sizeof file);
  bool columns = py.PyCode_Addr2Location && py.PyFrame_GetLasti &&
                 py.PyCode_Addr2Location(
                     code,
                     py.PyFrame_GetLasti(frame),
                     &span.line,
                     &span.column,
                     &span.end_line,
                     &span.end_column) &&
                 span.line > 0 && span.column >= 0 && span.end_column >= 0;
  if (!columns) {
    span.line = span.end_line = py.PyFrame_GetLineNumber(frame);
    span.column = 0;
    span.end_column = INT_MAX;
  }
  return record_source_judge(file, &span, columns, otherwise);
}

uint8_t record_python_trigger(uint8_t otherwise) {
  python_visit visit;
  uint8_t trigger = PYTHON_UNREAD;
  if (!python_enter(&visit)) return 0;
  python_object* frame = py.PyEval_GetFrame();
  if (!frame) {
    python_leave(&visit);
    return 0;
  }
  python_object* code = py.PyFrame_GetCode(frame);
  python_location(frame, code); /* makes the place */
  int at = python_at(frame);
  python_lock();
  python_place* p = python_slot(code, at);
  if (p && p->code) trigger = p->trigger;
  python_unlock();
  if (trigger == PYTHON_UNREAD) {
    const int held = record_hold();
    const python_error error = python_set_aside();
    trigger = python_read(frame, code, PYTHON_SILENT);
    python_put_back(error);
    record_resume(held);
    python_lock();
    p = python_slot(code, at);
    if (p && p->code) p->trigger = trigger;
    python_unlock();
  }
  py.Py_DecRef(code);
  python_leave(&visit);
  return trigger == PYTHON_SILENT ? otherwise : trigger;
}
