/* lazuli pack: a trace compressed for keeping. */
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "trace.h"

static const char usage[] =
    "usage: lazuli pack FILE -o OUT\n"
    "\n"
    "Compresses a trace for keeping or sending. Every command reads packed\n"
    "traces as they are. FILE stays; a damaged FILE is refused.\n";

int cmd_pack(int argc, char** argv) {
  const char* in = NULL;
  const char* out = NULL;
  if (cli_wants_help(argc, argv)) {
    fputs(usage, stdout);
    return CLI_OK;
  }
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
      out = argv[++i];
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
    cli_complain("pack", "usage: lazuli pack FILE -o OUT");
    return CLI_MISUSED;
  }
  char error[512];
  if (trace_pack(in, out, error, sizeof error) != 0) {
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
