#include "record_source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lazuli/probe.h"

/* The text of a span, and the line before it begins. */
static bool source_read(
    const char* path,
    const record_span* span,
    char* text,
    size_t text_size,
    char* before,
    size_t before_size) {
  FILE* f = fopen(path, "re");
  char* line = NULL;
  size_t room = 0, used = 0;
  if (!f) return false;
  text[0] = before[0] = '\0';
  for (int number = 1; number <= span->end_line; number++) {
    ssize_t length = getline(&line, &room, f);
    if (length < 0) break;
    if (number < span->line) continue;
    size_t from = 0, to = (size_t)length;
    if (number == span->line) {
      from = (size_t)span->column < to ? (size_t)span->column : to;
      snprintf(before, before_size, "%.*s", (int)from, line);
    }
    if (number == span->end_line && (size_t)span->end_column < to)
      to = (size_t)span->end_column;
    if (to < from) to = from;
    if (used + (to - from) >= text_size) to = from + text_size - 1 - used;
    memcpy(text + used, line + from, to - from);
    used += to - from;
    text[used] = '\0';
  }
  free(line);
  fclose(f);
  return used > 0;
}

static const struct {
  const char* name;
  uint8_t trigger;
} calls[] = {
#define CALL(name, trigger) {name, LAZULI_TRIGGER_##trigger},
#include "record_python.def"
#undef CALL
};

static bool source_is_name(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

/* What calling the name is for; 0: not known. Of a branch only the
 * interpreter's own functions: methods of the same name compute. */
static uint8_t source_called(const char* name, size_t length, bool attribute) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (strlen(calls[i].name) == length &&
        memcmp(calls[i].name, name, length) == 0 &&
        !(attribute && calls[i].trigger == LAZULI_TRIGGER_CONTROL_FLOW))
      return calls[i].trigger;
  return 0;
}

/* By the name before the last parentheses: "item" of "f(x).item()". */
static uint8_t source_callee(const char* text) {
  size_t end = strlen(text);
  int depth = 0;
  while (end && isspace((unsigned char)text[end - 1])) end--;
  if (!end || text[end - 1] != ')') return 0;
  while (end) {
    char c = text[--end];
    if (c == ')' || c == ']') depth++;
    if (c == '(' || c == '[') depth--;
    if (depth == 0) break;
  }
  while (end && isspace((unsigned char)text[end - 1])) end--;
  size_t begin = end;
  while (begin && source_is_name(text[begin - 1])) begin--;
  return source_called(
      text + begin, end - begin, begin && text[begin - 1] == '.');
}

/* The last word before the expression, and the last other character. */
static bool source_follows(const char* before, const char* word) {
  size_t end = strlen(before), length = strlen(word);
  while (end &&
         (isspace((unsigned char)before[end - 1]) || before[end - 1] == '('))
    end--;
  return end >= length && memcmp(before + end - length, word, length) == 0 &&
         (end == length || !source_is_name(before[end - length - 1]));
}

/* Whether the text begins with one of the words. */
static bool source_begins(const char* text, const char* const* words) {
  for (; *words; words++) {
    size_t length = strlen(*words);
    if (strncmp(text, *words, length) == 0 && !source_is_name(text[length]))
      return true;
  }
  return false;
}

/* Whether one of the words stands in the text at a depth of brackets, outside
 * of strings. */
static bool source_holds(
    const char* text, int wanted, const char* const* words) {
  int depth = 0;
  for (const char* p = text; *p; p++) {
    if (*p == '"' || *p == '\'') {
      const char* end = strchr(p + 1, *p);
      if (!end) return false;
      p = end;
    } else if (strchr("([{", *p)) {
      depth++;
    } else if (strchr(")]}", *p)) {
      depth--;
    } else if (
        depth == wanted && p > text && !source_is_name(p[-1]) &&
        source_begins(p, words)) {
      return true;
    }
  }
  return false;
}

/* What takes an array's truth may be marked as a whole: the statement, the
 * conditional expression, the comprehension. */
static bool source_branches(const char* text) {
  static const char* const statements[] = {
      "if", "elif", "while", "assert", "not", NULL};
  static const char* const joints[] = {"and", "or", "if", "in", NULL};
  static const char* const filter[] = {"if", NULL};
  return source_begins(text, statements) || source_holds(text, 0, joints) ||
         (strchr("([{", text[0]) && source_holds(text, 1, filter));
}

/* An f-string with a field begins in the text. */
static bool source_has_field(const char* text) {
  for (const char* p = text; (p = strpbrk(p, "fF")); p++)
    if ((p[1] == '"' || p[1] == '\'') &&
        (p == text || !source_is_name(p[-1])) && strchr(p, '{'))
      return true;
  return false;
}

/* f"{x}", of which the text is the string or the field in it, with its braces
 * or without; "%f" % x. */
static bool source_formats(const char* text, const char* before) {
  const size_t n = strlen(before);
  if ((n && before[n - 1] == '{') || (text[0] == '{' && strpbrk(before, "\"'")))
    return true;
  const bool f = text[0] == 'f' || text[0] == 'F';
  return (text[f] == '"' || text[f] == '\'') && (f || strchr(text, '%'));
}

static uint8_t source_judge(
    const char* text, const char* before, uint8_t otherwise) {
  static const char* const branches[] = {
      "if", "elif", "while", "assert", "not", "and", "or"};
  if (source_branches(text)) return LAZULI_TRIGGER_CONTROL_FLOW;
  const uint8_t called = source_callee(text);
  if (called) return called;
  if (source_formats(text, before)) return LAZULI_TRIGGER_PRINT;
  for (size_t i = 0; i < sizeof branches / sizeof *branches; i++)
    if (source_follows(before, branches[i])) return LAZULI_TRIGGER_CONTROL_FLOW;
  return otherwise;
}

/* Without columns (Python 3.10): what the whole line holds. */
static uint8_t source_judge_line(const char* line, uint8_t otherwise) {
  static const char* const statements[] = {
      "if", "elif", "while", "assert", NULL};
  const bool branch = source_begins(line + strspn(line, " \t"), statements);
  /* What comes first in the table is inside of what comes later. */
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    const size_t length = strlen(calls[i].name);
    if (branch && calls[i].trigger == LAZULI_TRIGGER_PRINT) break;
    for (const char* p = line; (p = strstr(p, calls[i].name)); p += length)
      if (p[length] == '(' && (p == line || !source_is_name(p[-1])) &&
          source_called(p, length, p > line && p[-1] == '.'))
        return calls[i].trigger;
  }
  static const char* const joints[] = {"and", "or", "if", "not", NULL};
  if (branch || source_holds(line, 0, joints))
    return LAZULI_TRIGGER_CONTROL_FLOW;
  return source_has_field(line) ? LAZULI_TRIGGER_PRINT : otherwise;
}

uint8_t record_source_judge(
    const char* path,
    const record_span* span,
    bool columns,
    uint8_t otherwise) {
  char text[2048], before[1024];
  if (!source_read(path, span, text, sizeof text, before, sizeof before))
    return otherwise;
  return columns ? source_judge(text, before, otherwise)
                 : source_judge_line(text, otherwise);
}
