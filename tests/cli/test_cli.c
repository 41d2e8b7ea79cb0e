#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "build_trace.h"
#include "cli_run.h"
#include "lazuli/probe.h"

/* Sanitizers make processes slow. */
#ifdef __SANITIZE_ADDRESS__
enum { LARGE = 3000, TURNS = 12 };
#else
enum { LARGE = 20000, TURNS = 60 };
#endif

/* Sizes of files depend on how the writer cuts its chunks, and versions on the
 * day: not what these tests are about. */
static void settle(char* text) {
  for (char* at = text; (at = strstr(at, " · file ")); at++) {
    char* end = strchr(at, '\n');
    if (end) memmove(at, end, strlen(end) + 1);
  }
  for (char* at = text; (at = strstr(at, "\"file_bytes\":")); at++) {
    char* end = strchr(at, '\n');
    if (end) memmove(at, end, strlen(end) + 1);
  }
}

static void golden(const char* name, const char* arguments) {
  cli_result r = cli_run(arguments);
  assert_string_equal(r.err, "");
  assert_int_equal(r.status, 0);
  settle(r.out);
  char path[512];
  snprintf(path, sizeof path, "%s/%s", LAZULI_GOLDEN, name);
  if (getenv("LAZULI_UPDATE_GOLDEN")) {
    cli_write(path, r.out, strlen(r.out));
  } else {
    char* expected = cli_read(path, NULL);
    if (!expected) fail_msg("%s is missing", path);
    if (strcmp(expected, r.out) != 0) {
      size_t at = strspn(expected, ""), line = 1;
      while (expected[at] == r.out[at]) line += expected[at++] == '\n';
      fail_msg(
          "%s differs in line %zu:\n--- expected\n%.200s\n--- found\n%.200s",
          name,
          line,
          expected + at,
          r.out + at);
    }
    free(expected);
  }
  cli_result_free(&r);
}

static void test_golden(void** state) {
  (void)state;
  golden("chain.txt", "report chain.lzt --blame");
  golden("chain.json", "report --json chain.lzt");
  golden("training.txt", "report training.lzt");
  golden("training-evals.txt", "report --evals --top 3 training.lzt");
  golden("training-colour.txt", "report --color always training.lzt");
  golden("training-shapes.txt", "report --shapes --top 5 training.lzt");
  golden("training.json", "report --json training.lzt");
  golden("killed.txt", "report killed.lzt");
  golden("odd.txt", "report --blame odd.lzt");
  golden("odd.json", "report --json odd.lzt");
  golden("chain.dot", "dot chain.lzt");
  golden("training-eval-2.dot", "dot --eval 2 --by bytes training.lzt");
  golden("odd.dot", "dot --by dtype odd.lzt");
}

/* Limits that hold, that do not, and that are none. */
static void test_check(void** state) {
  (void)state;
  static const struct {
    const char* limits;
    int status;
    const char* told; /* on either output */
  } cases[] = {
      {"evals=6 peak<=17MiB recompiles<=9", 1, "BROKEN  peak"},
      {"evals=6 peak<=18MiB recompiles<=9 eval_time<=1s", 0, "ok      peak"},
      {"evals<=6 evals<=5", 1, "1 of 2 limits do not hold"},
      {"eval<=6", 2, "the name of no figure"},
      {"evals>=6", 2, "'<=' or '='"},
      {"peak<=6ms", 2, "no number of this figure's unit"},
      {"peak<=-1", 2, "no number"},
      {"evals<=", 2, "no number"},
      {"", 2, "no limit given"},
      {"--update", 2, "--update needs --lock FILE"},
      {"--lock none.lock", 2, "none.lock"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char command[256];
    snprintf(command, sizeof command, "check training.lzt %s", cases[i].limits);
    cli_result r = cli_run(command);
    assert_int_equal(r.status, cases[i].status);
    if (!strstr(r.out, cases[i].told) && !strstr(r.err, cases[i].told))
      fail_msg(
          "%s: not told '%s':\n%s%s", command, cases[i].told, r.out, r.err);
    cli_result_free(&r);
  }
}

/* What one run writes the next is held to; another trace breaks it. */
static void test_lock(void** state) {
  (void)state;
  cli_result r = cli_run("check --lock run.lock --update training.lzt");
  assert_int_equal(r.status, 0);
  cli_result_free(&r);
  r = cli_run("check --lock run.lock training.lzt");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.out, "ok      kernels"));
  assert_null(strstr(r.out, "BROKEN"));
  cli_result_free(&r);
  r = cli_run("check chain.lzt --lock run.lock");
  assert_int_equal(r.status, 1);
  assert_non_null(strstr(r.out, "BROKEN"));
  cli_result_free(&r);
  cli_write("bad.lock", "# fine\nevals <= 9 # so far\n\nkernels < 3\n", 40);
  r = cli_run("check --lock bad.lock training.lzt");
  assert_int_equal(r.status, 2);
  assert_non_null(strstr(r.err, "bad.lock:4: "));
  cli_result_free(&r);
}

