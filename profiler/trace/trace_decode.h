/* Events out of bytes; the other side of trace_encode.c. */
#ifndef TRACE_DECODE_H
#define TRACE_DECODE_H

#include "trace_format.h"

/* Room for the lists of one event: at most 8 bytes for each byte of the event,
 * and what aligning them takes. */
#define TRACE_DECODE_SCRATCH(length) (8 * (size_t)(length) + 256)

typedef struct trace_decoder {
  const uint8_t* p;
  const uint8_t* end; /* of the event */
  uint64_t time;      /* of the event */
  uint8_t* scratch;   /* next free byte, aligned to 8 */
} trace_decoder;

/* Fills the member of `event` for its kind, which must be known, from the
 * fields that are there; the rest is zero. False where a field is cut or says
 * more than the event holds. */
bool trace_decode(trace_decoder* d, trace_deltas* deltas, trace_event* event);

#endif
