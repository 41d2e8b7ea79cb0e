#include "text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* In the order of mlx_dtype. */
static const struct {
  const char* name;
  uint8_t size;
} text_dtypes[] = {
    {"bool", 1},
    {"uint8", 1},
    {"uint16", 2},
    {"uint32", 4},
    {"uint64", 8},
    {"int8", 1},
    {"int16", 2},
    {"int32", 4},
    {"int64", 8},
    {"float16", 2},
    {"float32", 4},
    {"float64", 8},
    {"bfloat16", 2},
    {"complex64", 8}};

const char* text_dtype(uint8_t dtype) {
  return dtype < sizeof text_dtypes / sizeof *text_dtypes
             ? text_dtypes[dtype].name
             : "?";
}

uint64_t text_dtype_size(uint8_t dtype) {
  return dtype < sizeof text_dtypes / sizeof *text_dtypes
             ? text_dtypes[dtype].size
             : 0;
}

static const char* const text_triggers[256] = {
#define TRIGGER(number, id, name, text) [number] = name,
#include "lazuli/trigger.def"
#undef TRIGGER
};
static const char* const text_waits[256] = {
#define WAIT(number, id, name, text) [number] = name,
#include "lazuli/wait.def"
#undef WAIT
};
static const char* const text_waits_why[256] = {
#define WAIT(number, id, name, text) [number] = text,
#include "lazuli/wait.def"
#undef WAIT
};
static const char* const text_rewrites[256] = {
#define REWRITE(number, id, name, text) [number] = name,
#include "lazuli/rewrite.def"
#undef REWRITE
};
static const char* const text_refusals[256] = {
#define REFUSAL(number, id, name, text) [number] = name,
#include "lazuli/refusal.def"
#undef REFUSAL
};
static const char* const text_refusals_why[256] = {
#define REFUSAL(number, id, name, text) [number] = text,
#include "lazuli/refusal.def"
#undef REFUSAL
};
static const char* const text_donations[256] = {
#define DONATION(number, id, name, text) [number] = name,
#include "lazuli/donation.def"
#undef DONATION
};
static const char* const text_sources[256] = {
    "system", "cache", "program", "small block"};

const char* text_trigger(uint8_t i) {
  return text_triggers[i] ? text_triggers[i] : "?";
}
const char* text_wait(uint8_t i) {
  return text_waits[i] ? text_waits[i] : "?";
}
const char* text_rewrite(uint8_t i) {
  return text_rewrites[i] ? text_rewrites[i] : "?";
}
const char* text_refusal(uint8_t i) {
  return text_refusals[i] ? text_refusals[i] : "?";
}
const char* text_wait_why(uint8_t i) {
  return text_waits_why[i] ? text_waits_why[i] : "";
}
const char* text_refusal_why(uint8_t i) {
  return text_refusals_why[i] ? text_refusals_why[i] : "";
}
const char* text_donation(uint8_t i) {
  return text_donations[i] ? text_donations[i] : "?";
}
const char* text_source(uint8_t i) {
  return text_sources[i] ? text_sources[i] : "?";
}

/* Three significant digits. */
static void text_figure(char* out, double value, const char* unit) {
  int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  snprintf(out, TEXT_SIZE, "%.*f %s", digits, value, unit);
}

char* text_bytes(char out[TEXT_SIZE], uint64_t bytes) {
  static const char* const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) {
    snprintf(out, TEXT_SIZE, "%" PRIu64 " B", bytes);
    return out;
  }
  double value = (double)bytes / 1024;
  int unit = 0;
  for (; value >= 1023.5 && unit < 5; unit++) value /= 1024;
  text_figure(out, value, units[unit]);
  return out;
}

