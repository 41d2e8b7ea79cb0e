/* An SQLite database: the tables, an index where they refer to one another, and
 * views that join what people ask for first. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "export.h"
#include "tables.h"
#include "text.h"

typedef struct sqlite_sink {
  tables_sink base;
  sqlite3_stmt* insert;
  int at; /* the next cell */
} sqlite_sink;

static void sqlite_number(tables_sink* base, uint64_t value) {
  sqlite_sink* sink = (sqlite_sink*)base;
  sqlite3_bind_int64(sink->insert, sink->at++, (sqlite3_int64)value);
}

static void sqlite_text(tables_sink* base, const char* text) {
  sqlite_sink* sink = (sqlite_sink*)base;
  char room[2048];
  sqlite3_bind_text(
      sink->insert,
      sink->at++,
      text_utf8(room, sizeof room, text),
      -1,
      SQLITE_TRANSIENT);
}

static void sqlite_null(tables_sink* base) {
  sqlite_sink* sink = (sqlite_sink*)base;
  sqlite3_bind_null(sink->insert, sink->at++);
}

static int sqlite_do(sqlite3* db, const char* sql) {
  return sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK;
}

static int sqlite_table(sqlite3* db, const model* m, const tables_table* t) {
  char create[2048], insert[1024];
  int c = snprintf(
      create,
      sizeof create,
      "CREATE TABLE %s (row INTEGER PRIMARY KEY",
      t->name);
  int n = snprintf(insert, sizeof insert, "INSERT INTO %s VALUES (?", t->name);
  for (uint32_t i = 0; i < t->n_columns; i++) {
    c += snprintf(
        create + c,
        sizeof create - (size_t)c,
        ", \"%s\" %s",
        t->columns[i].name,
        tables_is_text(t->columns[i].kind) ? "TEXT" : "INTEGER");
    n += snprintf(insert + n, sizeof insert - (size_t)n, ",?");
  }
  snprintf(create + c, sizeof create - (size_t)c, ")");
  snprintf(insert + n, sizeof insert - (size_t)n, ")");
  sqlite_sink sink = {{sqlite_number, sqlite_text, sqlite_null}, NULL, 1};
  if (sqlite_do(db, create) ||
      sqlite3_prepare_v2(db, insert, -1, &sink.insert, NULL) != SQLITE_OK)
    return 1;
  int failed = 0;
  uint32_t rows = t->rows(m);
  for (uint32_t i = 0; i < rows && !failed; i++) {
    sink.at = 1;
    sqlite_number(&sink.base, i);
    t->row(m, i, &sink.base);
    failed = sqlite3_step(sink.insert) != SQLITE_DONE;
    failed |= sqlite3_reset(sink.insert) != SQLITE_OK;
  }
  sqlite3_finalize(sink.insert);
  return failed;
}

static const char sqlite_views[] =
    "CREATE INDEX nodes_eval ON nodes (eval);"
    "CREATE INDEX nodes_kernel ON nodes (kernel);"
    "CREATE INDEX kernels_eval ON kernels (eval);"
    "CREATE INDEX edges_consumer ON edges (consumer);"
    "CREATE INDEX edges_array ON edges (array);"
    "CREATE INDEX frames_stack ON frames (stack);"
    "CREATE VIEW eval_lines AS SELECT file, line, trigger, count(*) AS evals,"
    " sum(nodes) AS nodes, sum(kernels) AS kernels,"
    " sum(end_ns - begin_ns) AS total_ns FROM evals"
    " GROUP BY file, line, trigger ORDER BY total_ns DESC;"
    "CREATE VIEW kernel_names AS SELECT name, count(*) AS count,"
    " sum(end_ns - begin_ns) AS total_ns, sum(bytes_read) AS bytes_read,"
    " sum(bytes_written) AS bytes_written, sum(flops) AS flops"
    " FROM kernels GROUP BY name ORDER BY total_ns DESC;"
    "CREATE VIEW alive_at_peak AS SELECT b.size, n.op, n.file, n.line,"
    " a.shape, a.dtype FROM buffers b LEFT JOIN arrays a ON a.row = b.\"array\""
    " LEFT JOIN nodes n ON n.row = a.node,"
    " (SELECT time_ns AS t FROM memory ORDER BY active DESC, row LIMIT 1)"
    " WHERE b.born_ns <= t AND (b.died_ns IS NULL OR b.died_ns > t)"
    " ORDER BY b.size DESC;"
    "CREATE VIEW refusal_lines AS SELECT r.reason, sum(r.bytes) AS bytes,"
    " count(*) AS count, p.op AS producer, p.file AS producer_file,"
    " p.line AS producer_line, c.op AS consumer, c.file AS consumer_file,"
    " c.line AS consumer_line FROM refusals r"
    " LEFT JOIN nodes p ON p.row = r.producer"
    " LEFT JOIN nodes c ON c.row = r.consumer"
    " GROUP BY r.reason, p.file, p.line, c.file, c.line ORDER BY bytes DESC;";

static int sqlite_run(sqlite3* db, const export_job* job) {
  const model* m = job->m;
  uint32_t n;
  const tables_table* all = tables(&n);
  if (sqlite_do(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;") ||
      sqlite_do(db, "BEGIN"))
    return 1;
  char* about = sqlite3_mprintf(
      "CREATE TABLE run (executable TEXT, arguments TEXT, runtime TEXT,"
      " pid INTEGER, duration_ns INTEGER, realtime_ns INTEGER,"
      " finished INTEGER);"
      "INSERT INTO run VALUES (%Q, %Q, %Q, %u, %lld, %lld, %d);",
      model_string(m, m->info.executable),
      model_string(m, m->info.arguments),
      model_string(m, m->info.runtime),
      m->info.pid,
      (long long)m->info.duration_ns,
      (long long)m->info.realtime_ns,
      m->info.finished);
  int failed = !about || sqlite_do(db, about);
  sqlite3_free(about);
  for (uint32_t i = 0; i < n && !failed; i++)
    failed = sqlite_table(db, m, &all[i]);
  return failed || sqlite_do(db, sqlite_views) || sqlite_do(db, "COMMIT");
}

int export_sqlite(const export_job* job) {
  if (!strcmp(job->path, "-"))
    return export_fail(job, "a database needs a file: -o FILE");
  if (unlink(job->path) && errno != ENOENT)
    return export_fail(job, "%s: %s", job->path, strerror(errno));
  sqlite3* db = NULL;
  int failed = sqlite3_open(job->path, &db) != SQLITE_OK || sqlite_run(db, job);
  if (failed)
    export_fail(
        job,
        "%s: %s",
        job->path,
        db ? sqlite3_errmsg(db) : "not enough memory");
  if (sqlite3_close(db) != SQLITE_OK && !failed)
    failed = export_fail(job, "%s: it cannot be written", job->path);
  return failed;
}
