/* lazuli pack: a trace compressed for keeping, its addresses resolved. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "model.h"
#include "trace.h"

static const char usage[] =
    "usage: lazuli pack [--bare] FILE -o OUT\n"
    "\n"
    "Compresses a trace for keeping or sending, and writes into it what its\n"
    "call stacks are in the source, so that it reads the same where the "
    "traced\n"
    "program is not. Every command reads packed traces as they are. FILE\n"
    "stays; a damaged FILE is refused.\n"
    "\n"
    "  --bare   leave the call stacks as addresses\n";

static void pack_symbol(const model_symbol* s, void* writer) {
  trace_symbol event = {
      .address = s->address,
      .depth = s->depth,
      .function = {s->function, (uint32_t)strlen(s->function)},
      .file = {s->file, (uint32_t)strlen(s->file)},
      .line = s->line};
  trace_put_symbol(writer, 0, &event);
}

/* Writes the symbols of a trace as a trace of definitions. */
static int pack_symbols(
    const char* in, const char* out, char* error, size_t error_size) {
  trace_writer* writer = trace_writer_open(out, NULL);
  if (!writer) {
    snprintf(error, error_size, "%s: %m", out);
    return 1;
  }
  model_load_options options = {.symbol = pack_symbol, .user = writer};
  model* m = model_load(in, &options, error, error_size);
  trace_writer_close(writer);
  model_free(m);
  return m == NULL;
}

static int pack_with_symbols(
    const char* in, const char* out, char* error, size_t error_size) {
  char* symbols = NULL;
  if (asprintf(&symbols, "%s.symbols.%d", out, (int)getpid()) < 0) {
    snprintf(error, error_size, "%s: out of memory", in);
    return 1;
  }
  int failed = pack_symbols(in, symbols, error, error_size) ||
               trace_pack_with(in, symbols, out, error, error_size);
  unlink(symbols);
  free(symbols);
  return failed;
}

int cmd_pack(int argc, char** argv) {
  const char* in = NULL;
  const char* out = NULL;
  bool bare = false;
  if (cli_wants_help(argc, argv)) {
    fputs(usage, stdout);
    return CLI_OK;
  }
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
      out = argv[++i];
    } else if (strcmp(argv[i], "--bare") == 0) {
      bare = true;
    } else if (argv[i][0] == '-' && argv[i][1]) {
      cli_complain("pack", "no option '%s'; see `lazuli help pack`", argv[i]);
      return CLI_MISUSED;
    } else if (in) {
      cli_complain("pack", "one file at a time; '%s' is too much", argv[i]);
      return CLI_MISUSED;
    } else {
      in = argv[i];
    }
  }
  if (!in || !out) {
    cli_complain("pack", "usage: lazuli pack [--bare] FILE -o OUT");
    return CLI_MISUSED;
  }
  char error[512];
  int failed = bare ? trace_pack(in, out, error, sizeof error)
                    : pack_with_symbols(in, out, error, sizeof error);
  if (failed) {
    cli_complain("pack", "%s", error);
    return CLI_FAILED;
  }
  struct stat before, after;
  if (stat(in, &before) == 0 && stat(out, &after) == 0)
    printf(
        "%s: %lld bytes, were %lld\n",
        out,
        (long long)after.st_size,
        (long long)before.st_size);
  return CLI_OK;
}
