/* Each exporter's file, read back by what it is for. */
#include <cjson/cJSON.h>
#include <dirent.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "build_trace.h"
#include "export.h"
#include "graph.h"
#include "tables.h"

static char directory[] = "/tmp/lazuli-export-XXXXXX";

typedef struct loaded {
  model* m;
  summary* s;
  findings found;
} loaded;

static loaded load(void (*story)(const char*)) {
  char error[256] = "";
  loaded l = {0};
  story("t.lzt");
  l.m = model_load("t.lzt", NULL, error, sizeof error);
  if (!l.m) fail_msg("%s", error);
  l.s = summary_new(l.m);
  assert_non_null(l.s);
  assert_int_equal(rules_find(l.m, l.s, &l.found), 0);
  return l;
}

static void unload(loaded* l) {
  rules_free(&l->found);
  summary_free(l->s);
  model_free(l->m);
}

static void run(const loaded* l, const char* format, const char* path) {
  char error[256] = "";
  const exporter* to = exporter_find(format);
  assert_non_null(to);
  export_job job = {l->m, l->s, &l->found, path, error, sizeof error};
  if (to->run(&job)) fail_msg("%s: %s", format, error);
}

static char* slurp(const char* path) {
  FILE* in = fopen(path, "rb");
  assert_non_null(in);
  fseek(in, 0, SEEK_END);
  long n = ftell(in);
  rewind(in);
  char* text = malloc((size_t)n + 1);
  assert_int_equal(fread(text, 1, (size_t)n, in), n);
  text[n] = 0;
  fclose(in);
  return text;
}

static void (*const stories[])(const char*) = {
    build_chain, build_training, build_killed, build_odd};
enum { STORIES = sizeof stories / sizeof *stories };

static void test_chrome(void** state) {
  (void)state;
  for (int i = 0; i < STORIES; i++) {
    loaded l = load(stories[i]);
    run(&l, "chrome", "out");
    char* text = slurp("out");
    cJSON* root = cJSON_Parse(text);
    assert_non_null(root);
    cJSON* events = cJSON_GetObjectItem(root, "traceEvents");
    uint32_t evals = 0, kernels = 0, ran = 0, starts = 0, finishes = 0;
    const cJSON* e;
    cJSON_ArrayForEach(e, events) {
      const char* phase = cJSON_GetObjectItem(e, "ph")->valuestring;
      const cJSON* category = cJSON_GetObjectItem(e, "cat");
      starts += *phase == 's';
      finishes += *phase == 'f';
      if (*phase != 'X') continue;
      assert_true(cJSON_GetObjectItem(e, "ts")->valuedouble >= 0);
      assert_true(cJSON_GetObjectItem(e, "dur")->valuedouble >= 0);
      evals += !strcmp(category->valuestring, "eval");
      kernels += !strcmp(category->valuestring, "kernel");
    }
    for (uint32_t k = 0; k < l.m->n_kernels; k++)
      ran += l.m->kernels[k].begin_ns != UINT64_MAX;
    assert_int_equal(evals, l.m->n_evals);
    assert_int_equal(kernels, ran);
    assert_int_equal(starts, l.m->n_evals);
    assert_true(finishes <= starts);
    cJSON_Delete(root);
    free(text);
    unload(&l);
  }
}

/* Weights add up to what was measured, and every line has its form. */
static uint64_t folded_sum(const char* path) {
  char* text = slurp(path);
  uint64_t sum = 0;
  for (char* line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    char* blank = strrchr(line, ' ');
    assert_non_null(blank);
    assert_true(blank > line);
    char* end;
    sum += strtoull(blank + 1, &end, 10);
    assert_int_equal(*end, 0);
  }
  free(text);
  return sum;
}

