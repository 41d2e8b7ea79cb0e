/* Packing: each chunk becomes one zstd frame, empty ones go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "trace_scan.h"

/* On a training loop's trace, 12 took five times as long and saved nothing, 15
 * thirteen times for 6 %. */
#define TRACE_PACK_LEVEL 9

typedef struct trace_packer {
  trace_scan scan;
  trace_scan added; /* of the trace whose definitions come along */
  FILE* out;
  uint64_t offset;
  ZSTD_CCtx* zstd;
  uint8_t* raw;
  uint8_t* frame;
  size_t raw_room, frame_room;
} trace_packer;

static bool trace_pack_room(uint8_t** bytes, size_t* room, size_t need) {
  if (*room >= need) return true;
  free(*bytes);
  *bytes = malloc(need);
  *room = *bytes ? need : 0;
  return *bytes != NULL;
}

static bool trace_pack_write(trace_packer* p, const void* bytes, size_t size) {
  p->offset += size;
  return fwrite(bytes, 1, size, p->out) == size;
}

/* The chunk's payload, unpacked; NULL with the damage noted in the scan. */
static const uint8_t* trace_pack_payload(
    trace_packer* p, trace_scan* from, const trace_chunk_place* c) {
  const trace_chunk_header* h = &c->header;
  if (!trace_pack_room(&p->raw, &p->raw_room, h->used)) return NULL;
  if (trace_scan_read(from, p->raw, h->used, c->offset + sizeof *h) < h->used) {
    trace_scan_damage(from, c->offset, "cannot be read");
    return NULL;
  }
  return p->raw;
}

/* False: `wrong` says why. */
static bool trace_pack_chunk(
    trace_packer* p,
    trace_scan* from,
    const trace_chunk_place* c,
    const char** wrong) {
  static const uint8_t zeros[TRACE_PACKED_ALIGN];
  const uint8_t* payload = trace_pack_payload(p, from, c);
  if (!payload) {
    *wrong = from->damaged ? from->error : "out of memory";
    return false;
  }
  size_t bound = ZSTD_compressBound(c->header.used);
  if (!trace_pack_room(&p->frame, &p->frame_room, bound)) {
    *wrong = "out of memory";
    return false;
  }
  size_t n = ZSTD_compress2(p->zstd, p->frame, bound, payload, c->header.used);
  size_t size = sizeof c->header + n;
  size_t pad =
      (TRACE_PACKED_ALIGN - size % TRACE_PACKED_ALIGN) % TRACE_PACKED_ALIGN;
  if (ZSTD_isError(n) || size + pad > TRACE_CHUNK_MAX) {
    *wrong = ZSTD_isError(n) ? ZSTD_getErrorName(n) : "chunk too large";
    return false;
  }
  trace_chunk_header h = c->header;
  h.size = (uint32_t)(size + pad);
  h.packed = (uint32_t)n;
  if (from == &p->added) h.origin += p->scan.threads;
  h.check = trace_chunk_check(&h, p->offset);
  if (!trace_pack_write(p, &h, sizeof h) || !trace_pack_write(p, p->frame, n) ||
      !trace_pack_write(p, zeros, pad)) {
    *wrong = strerror(errno);
    return false;
  }
  return true;
}

static bool trace_pack_all(trace_packer* p, const char** wrong) {
  p->zstd = ZSTD_createCCtx();
  if (!p->zstd) {
    *wrong = "out of memory";
    return false;
  }
  ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, TRACE_PACK_LEVEL);
  ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1);
  trace_file_header h = p->scan.header;
  h.flags |= TRACE_FLAG_PACKED;
  h.align = TRACE_PACKED_ALIGN;
  h.header_bytes = 2 * TRACE_PACKED_ALIGN;
  h.check = trace_file_check(&h);
  uint8_t first[2 * TRACE_PACKED_ALIGN] = {0};
  memcpy(first, &h, sizeof h);
  bool ok = trace_pack_write(p, first, sizeof first);
  for (size_t i = 0; ok && i < p->scan.n_chunks; i++)
    if (p->scan.chunks[i].header.used)
      ok = trace_pack_chunk(p, &p->scan, &p->scan.chunks[i], wrong);
  for (size_t i = 0; ok && i < p->added.n_chunks; i++) {
    const trace_chunk_header* c = &p->added.chunks[i].header;
    if (c->used && c->kind == TRACE_CHUNK_DEFINITIONS)
      ok = trace_pack_chunk(p, &p->added, &p->added.chunks[i], wrong);
  }
  /* The mark of an orderly end is the size, which is known only now. */
  if (ok && h.finished) {
    h.finished = p->offset;
    ok =
        fseek(p->out, 0, SEEK_SET) == 0 && fwrite(&h, sizeof h, 1, p->out) == 1;
  }
  if (!ok && !*wrong) *wrong = strerror(errno);
  return ok;
}

int trace_pack(
    const char* in, const char* out, char* error, size_t error_size) {
  return trace_pack_with(in, NULL, out, error, error_size);
}

int trace_pack_with(
    const char* in,
    const char* definitions,
    const char* out,
    char* error,
    size_t error_size) {
  trace_packer p = {0};
  if (trace_scan_open(&p.scan, in, error, error_size) != 0) return 1;
  if (definitions &&
      trace_scan_open(&p.added, definitions, error, error_size) != 0) {
    trace_scan_close(&p.scan);
    return 1;
  }
  const char* wrong = NULL;
  const char* who = in;
  char* temporary = NULL;
  struct stat st;
  if (p.scan.damaged) {
    snprintf(error, error_size, "%s", p.scan.error);
    goto done;
  }
  if (p.scan.header.flags & TRACE_FLAG_PACKED) {
    wrong = "is packed already";
    goto done;
  }
  who = out;
  /* The result is put in place by its name: a device must not be replaced. */
  if (stat(out, &st) == 0 && !S_ISREG(st.st_mode))
    wrong = "not a regular file";
  else if (asprintf(&temporary, "%s.tmp", out) < 0)
    wrong = "out of memory";
  else if (!(p.out = fopen(temporary, "wbe")))
    wrong = strerror(errno);
  if (wrong) goto done;
  bool ok = trace_pack_all(&p, &wrong);
  if (fclose(p.out) != 0 && ok) {
    ok = false;
    wrong = strerror(errno);
  }
  if (ok && rename(temporary, out) != 0) {
    ok = false;
    wrong = strerror(errno);
  }
  if (!ok) unlink(temporary);

done:
  /* Damage met while reading names the file itself. */
  if (wrong == p.scan.error || wrong == p.added.error)
    snprintf(error, error_size, "%s", wrong);
  else if (wrong)
    snprintf(error, error_size, "%s: %s", who, wrong);
  int status = wrong || p.scan.damaged;
  ZSTD_freeCCtx(p.zstd);
  free(p.raw);
  free(p.frame);
  free(temporary);
  if (definitions) trace_scan_close(&p.added);
  trace_scan_close(&p.scan);
  return status;
}
