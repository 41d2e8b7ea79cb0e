/* lazuli COMMAND ARGS…: finds the command in commands.def and hands over. */
#include <stdarg.h>
#include <string.h>

#include "cli.h"

static const cli_command commands[] = {
#define COMMAND(name, function, summary) {#name, function, summary},
#include "commands.def"
#undef COMMAND
};

const cli_command* cli_commands(unsigned* count) {
  *count = sizeof commands / sizeof *commands;
  return commands;
}

const cli_command* cli_find(const char* name) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

void cli_complain(const char* command, const char* format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "lazuli %s: ", command);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
}

int cli_wants_help(int argc, char** argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) return 1;
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    cmd_help(1, argv);
    return CLI_MISUSED;
  }
  const char* name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
  if (strcmp(name, "--version") == 0) {
    puts("lazuli " LAZULI_VERSION);
    return CLI_OK;
  }
  const cli_command* command = cli_find(name);
  if (!command) {
    fprintf(stderr, "lazuli: no command '%s'; see `lazuli help`\n", name);
    return CLI_MISUSED;
  }
  int status = command->function(argc - 1, argv + 1);
  /* A full disk or a closed pipe behind stdout must not look like success. */
  if (fflush(stdout) != 0 || ferror(stdout)) {
    if (status == CLI_OK) cli_complain(name, "cannot write to stdout");
    return status == CLI_OK ? CLI_FAILED : status;
  }
  return status;
}
