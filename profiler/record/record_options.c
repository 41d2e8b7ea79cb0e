#include "record_options.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

/* Definitions and the recorder's own words cannot be left out: the rest is not
 * readable without them. */
static bool options_fixed(unsigned number) {
  return number < 16 || number >= 64;
}

void record_options_init(record_options* o) {
  *o = (record_options){.stacks = RECORD_STACKS_DEFAULT};
  for (unsigned i = 0; i < RECORD_KINDS; i++) o->wanted[i] = true;
}

static const struct {
  uint16_t number;
  const char* name;
} events[] = {
#define EVENT(number, id, name, text, ...) {number, name},
#include "events.def"
#undef EVENT
};

/* `word` names an event, or the events that begin with it and a dash. */
static bool options_named(const char* name, const char* word, size_t length) {
  return strncmp(name, word, length) == 0 &&
         (name[length] == '\0' || name[length] == '-');
}

static int options_only(
    record_options* o, const char* text, char* error, size_t size) {
  bool wanted[RECORD_KINDS];
  for (unsigned i = 0; i < RECORD_KINDS; i++) wanted[i] = options_fixed(i);
  for (const char* word = text; *word;) {
    size_t length = strcspn(word, ",");
    bool found = length == 0;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
      if (length && options_named(events[i].name, word, length)) {
        found = true;
        if (events[i].number < RECORD_KINDS) wanted[events[i].number] = true;
      }
    if (!found) {
      snprintf(error, size, "no event is named '%.*s'", (int)length, word);
      return 1;
    }
    word += length + (word[length] == ',');
  }
  memcpy(o->wanted, wanted, sizeof wanted);
  return 0;
}

static int options_stacks(
    record_options* o, const char* text, char* error, size_t size) {
  char* end;
  unsigned long n = 0;
  if (strcmp(text, "none") != 0) {
    n = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || n > RECORD_STACKS_MAX) {
      snprintf(
          error,
          size,
          "'%s' is neither none nor a number of frames up to %u",
          text,
          RECORD_STACKS_MAX);
      return 1;
    }
  }
  o->stacks = (uint32_t)n;
  return 0;
}

static int options_ring(
    record_options* o, const char* text, char* error, size_t size) {
  char* end;
  unsigned long long n = strtoull(text, &end, 10);
  unsigned shift = 0;
  if (*end) {
    const char* unit = strchr("KMGT", toupper((unsigned char)*end));
    if (unit) {
      shift = 10 * (unsigned)(unit - "KMGT" + 1);
      end++;
      if (strcmp(end, "iB") == 0 || strcmp(end, "B") == 0) end = "";
    }
  }
  if (!isdigit((unsigned char)*text) || *end || n == 0 ||
      n > (UINT64_MAX >> 1) >> shift) {
    snprintf(error, size, "'%s' is no size, such as 64M or 1G", text);
    return 1;
  }
  o->ring = (uint64_t)n << shift;
  return 0;
}

static int options_signal(const char* name) {
  char* end;
  long number = strtol(name, &end, 10);
  if (isdigit((unsigned char)*name))
    return !*end && number > 0 && number < NSIG ? (int)number : 0;
  if (strncmp(name, "SIG", 3) == 0) name += 3;
  for (int i = 1; i < NSIG; i++) {
    const char* known = sigabbrev_np(i);
    if (known && strcmp(known, name) == 0) return i;
  }
  return 0;
}

static int options_when(
    record_when* when, const char* text, char* error, size_t size) {
  record_when w = {0};
  char* end;
  if (strncmp(text, "mark:", 5) == 0 && text[5]) {
    w.kind = RECORD_WHEN_MARK;
    w.mark = text + 5;
  } else if (strncmp(text, "signal:", 7) == 0) {
    w.kind = RECORD_WHEN_SIGNAL;
    w.signal = options_signal(text + 7);
    if (!w.signal || w.signal == SIGKILL || w.signal == SIGSTOP) {
      snprintf(error, size, "'%s' is no signal to wait for", text + 7);
      return 1;
    }
  } else if (
      strncmp(text, "time:", 5) == 0 && isdigit((unsigned char)text[5])) {
    /* Not strtod: the program's locale may want another decimal point. */
    uint64_t scale = 1000000000;
    w.kind = RECORD_WHEN_TIME;
    w.ns = strtoull(text + 5, &end, 10) * scale;
    if (*end == '.')
      for (end++; isdigit((unsigned char)*end) && scale; end++)
        w.ns += (uint64_t)(*end - '0') * (scale /= 10);
    if (*end == 's') end++;
    if (*end) {
      snprintf(error, size, "'%s' is no number of seconds", text + 5);
      return 1;
    }
  } else {
    snprintf(
        error,
        size,
        "'%s' is none of mark:NAME, signal:NAME, time:SECONDS",
        text);
    return 1;
  }
  *when = w;
  return 0;
}

int record_options_set(
    record_options* o,
    enum record_option option,
    const char* text,
    char* error,
    size_t error_size) {
  switch (option) {
    case RECORD_OPTION_OUTPUT:
      o->off = strcmp(text, "off") == 0;
      o->output = *text ? text : NULL;
      return 0;
    case RECORD_OPTION_STACKS:
      return options_stacks(o, text, error, error_size);
    case RECORD_OPTION_ONLY:
      return options_only(o, text, error, error_size);
    case RECORD_OPTION_RING:
      return options_ring(o, text, error, error_size);
    case RECORD_OPTION_START:
      return options_when(&o->start, text, error, error_size);
    case RECORD_OPTION_STOP:
      return options_when(&o->stop, text, error, error_size);
    default:
      snprintf(error, error_size, "no such option");
      return 1;
  }
}