static void test_diff(void** state) {
  (void)state;
  golden("diff.txt", "diff --top 4 chain.lzt training.lzt");
  cli_result r = cli_run("diff training.lzt training.lzt");
  assert_int_equal(r.status, 0);
  if (strstr(r.out, "1 changed") || !strstr(r.out, "none changed"))
    fail_msg("a trace differs from itself:\n%s", r.out);
  cli_result_free(&r);
  r = cli_run("diff training.lzt");
  assert_int_equal(r.status, 2);
  cli_result_free(&r);
  r = cli_run("diff training.lzt none.lzt");
  assert_int_equal(r.status, 1);
  assert_non_null(strstr(r.err, "none.lzt"));
  cli_result_free(&r);
}

/* The keys that others rely on. */
static void test_json(void** state) {
  (void)state;
  cli_result r = cli_run("report --json training.lzt");
  cJSON* root = cJSON_Parse(r.out);
  assert_non_null(root);
  cJSON* evals = cJSON_GetObjectItem(root, "evals");
  assert_int_equal(cJSON_GetArraySize(evals), 6);
  cJSON* eval = cJSON_GetArrayItem(evals, 0);
  assert_string_equal(
      cJSON_GetObjectItem(eval, "trigger")->valuestring, "eval");
  assert_string_equal(
      cJSON_GetObjectItem(eval, "file")->valuestring, "/home/ada/train.c");
  assert_int_equal(cJSON_GetObjectItem(eval, "line")->valueint, 70);
  assert_int_equal(cJSON_GetObjectItem(eval, "nodes")->valueint, 4);
  assert_int_equal(cJSON_GetObjectItem(eval, "kernels")->valueint, 3);
  assert_true(cJSON_IsNumber(cJSON_GetObjectItem(eval, "begin_ns")));
  assert_true(cJSON_IsNumber(cJSON_GetObjectItem(eval, "end_ns")));
  assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "kernels")), 4);
  cJSON* memory = cJSON_GetObjectItem(root, "memory");
  assert_int_equal(
      cJSON_GetObjectItem(memory, "peak_bytes")->valueint, (17 << 20) + 4);
  cJSON* top = cJSON_GetArrayItem(cJSON_GetObjectItem(memory, "at_peak"), 0);
  assert_string_equal(cJSON_GetObjectItem(top, "op")->valuestring, "Subtract");
  assert_int_equal(cJSON_GetObjectItem(top, "bytes")->valueint, 12 << 20);
  assert_int_equal(cJSON_GetObjectItem(top, "line")->valueint, 80);
  assert_non_null(cJSON_GetObjectItem(top, "file"));
  cJSON* fusion = cJSON_GetObjectItem(root, "fusion");
  assert_int_equal(
      cJSON_GetArraySize(cJSON_GetObjectItem(fusion, "groups")), 1);
  assert_int_equal(
      cJSON_GetArraySize(cJSON_GetObjectItem(fusion, "refusals")), 2);
  assert_true(cJSON_IsArray(cJSON_GetObjectItem(root, "findings")));
  cJSON_Delete(root);
  cli_result_free(&r);
  /* Names that are no UTF-8 and 64-bit numbers leave it JSON. */
  r = cli_run("report --json odd.lzt");
  root = cJSON_Parse(r.out);
  assert_non_null(root);
  assert_non_null(strstr(r.out, "18446744073709551615"));
  cJSON_Delete(root);
  cli_result_free(&r);
}