char* text_ns(char out[TEXT_SIZE], uint64_t ns) {
  if (ns < 1000)
    snprintf(out, TEXT_SIZE, "%" PRIu64 " ns", ns);
  else if (ns < 999500)
    text_figure(out, (double)ns / 1e3, "µs");
  else if (ns < 999500000)
    text_figure(out, (double)ns / 1e6, "ms");
  else if (ns < UINT64_C(120000000000))
    text_figure(out, (double)ns / 1e9, "s");
  else
    snprintf(
        out,
        TEXT_SIZE,
        "%" PRIu64 " min %02u s",
        ns / UINT64_C(60000000000),
        (unsigned)(ns / UINT64_C(1000000000) % 60));
  return out;
}

char* text_count(char out[TEXT_SIZE], uint64_t count) {
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%" PRIu64, count), k = 0;
  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0) out[k++] = ',';
    out[k++] = digits[i];
  }
  out[k] = 0;
  return out;
}

char* text_rate(char out[TEXT_SIZE], double per_second) {
  static const char* const units[] = {"", "k", "M", "G", "T", "P"};
  int unit = 0;
  for (; per_second >= 999.5 && unit < 5; unit++) per_second /= 1000;
  text_figure(out, per_second, units[unit]);
  return out;
}

char* text_shape(char* out, size_t size, const model* m, uint32_t array) {
  const model_array* a = &m->arrays[array];
  size_t n = (size_t)snprintf(out, size, "(");
  for (uint32_t d = 0; d < a->ndim; d++) {
    char part[24];
    int k = snprintf(
        part, sizeof part, "%s%d", d ? ", " : "", m->dims[a->shape + d]);
    if (n + (size_t)k + 5 > size) {
      n += (size_t)snprintf(out + n, size - n, "…");
      break;
    }
    memcpy(out + n, part, (size_t)k + 1);
    n += (size_t)k;
  }
  snprintf(out + n, size - n, a->ndim == 1 ? ",)" : ")");
  return out;
}

/* Bytes of the UTF-8 character at `p`; 0: none. */
static size_t text_character(const unsigned char* p) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (*p < 0x80) return 1;
  size_t n = *p >= 0xf8   ? 0
             : *p >= 0xf0 ? 4
             : *p >= 0xe0 ? 3
             : *p >= 0xc0 ? 2
                          : 0;
  uint32_t code = n ? *p & (0x7fu >> n) : 0;
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (p[i] & 0x3f);
  }
  bool surrogate = code >= 0xd800 && code < 0xe000;
  return !n || code < least[n] || code > 0x10ffff || surrogate ? 0 : n;
}

const char* text_utf8(char* out, size_t size, const char* text) {
  const unsigned char* p = (const unsigned char*)text;
  while (*p && text_character(p)) p += text_character(p);
  if (!*p) return text;
  size_t used = 0;
  for (p = (const unsigned char*)text; *p;) {
    size_t n = text_character(p);
    if (used + (n ? n : 1) >= size) break;
    if (n)
      memcpy(out + used, p, n);
    else
      out[used] = '?';
    used += n ? n : 1;
    p += n ? n : 1;
  }
  out[used] = 0;
  return out;
}

const char* text_base(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void text_signal(char out[TEXT_SIZE], uint32_t number) {
  const char* name = number < NSIG ? sigabbrev_np((int)number) : NULL;
  if (name)
    snprintf(out, TEXT_SIZE, "ended by SIG%s", name);
  else
    snprintf(out, TEXT_SIZE, "ended by signal %u", number);
}

char* text_end(char out[TEXT_SIZE], const model_info* info) {
  static const char* const hows[] = {"exit", "_exit", "exec", "abort"};
  const char* how = info->how < 4 ? hows[info->how] : "";
  if (info->running)
    snprintf(out, TEXT_SIZE, "still running");
  else if (!info->finished)
    snprintf(out, TEXT_SIZE, "killed");
  else if (info->how == 4)
    text_signal(out, info->status);
  else if (info->how > 1)
    snprintf(out, TEXT_SIZE, "ended by %s", how);
  else if (info->status == UINT32_MAX)
    snprintf(out, TEXT_SIZE, "finished");
  else
    snprintf(
        out,
        TEXT_SIZE,
        "exit status %u%s",
        info->status,
        info->how ? " (_exit)" : "");
  return out;
}
