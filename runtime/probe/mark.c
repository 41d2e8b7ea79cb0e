#include "lazuli/mark.h"

#include "probe/probe.h"

static void mark_send(enum lazuli_mark_kind kind, const char* name) {
  (void)kind;
  (void)name;
  PROBE(mark, .kind = (uint8_t)kind, .name = name ? name : "");
}

void lazuli_mark(const char* name) {
  mark_send(LAZULI_MARK_POINT, name);
}

void lazuli_region_begin(const char* name) {
  mark_send(LAZULI_MARK_REGION_BEGIN, name);
}

void lazuli_region_end(void) {
  mark_send(LAZULI_MARK_REGION_END, "");
}