static void test_width(void** state) {
  (void)state;
  for (int columns = 60; columns < 160; columns += 9) {
    char text[8];
    snprintf(text, sizeof text, "%d", columns);
    setenv("COLUMNS", text, 1);
    cli_result r = cli_run("report training.lzt");
    for (char* line = strtok(r.out, "\n"); line; line = strtok(NULL, "\n")) {
      int n = 0;
      for (char* c = line; *c; c++) n += (*c & 0xc0) != 0x80;
      /* Narrow terminals cut what may be cut, and no more. */
      if (columns >= 100) assert_true(n <= columns);
    }
    assert_null(strchr(r.out, '\033'));
    cli_result_free(&r);
  }
  setenv("COLUMNS", "100", 1);
}

/* Graphviz takes what `dot` writes. */
static void test_dot(void** state) {
  (void)state;
  static const char* const traces[] = {"chain", "training", "killed", "odd"};
  for (int i = 0; i < 4; i++) {
    char command[200];
    snprintf(command, sizeof command, "dot -o g.dot %s.lzt", traces[i]);
    cli_result r = cli_run(command);
    assert_int_equal(r.status, 0);
    assert_string_equal(r.out, "");
    cli_result_free(&r);
    assert_int_equal(system("dot -Tsvg g.dot -o g.svg 2> g.err"), 0);
    char* complaint = cli_read("g.err", NULL);
    assert_string_equal(complaint, "");
    free(complaint);
    char* svg = cli_read("g.svg", NULL);
    assert_non_null(strstr(svg, "</svg>"));
    free(svg);
  }
}

static void test_draw(void** state) {
  (void)state;
  static const char* const heads[][2] = {
      {"svg", "<?xml"}, {"png", "\x89PNG"}, {"pdf", "%PDF"}};
  for (int f = 0; f < 3; f++)
    for (int engine = 0; engine < 2; engine++) {
      char command[200], name[32];
      snprintf(name, sizeof name, "p%d.%s", engine, heads[f][0]);
      snprintf(
          command,
          sizeof command,
          "draw --layout %s training.lzt -o %s",
          engine ? "layered" : "graphviz",
          name);
      cli_result r = cli_run(command);
      assert_string_equal(r.err, "");
      assert_int_equal(r.status, 0);
      cli_result_free(&r);
      size_t size = 0;
      char* picture = cli_read(name, &size);
      assert_non_null(picture);
      assert_memory_equal(picture, heads[f][1], strlen(heads[f][1]));
      assert_true(size > 2000);
      if (f == 0) {
        assert_non_null(strstr(picture, "Matmul"));
        assert_non_null(strstr(picture, "eval 6"));
        assert_non_null(strstr(picture, "</svg>"));
      }
      free(picture);
    }
}

/* A graph that Graphviz would take minutes for. */
static void test_draw_large(void** state) {
  (void)state;
  build_large("large.lzt", LARGE);
  cli_result r = cli_run("draw large.lzt -o large.svg");
  assert_string_equal(r.err, "");
  assert_int_equal(r.status, 0);
  cli_result_free(&r);
  char* svg = cli_read("large.svg", NULL);
  uint32_t boxes = 0;
  for (char* at = svg; (at = strstr(at, "<rect")); at++) boxes++;
  assert_true(boxes > LARGE);
  assert_non_null(strstr(svg, "</svg>"));
  free(svg);
  r = cli_run("draw large.lzt -o large.png");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "of its size"));
  cli_result_free(&r);
}

