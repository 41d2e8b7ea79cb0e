/* What expressions of Python are read as, with columns and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lazuli/probe.h"
#include "record_run.h"
#include "record_source.h"

#define OTHERWISE 99

/* `text` with the expression between «». */
static uint8_t judge(const char* text, bool columns) {
  char line[256] = "";
  record_span span = {.line = 2, .end_line = 2};
  const char* begin = strstr(text, "«");
  const char* end = strstr(text, "»");
  assert_non_null(begin);
  assert_non_null(end);
  strncat(line, text, (size_t)(begin - text));
  span.column = (int)strlen(line);
  strncat(line, begin + 2, (size_t)(end - begin - 2));
  span.end_column = (int)strlen(line);
  strcat(line, end + 2);
  FILE* f = fopen("source.py", "w");
  assert_non_null(f);
  fprintf(f, "# first line: print(x)\n%s\n# last line: if x:\n", line);
  fclose(f);
  if (!columns) span.column = 0, span.end_column = 10000;
  return record_source_judge("source.py", &span, columns, OTHERWISE);
}

static const struct {
  const char* text;
  uint8_t trigger, whole_line;
} lines[] = {
#define CASE(text, trigger, whole_line) \
  { text, LAZULI_TRIGGER_##trigger, LAZULI_TRIGGER_##whole_line }
    CASE("v = «x.item()»", ITEM, ITEM),
    CASE("v = «model(f(x), (1, 2)).item()» + 1", ITEM, ITEM),
    CASE("v = «float(loss.sum())»", ITEM, ITEM),
    CASE("n = «np.array(x)»", CONVERT, CONVERT),
    CASE("n = «(a / 2).tolist()»", CONVERT, CONVERT),
    CASE("«print(x, file=f)»", PRINT, PRINT),
    CASE("t = f\"loss {«loss»:.3f}\"", PRINT, PRINT),
    CASE("t = f\"loss «{loss:.3f}»\"", PRINT, PRINT),
    CASE("t = f\"loss «{x.max()}» of\"", PRINT, PRINT),
    CASE("t = «f'{loss}'»", PRINT, PRINT),
    CASE("y = «x.max()»", UNKNOWN, UNKNOWN),
    CASE("y = «{'a': x}»", UNKNOWN, UNKNOWN),
    CASE("if «x > 0»:", CONTROL_FLOW, CONTROL_FLOW),
    CASE("  while «x»:", CONTROL_FLOW, CONTROL_FLOW),
    CASE("  elif «mx.isnan(x)»:", CONTROL_FLOW, CONTROL_FLOW),
    CASE("assert «x»", CONTROL_FLOW, CONTROL_FLOW),
    CASE("y = a and «x»", CONTROL_FLOW, CONTROL_FLOW),
    CASE("y = 1 if «x» else 2", CONTROL_FLOW, CONTROL_FLOW),
    CASE("y = not «x»", CONTROL_FLOW, CONTROL_FLOW),
    /* The whole of what branches is marked. */
    CASE("«if mx.any(x): print(x)»", CONTROL_FLOW, CONTROL_FLOW),
    CASE("«if x.all(): y = 3»", CONTROL_FLOW, CONTROL_FLOW),
    CASE("«while mx.any(x): f()»", CONTROL_FLOW, CONTROL_FLOW),
    CASE("«assert mx.all(x), 'no'»", CONTROL_FLOW, CONTROL_FLOW),
    CASE("y = «3 if f(x) else float(4)»", CONTROL_FLOW, ITEM),
    CASE("y = «f(x) and 3»", CONTROL_FLOW, CONTROL_FLOW),
    CASE("y = «[i for i in n if (x > i).f()]»", CONTROL_FLOW, UNKNOWN),
    CASE("y = «x.f() in (a, b)»", CONTROL_FLOW, UNKNOWN),
    CASE("y = «f(a if b else x)»", UNKNOWN, UNKNOWN),
    CASE("y = «f('this or that', x)»", UNKNOWN, UNKNOWN),
    CASE("y = «f(x, \"if (it's\")»", UNKNOWN, UNKNOWN),
    CASE("t = f\"{«x.item()»:.3f}\"", ITEM, ITEM),
    CASE("t = «'%.2f' % x»", PRINT, UNKNOWN),
    CASE("y = «max(a, x)»", CONTROL_FLOW, CONTROL_FLOW),
    CASE("«mx.save('a.npy', x)»", SAVE, SAVE),
    CASE("«mx.eval(x)»", EVAL, EVAL),
    /* Nothing that is known. */
    CASE("y = «x»", UNKNOWN, UNKNOWN),
    CASE("y = «notify(x)»", UNKNOWN, UNKNOWN),
    CASE("y = «orders[x]»", UNKNOWN, UNKNOWN),
    CASE("iffy = «x»", UNKNOWN, UNKNOWN),
};

static void test_lines(void** state) {
  (void)state;
  run_begin();
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    for (int columns = 0; columns < 2; columns++) {
      uint8_t want = columns ? lines[i].trigger : lines[i].whole_line;
      uint8_t got = judge(lines[i].text, columns);
      if (want == LAZULI_TRIGGER_UNKNOWN) want = OTHERWISE;
      if (got != want)
        fail_msg(
            "%s%s: %u, not %u",
            lines[i].text,
            columns ? "" : " (whole line)",
            got,
            want);
    }
  run_end();
}

static void test_no_file(void** state) {
  (void)state;
  record_span span = {1, 0, 1, 5};
  assert_int_equal(
      record_source_judge("/no/such.py", &span, true, OTHERWISE), OTHERWISE);
  run_begin();
  span.line = span.end_line = 50;
  fclose(fopen("empty.py", "w"));
  assert_int_equal(
      record_source_judge("empty.py", &span, true, OTHERWISE), OTHERWISE);
  run_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lines), cmocka_unit_test(test_no_file)};
  return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
