#include "cli_run.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char program[PATH_MAX];
static char directory[] = "/tmp/lazuli-cli-XXXXXX";

void cli_run_begin(const char* path) {
  if (!realpath(path, program) || !mkdtemp(directory) || chdir(directory)) {
    perror(path);
    exit(1);
  }
  /* What a terminal or a user would change. */
  setenv("COLUMNS", "100", 1);
  unsetenv("NO_COLOR");
}

void cli_run_end(void) {
  char command[sizeof directory + 16];
  if (chdir("/")) return;
  snprintf(command, sizeof command, "rm -rf %s", directory);
  if (system(command)) perror(command);
}

char* cli_read(const char* path, size_t* size) {
  FILE* in = fopen(path, "rb");
  if (!in) return NULL;
  char* text = NULL;
  size_t n = 0, room = 0, got;
  do {
    if (n + 65537 > room) text = realloc(text, room = n * 2 + 65537);
    got = text ? fread(text + n, 1, 65536, in) : 0;
    n += got;
  } while (got);
  fclose(in);
  if (text) text[n] = 0;
  if (size) *size = n;
  return text;
}

void cli_write(const char* path, const void* bytes, size_t size) {
  FILE* out = fopen(path, "wb");
  if (!out || fwrite(bytes, 1, size, out) != size || fclose(out)) {
    perror(path);
    exit(1);
  }
}

cli_result cli_run(const char* arguments) {
  cli_result r = {0};
  char* words = strdup(arguments);
  char* argv[64] = {program};
  int n = 1;
  for (char* w = strtok(words, " "); w && n < 63; w = strtok(NULL, " "))
    argv[n++] = w;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    int out = open("stdout.txt", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int err = open("stderr.txt", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out, 1);
    dup2(err, 2);
    execv(program, argv);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  r.out = cli_read("stdout.txt", &r.out_size);
  r.err = cli_read("stderr.txt", NULL);
  free(words);
  return r;
}

void cli_result_free(cli_result* r) {
  free(r->out);
  free(r->err);
}
