/* lazuli dump: every event of a trace, one line each. The lines are made from
 * the table of events, so a new event needs nothing here. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "trace.h"

/* ---- strings by id ---------------------------------------------------------
 * Open addressing on the id, so that a damaged file's huge ids cost nothing. */
typedef struct dump_string {
  uint32_t id; /* 0: free */
  uint32_t length;
  char* bytes;
} dump_string;

typedef struct dump {
  uint64_t start_ns;
  bool json;
  dump_string* strings;
  size_t room, count;
} dump;

static dump_string* dump_slot(dump_string* strings, size_t room, uint32_t id) {
  size_t i = (id * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (room - 1);
  while (strings[i].id && strings[i].id != id) i = (i + 1) & (room - 1);
  return &strings[i];
}

static bool dump_grow(dump* d) {
  size_t room = d->room ? 2 * d->room : 1024;
  dump_string* strings = calloc(room, sizeof *strings);
  if (!strings) return false;
  for (size_t i = 0; i < d->room; i++)
    if (d->strings[i].id)
      *dump_slot(strings, room, d->strings[i].id) = d->strings[i];
  free(d->strings);
  d->strings = strings;
  d->room = room;
  return true;
}

/* Without memory a string is shown by its number. */
static void dump_define(dump* d, const trace_string* s) {
  if (s->id == 0 || (2 * d->count >= d->room && !dump_grow(d))) return;
  dump_string* slot = dump_slot(d->strings, d->room, s->id);
  char* bytes = malloc(s->text.length + 1);
  if (!bytes) return;
  if (s->text.length) memcpy(bytes, s->text.bytes, s->text.length);
  d->count += slot->id == 0;
  free(slot->bytes);
  *slot = (dump_string){s->id, s->text.length, bytes};
}

/* ---- text ------------------------------------------------------------------
 */

/* Bytes of the UTF-8 sequence at `p`, or 0 where there is none. */
static unsigned dump_utf8(const uint8_t* p, size_t left) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned n = p[0] < 0x80       ? 1
               : p[0] >> 5 == 6  ? 2
               : p[0] >> 4 == 14 ? 3
               : p[0] >> 3 == 30 ? 4
                                 : 0;
  if (n == 0 || n > left) return 0;
  if (n == 1) return 1;
  uint32_t c = p[0] & (0x7fu >> n);
  for (unsigned i = 1; i < n; i++) {
    if (p[i] >> 6 != 2) return 0;
    c = c << 6 | (p[i] & 0x3f);
  }
  if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 0;
  return n;
}

/* In quotes, as JSON has it. A byte that is not UTF-8 becomes \udcXX, as in
 * Python's surrogateescape, so that nothing is lost. */
static void dump_quoted(const char* bytes, size_t length) {
  const uint8_t* p = (const uint8_t*)bytes;
  putchar('"');
  for (size_t i = 0; i < length;) {
    unsigned n = dump_utf8(p + i, length - i);
    if (n == 0)
      printf("\\udc%02x", p[i]);
    else if (p[i] == '"' || p[i] == '\\')
      printf("\\%c", p[i]);
    else if (p[i] < 0x20 || p[i] == 0x7f)
      printf("\\u%04x", p[i]);
    else
      fwrite(p + i, 1, n, stdout);
    i += n ? n : 1;
  }
  putchar('"');
}

/* Seconds since the trace was opened. */
static void dump_seconds(const dump* d, uint64_t ns) {
  int64_t since = (int64_t)(ns - d->start_ns);
  uint64_t size = since < 0 ? -(uint64_t)since : (uint64_t)since;
  printf(
      "%s%" PRIu64 ".%09" PRIu64,
      since < 0 ? "-" : "",
      size / 1000000000u,
      size % 1000000000u);
}

static void dump_string_id(const dump* d, uint32_t id) {
  const dump_string* s = id && d->room ? dump_slot(d->strings, d->room, id) : 0;
  if (s && s->id)
    dump_quoted(s->bytes, s->length);
  else if (id == 0)
    fputs("\"\"", stdout);
  else
    printf("#%u", id);
}

/* Addresses read better in hexadecimal. */
#define DUMP_ADDRESS (UINT64_C(1) << 40)

static void dump_ids(const dump* d, trace_ids v) {
  putchar('[');
  for (uint32_t i = 0; i < v.count; i++) {
    if (i) putchar(d->json ? ',' : ' ');
    if (!d->json && v.ids[i] >= DUMP_ADDRESS)
      printf("0x%" PRIx64, v.ids[i]);
    else
      printf("%" PRIu64, v.ids[i]);
  }
  putchar(']');
}

static void dump_shape(const trace_array* a) {
  putchar('[');
  for (unsigned k = 0; k < a->ndim; k++)
    printf("%s%d", k ? "," : "", a->shape[k]);
  putchar(']');
}

/* The order of mlx_dtype. */
static const char* const dtypes[] = {
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "complex64"};