/* One line on stderr, nothing on stdout, and the status. */
static void refused(const char* arguments, int status) {
  cli_result r = cli_run(arguments);
  if (r.status != status)
    fail_msg("lazuli %s: status %d, %s%s", arguments, r.status, r.out, r.err);
  char* end = strchr(r.err, '\n');
  if (!end || end[1]) fail_msg("lazuli %s: not one line: %s", arguments, r.err);
  assert_memory_equal(r.err, "lazuli ", 7);
  cli_result_free(&r);
}

static const char* const readers[] = {
    "report",
    "report --json",
    "dot",
    "draw -o x.svg",
    "draw -o x.png",
    "dump",
    "export --format=html -o x.html"};
#define N_READERS (int)(sizeof readers / sizeof *readers)

static void refused_by_all(const char* path) {
  for (int i = 0; i < N_READERS; i++) {
    char command[200];
    snprintf(command, sizeof command, "%s %s", readers[i], path);
    refused(command, 1);
  }
}

static void test_refused(void** state) {
  (void)state;
  cli_write("empty.lzt", "", 0);
  cli_write(
      "foreign.lzt",
      "\x7f"
      "ELF and so on, long enough to hold a header"
      " of any kind that one could think of, and then some more",
      100);
  refused_by_all("missing.lzt");
  refused_by_all("empty.lzt");
  refused_by_all("foreign.lzt");
  refused_by_all("/tmp");
  size_t size;
  char* good = cli_read("training.lzt", &size);
  cli_write("short.lzt", good, 40);
  refused_by_all("short.lzt");
  cli_write("cut.lzt", good, size / 2);
  refused_by_all("cut.lzt");
  memset(good + 4096 + 80, 0x5a, 1000);
  cli_write("corrupt.lzt", good, size);
  refused_by_all("corrupt.lzt");
  free(good);
}

/* Any byte of a trace may be anything: no crash, and one line if it fails. */
static void test_damaged(void** state) {
  (void)state;
  size_t size;
  char* good = cli_read("training.lzt", &size);
  size_t used = size;
  while (used && !good[used - 1]) used--;
  srand(7);
  for (int i = 0; i < TURNS; i++) {
    char* bad = malloc(size);
    memcpy(bad, good, size);
    for (int k = 0; k < 1 + i % 8; k++)
      bad[(size_t)rand() % used] = (char)rand();
    cli_write("bad.lzt", bad, i % 3 ? size : (size_t)rand() % size);
    free(bad);
    char command[64];
    snprintf(command, sizeof command, "%s bad.lzt", readers[i % N_READERS]);
    cli_result r = cli_run(command);
    if (r.status != 0 && r.status != 1)
      fail_msg("turn %d: status %d: %s", i, r.status, r.err);
    if (r.status == 1) assert_true(strlen(r.err) > 8);
    cli_result_free(&r);
  }
  free(good);
}

static void test_misused(void** state) {
  (void)state;
  refused("report", 2);
  refused("report --nonsense training.lzt", 2);
  refused("report training.lzt chain.lzt", 2);
  refused("dot --by colour training.lzt", 2);
  refused("dot --eval two training.lzt", 2);
  refused("dot --eval 99 training.lzt", 1);
  refused("draw training.lzt", 2);
  refused("export training.lzt -o x", 2);
  refused("export --format=sqlite training.lzt", 2);
  refused("export --format=word training.lzt -o x", 2);
  refused("export --format=sqlite training.lzt -o -", 1);
  refused("draw training.lzt -o picture.gif", 1);
  refused("draw training.lzt -o /nowhere/p.svg", 1);
  refused("draw training.lzt -o /nowhere/p.png --layout layered", 1);
  refused("draw training.lzt -o /nowhere/p.svg --layout layered", 1);
  refused("draw training.lzt -o /nowhere/p.pdf --layout layered", 1);
  refused("dot training.lzt -o /nowhere/p.dot", 1);
}

