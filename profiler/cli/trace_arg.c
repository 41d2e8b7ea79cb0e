#include "trace_arg.h"

#include "cli.h"

model* trace_arg_load(const char* command, const char* path) {
  char error[512];
  model* m = model_load(path, NULL, error, sizeof error);
  if (!m) cli_complain(command, "%s", error);
  return m;
}

int trace_arg_done(const char* command, model* m) {
  const char* damage = model_string(m, m->info.damage);
  int status = *damage ? CLI_FAILED : CLI_OK;
  if (*damage) {
    fflush(stdout);
    cli_complain(command, "%s", damage);
  }
  model_free(m);
  return status;
}
