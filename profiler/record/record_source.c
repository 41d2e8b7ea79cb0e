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

/* The name before the last parentheses of a call: "item" of "f(x).item()". */
static bool source_callee(const char* text, char* out, size_t size) {
  size_t end = strlen(text);
  int depth = 0;
  while (end && isspace((unsigned char)text[end - 1])) end--;
  if (!end || text[end - 1] != ')') return false;
  while (end) {
    char c = text[--end];
    if (c == ')' || c == ']') depth++;
    if (c == '(' || c == '[') depth--;
    if (depth == 0) break;
  }
  while (end && isspace((unsigned char)text[end - 1])) end--;
  size_t begin = end;
  while (begin && source_is_name(text[begin - 1])) begin--;
  if (begin == end || end - begin >= size) return false;
  memcpy(out, text + begin, end - begin);
  out[end - begin] = '\0';
  return true;
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

static uint8_t source_judge(
    const char* text, const char* before, uint8_t otherwise) {
  static const char* const branches[] = {
      "if", "elif", "while", "assert", "not", "and", "or"};
  char callee[64];
  if (source_callee(text, callee, sizeof callee))
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
      if (strcmp(calls[i].name, callee) == 0) return calls[i].trigger;
  for (size_t i = 0; i < sizeof branches / sizeof *branches; i++)
    if (source_follows(before, branches[i])) return LAZULI_TRIGGER_CONTROL_FLOW;
  /* f"{x}": the text is the string, or the field in it. */
  size_t n = strlen(before);
  if ((n && before[n - 1] == '{') || ((text[0] == 'f' || text[0] == 'F') &&
                                      (text[1] == '"' || text[1] == '\'')))
    return LAZULI_TRIGGER_PRINT;
  if (strncmp(text, "not ", 4) == 0) return LAZULI_TRIGGER_CONTROL_FLOW;
  return otherwise;
}

/* Without columns (Python 3.10): what the whole line holds. */
static uint8_t source_judge_line(const char* line, uint8_t otherwise) {
  size_t at = strspn(line, " \t");
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    const char* hit = strstr(line, calls[i].name);
    size_t length = strlen(calls[i].name);
    if (hit && hit[length] == '(' && (hit == line || !source_is_name(hit[-1])))
      return calls[i].trigger;
  }
  if (strncmp(line + at, "if ", 3) == 0 ||
      strncmp(line + at, "elif ", 5) == 0 ||
      strncmp(line + at, "while ", 6) == 0 ||
      strncmp(line + at, "assert ", 7) == 0)
    return LAZULI_TRIGGER_CONTROL_FLOW;
  return otherwise;
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
