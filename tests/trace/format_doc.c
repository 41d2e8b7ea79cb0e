/* Prints traces/FORMAT.md. Every number in it comes from the code that it
 * describes. */
#include <stdio.h>

#include "trace_format.h"

typedef struct doc_row {
  size_t offset, size;
  const char* name;
  const char* text;
} doc_row;

#define ROW(type, name, text) \
  { offsetof(type, name), sizeof(((type*)0)->name), #name, text }

static const doc_row file_rows[] = {
    ROW(trace_file_header, magic, "`89 4c 5a 54 0d 0a 1a 0a`"),
    ROW(trace_file_header, version, "version of this format"),
    ROW(trace_file_header, header_bytes, "where the first chunk may begin"),
    ROW(trace_file_header, flags, "bit 0: packed; bit 1: written as a ring"),
    ROW(trace_file_header,
        align,
        "chunks begin at multiples of this, a power of two"),
    ROW(trace_file_header,
        start_ns,
        "CLOCK_MONOTONIC when the file was opened"),
    ROW(trace_file_header,
        realtime_ns,
        "CLOCK_REALTIME at the same moment, ns since 1970"),
    ROW(trace_file_header,
        clock,
        "0: times were read from CLOCK_MONOTONIC; 1: from a time-stamp counter "
        "kept in step with it"),
    ROW(trace_file_header, pid, "of the traced process"),
    ROW(trace_file_header, chunk_bytes, "size of an ordinary chunk"),
    ROW(trace_file_header,
        check,
        "XXH32, seed 0, of the bytes of the header before this field"),
    ROW(trace_file_header,
        finished,
        "size of the file when it was closed in order; 0 while it is written "
        "and after a kill. A file shorter than this has been cut"),
    ROW(trace_file_header, lost, "events that could not be written"),
    ROW(trace_file_header, threads, "threads that have written so far"),
};

static const doc_row chunk_rows[] = {
    ROW(trace_chunk_header, magic, "`4c 5a 43 4b`"),
    ROW(trace_chunk_header,
        check,
        "XXH32 of the header from `size` up to, not including, `used`; the "
        "seed is the chunk's offset in the file divided by 64, modulo 2³²"),
    ROW(trace_chunk_header,
        size,
        "bytes from this chunk to the next, this header included; a multiple "
        "of `align`. The file may end before them, but not before `used`"),
    ROW(trace_chunk_header,
        packed,
        "0: the payload is here as it is. Else: the payload is a zstd frame "
        "of so many bytes"),
    ROW(trace_chunk_header,
        origin,
        "index of the thread that wrote it, from 0"),
    ROW(trace_chunk_header,
        depth,
        "0; 1 and more: written by a signal handler that interrupted a write "
        "of the same thread"),
    ROW(trace_chunk_header, kind, "1: events; 2: definitions"),
    ROW(trace_chunk_header,
        sequence,
        "number of this chunk in its lane, from 0"),
    ROW(trace_chunk_header, base_time, "time of its first event, ns"),
    ROW(trace_chunk_header, first_time, "time of the first event of the lane"),
    ROW(trace_chunk_header,
        events_before,
        "events that the lane's earlier chunks held"),
    ROW(trace_chunk_header,
        used,
        "bytes of the payload, before packing; it only grows, and only after "
        "the event that it then covers is complete"),
};

static void doc_rows(const doc_row* rows, size_t count) {
  puts("| offset | bytes | name | meaning |\n|---:|---:|---|---|");
  for (size_t i = 0; i < count; i++)
    printf(
        "| %zu | %zu | `%s` | %s |\n",
        rows[i].offset,
        rows[i].size,
        rows[i].name,
        rows[i].text);
  puts("");
}

static const char* const type_names[] = {
    [TRACE_U8] = "U8",
    [TRACE_U32] = "U32",
    [TRACE_U64] = "U64",
    [TRACE_NS] = "NS",
    [TRACE_STR] = "STR",
    [TRACE_STACK] = "STACK",
    [TRACE_TEXT] = "TEXT",
    [TRACE_IDS] = "IDS",
    [TRACE_ARRAYS] = "ARRAYS",
};

static void doc_events(void) {
  uint32_t count;
  const trace_event_info* events = trace_events(&count);
  for (uint32_t i = 0; i < count; i++) {
    printf("### %u %s\n\n", events[i].kind, events[i].name);
    printf("%s.\n\n", events[i].text);
    puts("| type | field | meaning |\n|---|---|---|");
    for (uint32_t k = 0; k < events[i].n_fields; k++) {
      const trace_field_info* f = &events[i].fields[k];
      printf("| %s | `%s` | %s |\n", type_names[f->type], f->name, f->text);
    }
    if (i + 1 < count) puts("");
  }
}

int main(void) {
  printf(
      "<!-- Made by `cmake --build build --target format-doc` from\n"
      "     profiler/trace/events.def and trace_format.h. Do not edit. -->\n"
      "# Lazuli trace files, format %u\n"
      "\n"
      "One file a process; its name ends in `.lzt` by custom. Numbers are\n"
      "little-endian. All times are nanoseconds of CLOCK_MONOTONIC, unsigned "
      "64 bits;\nsums and differences of 64-bit numbers wrap around.\n"
      "\n"
      "A file is a header and chunks. Each thread appends to chunks of its "
      "own, "
      "mapped\nfrom the file, so a process that is killed leaves a file that "
      "is "
      "complete up to\nits last event. There is no index and no footer; a "
      "reader "
      "walks the chunks.\n"
      "\n"
      "## The header of the file\n\n",
      TRACE_VERSION);
  doc_rows(file_rows, sizeof file_rows / sizeof *file_rows);
  puts(
      "The rest, up to `header_bytes`, is zero. A reader refuses another "
      "magic, "
      "another\nversion, and a wrong `check`.\n"
      "\n"
      "## Chunks\n");
  doc_rows(chunk_rows, sizeof chunk_rows / sizeof *chunk_rows);
  printf(
      "The payload follows the header. The first chunk is at `header_bytes`, "
      "the next\n`size` bytes on. No chunk is larger than %u MiB, nor is a "
      "payload, unpacked.\n"
      "\n"
      "Where a chunk should begin there may be something else:\n"
      "\n"
      "- A magic of four zero bytes: space that was set aside and is not used, "
      "or not\n  yet. Go on `align` bytes further; such places may be large "
      "and "
      "sparse.\n"
      "- In a ring, the magic with `used` 0 and a wrong `check`: a chunk that "
      "was about\n  to be used again. Go on `chunk_bytes` further.\n"
      "- Anything else is damage. Go on `align` bytes further until a header "
      "is "
      "right.\n"
      "\n"
      "A *lane* is the chunks with the same `kind`, `origin` and `depth`, by "
      "`sequence`.\nWhere `events_before` is more than the events read from "
      "the "
      "lane so far, the\ndifference is missing: overwritten by a ring, or "
      "damaged. Only a ring's\nlanes of events may miss some in a sound file.\n"
      "\n"
      "## Events\n"
      "\n"
      "A payload is events, one after the other:\n"
      "\n"
      "| type | what |\n"
      "|---|---|\n"
      "| small | kind; never 0 |\n"
      "| small | length: bytes of all that follows |\n"
      "| difference | time, less the time of the event before it in the chunk; "
      "of the first event: less `base_time` |\n"
      "| … | the fields of the kind, in the order of the tables below |\n"
      "\n"
      "A reader skips kinds it does not know, and what follows the fields that "
      "it knows,\nby the length. An event that ends before all of its fields "
      "was "
      "written by an older\nversion: the rest is zero or empty. Times within a "
      "lane may go back a little.\n"
      "\n"
      "Numbers:\n"
      "\n"
      "- *small*: 1 byte, 0 to 254; or the byte 255, then 4 bytes unsigned.\n"
      "- *medium*: 2 bytes, 0 to 65534; or 65535 in 2 bytes, then 4 bytes "
      "unsigned.\n"
      "- *difference*: 4 bytes, signed; or −2³¹ in 4 bytes, then 8 bytes.\n"
      "\n"
      "Fields:\n"
      "\n"
      "| type | bytes | value |\n"
      "|---|---|---|\n"
      "| U8 | 1 byte | unsigned |\n"
      "| U32 | small | unsigned |\n"
      "| U64 | difference | to add to the value of the same field in the last "
      "event of the same kind in this chunk; 0 in the first |\n"
      "| NS | difference | to subtract from the time of the event |\n"
      "| STR | medium | id of a `string` event; 0: \"\" |\n"
      "| STACK | medium | id of a `stack` event; 0: none |\n"
      "| TEXT | small, then so many bytes | the bytes, without an end mark |\n"
      "| IDS | small, then so many differences | a list. Each element is its "
      "difference added to the element before it; the first, to the last "
      "element "
      "of the same field in the last event of the same kind in this chunk that "
      "had any; 0 in the first |\n"
      "| ARRAYS | small, then so many arrays | a list. An array: dtype, 1 byte "
      "(as `mlx_dtype`); number of dimensions, 1 byte; each dimension, medium "
      "(modulo 2³², a signed 32-bit number) |\n"
      "\n"
      "## Order\n"
      "\n"
      "Kinds below %u are definitions; they stand in chunks of their own, "
      "which "
      "a ring\nkeeps. Lanes of definitions are read first, merged by time; "
      "then "
      "the lanes of\nevents, merged by time. Of lanes whose next events have "
      "the "
      "same time, the one of\nthe lower `origin` goes first, then of the lower "
      "`depth`. A lane is never\nreordered: what is merged is the next event "
      "of "
      "each. What is missing in a lane of\nevents is reported as a `gap` event "
      "of "
      "its thread before the chunk that follows it,\nfrom the last event read "
      "of "
      "the lane (else `first_time`) to `base_time`.\n"
      "\n"
      "An id may be defined twice with the same meaning (two threads at once); "
      "an id may\nbe defined and never used.\n"
      "\n"
      "## The table of events\n\n",
      TRACE_CHUNK_MAX >> 20,
      TRACE_FIRST_EVENT);
  doc_events();
  return 0;
}