static void test_folded(void** state) {
  (void)state;
  for (int i = 0; i < STORIES; i++) {
    loaded l = load(stories[i]);
    run(&l, "folded", "out");
    assert_int_equal(folded_sum("out"), l.s->kernel_ns);
    run(&l, "folded-trigger", "out");
    assert_int_equal(folded_sum("out"), l.s->kernel_ns);
    model_peak peak;
    assert_int_equal(model_memory_peak(l.m, &peak), 0);
    run(&l, "folded-peak", "out");
    assert_int_equal(folded_sum("out"), peak.active);
    model_peak_free(&peak);
    unload(&l);
  }
  loaded l = load(build_training);
  run(&l, "folded", "out");
  char* text = slurp("out");
  assert_non_null(strstr(text, "forward (train.c:60);Matmul 600000\n"));
  free(text);
  unload(&l);
}

static int64_t query(sqlite3* db, const char* sql) {
  sqlite3_stmt* s;
  if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  assert_int_equal(sqlite3_step(s), SQLITE_ROW);
  int64_t value = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return value;
}

static void test_sqlite(void** state) {
  (void)state;
  for (int i = 0; i < STORIES; i++) {
    loaded l = load(stories[i]);
    run(&l, "sqlite", "out");
    run(&l, "sqlite", "out"); /* over an old one */
    sqlite3* db;
    assert_int_equal(sqlite3_open("out", &db), SQLITE_OK);
    uint32_t n;
    const tables_table* all = tables(&n);
    for (uint32_t t = 0; t < n; t++) {
      char sql[128];
      snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", all[t].name);
      assert_int_equal(query(db, sql), all[t].rows(l.m));
    }
    query(db, "SELECT count(*) FROM alive_at_peak");
    query(db, "SELECT count(*) FROM eval_lines");
    query(db, "SELECT count(*) FROM refusal_lines");
    sqlite3_close(db);
    unload(&l);
  }
  loaded l = load(build_training);
  run(&l, "sqlite", "out");
  sqlite3* db;
  assert_int_equal(sqlite3_open("out", &db), SQLITE_OK);
  assert_int_equal(
      query(db, "SELECT total_ns FROM kernel_names WHERE name = 'Matmul'"),
      600000);
  assert_int_equal(
      query(db, "SELECT evals FROM eval_lines WHERE line = 81"), 3);
  assert_int_equal(
      query(db, "SELECT sum(size) FROM alive_at_peak"), (17 << 20) + 4);
  assert_int_equal(
      query(
          db,
          "SELECT count(*) FROM edges e JOIN nodes n ON n.row = e.consumer "
          "WHERE n.op = 'Matmul'"),
      6);
  assert_int_equal(
      query(db, "SELECT bytes FROM refusal_lines WHERE reason = 'operation'"),
      6 << 20);
  sqlite3_close(db);
  unload(&l);
}

static void test_csv(void** state) {
  (void)state;
  for (int i = 0; i < STORIES; i++) {
    loaded l = load(stories[i]);
    run(&l, "csv", "tables");
    uint32_t n;
    const tables_table* all = tables(&n);
    for (uint32_t t = 0; t < n; t++) {
      char path[128];
      snprintf(path, sizeof path, "tables/%s.csv", all[t].name);
      char* text = slurp(path);
      /* Records and cells, quotes minded. */
      uint32_t records = 0, cells = 1;
      bool quoted = false;
      for (char* c = text; *c; c++) {
        if (*c == '"') quoted = !quoted;
        if (!quoted && *c == ',') cells++;
        if (!quoted && *c == '\n') {
          assert_int_equal(cells, all[t].n_columns + 1);
          records++;
          cells = 1;
        }
      }
      assert_false(quoted);
      assert_int_equal(records, all[t].rows(l.m) + 1);
      free(text);
    }
    unload(&l);
  }
}