static void dump_arrays(const dump* d, trace_arrays v) {
  putchar('[');
  for (uint32_t i = 0; i < v.count; i++) {
    const trace_array* a = &v.arrays[i];
    if (i) putchar(d->json ? ',' : ' ');
    if (d->json)
      printf("{\"dtype\":%u,\"shape\":", a->dtype);
    else if (a->dtype < sizeof dtypes / sizeof *dtypes)
      fputs(dtypes[a->dtype], stdout);
    else
      printf("dtype%u", a->dtype);
    dump_shape(a);
    if (d->json) putchar('}');
  }
  putchar(']');
}

static void dump_value(
    const dump* d, const trace_field_info* field, const uint8_t* at) {
  const void* value = at;
  switch (field->type) {
    case TRACE_U8:
      printf("%u", *at);
      break;
    case TRACE_U32:
      printf("%" PRIu32, *(const uint32_t*)value);
      break;
    case TRACE_U64:
      printf("%" PRIu64, *(const uint64_t*)value);
      break;
    case TRACE_NS:
      if (d->json)
        printf("%" PRIu64, *(const uint64_t*)value);
      else
        dump_seconds(d, *(const uint64_t*)value);
      break;
    case TRACE_STR:
      if (d->json)
        printf("%" PRIu32, *(const uint32_t*)value);
      else
        dump_string_id(d, *(const uint32_t*)value);
      break;
    case TRACE_STACK:
      printf("%" PRIu32, *(const uint32_t*)value);
      break;
    case TRACE_TEXT: {
      const trace_text* text = value;
      dump_quoted(text->bytes, text->length);
      break;
    }
    case TRACE_IDS:
      dump_ids(d, *(const trace_ids*)value);
      break;
    case TRACE_ARRAYS:
      dump_arrays(d, *(const trace_arrays*)value);
      break;
  }
}

static void dump_event(const dump* d, const trace_event* event) {
  const trace_event_info* info = trace_event_find(event->kind);
  char unknown[32];
  snprintf(unknown, sizeof unknown, "unknown-%u", event->kind);
  const char* name = info ? info->name : unknown;
  const uint8_t* fields = (const uint8_t*)&event->process;
  if (d->json) {
    printf(
        "{\"time\":%" PRIu64 ",\"thread\":%u,\"event\":\"%s\",\"fields\":{",
        event->time,
        event->origin,
        name);
  } else {
    dump_seconds(d, event->time);
    printf(" t%u %s", event->origin, name);
  }
  for (uint32_t i = 0; info && i < info->n_fields; i++) {
    const trace_field_info* field = &info->fields[i];
    if (d->json)
      printf("%s\"%s\":", i ? "," : "", field->name);
    else
      printf(" %s=", field->name);
    dump_value(d, field, fields + field->offset);
  }
  puts(d->json ? "}}" : "");
}

static int dump_file(const char* path, bool json) {
  char error[512];
  trace_reader* r = trace_reader_open(path, error, sizeof error);
  if (!r) {
    cli_complain("dump", "%s", error);
    return CLI_FAILED;
  }
  trace_info info;
  trace_reader_info(r, &info);
  dump d = {.start_ns = info.start_ns, .json = json};
  trace_event event;
  int status;
  while ((status = trace_reader_next(r, &event)) == 1 && !ferror(stdout)) {
    if (event.kind == TRACE_EVENT_string) dump_define(&d, &event.string);
    dump_event(&d, &event);
  }
  if (status < 0) cli_complain("dump", "%s", trace_reader_error(r));
  for (size_t i = 0; i < d.room; i++) free(d.strings[i].bytes);
  free(d.strings);
  trace_reader_close(r);
  return status < 0 ? CLI_FAILED : CLI_OK;
}

static const char usage[] =
    "usage: lazuli dump [--json] FILE\n"
    "\n"
    "Prints every event of a trace, one line each: seconds since the trace "
    "was\n"
    "opened, the thread's index, the event, its fields. Definitions come "
    "first,\n"
    "then all threads' events by time. traces/FORMAT.md says what they mean.\n"
    "\n"
    "  --json   one JSON object a line; times in ns, strings by their ids\n"
    "\n"
    "What is complete in a damaged file is printed; then the damage is named\n"
    "and the exit status is 1.\n";

int cmd_dump(int argc, char** argv) {
  const char* path = NULL;
  bool json = false;
  if (cli_wants_help(argc, argv)) {
    fputs(usage, stdout);
    return CLI_OK;
  }
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (argv[i][0] == '-' && argv[i][1]) {
      cli_complain("dump", "no option '%s'; see `lazuli help dump`", argv[i]);
      return CLI_MISUSED;
    } else if (path) {
      cli_complain("dump", "one file at a time; '%s' is too much", argv[i]);
      return CLI_MISUSED;
    } else {
      path = argv[i];
    }
  }
  if (!path) {
    cli_complain("dump", "which file? See `lazuli help dump`");
    return CLI_MISUSED;
  }
  return dump_file(path, json);
}
