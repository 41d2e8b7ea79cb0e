/* Runs the program under test and keeps what it printed. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stddef.h>

typedef struct cli_result {
  int status; /* exit status; 128 + n after a signal */
  char* out;
  char* err;
  size_t out_size;
} cli_result;

/* Arguments as a shell would split them at blanks. The program is `lazuli`, in
 * a directory that holds the traces; see cli_run_begin(). */
cli_result cli_run(const char* arguments);
void cli_result_free(cli_result* r);

/* Makes an empty directory and goes there; `program` may be relative. */
void cli_run_begin(const char* program);
void cli_run_end(void); /* leaves and removes it */

/* A whole file; NULL where it cannot be read. Terminated by NUL. */
char* cli_read(const char* path, size_t* size);
void cli_write(const char* path, const void* bytes, size_t size);

#endif
