/* What the commands of `lazuli` share. */
#ifndef CLI_H
#define CLI_H

#include <stdio.h>

/* Exit statuses. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_MISUSED = 2 };

typedef int (*cli_function)(int argc, char** argv);

typedef struct cli_command {
  const char* name;
  cli_function function;
  const char* summary; /* one line */
} cli_command;

#define COMMAND(name, function, summary) int function(int argc, char** argv);
#include "commands.def"
#undef COMMAND

/* All commands, in the order of commands.def. */
const cli_command* cli_commands(unsigned* count);
/* One of them, or NULL. */
const cli_command* cli_find(const char* name);

/* Prints `lazuli <command>: <message>` as one line on stderr. */
void cli_complain(const char* command, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

/* True when an argument before "--" is -h or --help. */
int cli_wants_help(int argc, char** argv);

#endif
