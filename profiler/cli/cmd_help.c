#include <string.h>

#include "cli.h"

int cmd_help(int argc, char** argv) {
  if (argc >= 2 && strcmp(argv[1], "help") != 0 && argv[1][0] != '-') {
    const cli_command* command = cli_find(argv[1]);
    if (!command) {
      cli_complain("help", "no command '%s'", argv[1]);
      return CLI_MISUSED;
    }
    char help[] = "--help";
    char* args[] = {argv[1], help, NULL};
    return command->function(2, args);
  }
  puts("usage: lazuli COMMAND [ARGUMENTS]\n");
  unsigned count;
  const cli_command* commands = cli_commands(&count);
  for (unsigned i = 0; i < count; i++)
    printf("  %-10s %s\n", commands[i].name, commands[i].summary);
  puts("\n`lazuli help COMMAND` tells more about one.");
  return CLI_OK;
}
