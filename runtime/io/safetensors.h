/* The safetensors format: eight bytes of length, a JSON header, the data.
 * https://huggingface.co/docs/safetensors */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include "core/map.h"
#include "io/source.h"
#include "stream/stream.h"

/* Fills both maps with lazy arrays and texts. Every extent is checked against
 * the header and the size of the source now. Non-zero with a message that
 * names the source and what is wrong; the maps then hold what was read. */
int safetensors_load(
    lz_source* source, lz_stream* s, lz_map* arrays, lz_map* metadata);
/* Writes READY arrays. metadata may be NULL. */
int safetensors_save(
    lz_sink* sink, const lz_map* arrays, const lz_map* metadata);
/* Non-zero with a message where an array has no name in the format. */
int safetensors_check(const lz_map* arrays);

#endif