static void test_html(void** state) {
  (void)state;
  for (int i = 0; i < STORIES; i++) {
    loaded l = load(stories[i]);
    run(&l, "html", "out");
    char* text = slurp("out");
    assert_non_null(strstr(text, "</html>"));
    assert_non_null(strstr(text, "Evaluations by line"));
    /* What programs call things does not become markup. */
    assert_null(strstr(text, "<odd>"));
    assert_null(strstr(text, "<b>\n"));
    /* It needs nothing else: the only address is the name of SVG. */
    for (char* at = text; (at = strstr(at, "http")); at++)
      assert_memory_equal(at, "http://www.w3.org/2000/svg", 26);
    assert_null(strstr(text, "src="));
    free(text);
    unload(&l);
  }
  loaded l = load(build_training);
  run(&l, "html", "out");
  char* text = slurp("out");
  assert_non_null(strstr(text, "Multiply+Subtract"));
  assert_non_null(strstr(text, "train.c:70"));
  assert_non_null(strstr(text, "17.0 MiB"));
  free(text);
  unload(&l);
}

static void test_reported(void** state) {
  (void)state;
  loaded l = load(build_chain);
  run(&l, "json", "out");
  char* text = slurp("out");
  cJSON* root = cJSON_Parse(text);
  assert_non_null(root);
  cJSON_Delete(root);
  free(text);
  run(&l, "dot", "out");
  text = slurp("out");
  assert_memory_equal(text, "digraph", 7);
  free(text);
  unload(&l);
}

static void test_cannot(void** state) {
  (void)state;
  loaded l = load(build_chain);
  uint32_t n;
  const exporter* all = exporters(&n);
  for (uint32_t i = 0; i < n; i++) {
    char error[256] = "";
    export_job job = {l.m, l.s, &l.found, "/nowhere/out", error, sizeof error};
    assert_int_equal(all[i].run(&job), 1);
    assert_non_null(strstr(error, "/nowhere/out"));
    if (!strcmp(all[i].name, "csv")) continue;
    /* A full disk is noticed. */
    job.path = "/dev/full";
    if (strcmp(all[i].name, "sqlite") != 0) {
      assert_int_equal(all[i].run(&job), 1);
      assert_non_null(strstr(error, "/dev/full"));
    }
  }
  assert_null(exporter_find("nothing"));
  unload(&l);
}

static void test_graph(void** state) {
  (void)state;
  loaded l = load(build_training);
  graph g;
  assert_int_equal(graph_make(l.m, MODEL_NONE, &g), 0);
  assert_int_equal(g.n_vertices, l.m->n_nodes);
  assert_int_equal(g.n_clusters, 6 + 3);
  uint32_t boundary = 0, outputs = 0;
  for (uint32_t i = 0; i < g.n_edges; i++) boundary += g.edges[i].boundary;
  for (uint32_t i = 0; i < g.n_vertices; i++) outputs += g.vertices[i].output;
  /* The weights go into two nodes of the update, and on into the next step. */
  assert_int_equal(boundary, 8);
  assert_int_equal(outputs, 6);
  graph_free(&g);
  uint32_t eval = graph_eval(l.m, 2);
  assert_int_equal(graph_make(l.m, eval, &g), 0);
  assert_int_equal(g.n_clusters, 2);
  assert_int_equal(g.n_vertices, 3);
  assert_int_equal(g.vertices[2].kind, GRAPH_OUTSIDE);
  char lines[GRAPH_LINES][GRAPH_LINE];
  assert_int_equal(graph_label(&g, 2, lines), 3);
  assert_string_equal(lines[0], "Data");
  assert_string_equal(lines[2], "of eval 1");
  graph_free(&g);
  assert_int_equal(graph_eval(l.m, 77), MODEL_NONE);
  unload(&l);
}

int main(void) {
  if (!mkdtemp(directory) || chdir(directory)) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chrome),
      cmocka_unit_test(test_folded),
      cmocka_unit_test(test_sqlite),
      cmocka_unit_test(test_csv),
      cmocka_unit_test(test_html),
      cmocka_unit_test(test_reported),
      cmocka_unit_test(test_cannot),
      cmocka_unit_test(test_graph),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", directory);
  if (chdir("/") || system(command)) return 1;
  return failed;
}