/* Every command answers --help with its usage. */
static void test_help(void** state) {
  (void)state;
  static const char* const commands[] = {
#define COMMAND(name, function, summary) #name,
#include "commands.def"
#undef COMMAND
  };
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    char command[64], usage[64];
    snprintf(command, sizeof command, "%s --help", commands[i]);
    cli_result r = cli_run(command);
    assert_int_equal(r.status, 0);
    snprintf(usage, sizeof usage, "usage: lazuli");
    assert_memory_equal(r.out, usage, strlen(usage));
    cli_result_free(&r);
  }
}

/* Each command has a page, and each option its help names stands in it. */
static void test_pages(void** state) {
  (void)state;
  static const char* const commands[] = {
#define COMMAND(name, function, summary) #name,
#include "commands.def"
#undef COMMAND
  };
  char* all = cli_read(LAZULI_MAN "/lazuli.1", NULL);
  assert_non_null(all);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    if (!strcmp(commands[i], "help")) continue;
    char path[512], command[64], word[64];
    snprintf(word, sizeof word, "lazuli-%s 1", commands[i]);
    if (!strstr(all, word)) fail_msg("lazuli.1 does not name %s", word);
    snprintf(path, sizeof path, LAZULI_MAN "/lazuli-%s.1", commands[i]);
    char* page = cli_read(path, NULL);
    if (!page) fail_msg("%s is missing", path);
    snprintf(command, sizeof command, "%s --help", commands[i]);
    cli_result r = cli_run(command);
    for (char* at = r.out; (at = strstr(at, "\n  -")); at++) {
      char option[32];
      sscanf(at, "\n  -%31[a-z-]", option);
      snprintf(word, sizeof word, "Fl %s", option);
      if (!strstr(page, word))
        fail_msg("%s does not tell of -%s", path, option);
    }
    cli_result_free(&r);
    free(page);
  }
  free(all);
}

/* A loop of evaluations that a runtime tells of without its kernels, or with
 * none in them. */
static char* without_kernels(const char* coverage) {
  build b = build_begin("blind.lzt");
  const trace_runtime runtime = {
      .kind = 2,
      .path = {"libmlx.so", 9},
      .version = {"0.30.0", 6},
      .coverage = {coverage, (uint32_t)strlen(coverage)}};
  trace_put_runtime(b.w, build_time(&b), &runtime);
  const uint32_t line = build_stack(&b, "/home/ada/train.py", 7, "step");
  for (int i = 0; i < 30; i++) {
    uint64_t node = build_node(&b, "Add", line, 2, 2, NULL);
    uint64_t eval = build_eval(&b, LAZULI_TRIGGER_EVAL, line, node);
    build_step(&b, 1000000);
    build_eval_end(&b, eval, 1, 0);
  }
  build_finish(&b, 0);
  cli_result r = cli_run("report blind.lzt");
  assert_int_equal(r.status, 0);
  char* out = strdup(r.out);
  cli_result_free(&r);
  return out;
}

/* What a runtime cannot tell is not taken for nothing. */
static void test_not_told(void** state) {
  (void)state;
  char* told = without_kernels("rewrite");
  assert_non_null(strstr(told, "in a tight loop"));
  assert_null(strstr(told, "KERNELS"));
  free(told);
  char* not = without_kernels("rewrite,kernel-begin,kernel-end");
  assert_null(strstr(not, "in a tight loop"));
  assert_null(strstr(not, "in kernels"));
  assert_non_null(strstr(not, "KERNELS  not told by this version"));
  free(not );
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  cli_run_begin(argv[1]);
  build_chain("chain.lzt");
  build_training("training.lzt");
  build_killed("killed.lzt");
  build_odd("odd.lzt");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_golden),
      cmocka_unit_test(test_json),
      cmocka_unit_test(test_check),
      cmocka_unit_test(test_lock),
      cmocka_unit_test(test_diff),
      cmocka_unit_test(test_width),
      cmocka_unit_test(test_dot),
      cmocka_unit_test(test_draw),
      cmocka_unit_test(test_draw_large),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_misused),
      cmocka_unit_test(test_help),
      cmocka_unit_test(test_pages),
      cmocka_unit_test(test_not_told),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  cli_run_end();
  return failed;
}
